"""Finds the TFDS builders by name, and builds datasets without TensorFlow or the `tfds` command."""

import difflib
import importlib
import importlib.util
import inspect
import re
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow_datasets as tfds
from etils import epath
from google.protobuf import json_format

from jppf_jax.input_pipeline import building, built_from, freshness
from jppf_jax.input_pipeline.building import BuildError
from jppf_jax.names import BUILDER

if TYPE_CHECKING:
  from jppf_jax_data.builder import DatasetBuilder

NAMES = (
  "cityscapes",
  "cityscapes_panoptic_parts",
  "clothing_co_parsing",
  "pascal_panoptic_parts",
  "synthetic_panoptic_parts",
)

_INFO = f"*.*.*/{building.INFO}"  # in the folder of each version

_own_modules: dict[tuple[Path, str], ModuleType] = {}  # file and SHA-256 of your own builders


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


def has_builder(name: str) -> bool:
  """Returns whether a name leads to a builder: of the package, or the file of your own.

  Your own dataset, once it is built, may be named without the path of its builder.
  """
  return name in NAMES or name.endswith(".py")


def is_generated(name: str) -> bool:
  """Returns whether a dataset is made without raw files; False if the name has no builder."""
  return has_builder(name) and not builder_class(name).RAW_FILES


def module(name: str) -> ModuleType:
  """Imports the module of a dataset, which defines its `Builder`; as `builder_class`."""
  _make_importable()
  if name.endswith(".py"):
    return _module_in(Path(name))
  if name not in NAMES:
    names = ", ".join(NAMES)
    raise BuildError(
      f"No dataset is called {name!r}{_did_you_mean(name)}; there are {names}, or give the path of "
      f"your own *{BUILDER}.py."
    )
  return importlib.import_module(f"jppf_jax_data.{name}.{name}{BUILDER}")


