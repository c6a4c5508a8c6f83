"""Finds the raw files that no builder reads, so that nothing is left out silently."""

import collections
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

SHOWN = 3  # names


class LeftOutWarning(UserWarning):
  """Files of the raw folders are not in the records."""


def left_out(
  root: os.PathLike,
  folders: Sequence[str],
  used: Iterable[os.PathLike],
  *,
  beside: tuple[str, ...] = (),
) -> str:
  """Returns which files of some folders are not used, as a sentence; empty if there are none.

  Hidden files do not count.

  Args:
    root: the `manual_dir`.
    folders: below `root`; searched with all their subfolders.
    used: files that are used.
    beside: endings of files that nobody needs; they do not count either.
  """
  known = {os.fspath(path) for path in used}
  found = {path for folder in folders for path in visible_files(Path(root, folder))}
  rest = sorted(path for path in found - known if not path.endswith(beside))
  if not rest:
    return ""
  kinds = collections.Counter(Path(path).suffix or "no suffix" for path in rest)
  counts = ", ".join(f"{count} x {kind}" for kind, count in kinds.most_common())
  names = ", ".join(os.path.relpath(path, root) for path in rest[:SHOWN])
  more = ", ..." if len(rest) > SHOWN else ""
  number = "1 file is" if len(rest) == 1 else f"{len(rest)} files are"
  return f"{number} left out of the raw folders ({counts}): {names}{more}"


def visible_files(folder: Path) -> Iterator[str]:
  """Yields the paths of all files below a folder, through links too, but no folder twice."""
  seen = set()
  for here, folders, names in os.walk(folder, followlinks=True):
    about = Path(here).stat()
    identity = about.st_dev, about.st_ino
    if identity in seen:
      folders.clear()
      continue
    seen.add(identity)
    folders[:] = [name for name in folders if not name.startswith(".")]
    yield from (str(Path(here, name)) for name in names if not name.startswith("."))
