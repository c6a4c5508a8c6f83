"""`jppf demo`: the whole path on generated street scenes, with nothing downloaded; running it again
resumes.

Scenes in the official Cityscapes Panoptic Parts layout -> TFDS data set -> training -> PartPQ of
joint fusion and of top-down merging on scenes that were not trained on -> pictures. Everything lies
under `--workdir`.
"""

import json
import time
import warnings
from pathlib import Path

import ml_collections
from absl import app, flags
from rich.console import Console
from rich.table import Table

from jppf_jax.cli import run_flags
from jppf_jax.cli.errors import plainly
from jppf_jax.cli.train import EXPECTED
from jppf_jax.evaluation.evaluate import evaluate, summary
from jppf_jax.saving import write_text
from jppf_jax.street_scenes.write import write_cpp
from jppf_jax.training import loop
from jppf_jax_configs import demo as demo_config

_FROM_SCRATCH = flags.DEFINE_bool(
  "from-scratch", False, "Train without the weights that come with the package: longer."
)

PICTURES = 4


def configure(workdir: Path, *, from_scratch: bool) -> ml_collections.ConfigDict:
  """Returns the demo's config, with its data under `workdir`."""
  config = demo_config.get_config().unlock()
  config.data.manual_dir, config.data.data_dir = str(workdir / "scenes"), str(workdir / "data_sets")
  if from_scratch:
    config.model.pretrained = ""
    config.phases.main.update(config.from_scratch)
  return config.lock()


def run(workdir: Path, config: ml_collections.ConfigDict) -> dict:
  """Runs all stages that are not done yet; returns the report of `evaluate` with the seconds of
  each stage.
  """
  seconds = {}

  def stage(name: str, work):
    start = time.monotonic()
    result = work()
    seconds[name] = round(time.monotonic() - start, 1)
    return result

  scenes = config.data.synthetic
  counts = {"train": scenes.train, "val": scenes.validation}
  stage(
    "scenes",
    lambda: write_cpp(
      workdir / "scenes", split_counts=counts, size=tuple(scenes.size), seed=scenes.seed
    ),
  )
  with warnings.catch_warnings():
    warnings.filterwarnings("ignore", message=".*fewer examples than the official release")
    stage("training", lambda: loop.train(config, workdir))
  report = stage("evaluation", lambda: evaluate(config, workdir, pictures=PICTURES))
  report["seconds"] = seconds
  write_text(workdir / "results.json", json.dumps(report, indent=1))
  return report


def main(argv: list[str]) -> None:
  if len(argv) > 1:
    raise app.UsageError(f"Unexpected {argv[1:]}; `jppf demo` takes flags only.")
  workdir = run_flags.workdir_or_none() or Path("runs/demo").resolve()
  config = configure(workdir, from_scratch=_FROM_SCRATCH.value)
  with plainly("demo", *EXPECTED):
    report = run(workdir, config)
  console = Console()
  console.print(
    summary(
      report, f"{report['joint']['images']} generated scenes that were not trained on, percent"
    )
  )
  stages = Table(title="seconds per stage")
  for name in report["seconds"]:
    stages.add_column(name, justify="right")
  stages.add_row(*(f"{value:.0f}" for value in report["seconds"].values()))
  console.print(stages)
  console.print("Pictures:")
  for path in sorted((workdir / "evaluation" / config.data.eval_split).glob("*.png")):
    console.print(f"  {path}", soft_wrap=True)
  console.print(f"All figures: {workdir / 'results.json'}", soft_wrap=True)


if __name__ == "__main__":
  app.run(main)