def _did_you_mean(name: str) -> str:
  """Returns the nearest names as a question; "" if none is near."""
  asked = name.lower().replace("-", "_")
  near = [known for known in NAMES if asked and known.startswith(asked)]
  near += [known for known in NAMES if asked == "".join(word[0] for word in known.split("_"))]
  near += difflib.get_close_matches(asked, NAMES, n=2)
  near += map(str, Path().glob(f"{name.split('/')[0]}{BUILDER}.py"))
  return f" (did you mean {' or '.join(dict.fromkeys(near))}?)" if near else ""


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
    ValueError: there is no such split.
    BuildError: what is built in `data_dir` is damaged.
    ValueError, FileNotFoundError: as `builder_class`.
  """
  chosen: str | Mapping[str, Any] = options or ""
  if "/" in name and not name.endswith(".py"):
    name, chosen = name.split("/", 1)
  found = builder_class(name)
  config: Any = found.configured(chosen)
  if config is not None and config.name in found.builder_configs:
    config = config.name  # TFDS insists that a config it knows is given by name
  try:
    with building.only_errors_logged():
      made = found(data_dir=str(data_dir), file_format="array_record", config=config)
  except json_format.ParseError as error:
    raise BuildError(f"What is built of {name} in {data_dir} is damaged; remove it.") from error
  if splits is not None:
    importlib.import_module("jppf_jax_data.builder").check_splits(made.name, splits)
    made.splits = tuple(splits)
  made.check_uids, made.on_example = check_uids, on_example
  return made


def build(
  name: str,
  *,
  data_dir: str | Path,
  manual_dir: str | Path | None = None,
  rebuild: bool = False,
  **settings: Any,
) -> Path:
  """Builds a dataset if it is not built yet; returns its folder, which `read.open_split` reads.

  If it was built from other files than there are now, a `StaleWarning` says so. If another process
  builds it, this one waits.

  Args:
    name: as in `builder`.
    data_dir: the folder of all built datasets.
    manual_dir: the raw files in the official layout; not needed for generated data.
    rebuild: whether to build it anew; the former build stays until the new one is complete.
    **settings: as in `builder`. Without `on_example`, a progress bar is shown.

  Raises:
    DataError, BuildError: as `building.build`.
    ValueError, FileNotFoundError: as `builder`.
  """
  made = builder(name, data_dir=data_dir, **settings)
  return building.build(made, manual_dir=manual_dir, rebuild=rebuild)


def warn_if_stale(name: str, folder: Path, data_dir: str | Path) -> None:
  """Warns if a built dataset was built from other files than there are now.

  Args:
    name: the name or the file of a builder; or of your own dataset, whose new files are not
      noticed without its builder.
    folder: of the built dataset.
    data_dir: the folder of all built datasets.
  """
  known = name.endswith(".py") or name.split("/")[0] in NAMES
  made = builder(name, data_dir=data_dir) if known else None
  freshness.warn(freshness.compare(folder, None, made=made), asked=False)


def folder(name: str, data_dir: str | Path) -> Path:
  """Returns the folder of the newest version of a built dataset.

  Args:
    name: the name or the file of a builder, as in `builder`.
    data_dir: the folder of all built datasets.

  Raises:
    FileNotFoundError: the dataset is not built there; says which are.
  """
  root, asked = Path(data_dir), name
  name = Path(name).stem.removesuffix(BUILDER) if name.endswith(".py") else name
  versions = _built_below(root, name)
  if not versions:
    built = {str(folder.parent.relative_to(root)) for folder in _built_below(root, "**")}
    names = ", ".join(sorted(built)) or "none"
    builder = asked if asked.endswith(".py") else name
    command = shlex.join(["jppf", "prepare", builder, f"--data_dir={data_dir}"])
    raise FileNotFoundError(
      f"No built dataset {name!r} in {data_dir} (there: {names}). Build it with "
      f"`{command}`, and --manual_dir=DIR if it has raw files."
    )
  return max(versions, key=_version)


def _version(folder: Path) -> list[int]:
  """Returns the numbers of a version such as 1.10.0, which compare in the right order."""
  return [int(number) for number in folder.name.split(".")]


def _built_below(root: Path, pattern: str) -> list[Path]:
  """Returns the folders of complete versions."""
  found = [path.parent for path in root.glob(f"{pattern}/{_INFO}")]
  return [folder for folder in found if re.fullmatch(r"[\d.]+", folder.name)]


def _module_in(path: Path) -> ModuleType:
  """Imports your own builder from its file; again if its content has changed."""
  if not path.name.endswith(f"{BUILDER}.py"):
    raise BuildError(f"{path} must be called <name>{BUILDER}.py; TFDS names the dataset after it.")
  if not path.is_file():
    others = sorted(file.name for file in path.parent.glob(f"*{BUILDER}.py"))
    there = f" There: {', '.join(others)}." if others else ""
    raise FileNotFoundError(f"The builder {path} does not exist.{there}")
  path = path.resolve()
  digest = built_from.digest(path)
  if (path, digest) not in _own_modules:
    # not registered: builders are found by path, so two files may use one name
    with tfds.core.registered.skip_registration():
      loaded = _run_file(path.stem, path)
    contract = importlib.import_module("jppf_jax_data.builder").DatasetBuilder
    found: Any = getattr(loaded, "Builder", None)
    is_builder = inspect.isclass(found) and issubclass(found, contract)
    if not is_builder:
      raise BuildError(f"{path} has no class `Builder` that is a subclass of DatasetBuilder.")
    found.source_file, found.source_digest = path, digest
    found.pkg_dir_path = epath.Path(path.parent)  # else TFDS asks the module of that name
    _own_modules[path, digest] = loaded
  sys.modules[path.stem] = _own_modules[path, digest]  # another file may have had the name
  return _own_modules[path, digest]


def _run_file(name: str, path: Path) -> ModuleType:
  """Returns the module `name` of a file as it is now; compiled files lag behind by a second."""
  loaded = ModuleType(name)
  loaded.__file__ = str(path)
  before = sys.modules.get(name)
  sys.modules[name] = loaded  # TFDS looks for it there
  try:
    exec(compile(path.read_bytes(), path, "exec"), loaded.__dict__)
  except BaseException:
    sys.modules.pop(name)
    if before is not None:
      sys.modules[name] = before
    raise
  return loaded


def _make_importable() -> None:
  """Makes `jppf_jax_data` importable in a checkout that is not installed; it is `data/` there."""
  if importlib.util.find_spec("jppf_jax_data") is not None:
    return
  name, folder = "jppf_jax_data", Path(__file__).parents[2] / "data"
  spec = importlib.util.spec_from_file_location(
    name, folder / "__init__.py", submodule_search_locations=[str(folder)]
  )
  if spec is None or spec.loader is None:
    raise ImportError(f"{folder} is no Python package.")
  package = importlib.util.module_from_spec(spec)
  sys.modules[name] = package
  spec.loader.exec_module(package)
