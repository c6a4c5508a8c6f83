"""Errors that say all there is to say, and end a command without a traceback."""

import contextlib
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def plainly(verb: str, *expected: type[Exception]) -> Iterator[None]:
  """Ends the command with the message of an `expected` error; any other passes with its traceback."""
  try:
    yield
  except expected as error:
    sys.exit(f"jppf {verb}: {error}")
