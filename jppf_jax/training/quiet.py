"""Keeps what Orbax's threads say about an error that the main thread raises anyway.

If the disk is full, each array that is not written leaves a traceback or two: hundreds of lines
around the one sentence of `CheckpointError`.
"""

import contextlib
import logging
import sys
from collections.abc import Iterator

from absl import logging as absl_logging

CLOSED_LOOP = "Event loop is closed"  # an array's write ends after the save was given up


@contextlib.contextmanager
def quiet_threads() -> Iterator[None]:
  """Drops the copies of errors that Orbax raises in `save` or `wait`, within the block.

  After an error in the block they are dropped for good: the last ones come when the process ends.
  """
  shown, logger = sys.unraisablehook, absl_logging.get_absl_logger()

  def show(unraisable: "sys.UnraisableHookArgs") -> None:
    if str(unraisable.exc_value) != CLOSED_LOOP:
      shown(unraisable)

  sys.unraisablehook = show  # TensorStore's threads have nobody to raise an error to
  logger.addFilter(_is_news)  # which has no effect the second time
  yield
  logger.removeFilter(_is_news)
  sys.unraisablehook = shown


def _is_news(record: logging.LogRecord) -> bool:
  """Returns whether a line of the log is no copy of an error of Orbax, which is raised too."""
  return not (record.levelno >= logging.ERROR and "orbax" in record.pathname)
