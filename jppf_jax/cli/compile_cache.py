"""Keeps traced and compiled programs in the user's cache folder: the next start needs neither.

The folder is `jppf_jax/compiled/MACHINE` below `XDG_CACHE_HOME` or the system's cache folder. JAX
takes a program from it only for the same code, JAX version, backend and flags. MACHINE stands for
the processor and its instruction sets, which JAX does not compare for CPUs: machines that share a
home do not run each other's programs. `evaluation.kept` has its entries in the same folder. Each
start removes those that were used longest ago until at most `LARGEST` bytes are left.
"""

import contextlib
import hashlib
import os
import platform
import re
import stat
import sys
import tempfile
from pathlib import Path

from absl import flags

COMPILE_CACHE = flags.DEFINE_bool(
  "compile_cache", True, "keep compiled programs for the next start, in the user's cache folder"
)

LARGEST = 10**9  # bytes of all machines' folders together
VARIABLE = "JAX_COMPILATION_CACHE_DIR"  # JAX's own; a user who sets it has chosen
_SETTINGS = {
  "jax_persistent_cache_min_compile_time_secs": 0.2,
  "jax_persistent_cache_min_entry_size_bytes": -1,  # any size
}
_OF_CPU = re.compile(r"^(?:vendor_id|model name|CPU part|flags|Features)\s*:(.*)$", re.MULTILINE)


def use() -> Path | None:
  """Makes JAX keep compiled programs, unless the flag or the user's environment says otherwise.

  A folder that cannot be written is no error: programs are compiled each time then.

  Returns:
    The folder; None if nothing is to be kept there.
  """
  if not COMPILE_CACHE.value or VARIABLE in os.environ:
    return None
  path = folder()
  if path is None or not is_writable(path):
    return None
  import jax

  if jax.config.values["jax_compilation_cache_dir"] is not None:
    return None
  trim(path.parent, LARGEST)
  jax.config.update("jax_compilation_cache_dir", str(path))
  for name, value in _SETTINGS.items():
    jax.config.update(name, value)
  return path


def trim(root: Path, largest: int) -> None:
  """Removes the files below `root` that were used longest ago until `largest` bytes are left.

  JAX's own limit needs a package that it does not bring. Another process may remove files, too.
  """
  used = []
  for path in root.rglob("*"):
    with contextlib.suppress(OSError):
      found = path.stat()
      if stat.S_ISREG(found.st_mode):
        used.append((max(found.st_atime, found.st_mtime), found.st_size, path))
  total = sum(size for _, size, _ in used)
  for _, size, path in sorted(used):
    if total <= largest:
      return
    with contextlib.suppress(OSError):
      path.unlink()
    total -= size


def folder() -> Path | None:
  """Returns where compiled programs of this machine are kept; None without a home."""
  named = os.environ.get("XDG_CACHE_HOME", "")
  if Path(named).is_absolute():  # as the specification says: others are ignored
    root = Path(named)
  else:
    try:
      root = Path.home() / ("Library/Caches" if sys.platform == "darwin" else ".cache")
    except RuntimeError:
      return None
  return root / "jppf_jax" / "compiled" / machine()


def machine() -> str:
  """Returns a name of the processor and its instruction sets, e.g. "x86_64-0a1b2c3d4e5f"."""
  try:
    first = Path("/proc/cpuinfo").read_text().split("\n\n")[0]
  except OSError:
    first = ""
  found = _OF_CPU.findall(first) or [platform.processor(), platform.machine()]
  digest = hashlib.sha256("\n".join(found).encode()).hexdigest()
  return f"{platform.machine()}-{digest[:12]}"


def is_writable(path: Path) -> bool:
  """Returns whether files can be made in a folder; it is made if it is not there."""
  try:
    path.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=path):
      return True
  except OSError:
    return False
