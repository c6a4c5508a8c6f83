"""What a dataset was built from, kept beside its records, and how that differs from what is there.

A file is the same if its size and time are, or else if its size and its content are.
"""

import contextlib
import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from absl import logging

from jppf_jax.saving import write_text

NAME = "built_from.json"
SHOWN = 3  # names of files in a message

_FORM = 1  # of the file


@dataclass(frozen=True)
class RawFile:
  """What is known of a raw file.

  Attributes:
    size: in bytes.
    time: of its last change, in nanoseconds.
    digest: SHA-256 of its content; "" if it is not known.
  """

  size: int
  time: int
  digest: str = ""


@dataclass(frozen=True)
class BuiltFrom:
  """What a dataset was built from.

  Attributes:
    root: the folder of the raw files; "" if there are none.
    files: by path below `root`.
    splits: which were built.
    builder: the file of your own builder; "" if it is one of the package.
    builder_digest: SHA-256 of that file.
  """

  root: str
  files: Mapping[str, RawFile]
  splits: tuple[str, ...]
  builder: str = ""
  builder_digest: str = ""

  def to_json(self) -> str:
    """Returns the text of the file `NAME`."""
    return json.dumps({"form": _FORM, **asdict(self)})


@dataclass(frozen=True)
class Difference:
  """How raw files and builder differ from those that a dataset was built from.

  Attributes:
    added, removed, changed: paths below the raw folder.
    same: number of files that do not differ.
    builder: says how the builder differs; "" if it does not.
    is_another_builder: whether the former builder is still there, beside this one.
    touched: files whose time alone differs, as they are now.
  """

  added: tuple[str, ...] = ()
  removed: tuple[str, ...] = ()
  changed: tuple[str, ...] = ()
  same: int = 0
  builder: str = ""
  is_another_builder: bool = False
  touched: Mapping[str, RawFile] = field(default_factory=dict)

  def __bool__(self) -> bool:
    return bool(self.added or self.removed or self.changed or self.builder)

  @property
  def is_another(self) -> bool:
    """Whether it is no older state, but another dataset: not one raw file is the same."""
    has_only_other_files = bool(self.added or self.changed) and not self.same
    return has_only_other_files or self.is_another_builder

  def __str__(self) -> str:
    """Returns the numbers and first names, such as "2 added (a.jpg, b.jpg)"."""
    kinds = {"added": self.added, "removed": self.removed, "changed": self.changed}
    lines = [f"{len(paths)} {kind} ({_some(paths)})" for kind, paths in kinds.items() if paths]
    return "; ".join(lines + [self.builder] * bool(self.builder))


def list_files(root: str | Path, paths: Iterable[os.PathLike]) -> dict[str, RawFile]:
  """Returns size and time of the files that exist, by their path below `root`."""
  start = f"{root}{os.sep}"
  listed = {}
  for path in map(Path, paths):
    with contextlib.suppress(FileNotFoundError):  # e.g. a link to nowhere
      about = path.stat()
      is_below = str(path).startswith(start)
      below = str(path).removeprefix(start) if is_below else os.path.relpath(path, root)
      listed[below] = RawFile(about.st_size, about.st_mtime_ns)
  return listed


def with_digests(root: str | Path, files: Mapping[str, RawFile]) -> dict[str, RawFile]:
  """Returns the files with the digests of their contents.

  The digest of a file that is not what it was when it was listed stays unknown.
  """
  with ThreadPoolExecutor(os.cpu_count()) as pool:
    return dict(zip(files, pool.map(lambda name: _digested(Path(root, name), files[name]), files)))


def with_contents(listed: BuiltFrom) -> BuiltFrom:
  """Returns the same with the digests of all files."""
  return replace(listed, files=with_digests(listed.root, listed.files))


def write(folder: str | Path, built_from: BuiltFrom) -> None:
  """Writes the file `NAME` into the folder of a built dataset."""
  write_text(Path(folder, NAME), built_from.to_json())


def read(folder: str | Path) -> BuiltFrom | None:
  """Returns what a dataset was built from; None if that is not known."""
  try:
    stored = json.loads(Path(folder, NAME).read_text(encoding="utf-8"))
    if stored.pop("form") != _FORM:
      return None
    stored["files"] = {name: RawFile(**about) for name, about in stored["files"].items()}
    stored["splits"] = tuple(stored["splits"])
    return BuiltFrom(**stored)
  except (OSError, ValueError, LookupError, TypeError, AttributeError):
    return None  # built before there was such a file, or damaged


def difference(
  built_from: BuiltFrom,
  root: str | Path,
  files: Mapping[str, RawFile],
  builder: tuple[Path | None, str] = (None, ""),
) -> Difference:
  """Compares what a dataset was built from with what is there now.

  Args:
    built_from: of the dataset.
    root: the folder of the raw files now; may be another one.
    files: the raw files now, from `list_files`.
    builder: the file of your own builder and its SHA-256; (None, "") if it is not known, or one of
      the package.
  """
  then = built_from.files
  shared = [name for name in files if name in then]
  changed, touched, doubtful = [], {}, {}
  for name in shared:
    if files[name].size != then[name].size:
      changed.append(name)
    elif files[name].time != then[name].time:
      doubtful[name] = files[name]
  if doubtful:
    logging.warning("%d files in %s have other times; comparing contents.", len(doubtful), root)
  for name, now in with_digests(root, doubtful).items():
    if now.digest and now.digest == then[name].digest:
      touched[name] = now
    else:
      changed.append(name)
  return Difference(
    added=tuple(sorted(files.keys() - then.keys())),
    removed=tuple(sorted(then.keys() - files.keys())),
    changed=tuple(sorted(changed)),
    same=len(shared) - len(changed),
    touched=touched,
    **_compare_builders(built_from, *builder),
  )


def digest(path: str | Path) -> str:
  """Returns the SHA-256 of a file."""
  with Path(path).open("rb") as file:
    return hashlib.file_digest(file, "sha256").hexdigest()


def _digested(path: Path, listed: RawFile) -> RawFile:
  try:
    found, about = digest(path), path.stat()
  except OSError:  # removed meanwhile
    return listed
  is_as_listed = (about.st_size, about.st_mtime_ns) == (listed.size, listed.time)
  return RawFile(listed.size, listed.time, found if is_as_listed else "")


def _compare_builders(
  built_from: BuiltFrom, builder: Path | None, builder_digest: str
) -> dict[str, Any]:
  """Returns the fields of a `Difference` that are about the builder."""
  if builder is None or builder_digest == built_from.builder_digest:
    return {}
  former = Path(built_from.builder)
  if former == builder:
    return {"builder": f"the builder {builder} has changed"}
  return {"builder": f"the builder was {former}", "is_another_builder": former.is_file()}


def _some(paths: tuple[str, ...]) -> str:
  more = ", ..." if len(paths) > SHOWN else ""
  return ", ".join(paths[:SHOWN]) + more
