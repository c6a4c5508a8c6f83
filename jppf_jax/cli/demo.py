"""`jppf demo`: the whole path on generated street scenes; nothing is downloaded, and the same
command resumes.

Scenes in the official Cityscapes Panoptic Parts layout -> TFDS dataset -> training -> PartPQ of
joint fusion and of top-down merging on scenes that were not trained on -> pictures. Then the
shipped model for people and their clothes answers for a photo that comes with scikit-image. All
files are written under `--workdir`.

Example: `jppf demo --workdir=runs/demo`
"""

import contextlib
import json
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from absl import app, flags

from jppf_jax.cli import command, compile_cache, run_flags
from jppf_jax.cli.errors import plainly
from jppf_jax.cli.train import expected
from jppf_jax.saving import require_folder
from jppf_jax_configs import demo as demo_config

if TYPE_CHECKING:
  from jppf_jax.build import Config

_FROM_SCRATCH = flags.DEFINE_bool(
  "from-scratch", False, "train without the weights that come with the package: longer"
)

FLAGS = (
  (run_flags.WORKDIR, "DIR: where everything is written (default: runs/demo)"),
  _FROM_SCRATCH,
  compile_cache.COMPILE_CACHE,
)

PICTURES = 4
PHOTO = "astronaut"  # of scikit-image: Eileen Collins; NASA, public domain
PHOTO_MODEL = "clothing"


def configure(workdir: Path, *, from_scratch: bool) -> "Config":
  """Returns the demo's config, with its data under `workdir`.

  Args:
    workdir: the folder of the run.
    from_scratch: train without the weights that come with the package, and longer.
  """
  config = demo_config.get_config().unlock()
  config.data.manual_dir = str(workdir / "scenes")
  config.data.data_dir = str(workdir / "data_sets")
  if from_scratch:
    config.model.pretrained = ""
    config.phases.main.update(config.from_scratch)
  return config.lock()


def run(workdir: Path, config: "Config") -> dict[str, Any]:
  """Runs all stages that are not done yet, and writes the report to `results.json`.

  Args:
    workdir: the folder of the run.
    config: of the run, from `configure`.

  Returns:
    The report of `evaluate`, with the seconds of each stage.
  """
  from jppf_jax.evaluation.evaluate import evaluate
  from jppf_jax.saving import write_text
  from jppf_jax.street_scenes.write import write_cpp
  from jppf_jax.training import loop

  seconds: dict[str, float] = {}
  scenes = config.data.synthetic
  counts = {"train": scenes.train, "val": scenes.validation}
  size = tuple(scenes.size)
  with _timed("scenes", seconds):
    write_cpp(workdir / "scenes", split_counts=counts, size=size, seed=scenes.seed)
  with warnings.catch_warnings(), _timed("training", seconds):
    warnings.filterwarnings("ignore", message=".*fewer examples than the official release")
    loop.train(config, workdir)
  with _timed("evaluation", seconds):
    report = evaluate(config, workdir, pictures=PICTURES)
  with _timed("photo", seconds):
    answer_photo(workdir)
  report["seconds"] = seconds
  write_text(workdir / "results.json", json.dumps(report, indent=1))
  return report


def answer_photo(workdir: Path) -> Path:
  """Writes into `photo` what the shipped model says of the photo; returns the picture."""
  import skimage.data

  from jppf_jax.pretrained import from_pretrained

  parts = from_pretrained(PHOTO_MODEL)(getattr(skimage.data, PHOTO)())
  parts.save(workdir / "photo", name=PHOTO)
  return picture_of_photo(workdir)


def picture_of_photo(workdir: Path) -> Path:
  """Returns where the picture of the photo lies."""
  return workdir / "photo" / f"{PHOTO}.png"


@contextlib.contextmanager
def _timed(stage: str, seconds: dict[str, float]) -> Iterator[None]:
  """Stores how long the block takes under the name of the stage."""
  start = time.monotonic()
  yield
  seconds[stage] = round(time.monotonic() - start, 1)


def main(argv: list[str]) -> None:
  """Runs the demo and prints its scores, the seconds of each stage, and where the pictures are."""
  if len(argv) > 1:
    raise app.UsageError(f"Unexpected {argv[1:]}; `jppf demo` takes flags only.")
  workdir = run_flags.workdir_or_none() or Path("runs/demo").resolve()
  config = configure(workdir, from_scratch=_FROM_SCRATCH.value)
  with plainly("demo", OSError):
    require_folder(workdir)
  compile_cache.use()
  with plainly("demo", *expected()):
    report = run(workdir, config)
  show(report, workdir / "evaluation" / config.data.eval_split)
  print(f"A photo, by the shipped model {PHOTO_MODEL!r}: {picture_of_photo(workdir)}")
  print(f"All figures: {workdir / 'results.json'}")


def show(report: dict[str, Any], pictures: Path) -> None:
  """Prints the scores, the seconds of each stage, and the paths of the pictures and the page."""
  from rich.console import Console
  from rich.table import Table

  from jppf_jax.evaluation.evaluate import summary
  from jppf_jax.report import page

  images, seconds = report["images"], report["seconds"]
  console = Console()
  console.print(summary(report, f"{images} generated scenes that were not trained on, percent"))
  stages = Table(title="seconds per stage")
  for name in seconds:
    stages.add_column(name, justify="right")
  stages.add_row(*[f"{value:.0f}" for value in seconds.values()])
  console.print(stages)
  console.print("Pictures:")
  for path in sorted(pictures.glob("*.png")):
    console.print(f"  {path}", soft_wrap=True)
  console.print(f"Open in a browser: {pictures / page.PAGE}", soft_wrap=True)


if __name__ == "__main__":
  command.run_module(sys.modules[__name__])
