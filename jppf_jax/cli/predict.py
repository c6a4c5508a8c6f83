"""`jppf predict IMAGE... [--weights=MODEL] [--out=DIR]`: panoptic parts of images of any size. No
labels are needed.

IMAGE is a file; a folder, for the images in it; a pattern in quotes, such as `'photos/**/*.jpg'`;
or a video, whose frames are predicted.

Without `--weights` or `--workdir` the best weights that come with the package are used; what they
were trained on is printed.

Example: `jppf predict photo.jpg --weights=runs/clothing --out=predictions`
"""

import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from absl import app, flags

from jppf_jax.cli import command, compile_cache, run_flags
from jppf_jax.cli.errors import plainly
from jppf_jax.cli.file_flags import OUT
from jppf_jax.leaving import Interrupted
from jppf_jax.saving import require_folder

if TYPE_CHECKING:
  from jppf_jax.build import Config
  from jppf_jax.evaluation.inputs import Inputs
  from jppf_jax.evaluation.predict import Predictor

DEFAULT_OUT = "predictions"
_EVERY = flags.DEFINE_integer("every", 1, "N: of videos, predict each N-th frame", lower_bound=1)
_NUMBERS = flags.DEFINE_bool("numbers", False, "write instance numbers into the pictures")
_SCORES = flags.DEFINE_bool("scores", False, "write the scores of instances into the pictures")
_MAX_MEGAPIXELS = flags.DEFINE_integer(
  "max_megapixels", 90, "N: refuse larger images; 90 take 9 GB of memory", lower_bound=1
)

FLAGS = (
  (OUT, f"DIR: where pictures and labels are written (default: {DEFAULT_OUT})"),
  run_flags.WEIGHTS,
  (run_flags.WORKDIR, "DIR: the folder of a run, in place of --weights (default: none)"),
  (run_flags.CONFIG, f"{run_flags.CONFIG_TEXT} (default: the config of the weights)"),
  run_flags.CHANGES,
  run_flags.SCALES,
  run_flags.FLIP,
  run_flags.WHICH,
  run_flags.PART_WORKDIR,
  run_flags.INSTANCE_WORKDIR,
  run_flags.BATCH_SIZE,
  _EVERY,
  _NUMBERS,
  _SCORES,
  _MAX_MEGAPIXELS,
  compile_cache.COMPILE_CACHE,
)


def main(argv: list[str]) -> None:
  """Predicts the images that the command line names."""
  if len(argv) < 2:
    raise app.UsageError("Needs images, e.g. `jppf predict photo.jpg`.")
  folder = Path(OUT.value or DEFAULT_OUT)
  with plainly("predict", OSError):
    require_folder(folder)
  programs = compile_cache.use()
  from jppf_jax import photos
  from jppf_jax.checkpoints.run_folder import RunError
  from jppf_jax.checkpoints.weights import WeightsError
  from jppf_jax.config_rules import ConfigError
  from jppf_jax.evaluation import inputs
  from jppf_jax.evaluation.kept import Kept
  from jppf_jax.evaluation.outputs import OutputError
  from jppf_jax.evaluation.predict import load_predictor

  with plainly("predict", ConfigError, RunError, WeightsError, OutputError, OSError):
    found = inputs.find(argv[1:])
    config, weights = config_and_weights()
    config = run_flags.tested(config)
    print(about_weights(weights), *found.notes, sep="\n", file=sys.stderr)
    kept = None if programs is None else Kept(programs, on_new=say_that_it_compiles)
    predictor = load_predictor(config, weights, kept, others=run_flags.other_networks())
    try:
      with photos.at_most(1_000_000 * _MAX_MEGAPIXELS.value):
        problems = [*found.problems, *predict(predictor, found, folder)]
    except KeyboardInterrupt:
      print(f"jppf predict: stopped; {folder}/panoptic.json lists what is done.", file=sys.stderr)
      raise Interrupted(signal.SIGINT, at_once=True) from None
  if problems:
    sys.exit("\n  ".join([_failed(len(problems)), *problems]))


def predict(predictor: "Predictor", found: "Inputs", folder: Path) -> Iterator[str]:
  """Predicts images, then videos, and prints where the results are.

  Args:
    predictor: the network with its weights.
    found: what to predict.
    folder: where the results of images go; those of a video go to a folder of its name in it.

  Yields:
    A message for each file that could not be read.
  """
  from jppf_jax.evaluation import outputs, save

  choices = save.Choices(run_flags.BATCH_SIZE.value, _NUMBERS.value, _SCORES.value)
  if found.images:
    problems = save.predict_files(predictor, found.images, folder, choices)
    yield from problems
    written = len(found.images) - len(problems)
    if written:
      print(_written("1 image" if written == 1 else f"{written} images", folder))
  folders = outputs.video_folders(folder, found.videos)
  for path, of_video in zip(found.videos, folders):
    problems = save.predict_video(predictor, path, of_video, choices, every=_EVERY.value)
    yield from problems
    if of_video.is_dir():
      print(_written(f"frames of {path}", of_video))


def _written(what: str, folder: Path) -> str:
  return (
    f"{what}: pictures in {folder}, labels in {folder}/uids, {folder}/channels, "
    f"{folder}/panoptic, segments in {folder}/segments.csv"
  )


def _failed(count: int) -> str:
  return "1 input failed:" if count == 1 else f"{count} inputs failed:"


def say_that_it_compiles() -> None:
  """Says on stderr, beside the progress bar, why it takes long."""
  from tqdm import tqdm

  text = "Compiling for photos of this shape, once: the next start takes seconds."
  tqdm.write(text, file=sys.stderr)


def config_and_weights() -> "tuple[Config, Path]":
  """Returns the config and the weights file of `--workdir`, of `--weights`, or of the package.

  `--config` replaces the config, `--config.name=value` changes one value.

  Raises:
    UsageError: there is no such config or value.
    UsageError: two models are given.
    RunError: the folder has no readable `config.json`, and `--config` is not given.
    WeightsError: there is no such model.
  """
  from jppf_jax.checkpoints import model_folder

  if run_flags.WEIGHTS.value and run_flags.WORKDIR.value:
    raise app.UsageError("Give --weights or --workdir, not both.")
  if run_flags.workdir_or_none() is not None:
    config, workdir = run_flags.run_of_workdir()
    return config, run_flags.weights_of_run(workdir)
  best, *_ = model_folder.shipped()
  return run_flags.named_model(run_flags.WEIGHTS.value or best)


def about_weights(weights: Path) -> str:
  """Returns which weights are used, and where they come from.

  Raises:
    WeightsError: the file cannot be read.
  """
  from jppf_jax.checkpoints import model_folder
  from jppf_jax.checkpoints.weights import provenance, read_about

  origin = provenance(read_about(weights))
  if not weights.is_relative_to(model_folder.PACKAGED):
    return f"Weights {weights}, {origin}"
  name = weights.parent.name
  return (
    f"Weights of the package, {name}: {origin}\n"
    f"({model_folder.shipped()[name]}). Others: --weights=MODEL"
  )


if __name__ == "__main__":
  command.run_module(sys.modules[__name__])
