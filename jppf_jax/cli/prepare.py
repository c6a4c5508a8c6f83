"""`jppf prepare DATASET --data_dir=DIR --manual_dir=DIR`: checks raw files, builds the records,
draws some of them.

DATASET is a name (`jppf prepare` lists them),
"synthetic_panoptic_parts/192x384_train48_validation24_seed0" in any numbers, or the path of a
builder of your own.
"""

import functools
import warnings
from pathlib import Path

import numpy as np
import tensorflow_datasets as tfds
from absl import app, flags, logging
from etils import epath
from PIL import Image
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from jppf_jax.cli.errors import plainly
from jppf_jax.input_pipeline import datasets, read
from jppf_jax.labels.registry import load_spec
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.structs import IGNORE
from jppf_jax.visualization import render, sheet
from jppf_jax.visualization.palette import class_colors, hatch, part_colors

_MANUAL_DIR = flags.DEFINE_string("manual_dir", None, "The raw files, in the official layout.")
_DATA_DIR = flags.DEFINE_string("data_dir", "data_sets", "Where built data sets go.")
_SPLITS = flags.DEFINE_list("splits", None, "What to build; train and validation if not given.")
_LABELS = flags.DEFINE_string(
  "labels", None, "Label spec (name or YAML file); the data set's own if not given."
)

SHOWN = 12  # examples on the contact sheet
WIDTH, HEIGHT = 480, 360  # of each at most, in pixels


def main(argv: list[str]) -> None:
  if len(argv) != 2:
    raise app.UsageError(
      f"Name one data set: {', '.join(datasets.NAMES)}, or the path of your own builder."
    )
  logging.set_verbosity(logging.WARNING)  # TFDS tells every step it takes
  with plainly(
    "prepare", ValueError, FileNotFoundError
  ):  # what is wrong with the data or the flags
    prepare(
      argv[1],
      _DATA_DIR.value,
      manual_dir=_MANUAL_DIR.value,
      splits=_SPLITS.value,
      labels=_LABELS.value,
    )


def prepare(
  name: str,
  data_dir: str | Path,
  *,
  manual_dir: str | Path | None = None,
  splits: list[str] | None = None,
  labels: str | None = None,
) -> Path:
  """Checks, builds, draws; returns the contact sheet's path. What is built already is only drawn
  again.

  Args:
    name: of the data set, see the module.
    data_dir: where built data sets go.
    manual_dir: the raw files.
    splits: what to build; both if None.
    labels: the spec that every label file must obey; the builder's own if None.

  Raises:
    DataError: everything that is wrong with the raw files, in one message.
    ValueError: no `manual_dir` where one is needed, or an unknown name.
  """
  console = Console(highlight=False)
  made = datasets.builder(name, data_dir=data_dir, **({"splits": tuple(splits)} if splits else {}))
  spec = load_spec(labels or made.SPEC)
  folder = Path(made.data_dir)
  if (folder / "dataset_info.json").is_file():
    console.print(
      f"{name} is built already in {folder}; remove that folder to build it anew.", soft_wrap=True
    )
  else:
    _build(made, name, spec, data_dir, manual_dir, console)
  built = tfds.builder_from_directory(folder).info.splits
  if missing := sorted(set(splits or ()) - set(built)):
    raise ValueError(
      f"{folder} was built without {', '.join(missing)}; remove it to build it anew."
    )
  for split, info in built.items():
    console.print(f"  {split}: {info.num_examples} examples, {info.num_bytes / 1e6:.1f} MB")
  path = folder / "contact_sheet.png"
  Image.fromarray(contact_sheet(folder, spec)).save(path)
  console.print(f"records        {folder}\ncontact sheet  {path}", soft_wrap=True)
  return path


def _build(
  made: tfds.core.DatasetBuilder,
  name: str,
  spec: LabelSpec,
  data_dir: str | Path,
  manual_dir: str | Path | None,
  console: Console,
) -> None:
  """Shows what was found in the raw folders, then builds under a bar."""
  settings = {}
  if hasattr(made, "find"):
    if not manual_dir:
      raise ValueError(f"{name} is built from raw files; say with --manual_dir=DIR where they lie.")
    with warnings.catch_warnings(record=True) as shortfall:
      warnings.simplefilter("always")
      found, _ = made.find(
        epath.Path(manual_dir), made.splits
      )  # the problems come with those of the contents, below
    console.print(made.tree(epath.Path(manual_dir), made.splits), markup=False, soft_wrap=True)
    for warning in shortfall:
      console.print(f"  ! {warning.message}", markup=False, soft_wrap=True)
    total = sum(map(len, found.values()))
    settings = {"splits": made.splits, "check_uids": functools.partial(check_uids, spec)}
  else:
    total = made.builder_config.train + made.builder_config.validation
  columns = (
    TextColumn("{task.description}"),
    BarColumn(),
    MofNCompleteColumn(),
    TimeRemainingColumn(),
  )
  with Progress(*columns, console=console) as bar, warnings.catch_warnings():
    warnings.simplefilter("ignore", UserWarning)  # the shortfall, said above
    task = bar.add_task("building", total=total)
    datasets.build(
      name,
      data_dir=data_dir,
      manual_dir=manual_dir,
      on_example=lambda: bar.advance(task),
      **settings,
    )


def check_uids(spec: LabelSpec, uids: np.ndarray) -> None:
  """Raises ValueError if a label file has ids that the spec does not know; distinct ids first,
  which takes no time.
  """
  try:
    spec.decode(np.unique(uids)[None])
  except ValueError:
    spec.decode(uids)  # the same complaint, with the number of pixels


def contact_sheet(folder: Path, spec: LabelSpec, *, count: int = SHOWN) -> np.ndarray:
  """Draws examples spread over all splits: photo beside labels, and the legend of what occurs,
  uint8 [H W 3].
  """
  splits = [
    read.open_split(folder, split) for split in tfds.builder_from_directory(folder).info.splits
  ]
  everything = [(examples, index) for examples in splits for index in range(len(examples))]
  chosen = [
    everything[i]
    for i in np.linspace(0, len(everything) - 1, min(count, len(everything))).round().astype(int)
  ]
  pictures, classes, channels = {}, set(), set()
  for examples, index in chosen:
    example = examples[index]
    rows, columns = example["uids"].shape
    width = max(1, min(WIDTH, round(HEIGHT * columns / rows)))
    photo, maps = render.scaled(example["image"], spec.decode(example["uids"]), width=width)
    unknown = (maps.part == IGNORE) & (
      maps.semantic != IGNORE
    )  # parts that nobody labelled: show the class
    maps = maps._replace(part=np.where(unknown, 0, maps.part))
    pictures[example["image_id"]] = np.concatenate(
      [photo, render.overlay(photo, maps, spec, opacity=0.8)], 1
    )
    classes |= set(np.unique(maps.semantic).tolist())
    channels |= set(np.unique(maps.part).tolist())
  drawn = sheet.grid(pictures, columns=3)
  entries = {
    "Classes": {
      spec.class_names[k]: class_colors(spec)[k] for k in sorted(classes) if k < spec.num_classes
    },
    "Parts": {
      spec.part_names[p]: part_colors(spec)[p] for p in sorted(channels) if 0 < p < spec.num_parts
    },
  }
  if IGNORE in classes:
    entries["Other"] = {"void": hatch((64, 64))}
  return sheet.stack([drawn, sheet.legend(entries, width=drawn.shape[1])])


if __name__ == "__main__":
  app.run(main)
