"""Signals that end a run: Ctrl-C, SIGTERM (of a job scheduler), SIGHUP (of a closed terminal).

Python runs a signal handler only between two steps of Python code, and compiling a network is one
such step of a minute. Therefore a thread watches too: it sees each signal at once.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

import jax
import numpy as np
from jax.experimental import multihost_utils

from jppf_jax.leaving import Interrupted, leave
from jppf_jax.training.logs import say

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
GRACE = 2.0  # seconds that Python code gets to notice a signal


class Signals:
  """A context that turns a first signal into a request, and leaves at once at a second one.

  While there is nothing to save, a signal raises `Interrupted`. After `hold`, it is only recorded:
  ask with `requested`, save, and `release`, which raises `Interrupted`. Several processes can only
  leave together, so from the first `release` on a signal to one of them is recorded in any case,
  until the next time that they ask. Signals that are ignored (`nohup`) stay ignored. Outside the
  main thread nothing is watched, for Python allows no handlers there.

  Attributes:
    before_leaving: called before the process is left in the middle of a compilation.
  """

  def __init__(self) -> None:
    self.before_leaving: Callable[[], object] = lambda: None
    self._number = 0
    self._holding = self._ended = False
    self._trained = False  # something, which is saved
    self._noticed = threading.Event()
    self._before: dict[int, Any] = {}  # the handlers that are replaced

  def __enter__(self) -> "Signals":
    if threading.current_thread() is not threading.main_thread():
      return self
    watched = [number for number in ENDING if signal.getsignal(number) != signal.SIG_IGN]
    self._before = {number: signal.getsignal(number) or signal.SIG_DFL for number in watched}
    self._read, self._write = os.pipe()
    os.set_blocking(self._write, False)
    self._wakeup = signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
    self._watcher = threading.Thread(target=self._watch, name="signals", daemon=True)
    self._watcher.start()
    for number in watched:
      signal.signal(number, self._handle)
    return self

  def __exit__(
    self,
    kind: type[BaseException] | None,
    error: BaseException | None,
    traceback: TracebackType | None,
  ) -> None:
    if not self._before:
      return
    self._ended = True  # a signal now must not stop what follows
    for number, handler in self._before.items():
      signal.signal(number, handler)
    signal.set_wakeup_fd(self._wakeup)
    os.close(self._write)  # ends the watcher
    self._watcher.join()
    os.close(self._read)
    if error is None and self._number:
      raise Interrupted(self._number)
    if isinstance(error, Interrupted):
      saved = "all that was trained is saved" if self._trained else "there was nothing to save"
      say(f"{error.name}: stopped; {saved}. The same command goes on.")

  def hold(self) -> None:
    """From here on there is something to save, if a signal comes."""
    self._holding = self._trained = True

  def release(self) -> None:
    """All is saved.

    Raises:
      Interrupted: a signal came in the meantime.
    """
    self._holding = jax.process_count() > 1
    self.check()

  def check(self) -> None:
    """Raises Interrupted if a signal came; a library may have swallowed the first one."""
    if self.requested():
      raise Interrupted(self._number)

  def requested(self) -> bool:
    """Returns whether a signal came to this process, or to any of a distributed run.

    All processes must call it, `check` and `release` together; each gets the same answer.
    """
    if jax.process_count() > 1:
      numbers = multihost_utils.process_allgather(np.int32(self._number))
      self._number = int(numbers.max())
    return self._number > 0

  def _handle(self, number: int, frame: FrameType | None) -> None:
    """Called by Python in the main thread."""
    self._noticed.set()
    again, self._number = self._number, self._number or number
    if again and _interactive():
      raise KeyboardInterrupt
    if not again and not self._holding and not self._ended:
      raise Interrupted(number, at_once=True)

  def _watch(self) -> None:
    """Reads the numbers of signals as they come, in a thread of its own."""
    count = 0
    while data := os.read(self._read, 1):
      number = data[0]
      if number not in self._before:
        continue
      count += 1
      name = signal.Signals(number).name
      if count > 1:
        if not _interactive():
          say(f"{name} again: left at once. The same command goes on from the last save.")
          leave(128 + number)
      elif self._holding:
        say(f"{name}: {_finished_first()} first; once more leaves at once.")
      elif not self._noticed.wait(GRACE) and not self._holding and not _interactive():
        self.before_leaving()
        say(f"{name}: stopped; there was nothing to save. The same command goes on.")
        leave(128 + number)


def _finished_first() -> str:
  if jax.process_count() > 1:
    return "all processes finish this step, or this evaluation, and save"
  return "this step is finished and saved"


def _interactive() -> bool:
  """Returns whether this is a Python prompt or a notebook, which outlives a run."""
  return hasattr(sys, "ps1")
