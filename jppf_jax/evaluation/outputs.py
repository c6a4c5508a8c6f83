"""Where predictions go: a name of its own for each image, and the indexes that runs share."""

import contextlib
import fcntl
import hashlib
import json
import os
import time
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from jppf_jax.evaluation.segments import Record, Row, read_rows, rows_of, write_rows
from jppf_jax.labels.formats import coco, files
from jppf_jax.labels.spec import LabelSpec

_LONGEST_NAME = 200  # bytes; file systems allow 255, and suffixes follow
_ADVICE = "use another folder, or move that file away"
_SECONDS = 30  # between two savings of the index, for runs that are killed


class OutputError(ValueError):
  """The results would overwrite other files, or cannot go where they should; says what to do."""


def files_of(folder: Path, name: str) -> dict[str, Path]:
  """Returns the files that are written for an image, by their kind."""
  return {
    "uids": folder / "uids" / f"{name}.tif",
    "channels": folder / "channels" / f"{name}.png",
    "panoptic": folder / "panoptic" / f"{name}.png",
    "segments": folder / "segments" / f"{name}.json",
    "picture": folder / f"{name}.png",
  }


def index_of(folder: Path) -> Path:
  """Returns the COCO panoptic JSON of a folder of predictions."""
  return folder / "panoptic.json"


def table_of(folder: Path) -> Path:
  """Returns the table of all segments of a folder of predictions."""
  return folder / "segments.csv"


def distinct_names(paths: Sequence[Path]) -> list[str]:
  """Returns a name for each file; no two are equal, not even up to case.

  The name is the stem if no other file has that stem, else the path below the folder that they
  share, with `_` between its folders, and a number if that is taken too.

  Raises:
    OutputError: a file is given twice.
  """
  absolute = [path.parent.resolve() / path.name for path in paths]
  counts = Counter(absolute)
  if twice := [str(path) for path, place in zip(paths, absolute) if counts[place] > 1]:
    raise OutputError(f"{twice[0]} is given twice; name each image once.")
  groups: dict[str, list[Path]] = {}
  for path in absolute:
    groups.setdefault(_identity(path.stem), []).append(path)
  names: dict[Path, str] = {}
  taken: set[str] = set()
  for group in sorted(groups.values(), key=len):  # names of one file first: they stay as they are
    shared = os.path.commonpath([path.parent for path in group])
    for path in group:
      below = "_".join(path.relative_to(shared).parts)
      name = _free_name(path.stem if len(group) == 1 else below, taken)
      names[path] = name
      taken.add(_identity(name))
  return [names[path] for path in absolute]


def video_folders(folder: Path, videos: Sequence[Path]) -> list[Path]:
  """Returns the folder of each video, in the folder of results; none is that of label files."""
  taken = {_identity(path.parent.name) for path in files_of(folder, "").values()}
  names = []
  for name in distinct_names(videos):
    names.append(_free_name(name, taken))
    taken.add(_identity(names[-1]))
  return [folder / name for name in names]


def _identity(name: str) -> str:
  """Returns what is equal for names that a file system, or `jppf score`, takes for one."""
  image_id = files.image_id_of(Path(f"{name}.png"))
  return unicodedata.normalize("NFC", image_id).casefold()


def _free_name(wanted: str, taken: set[str]) -> str:
  """Returns a name that is not taken: the wanted one, or with a number behind it."""
  encoded = os.fsencode(wanted)
  if len(encoded) > _LONGEST_NAME:
    digest = hashlib.sha256(encoded).hexdigest()[:12]
    wanted = f"{encoded[: _LONGEST_NAME - 20].decode(errors='ignore')}_{digest}"
  name, number = wanted, 1
  while _identity(name) in taken:
    number += 1
    name = f"{wanted}_{number}"
  return name


