"""The TFDS builders by name: where a built data set lies, and building it without the `tfds`
command or TensorFlow.
"""

import contextlib
import importlib
import importlib.util
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tensorflow_datasets as tfds
from absl import logging
from etils import epath
from tqdm import tqdm

NAMES = (
  "cityscapes_panoptic_parts",
  "clothing_co_parsing",
  "pascal_panoptic_parts",
  "synthetic_panoptic_parts",
)

SUFFIX = "_dataset_builder"


def module(name: str) -> Any:
  """Imports the module of a data set, which holds its `Builder`.

  Args:
    name: one of `NAMES`, or the path of a file `<name>_dataset_builder.py`: a data set of one's
      own.

  Raises:
    ValueError: no builder of that name, or a file that is called otherwise or holds none.
    FileNotFoundError: no such file.
  """
  _make_importable()
  if name.endswith(".py"):
    return _module_in(Path(name))
  if name not in NAMES:
    raise ValueError(
      f"No data set is called {name!r}; there are {', '.join(NAMES)}, or give the path of your own *{SUFFIX}.py."
    )
  return importlib.import_module(f"jppf_jax_data.{name}.{name}{SUFFIX}")


def data_error() -> type[ValueError]:
  """Returns the class of the error that builders raise for incomplete or broken raw files."""
  _make_importable()
  return importlib.import_module("jppf_jax_data.pairs").DataError


def builder(name: str, *, data_dir: str | Path, **settings: Any) -> tfds.core.DatasetBuilder:
  """Returns the TFDS builder, for ArrayRecord files.

  Args:
    name: as in `module`, or "name/config".
    data_dir: where built data sets go.
    **settings: `config` (a name or an object) goes to the builder; what else the builder offers is
      set on it, such as `splits` and `on_example`.
  """
  config = settings.pop("config", None)
  if "/" in name and not name.endswith(".py"):
    name, config = name.split("/", 1)
  found = module(name)
  if isinstance(config, str) and hasattr(found, "SyntheticConfig"):
    config = found.SyntheticConfig.parse(config)
  if getattr(config, "name", None) in found.Builder.builder_configs:
    config = config.name  # TFDS insists that a config it knows is given by name
  with _only_errors_logged():  # TFDS warns of every config that it has not seen before
    made = found.Builder(data_dir=str(data_dir), file_format="array_record", config=config)
  for key, value in settings.items():
    if not hasattr(made, key):
      raise ValueError(f"The builder of {name} has no setting {key!r}.")
    setattr(made, key, value)
  return made


def build(
  name: str, *, data_dir: str | Path, manual_dir: str | Path | None = None, **settings: Any
) -> Path:
  """Builds a data set if it is not there yet and returns its folder, which `read.open_split` reads.

  Args:
    name: as in `module`.
    data_dir: where built data sets go.
    manual_dir: the raw files in the official layout; not needed for generated data.
    **settings: as in `builder`.

  Raises:
    DataError: the raw files are incomplete or broken; everything that is wrong is listed.
    ValueError: no `manual_dir` where one is needed.
  """
  made = builder(name, data_dir=data_dir, **settings)
  folder = Path(made.data_dir)
  if (folder / "dataset_info.json").is_file():
    return folder
  if hasattr(made, "find") and not (manual_dir and any(Path(manual_dir).glob("*"))):
    if not manual_dir:
      raise ValueError(
        f"{name} is not built yet in {data_dir}; say with manual_dir where its raw files lie."
      )
    made.find(epath.Path(manual_dir), made.splits)  # draws what is missing; TFDS would only assert
  download = tfds.download.DownloadConfig(manual_dir=str(manual_dir) if manual_dir else None)
  tfds.disable_progress_bar()  # its bars count files and shards; ours counts examples
  with tqdm(
    desc=f"building {made.name}", unit=" examples", disable=made.on_example is not None
  ) as bar:
    made.on_example = made.on_example or bar.update
    with contextlib.redirect_stdout(
      io.StringIO()
    ):  # TFDS announces a download of unknown size; there is none
      made.download_and_prepare(download_config=download)
  return folder


def folder(name: str, data_dir: str | Path) -> Path:
  """Returns the folder of the newest version of a built data set.

  Args:
    name: as in `module`, or "name/config".
    data_dir: where built data sets go.

  Raises:
    FileNotFoundError: it is not built there; says which are.
  """
  name = Path(name).stem.removesuffix(SUFFIX) if name.endswith(".py") else name
  versions = [path.parent for path in Path(data_dir, name).glob("*.*.*/dataset_info.json")]
  if not versions:
    root = Path(data_dir)
    built = sorted(
      {
        str(path.parent.parent.relative_to(root))
        for path in root.glob("**/*.*.*/dataset_info.json")
      }
    )
    raise FileNotFoundError(
      f"No built data set {name!r} in {data_dir} (there: {', '.join(built) or 'none'}). "
      f"Build it with `jppf prepare {name.split('/')[0]} --data_dir={data_dir}`."
    )
  return max(versions, key=lambda path: [int(number) for number in path.name.split(".")])


@contextlib.contextmanager
def _only_errors_logged() -> Iterator[None]:
  before = logging.get_verbosity()
  logging.set_verbosity(logging.ERROR)
  try:
    yield
  finally:
    logging.set_verbosity(before)


def _module_in(path: Path) -> Any:
  if not path.name.endswith(f"{SUFFIX}.py"):
    raise ValueError(f"{path} must be called <name>{SUFFIX}.py; TFDS names the data set after it.")
  if not path.is_file():
    raise FileNotFoundError(f"The builder {path} does not exist.")
  path = path.resolve()
  loaded = sys.modules.get(path.stem)
  if getattr(loaded, "__file__", None) != str(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    loaded = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = loaded  # TFDS looks for it there
    with (
      tfds.core.registered.skip_registration()
    ):  # found by its path, so two files may use one name
      spec.loader.exec_module(loaded)
  if not hasattr(loaded, "Builder"):
    raise ValueError(f"{path} holds no class `Builder`.")
  return loaded


def _make_importable() -> None:
  """Lets `jppf_jax_data` be imported from a checkout that is not installed, where it is the folder
  `data/`.
  """
  if importlib.util.find_spec("jppf_jax_data") is None:
    init = Path(__file__).parents[2] / "data" / "__init__.py"
    spec = importlib.util.spec_from_file_location(
      "jppf_jax_data", init, submodule_search_locations=[str(init.parent)]
    )
    package = importlib.util.module_from_spec(spec)
    sys.modules["jppf_jax_data"] = package
    spec.loader.exec_module(package)
