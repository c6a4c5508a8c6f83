"""Expected errors: a command ends with their message, without a traceback."""

import contextlib
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def plainly(verb: str, *expected: type[Exception]) -> Iterator[None]:
  """Ends the command if an `expected` error is raised: its message on stderr, exit status 1.

  Any other error passes with its traceback. So does a broken pipe, which says nothing of a file:
  `command` knows whether it is only that nobody reads any more.

  Args:
    verb: the command, for the message.
    *expected: classes of errors whose message is enough for the user.
  """
  try:
    yield
  except BrokenPipeError:
    raise
  except expected as error:
    sys.exit(f"jppf {verb}: {_sentence(error)}")


def in_data() -> tuple[type[Exception], ...]:
  """Returns the errors in the datasets of the user."""
  from jppf_jax.input_pipeline import datasets, read, taxonomy

  return datasets.data_error(), datasets.BuildError, read.ReadError, taxonomy.TaxonomyError


def _sentence(error: Exception) -> str:
  """Returns the message of an error; the system's own have a number, which says nothing."""
  if not isinstance(error, OSError) or error.strerror is None:
    return str(error)
  return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
