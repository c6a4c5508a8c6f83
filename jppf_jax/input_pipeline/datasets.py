"""Finds the TFDS builders by name, and builds datasets without TensorFlow or the `tfds` command."""

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
_INFO = "*.*.*/dataset_info.json"  # in the folder of each version; TFDS writes it last


def builder_class(name: str) -> "type[DatasetBuilder]":
  """Returns the `Builder` of a dataset.

  Args:
    name: one of `NAMES`, or the path of your own `<name>_dataset_builder.py`.

  Raises:
    ValueError: no builder has that name.
    ValueError: the name of the file does not end in `_dataset_builder.py`.
    ValueError: the file has no class `Builder` that is a subclass of `DatasetBuilder`.
    FileNotFoundError: there is no such file.
  """
  return module(name).Builder


def is_generated(name: str) -> bool:
  """Returns whether a dataset is made without raw files; False if there is no builder of that name.

  Your own dataset, once it is built, may be named without the path of its builder.
  """
  known = name in NAMES or name.endswith(".py")
  return known and not builder_class(name).RAW_FILES


def module(name: str) -> ModuleType:
  """Imports the module of a dataset, which defines its `Builder`; as `builder_class`."""
  _make_importable()
  if name.endswith(".py"):
    return _module_in(Path(name))
  if name not in NAMES:
    names = ", ".join(NAMES)
    raise ValueError(
      f"No dataset is called {name!r}; there are {names}, or give the path of your own "
      f"*{SUFFIX}.py."
    )
  return importlib.import_module(f"jppf_jax_data.{name}.{name}{SUFFIX}")


def data_error() -> type[ValueError]:
  """Returns the class of the error that builders raise if raw files are missing or broken."""
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
  """Returns the builder of a dataset, which writes ArrayRecord files.

  Args:
    name: as in `builder_class`, or "name/options" for a builder that has options.
    data_dir: the folder of all built datasets.
    options: the fields of the options, if they are not in the name.
    splits: what to build; all if None.
    check_uids: raises ValueError if it refuses the uids of an example.
    on_example: called after each example.

  Raises:
    ValueError: the options are not understood, or the dataset has none.
    ValueError, FileNotFoundError: as `builder_class`.
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
  """Builds a dataset if it is not built yet; returns its folder, which `read.open_split` reads.

  Args:
    name: as in `builder`.
    data_dir: the folder of all built datasets.
    manual_dir: the raw files in the official layout; not needed for generated data.
    **settings: as in `builder`. Without `on_example`, a progress bar is shown.

  Raises:
    DataError: raw files are missing or broken; lists every problem.
    ValueError: `manual_dir` is needed and was not given.
    ValueError, FileNotFoundError: as `builder`.
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
  """Returns whether a dataset was built completely in this folder."""
  return (Path(folder) / "dataset_info.json").is_file()


def folder(name: str, data_dir: str | Path) -> Path:
  """Returns the folder of the newest version of a built dataset.

  Args:
    name: the name or the file of a builder, as in `builder`.
    data_dir: the folder of all built datasets.

  Raises:
    FileNotFoundError: the dataset is not built there; says which are.
  """
  root, asked = Path(data_dir), name
  name = Path(name).stem.removesuffix(SUFFIX) if name.endswith(".py") else name
  versions = [path.parent for path in (root / name).glob(_INFO)]
  if not versions:
    built = {str(path.parents[1].relative_to(root)) for path in root.glob(f"**/{_INFO}")}
    names = ", ".join(sorted(built)) or "none"
    builder = asked if asked.endswith(".py") else name.split("/")[0]
    raise FileNotFoundError(
      f"No built dataset {name!r} in {data_dir} (there: {names}). Build it with "
      f"`jppf prepare {builder} --data_dir={data_dir}`, and --manual_dir=DIR if it has raw files."
    )
  return max(versions, key=_version)


def _version(folder: Path) -> list[int]:
  """Returns the numbers of a version such as 1.10.0, which compare in the right order."""
  return [int(number) for number in folder.name.split(".")]


@contextlib.contextmanager
def _only_errors_logged() -> Iterator[None]:
  before = logging.get_verbosity()
  logging.set_verbosity(logging.ERROR)
  try:
    yield
  finally:
    logging.set_verbosity(before)


def _module_in(path: Path) -> ModuleType:
  """Imports your own builder from its file."""
  if not path.name.endswith(f"{SUFFIX}.py"):
    raise ValueError(f"{path} must be called <name>{SUFFIX}.py; TFDS names the dataset after it.")
  if not path.is_file():
    raise FileNotFoundError(f"The builder {path} does not exist.")
  path = path.resolve()
  loaded = sys.modules.get(path.stem)
  if loaded is None or loaded.__file__ != str(path):
    # not registered: builders are found by path, so two files may use one name
    with tfds.core.registered.skip_registration():
      loaded = _import_file(path.stem, path)
  contract = importlib.import_module("jppf_jax_data.builder").DatasetBuilder
  found = getattr(loaded, "Builder", None)
  if not (isinstance(found, type) and issubclass(found, contract)):
    raise ValueError(f"{path} has no class `Builder` that is a subclass of DatasetBuilder.")
  return loaded


def _make_importable() -> None:
  """Makes `jppf_jax_data` importable in a checkout that is not installed; it is `data/` there."""
  if importlib.util.find_spec("jppf_jax_data") is None:
    folder = Path(__file__).parents[2] / "data"
    _import_file("jppf_jax_data", folder / "__init__.py", package_folder=folder)


def _import_file(name: str, path: Path, *, package_folder: Path | None = None) -> ModuleType:
  """Imports a file as the module `name`; with `package_folder`, as a package with submodules."""
  search = None if package_folder is None else [str(package_folder)]
  spec = importlib.util.spec_from_file_location(name, path, submodule_search_locations=search)
  if spec is None or spec.loader is None:
    raise ImportError(f"{path} is no Python file.")
  loaded = importlib.util.module_from_spec(spec)
  sys.modules[name] = loaded  # TFDS looks for it there
  spec.loader.exec_module(loaded)
  return loaded
