"""The two flags that every verb about a run shares."""

import ml_collections
from absl import app, flags
from ml_collections import config_flags

_CONFIG = config_flags.DEFINE_config_file("config", help_string="A file under configs/.", lock_config=True)
_WORKDIR = flags.DEFINE_string("workdir", None, "The folder of the run: checkpoints, logs, results, pictures.")


def config_and_workdir() -> tuple[ml_collections.ConfigDict, str]:
  """Returns both; a usage error where one is missing."""
  if _CONFIG.value is None or _WORKDIR.value is None:
    raise app.UsageError("Needs --config=FILE (see configs/) and --workdir=DIR.")
  return _CONFIG.value, _WORKDIR.value
