"""One training at a time in a folder: the system holds the lock, and frees it with the process."""

import contextlib
import fcntl
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

from jppf_jax.training.logs import say

FILE = "train.lock"


class RunInUse(RuntimeError):
  """Another process trains in this folder; the message names it."""


@contextlib.contextmanager
def locked(workdir: Path) -> Iterator[None]:
  """Holds the lock of a run's folder; only trainings ask for it, reading is always allowed.

  The processes of one distributed run share a folder: only the first of them calls this. A file
  system without locks is reported, and the run goes on.

  Args:
    workdir: the folder; it exists.

  Raises:
    RunInUse: another process holds the lock.
    OSError: the folder cannot be written to.
  """
  with (workdir / FILE).open("a+") as file:
    try:
      fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
      file.seek(0)
      holder = file.read().strip() or "another process"
      raise RunInUse(
        f"{workdir} is in use: {holder} trains there; wait until it ends, or give another folder."
      ) from None
    except OSError as error:
      say(f"{workdir} has no file locks ({error.strerror}): start no second training there.")
      yield
      return
    file.truncate(0)
    since = time.strftime("%Y-%m-%d %H:%M:%S")
    file.write(f"process {os.getpid()} on {socket.gethostname()}, since {since},")
    file.flush()
    try:
      yield
    finally:
      file.truncate(0)
