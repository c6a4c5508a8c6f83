"""`jppf prepare DATASET --data_dir=DIR --manual_dir=DIR`: checks raw files, builds the records,
draws some of them.

DATASET is a name (`jppf prepare` lists them), or a name with options such as
"synthetic_panoptic_parts/192x384_train48_validation24_seed0", or the path of your own builder.

Example: `jppf prepare cityscapes_panoptic_parts --manual_dir=cityscapes --data_dir=data_sets`
"""

import contextlib
import shlex
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from absl import app, flags
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from jppf_jax.cli import command
from jppf_jax.cli.errors import plainly
from jppf_jax.names import BUILDER, OWN_CONFIG

if TYPE_CHECKING:
  from jppf_jax.labels.spec import LabelSpec
  from jppf_jax_data.builder import DatasetBuilder, Survey

_MANUAL_DIR = flags.DEFINE_string(
  "manual_dir", None, "DIR: the raw files, in the official layout (required if there are any)"
)
_DATA_DIR = flags.DEFINE_string("data_dir", "data_sets", "DIR: where built datasets go")
_SPLITS = flags.DEFINE_list("splits", None, "A,B: what to build (default: train,validation)")
_REBUILD = flags.DEFINE_bool(
  "rebuild", False, "build anew; the former build stays until the new one is complete"
)
_LABELS = flags.DEFINE_string(
  "labels", None, "SPEC: what ids mean, name or FILE.yaml (default: as the dataset says)"
)

FLAGS = (_MANUAL_DIR, _DATA_DIR, _SPLITS, _LABELS, _REBUILD)


def main(argv: list[str]) -> None:
  """Prepares the dataset that the command line names."""
  from jppf_jax.input_pipeline import datasets

  if len(argv) != 2:
    names = ", ".join(datasets.NAMES)
    raise app.UsageError(f"Name one dataset: {names}, or the path of your own builder.")
  with plainly("prepare", ValueError, OSError):  # errors in the data, the flags, the disk
    prepare(
      argv[1],
      _DATA_DIR.value,
      manual_dir=_MANUAL_DIR.value,
      splits=_SPLITS.value,
      labels=_LABELS.value,
      rebuild=_REBUILD.value,
    )
  command_line = training_of(Path(argv[1]), _DATA_DIR.value)
  if command_line:
    print(f"next: {shlex.join(command_line)}")


def training_of(builder: Path, data_dir: str) -> list[str]:
  """Returns the command that trains the config beside your own builder, as `jppf init` names both.

  Args:
    builder: its file.
    data_dir: where the dataset was built.

  Returns:
    Words; none if there is no such config.
  """
  name = builder.name.removesuffix(f"{BUILDER}.py")
  config = builder.with_name(f"{name}{OWN_CONFIG}.py")
  if name == builder.name or not config.is_file():
    return []
  words = ["jppf", "train", f"--config={config}", f"--workdir=runs/{name}"]
  is_elsewhere = data_dir != _DATA_DIR.default
  return [*words, f"--config.data.data_dir={data_dir}"] if is_elsewhere else words


def prepare(
  name: str,
  data_dir: str | Path,
  *,
  manual_dir: str | Path | None = None,
  splits: list[str] | None = None,
  labels: str | None = None,
  rebuild: bool = False,
) -> Path:
  """Checks and builds a dataset, and draws its contact sheet.

  A dataset that is built already is only drawn, if its raw files are still the same.

  Args:
    name: of the dataset, see the module.
    data_dir: where built datasets go.
    manual_dir: the raw files in the official layout.
    splits: what to build; all if None.
    labels: the spec that each label file must satisfy; the builder's own if None.
    rebuild: whether to build it anew if it is built already.

  Returns:
    The path of the contact sheet.

  Raises:
    DataError: the raw files are incomplete or broken; everything that is wrong is listed.
    BuildError: `manual_dir` is needed and was not given.
    BuildError: it is built already, from other files than are in `manual_dir`.
    ValueError: there is no dataset of that name, or it has no such split.
  """
  from etils import epath

  from jppf_jax.input_pipeline import building, datasets, taxonomy
  from jppf_jax.labels.registry import load_spec

  console = Console(highlight=False)
  made = datasets.builder(name, data_dir=data_dir, splits=splits)
  spec = load_spec(labels or made.SPEC)
  folder = Path(made.data_dir)
  if building.is_built(folder) and not rebuild:
    console.print(f"{name} is built already in {folder}.", soft_wrap=True)
    _compare(made, manual_dir, console)
  else:
    root = epath.Path(manual_dir).expanduser() if manual_dir else None
    found = made.survey(root)
    show_survey(found, console)
    made.check_uids = spec.check_uids
    with _bar(console, sum(found.counts.values())) as advance:
      made.on_example = advance
      building.build(made, manual_dir=manual_dir, rebuild=rebuild)
  taxonomy.record(folder, made.SPEC or str(labels))
  path = draw_built(folder, spec, splits or (), console)
  console.print(f"records        {folder}\ncontact sheet  {path}", soft_wrap=True)
  return path


def _compare(made: "DatasetBuilder", manual_dir: str | Path | None, console: Console) -> None:
  """Says how a built dataset differs from its raw files; an error if the user named them."""
  from jppf_jax.input_pipeline import building, freshness

  raw_files = Path(manual_dir).expanduser() if manual_dir else None
  state = freshness.compare(Path(made.data_dir), raw_files, made=made)
  if manual_dir and state.difference:
    raise building.BuildError(state.message)
  if state.message:
    console.print(f"  ! {state.message}", markup=False, soft_wrap=True)


def show_survey(found: "Survey", console: Console) -> None:
  """Prints the folders that were searched, what is missing, and what is left out."""
  if found.found:
    console.print(found.found, markup=False, soft_wrap=True)
  for remark in (found.shortfall, found.left_out):
    if remark:
      console.print(f"  ! {remark}", markup=False, soft_wrap=True)


@contextlib.contextmanager
def _bar(console: Console, total: int) -> Iterator[Callable[[], None]]:
  """Shows a progress bar; yields the function that advances it by one example."""
  columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
  with Progress(*columns, TimeRemainingColumn(), console=console) as bar:
    task = bar.add_task("building", total=total)
    with warnings.catch_warnings():
      warnings.simplefilter("ignore", UserWarning)  # of the survey, printed already
      yield lambda: bar.advance(task)


def draw_built(folder: Path, spec: "LabelSpec", wanted: Sequence[str], console: Console) -> Path:
  """Prints the size of each split, and writes the contact sheet.

  Args:
    folder: of the built dataset.
    spec: what its uids mean.
    wanted: splits that it must have.
    console: where to print.

  Returns:
    The path of the contact sheet.

  Raises:
    ValueError: a wanted split was not built.
  """
  from jppf_jax.evaluation.save import save_picture
  from jppf_jax.input_pipeline import read
  from jppf_jax.visualization.contact_sheet import contact_sheet

  built = read.open_builder(folder).info.splits
  if missing := sorted(set(wanted) - set(built)):
    names = ", ".join(missing)
    raise ValueError(f"{folder} was built without {names}; --rebuild builds it anew.")
  for split, info in built.items():
    megabytes = info.num_bytes / 1e6
    console.print(f"  {split}: {info.num_examples} examples, {megabytes:.1f} MB")
  splits = [read.open_split(folder, split) for split in built]
  path = folder / "contact_sheet.png"
  save_picture(path, contact_sheet(splits, spec))
  return path


if __name__ == "__main__":
  command.run_module(sys.modules[__name__])
