"""The flags that several verbs share; absl wants each defined once."""

from pathlib import Path

import ml_collections
from absl import app, flags
from ml_collections import config_flags

_CONFIG = config_flags.DEFINE_config_file(
  "config", help_string="A file under configs/.", lock_config=True
)
_WORKDIR = flags.DEFINE_string(
  "workdir", None, "The folder of the run: checkpoints, logs, results, pictures."
)


def config_or_none() -> ml_collections.ConfigDict | None:
  return _CONFIG.value


def workdir_or_none() -> Path | None:
  return None if _WORKDIR.value is None else Path(_WORKDIR.value).resolve()


def config_and_workdir() -> tuple[ml_collections.ConfigDict, Path]:
  """Returns both; a usage error where one is missing."""
  config, workdir = config_or_none(), workdir_or_none()
  if config is None or workdir is None:
    raise app.UsageError("Needs --config=FILE (see configs/) and --workdir=DIR.")
  return config, workdir
