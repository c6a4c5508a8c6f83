"""`jppf predict IMAGE... --out=DIR`: panoptic parts of images of any size. No labels are needed.

Without `--workdir` the small weights that come with the package are used; they were trained on
generated street scenes only.
"""

import sys
from pathlib import Path

from absl import app

from jppf_jax import build
from jppf_jax.checkpoints.run_folder import RunError
from jppf_jax.checkpoints.weights import WeightsError
from jppf_jax.cli import run_flags
from jppf_jax.cli.errors import plainly
from jppf_jax.cli.file_flags import OUT
from jppf_jax.evaluation.predict import load_predictor
from jppf_jax.evaluation.save import predict_files
from jppf_jax_configs import demo as demo_config


def main(argv: list[str]) -> None:
  """Predicts the images that the command line names."""
  paths = [Path(name) for name in argv[1:]]
  out = OUT.value
  if not paths or out is None:
    raise app.UsageError(
      "Needs images and --out=DIR, e.g. `jppf predict photo.jpg --out=predictions`."
    )
  with plainly("predict", RunError, WeightsError, FileNotFoundError):
    config, weights = config_and_weights()
    predictor = load_predictor(config, weights)
  folder = Path(out)
  problems = predict_files(predictor, paths, folder)
  written = len(paths) - len(problems)
  if written:
    labels = ", ".join(f"{folder}/{name}" for name in ("uids", "channels", "panoptic"))
    print(f"{written} images: pictures in {folder}, labels in {labels}")
  if problems:
    count = f"{len(problems)} of {len(paths)}"
    sys.exit("\n  ".join([f"{count} images could not be read:", *problems]))


def config_and_weights() -> tuple[build.Config, Path]:
  """Returns the config and the weights file of the run in `--workdir`, or those of the demo.

  `--config` replaces the config.

  Raises:
    RunError: the folder has no readable `config.json`, and `--config` is not given.
  """
  if run_flags.workdir_or_none() is None:
    config = run_flags.config_or_none() or demo_config.get_config()
    return config, build.weights_path("demo")
  config, workdir = run_flags.run_of_workdir()
  return config, workdir / build.RUN_WEIGHTS


if __name__ == "__main__":
  app.run(main)
