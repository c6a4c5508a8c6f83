"""Errors that say all there is to say, and end a command without a traceback."""

import contextlib
import sys
from collections.abc import Iterator

from jppf_jax.checkpoints.store import CheckpointError
from jppf_jax.checkpoints.weights import WeightsError
from jppf_jax.training.loop import NonFiniteLoss

_EXPECTED = (CheckpointError, WeightsError, NonFiniteLoss, FileNotFoundError)


@contextlib.contextmanager
def plainly(verb: str) -> Iterator[None]:
  """Ends the command with the message of an error of the user's files or run; any other passes with its traceback."""
  try:
    yield
  except (*_EXPECTED, ValueError) as error:
    if isinstance(error, _EXPECTED) or type(error).__name__ == "DataError":  # of the builders, imported when used
      sys.exit(f"jppf {verb}: {error}")
    raise
