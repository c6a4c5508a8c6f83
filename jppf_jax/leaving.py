"""Leaving a process before its work is done, because of a signal."""

import contextlib
import os
import signal
import sys
from typing import NoReturn


class Interrupted(SystemExit):
  """A signal ended what the process did; of a training, everything that was trained is saved.

  If nobody catches it, the process ends with status 128 + the signal's number, as a shell says it:
  130 for Ctrl-C, 143 for SIGTERM, 129 for SIGHUP.

  Attributes:
    status: of the process.
    name: of the signal.
    at_once: it was raised wherever the process was, perhaps while a thread of XLA compiles. Python
      would wait for that thread and then crash, so such a process is best left with `leave`.
  """

  def __init__(self, number: int, *, at_once: bool = False):
    self.status = 128 + number
    super().__init__(self.status)
    self.name = signal.Signals(number).name
    self.at_once = at_once


def leave(status: int) -> NoReturn:
  """Ends the process with this status at once, whatever its threads are doing."""
  for stream in (sys.stdout, sys.stderr):
    with contextlib.suppress(OSError):  # its reader may be gone by the same signal: `| tee log`
      print(end="", file=stream, flush=True)
  os._exit(status)
