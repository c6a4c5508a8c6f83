"""Builds a dataset once: one process at a time, whole or not at all, and with what it was built
from.
"""

import contextlib
import io
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import tensorflow_datasets as tfds
from absl import logging
from etils import epath
from tqdm import tqdm

from jppf_jax.input_pipeline import built_from, freshness, staging

if TYPE_CHECKING:
  from jppf_jax_data.builder import DatasetBuilder

INFO = "dataset_info.json"  # in the folder of each version; TFDS writes it last


class BuildError(ValueError):
  """A dataset cannot be built, or what is built is not what was asked for."""


def is_built(folder: str | Path) -> bool:
  """Returns whether a dataset was built completely in this folder."""
  return Path(folder, INFO).is_file()


def build(
  made: "DatasetBuilder", *, manual_dir: str | Path | None = None, rebuild: bool = False
) -> Path:
  """Builds a dataset if it is not built yet; returns its folder.

  If another process builds it, this one waits. If it was built from other files than there are now,
  a warning says which.

  Args:
    made: its builder. Without `on_example`, a progress bar is shown.
    manual_dir: the raw files; not needed for generated data, or if it is built.
    rebuild: whether to build it anew; the former build stays until the new one is complete.

  Raises:
    DataError: raw files are missing or broken; lists every problem.
    BuildError: `manual_dir` is needed and was not given.
    BuildError: it is built, but none of its files is in `manual_dir`.
    BuildError: the folder cannot be written, or the disk is full.
  """
  folder, data_dir = Path(made.data_dir), Path(made.data_dir_root)
  raw_files = Path(manual_dir).expanduser() if manual_dir and made.RAW_FILES else None
  if is_built(folder) and not rebuild:
    staging.tidy(folder)
    _compare(made, raw_files)
    return folder
  if made.RAW_FILES and not raw_files:
    raise BuildError(
      f"{made.name} is not built yet in {data_dir}; say with manual_dir where its raw files are."
      if not rebuild
      else f"To build {made.name} anew, say with manual_dir where its raw files are."
    )
  found = made.survey(epath.Path(raw_files) if raw_files else None)
  if raw_files and not (raw_files.is_dir() and any(raw_files.iterdir())):
    raise BuildError(f"There are no raw files in {raw_files}.")
  kept = "the former build is kept" if is_built(folder) else "nothing was built"
  with _in_one_sentence(made.name, data_dir, kept), staging.turn(folder, data_dir):
    if is_built(folder) and not rebuild:  # by the process that we waited for
      return folder
    _refuse_other_files(folder, rebuild=rebuild)
    with staging.staged(folder, replace=rebuild) as stage:
      records = _write(made, stage, raw_files, total=sum(found.counts.values()))
      records.rename(stage / staging.NEW)
  return folder


def _write(made: "DatasetBuilder", stage: Path, raw_files: Path | None, *, total: int) -> Path:
  """Builds the records in an empty folder; returns the subfolder in which they are."""
  with only_errors_logged():
    staged = made.at(stage)
  staged.on_complete = partial(_write_built_from, freshness.now(made, raw_files))
  download = tfds.download.DownloadConfig(manual_dir=str(raw_files) if raw_files else None)
  tfds.disable_progress_bar()  # its bars count files and shards; ours counts examples
  shown_by_caller = made.on_example is not None
  with tqdm(
    desc=f"building {made.name}", total=total, unit=" examples", disable=shown_by_caller
  ) as bar:
    staged.on_example = made.on_example or bar.update
    # TFDS announces a download of unknown size; there is none
    with contextlib.redirect_stdout(io.StringIO()):
      staged.download_and_prepare(download_dir=stage / "downloads", download_config=download)
  return Path(staged.data_dir)


def _write_built_from(listed: built_from.BuiltFrom, folder: Path) -> None:
  built_from.write(folder, built_from.with_contents(listed))


def _compare(made: "DatasetBuilder", raw_files: Path | None) -> None:
  """Warns of a stale build; refuses one of other data than were asked for."""
  state = freshness.compare(Path(made.data_dir), raw_files, made=made)
  is_asked_for = raw_files is not None or not made.RAW_FILES
  if is_asked_for and state.difference and state.difference.is_another:
    name = "the raw files (--config.data.manual_dir=)" if raw_files else "the builder's file"
    raise BuildError(f"{state.message} To use what is built nevertheless, do not name {name}.")
  freshness.warn(state, asked=raw_files is not None)


def _refuse_other_files(folder: Path, *, rebuild: bool) -> None:
  is_in_the_way = folder.exists() and not is_built(folder) and any(folder.iterdir())
  if is_in_the_way and not rebuild:
    raise BuildError(f"{folder} has files but no complete build (no {INFO}); remove that folder.")


@contextlib.contextmanager
def _in_one_sentence(name: str, data_dir: Path, kept: str) -> Iterator[None]:
  """Raises a BuildError if the disk is full or cannot be written."""
  try:
    yield
  except (OSError, RuntimeError) as error:
    # the C++ writer of ArrayRecord: "write() failed: No space left on device; writing ..."
    written = re.search(r"\w+\(\) failed: ([^;]+); (?:writing|opening) ([^;]+)", str(error))
    if isinstance(error, OSError):
      reason = f"{error.strerror or error}" + (f": {error.filename}" if error.filename else "")
    elif written:
      reason = ": ".join(written.groups())
    else:
      raise
    raise BuildError(f"{name} cannot be built in {data_dir}; {kept}. {reason}") from error


@contextlib.contextmanager
def only_errors_logged() -> Iterator[None]:
  """Keeps TFDS from warning of every config that it has not seen before."""
  before = logging.get_verbosity()
  logging.set_verbosity(logging.ERROR)
  try:
    yield
  finally:
    logging.set_verbosity(before)
