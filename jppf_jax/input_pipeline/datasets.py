"""The TFDS builders by name: where a built data set lies, and building it without the `tfds`
command or TensorFlow.
"""

import contextlib
import importlib
import importlib.util
import io
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow_datasets as tfds
from absl import logging
from etils import epath
from tqdm import tqdm

if TYPE_CHECKING:
  from jppf_jax_data.builder import DatasetBuilder

NAMES = (
  "cityscapes_panoptic_parts",
  "clothing_co_parsing",
  "pascal_panoptic_parts",
  "synthetic_panoptic_parts",
)

SUFFIX = "_dataset_builder"


def builder_class(name: str) -> "type[DatasetBuilder]":
  """Returns the `Builder` of a dataset.

  Args:
    name: one of `NAMES`, or the path of a file `<name>_dataset_builder.py`: your own dataset.

  Raises:
    ValueError: no builder has that name.
    ValueError: the file has another name, or holds no `Builder` that satisfies the contract.
    FileNotFoundError: there is no such file.
  """
  return module(name).Builder


def module(name: str) -> ModuleType:
  """Imports the module of a dataset, which holds its `Builder`; arguments as `builder_class`."""
  _make_importable()
  if name.endswith(".py"):
    return _module_in(Path(name))
  if name not in NAMES:
    names = ", ".join(NAMES)
    raise ValueError(
      f"No dataset is called {name!r}; there are {names}, or give the path of your own *{SUFFIX}.py."
    )
  return importlib.import_module(f"jppf_jax_data.{name}.{name}{SUFFIX}")


def data_error() -> type[ValueError]:
  """Returns the class of the error that builders raise for incomplete or broken raw files."""
  _make_importable()
  return importlib.import_module("jppf_jax_data.pairs").DataError


def builder(
  name: str,
  *,
  data_dir: str | Path,
  options: Mapping[str, Any] | None = None,
  splits: Sequence[str] | None = None,
  check_uids: Callable[[np.ndarray], None] | None = None,
  on_example: Callable[[], object] | None = None,
) -> "DatasetBuilder":
  """Returns the builder of a dataset, for ArrayRecord files.

  Args:
    name: as in `builder_class`, or "name/options" for a builder that has options.
    data_dir: where built datasets go.
    options: of the builder, in place of those in the name.
    splits: what to build; all if None.
    check_uids: raises ValueError if it refuses the uids of an example.
    on_example: called after each example.
  """
  chosen: str | Mapping[str, Any] = options or ""
  if "/" in name and not name.endswith(".py"):
    name, chosen = name.split("/", 1)
  found = builder_class(name)
  config: Any = found.configured(chosen)
  if config is not None and config.name in found.builder_configs:
    config = config.name  # TFDS insists that a config it knows is given by name
  with _only_errors_logged():  # TFDS warns of every config that it has not seen before
    made = found(data_dir=str(data_dir), file_format="array_record", config=config)
  if splits is not None:
    made.splits = tuple(splits)
  made.check_uids, made.on_example = check_uids, on_example
  return made


def build(
  name: str, *, data_dir: str | Path, manual_dir: str | Path | None = None, **settings: Any
) -> Path:
  """Builds a dataset if it is not there yet and returns its folder, which `read.open_split` reads.

  Args:
    name: as in `builder`.
    data_dir: where built datasets go.
    manual_dir: the raw files in the official layout; not needed for generated data.
    **settings: as in `builder`. Without `on_example`, a progress bar is shown.

  Raises:
    DataError: the raw files are incomplete or broken; everything that is wrong is listed.
    ValueError: `manual_dir` is needed and was not given.
  """
  made = builder(name, data_dir=data_dir, **settings)
  folder = Path(made.data_dir)
  if is_built(folder):
    return folder
  if made.RAW_FILES and not manual_dir:
    raise ValueError(
      f"{name} is not built yet in {data_dir}; say with manual_dir where its raw files are."
    )
  found = made.survey(epath.Path(manual_dir) if manual_dir else None)
  raw_files = str(manual_dir) if manual_dir else None
  download = tfds.download.DownloadConfig(manual_dir=raw_files)
  tfds.disable_progress_bar()  # its bars count files and shards; ours counts examples
  total = sum(found.counts.values())
  shown_by_caller = made.on_example is not None
  with tqdm(
    desc=f"building {made.name}", total=total, unit=" examples", disable=shown_by_caller
  ) as bar:
    made.on_example = made.on_example or bar.update
    # TFDS announces a download of unknown size; there is none
    with contextlib.redirect_stdout(io.StringIO()):
      made.download_and_prepare(download_config=download)
  return folder


def is_built(folder: str | Path) -> bool:
  """Returns whether a dataset was built in this folder, to its end."""
  return (Path(folder) / "dataset_info.json").is_file()


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
  contract = importlib.import_module("jppf_jax_data.builder").DatasetBuilder
  found = getattr(loaded, "Builder", None)
  if not (isinstance(found, type) and issubclass(found, contract)):
    raise ValueError(f"{path} holds no class `Builder` that is a subclass of DatasetBuilder.")
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
