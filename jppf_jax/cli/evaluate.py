"""`jppf evaluate --workdir=DIR [--weights=MODEL] [--config.PATH=VALUE ...]`: scores a run, or a
model, on its dataset.

Joint fusion and top-down merging are scored side by side, and each head before fusion. The config
is the one that the run was trained with. `--weights` names a model instead, one of the package or a
folder; its scores are written below `--workdir`, which may be a new folder.

Networks that were trained apart are scored together: `--part_workdir` and `--instance_workdir` name
runs whose heads replace those of `--workdir`. So a panoptic network and a part network are the
paper's Baseline*.

With `--oracle` a second table says where scores are lost: the truth takes the place of the classes,
the instances, the parts, and of all. With `--readings` another says what each choice that the paper
leaves open would give: the network runs once, and both fusions run with one field of
`FusionConfig` changed at a time.

Example: `jppf evaluate --workdir=runs/clothing --pictures=8`
"""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from absl import app, flags

from jppf_jax.cli import command, compile_cache, run_flags
from jppf_jax.cli.errors import in_data, plainly
from jppf_jax.cli.file_flags import SPLIT
from jppf_jax.saving import require_folder

if TYPE_CHECKING:
  from jppf_jax.build import Config

_PICTURES = flags.DEFINE_integer("pictures", 4, "N: how many images to draw", lower_bound=0)

_ORACLE = flags.DEFINE_bool(
  "oracle", False, "score both fusions with the truth in place of each head, too"
)
_READINGS = flags.DEFINE_bool(
  "readings", False, "score both fusions with each of their choices changed, one at a time, too"
)

FLAGS = (
  (run_flags.WORKDIR, f"{run_flags.WORKDIR_TEXT} (required)"),
  (
    run_flags.WEIGHTS,
    "MODEL: of the package by name, or a folder; in place of a run (default: the run's weights)",
  ),
  (run_flags.CONFIG, f"{run_flags.CONFIG_TEXT} (default: the config of the run)"),
  run_flags.CHANGES,
  run_flags.SCALES,
  run_flags.FLIP,
  run_flags.WHICH,
  run_flags.PART_WORKDIR,
  run_flags.INSTANCE_WORKDIR,
  (
    SPLIT,
    "NAME: a split of the dataset, or a part of one as in TFDS, e.g. train[:10%] "
    "(default: data.eval_split of the config)",
  ),
  _PICTURES,
  _ORACLE,
  _READINGS,
  compile_cache.COMPILE_CACHE,
)


def main(argv: list[str]) -> None:
  """Evaluates the run and prints its scores."""
  if len(argv) > 1:
    raise app.UsageError(f"Unexpected {argv[1:]}; change values with --config.name=value.")
  workdir = run_flags.workdir_or_none()
  if workdir is not None:  # the scores go there
    with plainly("evaluate", OSError):
      require_folder(workdir)
  compile_cache.use()
  from rich.console import Console

  from jppf_jax import build
  from jppf_jax.checkpoints.run_folder import RunError
  from jppf_jax.checkpoints.weights import WeightsError
  from jppf_jax.config_rules import ConfigError
  from jppf_jax.evaluation.evaluate import evaluate, results_folder, summary, variants_summary
  from jppf_jax.labels.quote import counted
  from jppf_jax.report import page
  from jppf_jax.report.rows import VARIANTS
  from jppf_jax.report.words import dataset_title, few_images

  with plainly("evaluate", ConfigError, RunError, WeightsError, *in_data(), OSError):
    config, workdir, weights = _evaluated()
    config = run_flags.tested(config)
    split = SPLIT.value or build.eval_split(config)
    others = run_flags.other_networks()
    which = run_flags.WHICH.value
    report = evaluate(
      config,
      workdir,
      split=split,
      pictures=_PICTURES.value,
      others=others,
      which=which,
      weights=weights,
      oracle=_ORACLE.value,
      readings=_READINGS.value,
    )
  console = Console()
  images = counted(report["images"], "image")
  title = f"{dataset_title(config.data.name)}, {split}: {images}, percent"
  console.print(summary(report, f"{title}\n{build.testing(config)}"))
  if few_images(report["images"]):
    console.print(few_images(report["images"]))
  for key in VARIANTS:
    if key in report:
      console.print(variants_summary(report, key))
  folder = results_folder(workdir, split, others, which=which)
  console.print(f"Scores and pictures: {folder}/", soft_wrap=True)
  if (folder / page.PAGE).is_file():
    console.print(f"Open in a browser: {folder / page.PAGE}", soft_wrap=True)
    print(f"next: {shlex.join(_prediction(workdir))}")  # on one line, however long


def _prediction(workdir: "Path") -> list[str]:
  """Returns the command that predicts a photo with what was evaluated, as words."""
  if run_flags.WEIGHTS.value is not None:
    return ["jppf", "predict", "PHOTO", f"--weights={run_flags.WEIGHTS.value}"]
  words = ["jppf", "predict", "PHOTO", f"--workdir={workdir}"]
  if run_flags.WHICH.value != run_flags.WHICH.default:
    words.append(f"--which={run_flags.WHICH.value}")
  others = (run_flags.PART_WORKDIR, run_flags.INSTANCE_WORKDIR)
  return words + [f"--{flag.name}={flag.value}" for flag in others if flag.value is not None]


def _evaluated() -> "tuple[Config, Path, Path | None]":
  """Returns the config, the folder for the scores, and the weights if they are not the folder's.

  Raises:
    UsageError: `--workdir` is not given, or as `run_flags.config_or`.
    FileExistsError: a model is named, and the folder is that of a run.
    RunError: there is no readable config.
    WeightsError: there is no such model.
  """
  if run_flags.WEIGHTS.value is None:
    return *run_flags.run_of_workdir(), None
  from jppf_jax.checkpoints import model_folder

  workdir = run_flags.workdir_or_none()
  if workdir is None:
    raise app.UsageError("Needs --workdir=DIR, where the scores are written.")
  model_folder.require_no_run(workdir)
  config, weights = run_flags.named_model(run_flags.WEIGHTS.value)
  return config, workdir, weights


if __name__ == "__main__":
  command.run_module(sys.modules[__name__])
