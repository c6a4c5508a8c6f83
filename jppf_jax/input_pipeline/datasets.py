"""The TFDS builders by name: where a built data set lies, and building it without the `tfds` command or TensorFlow."""

import importlib
import importlib.util
import sys
import warnings
from pathlib import Path
from typing import Any

import tensorflow_datasets as tfds

NAMES = (
  "cityscapes_panoptic_parts",
  "synthetic_panoptic_parts",
)


def module(name: str) -> Any:
  """Imports the builder module of a data set; it holds `Builder` and, for data on disk, `layout` and `find`.

  Raises:
    ValueError: no builder of that name.
  """
  if name not in NAMES:
    raise ValueError(f"No data set is called {name!r}; there are {', '.join(NAMES)}.")
  _make_importable()
  return importlib.import_module(f"jppf_jax_data.{name}.{name}_dataset_builder")


def build(name: str, *, data_dir: str | Path, manual_dir: str | Path | None = None, **settings: Any) -> Path:
  """Builds a data set if it is not there yet and returns its folder, which `read.open_split` reads.

  Args:
    name: one of `NAMES`.
    data_dir: where built data sets go.
    manual_dir: the raw files in the official layout; not needed for generated data.
    **settings: `config` (a name or an object) goes to the builder; `splits` builds only some splits.

  Raises:
    DataError: the raw files are incomplete or broken; everything that is wrong is listed.
  """
  splits = settings.pop("splits", None)
  builder = module(name).Builder(data_dir=str(data_dir), file_format="array_record", **settings)
  if splits:
    builder.splits = tuple(splits)
  download = tfds.download.DownloadConfig(manual_dir=str(manual_dir) if manual_dir else None)
  with warnings.catch_warnings():
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    builder.download_and_prepare(download_config=download)
  return Path(builder.data_dir)


def folder(name: str, data_dir: str | Path) -> Path:
  """Returns the folder of the newest version of a built data set; `name` may be "name/config".

  Raises:
    FileNotFoundError: it is not built there; says which are.
  """
  versions = [path.parent for path in Path(data_dir, name).glob("*.*.*/dataset_info.json")]
  if not versions:
    root = Path(data_dir)
    built = sorted({str(path.parent.parent.relative_to(root)) for path in root.glob("**/*.*.*/dataset_info.json")})
    raise FileNotFoundError(
      f"No built data set {name!r} in {data_dir} (there: {', '.join(built) or 'none'}). "
      f"Build it with `jppf prepare {name.split('/')[0]} --data_dir={data_dir}`."
    )
  return max(versions, key=lambda path: [int(number) for number in path.name.split(".")])


def _make_importable() -> None:
  """Lets `jppf_jax_data` be imported from a checkout that is not installed, where it is the folder `data/`."""
  if importlib.util.find_spec("jppf_jax_data") is None:
    init = Path(__file__).parents[2] / "data" / "__init__.py"
    spec = importlib.util.spec_from_file_location("jppf_jax_data", init, submodule_search_locations=[str(init.parent)])
    package = importlib.util.module_from_spec(spec)
    sys.modules["jppf_jax_data"] = package
    spec.loader.exec_module(package)
