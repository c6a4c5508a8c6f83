"""Matches, checks and reads photos with label files on disk; one error lists every problem.

This is what the builders share. Each builder says which folders belong to a split, and how a label
file becomes uids.
"""

import collections
import io
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from etils import epath
from PIL import Image, UnidentifiedImageError

from jppf_jax import photos
from jppf_jax.labels import uids as uid_format
from jppf_jax.labels.formats import lossless
from jppf_jax_data.builder import Example


class Pair(NamedTuple):
  """One example on disk."""

  image_id: str
  image: epath.Path
  label: epath.Path


class DataError(ValueError):
  """The raw files cannot be built; the message lists every problem.

  Args:
    name: of the dataset.
    problems: one line each.
    advice: what to do about them.
  """

  def __init__(
    self, name: str, problems: list[str], *, advice: str = "Repair or remove these files:"
  ):
    self.problems = problems
    lines = "\n".join(f"  - {line}" for line in problems)
    number = len(problems)
    count = "1 problem" if number == 1 else f"{number} problems"
    super().__init__(f"{name}: {count}, nothing was built. {advice}\n{lines}")


class ShortfallWarning(UserWarning):
  """A split has fewer examples than the official release."""


def match(
  images: Mapping[str, epath.Path], labels: Mapping[str, epath.Path]
) -> tuple[list[Pair], list[str]]:
  """Matches images and label files by their ids.

  Returns:
    The pairs in the order of their ids, and one line for each file without its counterpart.
  """
  without_label = sorted(images.keys() - labels.keys())
  without_image = sorted(labels.keys() - images.keys())
  lonely = [f"{images[key]}: no label file for this image" for key in without_label]
  lonely += [f"{labels[key]}: no image for this label file" for key in without_image]
  common = sorted(images.keys() & labels.keys())
  found = [Pair(key, images[key], labels[key]) for key in common]
  return found, lonely


def shortfall(name: str, found: Mapping[str, int], official: Mapping[str, int]) -> str:
  """Returns which splits have fewer examples than the official release, as a sentence.

  Empty if no split has fewer.

  Args:
    name: of the dataset.
    found: number of examples per split.
    official: the numbers of the official release; a split may be missing.
  """
  short = []
  for split, count in found.items():
    expected = official.get(split, 0)
    if count < expected:
      short.append(f"{split}: {count} of {expected}")
  if not short:
    return ""
  listed = ", ".join(short)
  return f"{name} has fewer examples than the official release ({listed}); building what is there."


def tree(root: epath.Path, layout: Mapping[str, str]) -> str:
  """Returns a drawing of the expected folders, each with a tick or a cross.

  Args:
    root: the `manual_dir`.
    layout: folder below `root` -> pattern of its files.
  """
  width = max(map(len, layout))
  lines = [f"{root}/"]
  for folder, pattern in layout.items():
    mark = "✓" if (root / folder).is_dir() else "✗"
    lines.append(f"  {mark} {folder:<{width}}  {pattern}")
  return "\n".join(lines)


def read_uids(path: epath.Path, *, max_scene_id: int) -> np.ndarray:
  """Returns the uids of an image file with one channel of whole numbers, int32 [H W].

  Args:
    path: usually a 32-bit TIFF.
    max_scene_id: the largest scene id of the dataset.

  Raises:
    ValueError: as `read_numbers`.
    ValueError: illegal uids, or scene ids above `max_scene_id`.
  """
  values = read_numbers(path)
  return uid_format.check(values, max_scene_id=max_scene_id)


def read_numbers(path: epath.Path) -> np.ndarray:
  """Returns the numbers of a label file with one channel, integers [H W]; palettes as indices.

  Raises:
    ValueError: the file cannot be read, or only with loss (JPEG).
    ValueError: the image has several channels, or its values are no whole numbers.
  """
  with path.open("rb") as file:
    values = lossless.read(file)
  if values.ndim != 2 or values.dtype.kind not in "iu":
    raise ValueError(
      f"expected one whole number per pixel, found shape {values.shape}, type {values.dtype}"
    )
  return values


def by_id(folder: epath.Path, *extensions: str) -> dict[str, epath.Path]:
  """Returns {name without extension: file} of the files in a folder, e.g. `by_id(f, ".jpg")`.

  Capital letters in extensions do not matter; hidden files are left out. Empty if there is no such
  folder.

  Args:
    folder: its subfolders are not searched.
    *extensions: with a dot, in lower case.

  Raises:
    DataError: two files have the same name.
  """
  found: dict[str, epath.Path] = {}
  twice = []
  for path in sorted(folder.glob("*")):
    if path.suffix.lower() not in extensions or path.name.startswith("."):
      continue
    if path.stem in found:
      twice.append(f"{path}: has the same name as {found[path.stem].name}")
    found[path.stem] = path
  if twice:
    raise DataError(folder.name, twice, advice="Keep one of them:")
  return found


