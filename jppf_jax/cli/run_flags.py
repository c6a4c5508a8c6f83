"""The flags that the verbs about runs share; absl allows one definition of each."""

from pathlib import Path

from absl import app, flags
from ml_collections import config_flags

from jppf_jax import build
from jppf_jax.build import Config

_CONFIG = config_flags.DEFINE_config_file(
  "config", help_string="A file under configs/.", lock_config=True
)
_WORKDIR = flags.DEFINE_string(
  "workdir", None, "The folder of the run: checkpoints, logs, results, pictures."
)


def config_or_none() -> Config | None:
  """Returns the config of `--config`, with the changes of `--config.name=value`."""
  return _CONFIG.value


def workdir_or_none() -> Path | None:
  """Returns the absolute path of `--workdir`."""
  return None if _WORKDIR.value is None else Path(_WORKDIR.value).resolve()


def config_and_workdir() -> tuple[Config, Path]:
  """Returns the config and the absolute path of the folder.

  Raises:
    UsageError: one of the two flags is not given.
  """
  config, workdir = config_or_none(), workdir_or_none()
  if config is None or workdir is None:
    raise app.UsageError("Needs --config=FILE (see configs/) and --workdir=DIR.")
  return config, workdir


def run_of_workdir() -> tuple[Config, Path]:
  """Returns the config and the folder of a run that was trained.

  The config is the one that the folder stores; `--config` replaces it.

  Raises:
    UsageError: `--workdir` is not given.
    RunError: the folder has no readable config, and `--config` is not given.
  """
  config, workdir = config_or_none(), workdir_or_none()
  if workdir is None:
    raise app.UsageError("Needs --workdir=DIR, the folder of a run.")
  return config or build.run_config(workdir), workdir
