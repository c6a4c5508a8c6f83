"""Whether a built dataset is what its raw files would give now."""

import contextlib
import shlex
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from absl import logging
from etils import epath

from jppf_jax.input_pipeline import built_from
from jppf_jax.input_pipeline.built_from import BuiltFrom, Difference

if TYPE_CHECKING:
  from jppf_jax_data.builder import DatasetBuilder


class StaleWarning(UserWarning):
  """A dataset was built from other files than there are now, or nobody knows from which."""


class State(NamedTuple):
  """How a built dataset compares with its raw files.

  Attributes:
    difference: from what it was built from; None if they could not be compared.
    message: says the difference and what to do, or why it is unknown; "" if there is none.
  """

  difference: Difference | None
  message: str


def now(made: "DatasetBuilder", raw_files: Path | None) -> BuiltFrom:
  """Returns what a dataset would be built from now, without contents.

  Args:
    made: its builder.
    raw_files: their folder; None for generated data.
  """
  files = _list(made, raw_files, made.splits) if raw_files else {}
  root = str(raw_files.resolve()) if raw_files else ""
  source = str(made.source_file or "")
  return BuiltFrom(root, files, tuple(made.splits), source, made.source_digest)


def compare(folder: Path, raw_files: Path | None, *, made: "DatasetBuilder | None") -> State:
  """Compares a built dataset with its raw files.

  Files whose time alone differs are read; their new times are stored, so that it happens once.

  Args:
    folder: of the built dataset.
    raw_files: their folder; None for the one that it was built from.
    made: the builder. If None, new files are not noticed.
  """
  stored = built_from.read(folder)
  if stored is None:
    is_generated = made is not None and not made.RAW_FILES
    unknown = f"It is not known from which files {folder} was built{_advice(made, raw_files)}"
    return State(None, "" if is_generated else unknown)
  root = raw_files or Path(stored.root)
  try:
    files = _files_now(made, root, stored)
  except (ValueError, OSError) as error:  # DataError: they cannot be built as they are
    return State(None, f"{folder} was not compared with its raw files: {error}")
  if stored.files and not files:
    return State(None, f"{folder} was not compared with its raw files: none are in {root}.")
  source = (made.source_file, made.source_digest) if made else (None, "")
  difference = built_from.difference(stored, root, files, source)
  _store_times(folder, stored, root, difference)
  if not difference:
    return State(difference, "")
  place = f"are in {root} now" if stored.files else "those of today"
  differs = f"{folder} was built from other files than {place}: {difference}"
  return State(difference, differs + _advice(made, root))


def warn(state: State, *, asked: bool) -> None:
  """Warns of a stale build.

  Args:
    state: from `compare`.
    asked: whether the raw files were named; then it is also said if they could not be compared.
  """
  if state.difference or (state.message and asked):
    warnings.warn(state.message, StaleWarning, stacklevel=4)
  elif state.message:
    logging.info(state.message)


def _files_now(
  made: "DatasetBuilder | None", root: Path, stored: BuiltFrom
) -> dict[str, built_from.RawFile]:
  """Returns the raw files that are there now; none if their folders are missing."""
  if made is not None and stored.files:
    try:
      return _list(made, root, stored.splits)
    except (ValueError, OSError):
      if any((root / name).exists() for name in stored.files):
        raise
      return {}
  return built_from.list_files(root, [root / name for name in stored.files])


def _list(
  made: "DatasetBuilder", root: Path, splits: Sequence[str]
) -> dict[str, built_from.RawFile]:
  return built_from.list_files(root, made.raw_files(epath.Path(root), splits))


def _store_times(folder: Path, stored: BuiltFrom, root: Path, difference: Difference) -> None:
  if not difference.touched:
    return
  is_copy = not difference
  known = {**stored.files, **difference.touched}
  root_now = str(root.resolve()) if is_copy else stored.root
  with contextlib.suppress(OSError):  # a disk that cannot be written
    built_from.write(folder, replace(stored, root=root_now, files=known))


def _advice(made: "DatasetBuilder | None", raw_files: Path | None) -> str:
  """Returns the end of a message: how to build anew."""
  if made is None:
    return "; build it anew with `jppf prepare --rebuild`."
  config = made.builder_config
  name = made.source_file or (f"{made.name}/{config.name}" if config else made.name)
  manual_dir = [f"--manual_dir={raw_files or 'DIR'}"] if made.RAW_FILES else []
  command = ["jppf", "prepare", str(name), f"--data_dir={made.data_dir_root}", *manual_dir]
  return f". To build it anew: {shlex.join([*command, '--rebuild'])}"
