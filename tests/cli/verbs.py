"""Runs a verb as a user does: a command line in its own process."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def jppf(*argv: object, cwd: Path = ROOT) -> subprocess.CompletedProcess:
  """Returns what `jppf ARGV...` printed, and its exit status."""
  command = [sys.executable, "-m", "jppf_jax.cli.main", *map(str, argv)]
  environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200"}
  return subprocess.run(
    command, cwd=cwd, capture_output=True, text=True, timeout=600, env=environment
  )


def smoke(run) -> list[str]:
  """Returns the flags of the shared tiny run's config."""
  return [
    f"--config={ROOT / 'configs/smoke.py'}",
    f"--config.data.data_dir={run.config.data.data_dir}",
  ]
