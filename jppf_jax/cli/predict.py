"""`jppf predict IMAGE... --out=DIR [--workdir=DIR]`: panoptic parts of images of any size. No
labels are needed.

Without `--workdir` the small weights that come with the package are used; they were trained on
generated street scenes only.

Example: `jppf predict photo.jpg --workdir=runs/clothing --out=predictions`
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from absl import app, flags

from jppf_jax.cli import command, compile_cache, run_flags
from jppf_jax.cli.errors import plainly
from jppf_jax.cli.file_flags import OUT
from jppf_jax.saving import require_folder
from jppf_jax_configs import demo as demo_config

if TYPE_CHECKING:
  from jppf_jax.build import Config

_INTERRUPTED = 130  # exit status after Ctrl-C, as shells have it
_NUMBERS = flags.DEFINE_bool("numbers", False, "write instance numbers into the pictures")
_SCORES = flags.DEFINE_bool("scores", False, "write the scores of instances into the pictures")
_MAX_MEGAPIXELS = flags.DEFINE_integer(
  "max_megapixels", 90, "N: refuse larger images; 90 take 9 GB of memory", lower_bound=1
)

FLAGS = (
  (OUT, "DIR: where pictures and labels are written (required)"),
  (run_flags.WORKDIR, "DIR: the folder of a run (default: the weights of the package)"),
  (run_flags.CONFIG, f"{run_flags.CONFIG_TEXT} (default: the config of the run)"),
  run_flags.CHANGES,
  _NUMBERS,
  _SCORES,
  _MAX_MEGAPIXELS,
  compile_cache.COMPILE_CACHE,
)


def main(argv: list[str]) -> None:
  """Predicts the images that the command line names."""
  paths = [Path(name) for name in argv[1:]]
  if not paths or OUT.value is None:
    raise app.UsageError(
      "Needs images and --out=DIR, e.g. `jppf predict photo.jpg --out=predictions`."
    )
  folder = Path(OUT.value)
  with plainly("predict", OSError):
    require_folder(folder)
  compile_cache.use()
  from jppf_jax import photos
  from jppf_jax.checkpoints.run_folder import RunError
  from jppf_jax.checkpoints.weights import WeightsError
  from jppf_jax.config_rules import ConfigError
  from jppf_jax.evaluation.outputs import OutputError
  from jppf_jax.evaluation.predict import load_predictor
  from jppf_jax.evaluation.save import predict_files

  with plainly("predict", ConfigError, RunError, WeightsError, OutputError, OSError):
    config, weights = config_and_weights()
    print(about_weights(weights), file=sys.stderr)
    predictor = load_predictor(config, weights)
    try:
      with photos.at_most(1_000_000 * _MAX_MEGAPIXELS.value):
        problems = predict_files(
          predictor, paths, folder, numbers=_NUMBERS.value, scores=_SCORES.value
        )
    except KeyboardInterrupt:
      print(f"jppf predict: stopped; {folder}/panoptic.json lists what is done.", file=sys.stderr)
      sys.exit(_INTERRUPTED)
  written = len(paths) - len(problems)
  if written:
    labels = ", ".join(f"{folder}/{name}" for name in ("uids", "channels", "panoptic"))
    count = "1 image" if written == 1 else f"{written} images"
    print(f"{count}: pictures in {folder}, labels in {labels}")
  if problems:
    count = f"{len(problems)} of {len(paths)}"
    sys.exit("\n  ".join([f"{count} images could not be read:", *problems]))


def config_and_weights() -> "tuple[Config, Path]":
  """Returns the config and the weights file of the run in `--workdir`, or those of the demo.

  `--config` replaces the config, `--config.name=value` changes one value.

  Raises:
    UsageError: there is no such config or value.
    RunError: the folder has no readable `config.json`, and `--config` is not given.
  """
  from jppf_jax import build

  if run_flags.workdir_or_none() is None:
    return run_flags.config_or(demo_config.get_config), build.weights_path("demo")
  config, workdir = run_flags.run_of_workdir()
  return config, workdir / build.RUN_WEIGHTS


def about_weights(weights: Path) -> str:
  """Returns which weights are used, and where they come from.

  Raises:
    WeightsError: the file cannot be read.
  """
  from jppf_jax import build
  from jppf_jax.checkpoints.weights import provenance, read_about

  origin = provenance(read_about(weights))
  if weights == build.weights_path("demo"):
    return (
      f"Small weights of the package, {origin}:\n"
      "generated street scenes, no photos. Those of a run: --workdir=DIR"
    )
  return f"Weights {weights}, {origin}"


if __name__ == "__main__":
  command.run_module(sys.modules[__name__])
