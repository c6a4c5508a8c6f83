"""Builds a folder beside its final place, one process at a time, and moves it there when complete.

A folder is there whole or not at all. What is built lies in `incomplete.*` beside it; what a killed
process left there is removed by the next one.
"""

import contextlib
import os
import shutil
import socket
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from absl import logging

LOCK = ".lock"  # beside the final folder, while a process builds

NEW = "new"  # in the folder of `staged`: what becomes the final folder

_POLL = 0.2  # seconds between two attempts to get the lock
_REMIND = 30  # seconds between two lines that say so
_REPLACED = "replaced"  # the former build, while the new one takes its place


@contextlib.contextmanager
def turn(folder: Path, root: Path) -> Iterator[None]:
  """Keeps other processes from building `folder` while the block runs; waits until they are done.

  The lock of a process that dies is free at once. On a disk without locks nothing is kept out:
  then all build, the first one to finish wins, and leftovers stay.

  Args:
    folder: the final place; need not exist.
    root: a folder above it; the empty folders between the two are removed at the end.

  Raises:
    OSError: the folders cannot be written.
    RuntimeError: this process was started by the one that builds, which waits for it.
  """
  path = folder.parent / LOCK
  file, is_locked = _acquire(path, folder)
  try:
    if is_locked:
      os.truncate(file, 0)
      os.write(file, _named(os.getpid()).encode())
      _remove_leftovers(folder)
    yield
  finally:
    path.unlink(missing_ok=True)
    os.close(file)
    _remove_empty(folder.parent, root)


def tidy(folder: Path) -> None:
  """Removes what killed processes left beside a folder that is there, unless one builds now."""
  leftovers = [*folder.parent.glob("incomplete.*"), *folder.parent.glob(LOCK)]
  if not leftovers:
    return
  path = folder.parent / LOCK
  with contextlib.suppress(OSError):  # a disk that cannot be written
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    if _try_lock(file) and _is_at(file, path):
      _remove_leftovers(folder)
      path.unlink()
    os.close(file)


@contextlib.contextmanager
def staged(folder: Path, *, replace: bool = False) -> Iterator[Path]:
  """Yields an empty folder for what is built; its subfolder `NEW` becomes `folder` at the end.

  Nothing is left of it if the block ends with an error, and the former `folder` stays.

  Args:
    folder: the final place.
    replace: whether a folder that is there is replaced; else it stays, since another process was
      faster.
  """
  stage = folder.parent / f"incomplete.{uuid.uuid4().hex[:12]}"
  stage.mkdir(parents=True)
  try:
    yield stage
    _publish(stage / NEW, folder, stage / _REPLACED, replace=replace)
  finally:
    shutil.rmtree(stage, ignore_errors=True)


def _publish(new: Path, folder: Path, aside: Path, *, replace: bool) -> None:
  if replace and folder.exists():
    folder.rename(aside)
  try:
    new.rename(folder)
  except OSError:
    if aside.exists():
      aside.rename(folder)
      raise
    if not folder.is_dir():  # else another process was faster
      raise


def _acquire(path: Path, folder: Path) -> tuple[int, bool]:
  """Returns the open file of the lock, and whether it is locked."""
  waited = 0.0
  while True:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
      file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except FileNotFoundError:  # the process before us has just removed the empty folder
      continue
    locked = _try_lock(file)
    if locked is None or (locked and _is_at(file, path)):
      return file, bool(locked)
    if not locked:
      owner = os.read(file, 200).decode(errors="replace") or "another process"
      if owner == _named(os.getppid()):
        os.close(file)
        raise RuntimeError(
          f"{folder} is being built by the process that started this one as its helper. A helper "
          'imports the main script: put what the script does below `if __name__ == "__main__":`.'
        )
      if waited % _REMIND < _POLL:
        logging.warning("%s builds %s; waiting for it (%d s).", owner, folder, waited)
    os.close(file)
    time.sleep(_POLL)
    waited += _POLL


def _named(process: int) -> str:
  return f"Process {process} on {socket.gethostname()}"


def _try_lock(file: int) -> bool | None:
  """Locks an open file unless another process did; None if there are no locks on this disk."""
  try:
    import fcntl  # not on Windows
  except ImportError:
    return None
  try:
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
  except BlockingIOError:
    return False
  except OSError:
    return None
  return True


def _is_at(file: int, path: Path) -> bool:
  """Whether the open file is still the one at `path`: its owner removes it when done."""
  try:
    return os.path.samestat(os.fstat(file), path.stat())
  except FileNotFoundError:
    return False


def _remove_leftovers(folder: Path) -> None:
  """Removes what killed processes left; whoever has the lock is the only one who builds."""
  for stage in folder.parent.glob("incomplete.*"):
    former = stage / _REPLACED
    if former.is_dir() and not folder.exists():  # killed between the two moves
      former.rename(folder)
    shutil.rmtree(stage, ignore_errors=True)


def _remove_empty(folder: Path, root: Path) -> None:
  with contextlib.suppress(OSError):  # not empty
    while folder != root:
      folder.rmdir()
      folder = folder.parent
