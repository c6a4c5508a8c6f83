"""Files that appear whole or not at all: the package writes all its files through here."""

import contextlib
import os
import uuid
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
  """Yields a temporary path beside `path`, and moves it to `path` if the block ends without an
  error.

  A run that is stopped leaves no half file under the final name. Two processes that write the same
  file do not mix: each has a temporary file of its own, and the last one to finish wins.

  Args:
    path: the final file; its folder is created.

  Yields:
    The path to write to.
  """
  path = Path(path)
  path.parent.mkdir(parents=True, exist_ok=True)
  suffix = uuid.uuid4().hex[:8]
  partial = path.with_name(f".{path.name}.{os.getpid()}.{suffix}")
  try:
    yield partial
    partial.replace(path)
  finally:
    partial.unlink(missing_ok=True)


def write_text(path: str | Path, text: str) -> None:
  """Writes a text file in UTF-8, whole or not at all."""
  with whole_file(path) as partial:
    partial.write_text(text, encoding="utf-8")
