"""What a run or an evaluation was made with: versions, the commit of a clone, device and time."""

import functools
import json
import platform
import subprocess
import time
from pathlib import Path

import flax
import jax

import jppf_jax
from jppf_jax.saving import write_text

MADE_WITH = "made_with.json"  # in the folder of a run


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
  of_clone = _own_commit()
  return found if of_clone is None else {**found, "commit": of_clone}


def store(workdir: Path) -> None:
  """Writes what a run is trained with into its folder."""
  write_text(workdir / MADE_WITH, json.dumps(made_with(), indent=1))


@functools.cache
def _own_commit() -> str | None:
  return commit(Path(jppf_jax.__file__).parents[1])


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
