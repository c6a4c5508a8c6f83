"""`jppf train --config=CONFIG --workdir=DIR [--config.PATH=VALUE ...]`: trains a config; the same
command resumes.

The config says what is trained on what. Checkpoints, logs, weights and the config itself are kept
in the folder of the run.

On several hosts the same command runs on each, with --coordinator, --num_processes and
--process_id, or with --distributed where the cluster says these (SLURM, Open MPI, Cloud TPU).

Example: `jppf train --config=clothing --workdir=runs/clothing --config.data.manual_dir=photos`
"""

import sys

from absl import app, flags

from jppf_jax.cli import command, compile_cache, run_flags
from jppf_jax.cli.errors import in_data, plainly
from jppf_jax.saving import require_folder

_COORDINATOR = flags.DEFINE_string(
  "coordinator", None, "HOST:PORT: of the first of several processes (default: one process)"
)
_NUM_PROCESSES = flags.DEFINE_integer(
  "num_processes", None, "N: how many processes train together (default: 1)", lower_bound=1
)
_PROCESS_ID = flags.DEFINE_integer(
  "process_id", None, "K: which of them this is, from 0 (default: 0)", lower_bound=0
)
_DISTRIBUTED = flags.DEFINE_bool(
  "distributed", False, "the environment of the cluster says these three"
)
_DRY_RUN = flags.DEFINE_bool(
  "dry_run", False, "build, compile and time a few steps, show what a run would need, and stop"
)

FLAGS = (
  (run_flags.CONFIG, f"{run_flags.CONFIG_TEXT} (required)"),
  run_flags.CHANGES,
  (run_flags.WORKDIR, f"{run_flags.WORKDIR_TEXT} (required)"),
  _COORDINATOR,
  _NUM_PROCESSES,
  _PROCESS_ID,
  _DISTRIBUTED,
  _DRY_RUN,
  compile_cache.COMPILE_CACHE,
)


def expected() -> tuple[type[Exception], ...]:
  """Returns the errors in the user's files or in the run; any other is a fault of ours."""
  from jppf_jax.checkpoints.store import CheckpointError
  from jppf_jax.checkpoints.weights import WeightsError
  from jppf_jax.config_rules import ConfigError
  from jppf_jax.training.lock import RunInUse
  from jppf_jax.training.window import NonFiniteLoss

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
  import jax
  from rich.console import Console

  from jppf_jax.training import dry_run, hosts, loop

  several = (_COORDINATOR.value, _NUM_PROCESSES.value, _PROCESS_ID.value)
  with plainly("train", *expected()):
    if _DISTRIBUTED.value or several != (None, None, None):
      hosts.join(*several)
    if not _DRY_RUN.value:
      loop.train(config, workdir)
      return
    table = dry_run.dry_run(config, workdir)
  if jax.process_index() == 0:
    Console().print(table)


if __name__ == "__main__":
  command.run_module(sys.modules[__name__])
