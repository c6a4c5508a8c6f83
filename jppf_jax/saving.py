"""Files that appear whole or not at all: whatever the package writes to disk goes through here."""

import contextlib
import os
import uuid
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
  """Gives a temporary path beside `path`, which takes its place if the block ends without an error.

  A run that is stopped leaves no half file under the final name, and two processes that write the
  same file do not mix: each has a temporary file of its own, and the last one to finish stays.

  Args:
    path: the final file; its folder is created.
  """
  path = Path(path)
  path.parent.mkdir(parents=True, exist_ok=True)
  partial = path.with_name(f".{path.name}.{os.getpid()}.{uuid.uuid4().hex[:8]}")
  try:
    yield partial
    partial.replace(path)
  finally:
    partial.unlink(missing_ok=True)


def write_text(path: str | Path, text: str) -> None:
  """Writes a text file, UTF-8, whole or not at all."""
  with whole_file(path) as partial:
    partial.write_text(text, encoding="utf-8")
