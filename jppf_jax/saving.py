"""Files that appear whole or not at all: the package writes all its files through here."""

import contextlib
import json
import os
import tempfile
import uuid
from collections.abc import Iterable, Iterator
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


def require_file(path: str | Path) -> None:
  """Checks that a file can be written at `path`: call it before work that takes long.

  Raises:
    OSError: `path` is a folder, or its folder does not exist and cannot be made, or is read-only.
  """
  path = Path(path)
  if path.is_dir():
    raise IsADirectoryError(f"Cannot write {path}: it is a folder; name a file in it.")
  _require_room(path, path.parent)


def require_json(path: str | Path, keys: Iterable[str] = ()) -> None:
  """Checks that JSON can be written at `path` and replaces nothing but the like, or an empty file.

  Args:
    path: where the JSON goes.
    keys: those by which JSON of the same kind is known, an object that has all of them. None: any
      JSON may be replaced.

  Raises:
    OSError: as `require_file`, or there is a file that is no JSON, or JSON of another kind.
  """
  path = Path(path)
  require_file(path)
  content = path.read_bytes() if path.is_file() else b""
  if not content:
    return
  try:
    found = json.loads(content)
  except (ValueError, RecursionError):
    raise FileExistsError(
      f"Cannot write {path}: the file that is there is no JSON; name another file."
    ) from None
  expected = set(keys)
  if expected and not (isinstance(found, dict) and expected <= found.keys()):
    raise FileExistsError(
      f"Cannot write {path}: the JSON that is there is something else (expected the keys "
      f"{', '.join(sorted(expected))}); name another file, or move that one away."
    )


def require_other(path: str | Path, inputs: Iterable[str | Path]) -> None:
  """Checks that what is written at `path` replaces no input.

  Args:
    path: where the result goes.
    inputs: files that are read; those that do not exist do not count.

  Raises:
    FileExistsError: `path` is one of them, maybe by another name.
  """
  path = Path(path)
  for given in inputs:
    if path.exists() and Path(given).exists() and path.samefile(given):
      raise FileExistsError(f"Cannot write {path}: it is the input {given}; name another file.")


def require_outside(folder: str | Path, inputs: Iterable[str | Path]) -> None:
  """Checks that results in `folder` come to lie in no input, whose files they would join.

  Args:
    folder: where the results go.
    inputs: folders that are read, with all folders in them.

  Raises:
    FileExistsError: `folder` is one of them, or lies in one, maybe by another name.
  """
  place = Path(folder).resolve()
  for given in inputs:
    if place.is_relative_to(Path(given).resolve()):
      raise FileExistsError(
        f"Cannot write to {folder}: results would join or replace what is in the input {given}; "
        "name a folder outside of it."
      )


def require_folder(path: str | Path) -> None:
  """Checks that files can be written in the folder `path`, which may not exist yet.

  Raises:
    OSError: `path` is a file, or cannot be made, or is read-only.
  """
  _require_room(Path(path), Path(path))


def _require_room(path: Path, folder: Path) -> None:
  """Tries to write beside where `path` goes, and leaves nothing."""
  existing = folder
  while not os.path.lexists(existing) and existing != existing.parent:
    existing = existing.parent
  if not existing.is_dir():
    raise NotADirectoryError(f"Cannot write {path}: {existing} is no folder.")
  try:
    with tempfile.TemporaryFile(dir=existing):
      pass
    if existing != folder:
      Path(tempfile.mkdtemp(dir=existing)).rmdir()
  except OSError as error:
    raise type(error)(f"Cannot write {path}: {error.strerror} in {existing}.") from error


def write_text(path: str | Path, text: str) -> None:
  """Writes a text file in UTF-8, whole or not at all."""
  with whole_file(path) as partial:
    partial.write_text(text, encoding="utf-8")
