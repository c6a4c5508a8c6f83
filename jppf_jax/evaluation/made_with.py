"""What an evaluation was made with: versions, the commit of a clone, the device, the time."""

import platform
import subprocess
import time
from pathlib import Path

import flax
import jax

import jppf_jax


def made_with() -> dict[str, str]:
  """Returns what a report says about its making; "commit" only in a clone."""
  found = {
    "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
    "jppf_jax": jppf_jax.__version__,
    "jax": jax.__version__,
    "flax": flax.__version__,
    "python": platform.python_version(),
    "device": jax.devices()[0].device_kind,
  }
  of_clone = commit(Path(jppf_jax.__file__).parents[1])
  return found if of_clone is None else {**found, "commit": of_clone}


def commit(clone: Path) -> str | None:
  """Returns the commit of a clone, with "-dirty" if its files were changed; None if it is none."""
  if not (clone / ".git").exists():
    return None
  question = ["git", "-C", str(clone), "describe", "--always", "--dirty", "--abbrev=12"]
  try:
    answer = subprocess.run(question, capture_output=True, text=True, timeout=10, check=True)
  except (OSError, subprocess.SubprocessError):
    return None
  return answer.stdout.strip() or None
