"""`jppf train --config=configs/cpp.py --workdir=runs/cpp`: trains; the same command resumes."""

from absl import app

from jppf_jax.checkpoints.store import CheckpointError
from jppf_jax.checkpoints.weights import WeightsError
from jppf_jax.cli import run_flags
from jppf_jax.cli.errors import plainly
from jppf_jax.input_pipeline import datasets
from jppf_jax.training import loop

# errors in the user's files or in the run; any other is a fault of ours
EXPECTED = (
  CheckpointError,
  WeightsError,
  loop.NonFiniteLoss,
  datasets.data_error(),
  datasets.BuildError,
  FileNotFoundError,
)


def main(argv: list[str]) -> None:
  """Trains the run, or resumes it."""
  if len(argv) > 1:
    raise app.UsageError(f"Unexpected {argv[1:]}; change values with --config.name=value.")
  config, workdir = run_flags.config_and_workdir()
  with plainly("train", *EXPECTED):
    loop.train(config, workdir)


if __name__ == "__main__":
  app.run(main)
