"""`jppf train --config=CONFIG --workdir=DIR [--config.PATH=VALUE ...]`: trains a config; the same
command resumes.

The config says what is trained on what. Checkpoints, logs, weights and the config itself are kept
in the folder of the run.

Example: `jppf train --config=clothing --workdir=runs/clothing --config.data.manual_dir=photos`
"""

import sys

from absl import app

from jppf_jax.cli import command, compile_cache, run_flags
from jppf_jax.cli.errors import in_data, plainly
from jppf_jax.saving import require_folder

FLAGS = (
  (run_flags.CONFIG, f"{run_flags.CONFIG_TEXT} (required)"),
  run_flags.CHANGES,
  (run_flags.WORKDIR, f"{run_flags.WORKDIR_TEXT} (required)"),
  compile_cache.COMPILE_CACHE,
)


def expected() -> tuple[type[Exception], ...]:
  """Returns the errors in the user's files or in the run; any other is a fault of ours."""
  from jppf_jax.checkpoints.store import CheckpointError
  from jppf_jax.checkpoints.weights import WeightsError
  from jppf_jax.config_rules import ConfigError
  from jppf_jax.training.lock import RunInUse
  from jppf_jax.training.loop import NonFiniteLoss

  in_run = (RunInUse, CheckpointError, WeightsError, NonFiniteLoss)
  return ConfigError, *in_run, *in_data(), OSError


def main(argv: list[str]) -> None:
  """Trains the run, or resumes it."""
  if len(argv) > 1:
    raise app.UsageError(f"Unexpected {argv[1:]}; change values with --config.name=value.")
  config, workdir = run_flags.config_and_workdir()
  with plainly("train", OSError):
    require_folder(workdir)
  compile_cache.use()
  from jppf_jax.training import loop

  with plainly("train", *expected()):
    loop.train(config, workdir)


if __name__ == "__main__":
  command.run_module(sys.modules[__name__])