def read_image(path: epath.Path) -> tuple[bytes, tuple[int, int]]:
  """Returns the bytes of an RGB image file and its (height, width), after checking the file.

  Raises:
    ValueError: the image is not 8-bit RGB, has transparent pixels, or too many pixels.
    OSError, SyntaxError: the file is truncated or no image.
  """
  content = path.read_bytes()
  with Image.open(io.BytesIO(content)) as image:
    width, height = image.size
    photos.check_size(image)
    if not photos.is_plain(image):
      raise ValueError(
        f"expected an 8-bit RGB image without transparency, found Pillow mode {image.mode!r}; "
        "jppf_jax.photos.read_image reads such files, save what it returns as PNG"
      )
    if image.format == "PNG":
      image.verify()  # compares checksums, fifty times faster than decoding
    else:
      image.load()
  return content, (height, width)


def aligned(content: bytes, uids: np.ndarray) -> tuple[bytes, np.ndarray]:
  """Returns an image file and its labels so that both lie upright.

  Only an image with an EXIF mark of its orientation changes. After a quarter turn the shape of the
  labels says whether they were drawn on the upright image, or on the pixels as they are stored.

  Args:
    content: of an image file that `read_image` accepts.
    uids: [H W], of the upright image or of the stored pixels.

  Returns:
    The bytes of the image file, of a PNG if it was turned, and the uids.

  Raises:
    ValueError: image and labels differ in size.
    ImageError: both ways have the same shape, so nothing says how the labels lie.
  """
  orientation = photos.stored_orientation(content)
  if orientation == 1:
    with Image.open(io.BytesIO(content)) as image:
      _require_size(uids, image.height, image.width)
    return content, uids
  upright = photos.decode_image(content).pixels
  height, width = upright.shape[:2]
  if orientation < 5 or height == width:
    raise photos.ImageError(
      f"the image is marked as turned or mirrored (EXIF orientation {orientation}), and the labels "
      "have the same shape either way, so they may lie as shown or as stored. Save the image as "
      "the labels lie and without EXIF: jppf_jax.photos.read_image reads it as shown, Pillow's "
      "Image.open as stored"
    )
  if uids.shape == (width, height):
    uids = photos.upright(uids, orientation)
  _require_size(uids, height, width)
  file = io.BytesIO()
  Image.fromarray(upright).save(file, format="PNG")
  return file.getvalue(), uids


def _require_size(uids: np.ndarray, height: int, width: int) -> None:
  if uids.shape != (height, width):
    raise ValueError(f"height and width {uids.shape}, but the image has {(height, width)}")


def _read(pair: Pair, read_label: Callable[[epath.Path], np.ndarray]) -> Example | list[str]:
  """Returns the example, or what is wrong with its files, one line per problem."""
  problems: list[str] = []
  image, uids = None, None
  try:
    image, _ = read_image(pair.image)
  except Exception as error:  # Pillow raises a dozen types on broken files; all are problems
    problems.append(f"{pair.image}: {_complaint(error)}")
  try:
    uids = read_label(pair.label)
  except Exception as error:
    problems.append(f"{pair.label}: {_complaint(error)}")
  if image is None or uids is None:
    return problems
  try:
    image, uids = aligned(image, uids)
  except photos.ImageError as error:
    return [f"{pair.image}: {error}"]
  except ValueError as error:
    return [f"{pair.label}: {error}"]
  return {"image_id": pair.image_id, "image": image, "uids": uids}


def _complaint(error: Exception) -> str:
  """Returns an error as a phrase for the list of problems."""
  if isinstance(error, UnidentifiedImageError):
    return "truncated, or no image file"  # Pillow says no more either
  return str(error) or type(error).__name__


class Reader:
  """Reads the examples of all splits; if any file is bad, one error lists all bad files.

  Attributes:
    name: of the dataset, for the message.
    splits: the pairs of each split.
    problems: the problems that were found when the files were matched.
    read_label: label file -> uids; raises any exception if the file is bad.
  """

  def __init__(
    self,
    name: str,
    splits: Mapping[str, list[Pair]],
    problems: list[str],
    read_label: Callable[[epath.Path], np.ndarray],
  ):
    self.name, self.splits = name, splits
    self.problems, self.read_label = list(problems), read_label

  def examples(self, split: str) -> Iterator[Example]:
    """Yields the examples of a split; skips bad files and lists them at the end.

    Raises:
      DataError: a file of any split is bad or without counterpart. If `problems` is not empty,
        before the first example; else after the last example of a split with a bad file.
    """
    if self.problems:
      raise DataError(self.name, self.problems + self._all_problems(list(self.splits)))
    problems: list[str] = []
    for found in self._read_all(split):
      if isinstance(found, list):
        problems += found
      else:
        yield found
    if problems:
      others = [other for other in self.splits if other != split]
      raise DataError(self.name, problems + self._all_problems(others))

  def _all_problems(self, splits: list[str]) -> list[str]:
    """Reads whole splits, and returns only what is wrong with their files."""
    problems: list[str] = []
    for split in splits:
      for found in self._read_all(split):
        if isinstance(found, list):
          problems += found
    return problems

  def _read_all(self, split: str) -> Iterator[Example | list[str]]:
    """Reads on all cores, in order, with a bounded number of examples in memory."""
    threads = os.cpu_count() or 1
    with ThreadPoolExecutor(threads) as pool:
      window: collections.deque[Future[Example | list[str]]] = collections.deque()
      for pair in self.splits[split]:
        window.append(pool.submit(_read, pair, self.read_label))
        if len(window) > 2 * threads:
          yield window.popleft().result()
      while window:
        yield window.popleft().result()