def check_folder(folder: Path, paths: Sequence[Path], names: Sequence[str]) -> None:
  """Checks that results can be written to `folder` without touching an image that is read.

  Raises:
    OutputError: the folder is a file.
    OutputError: a result would overwrite one of the images.
  """
  if folder.exists() and not folder.is_dir():
    raise OutputError(f"{folder} is a file; results need a folder.")
  images = {_file_id(path): path for path in paths if path.exists()}
  for name in names:
    for kind, file in files_of(folder, name).items():
      if file.exists() and _file_id(file) in images:
        image = images[_file_id(file)]
        raise OutputError(f"{file} ({kind}) would overwrite the image {image}; use another folder.")


def _file_id(path: Path) -> tuple[int, int]:
  status = path.stat()
  return status.st_dev, status.st_ino


class Index:
  """The `panoptic.json` and `segments.csv` of a folder: entries of this run and of earlier ones.

  An image that is predicted again replaces its entry. Several runs may write into one folder.

  Args:
    folder: of the predictions.
    spec: the taxonomy.

  Raises:
    OutputError: the JSON there has another taxonomy, or is no panoptic JSON.
    OutputError: the CSV there is another table.
  """

  def __init__(self, folder: Path, spec: LabelSpec):
    self._folder, self._spec = folder, spec
    self._added: dict[str, coco.Record] = {}
    self._rows: dict[str, list[Row]] = {}
    self._saved = time.monotonic()
    self._read()
    self._read_rows()

  def add(self, record: coco.Record, segments: Sequence[Record]) -> None:
    """Adds the entry of an image, and its segments; saves now and then."""
    self._added[record["file_name"]] = record
    image = Path(record["file_name"]).stem
    self._rows[image] = list(rows_of(image, segments))
    if time.monotonic() - self._saved > _SECONDS:
      self.save()

  def save(self) -> None:
    """Writes the entries of this run and of earlier ones; nothing if this run has none."""
    if not self._added:
      return
    with _locked(self._folder):
      entries = self._read() | self._added
      coco.write_index(index_of(self._folder), list(entries.values()), self._spec)
      rows = self._read_rows() | self._rows
      present = {Path(name).stem for name in entries}
      kept = {image: rows[image] for image in rows if image in present}
      write_rows(table_of(self._folder), kept)
    self._saved = time.monotonic()

  def _read(self) -> dict[str, coco.Record]:
    """Returns {file name: entry} of the images that are in the folder now."""
    path = index_of(self._folder)
    if not path.exists():
      return {}
    try:
      content = json.loads(path.read_text(encoding="utf-8"))
      categories = [_meaning(category) for category in content["categories"]]
      found = {image["file_name"]: image for image in content["images"]}
      for entry in content["annotations"]:
        found[entry["file_name"]].update(entry)
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
      raise OutputError(f"{path} is no COCO panoptic JSON to add images to; {_ADVICE}.") from error
    if categories != [_meaning(category) for category in coco.categories(self._spec)]:
      raise OutputError(f"{path} has the classes of another taxonomy; {_ADVICE}.")
    folder = self._folder / "panoptic"
    return {name: entry for name, entry in found.items() if (folder / name).is_file()}

  def _read_rows(self) -> dict[str, list[Row]]:
    """Returns the rows of the table that is in the folder now, by image."""
    path = table_of(self._folder)
    if not path.exists():
      return {}
    try:
      return read_rows(path)
    except (OSError, ValueError) as error:
      raise OutputError(f"{path} is no table to add segments to; {_ADVICE}.") from error


def _meaning(category: Any) -> tuple[int, str, int]:
  """Returns what must agree between two lists of categories."""
  return category["id"], category["name"], category["isthing"]


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
  """Lets one process at a time into the block, where the file system has locks."""
  descriptor = os.open(folder, os.O_RDONLY)
  try:
    with contextlib.suppress(OSError):
      fcntl.flock(descriptor, fcntl.LOCK_EX)
    yield
  finally:
    os.close(descriptor)  # which unlocks
