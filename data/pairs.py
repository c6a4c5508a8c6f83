"""Photos with their label maps on disk: found, checked and read, with every problem listed in one
error.

What the builders share. A builder says which folders belong to a split and how a label file becomes
uids; here stand the walk, the checks and the reading on all cores.
"""

import collections
import io
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from etils import epath
from PIL import Image, UnidentifiedImageError

from jppf_jax.labels import uids as uid_format
from jppf_jax_data.builder import Example


class Pair(NamedTuple):
  """One example on disk."""

  image_id: str
  image: epath.Path
  label: epath.Path


class DataError(ValueError):
  """The raw data cannot be built; the message lists everything that is wrong with it."""

  def __init__(
    self, name: str, problems: list[str], *, advice: str = "Repair or remove these files:"
  ):
    self.problems = problems
    lines = "\n".join(f"  - {line}" for line in problems)
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    super().__init__(f"{name}: {count}, nothing was built. {advice}\n{lines}")


class ShortfallWarning(UserWarning):
  """A split has fewer examples than the official release."""


def match(
  images: Mapping[str, epath.Path], labels: Mapping[str, epath.Path]
) -> tuple[list[Pair], list[str]]:
  """Returns the pairs in the order of their ids, and one line per file without its counterpart."""
  lonely = [
    f"{images[key]}: no label file for this image" for key in sorted(images.keys() - labels.keys())
  ]
  lonely += [
    f"{labels[key]}: no image for this label file" for key in sorted(labels.keys() - images.keys())
  ]
  return [
    Pair(key, images[key], labels[key]) for key in sorted(images.keys() & labels.keys())
  ], lonely


def shortfall(name: str, found: Mapping[str, int], official: Mapping[str, int]) -> str:
  """Says which splits have fewer pairs than the official release; empty if none has."""
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
  """Draws the expected folders with a tick or a cross each.

  Args:
    root: what was given as manual_dir.
    layout: folder below `root` -> the files expected in it.
  """
  marks = {folder: "✓" if (root / folder).is_dir() else "✗" for folder in layout}
  width = max(map(len, layout))
  return "\n".join(
    [f"{root}/"] + [f"  {marks[folder]} {folder:<{width}}  {layout[folder]}" for folder in layout]
  )


def read_uids(path: epath.Path, *, max_scene_id: int) -> np.ndarray:
  """Reads a single-channel uid file (int32 TIFF, LZW or not): int32 [H W]."""
  with path.open("rb") as file:
    return uid_format.check(np.asarray(Image.open(file)), max_scene_id=max_scene_id)


def read_image(path: epath.Path) -> tuple[bytes, tuple[int, int]]:
  """Returns the bytes of an RGB image file and its (height, width), after checking that it is
  complete.
  """
  content = path.read_bytes()
  with Image.open(io.BytesIO(content)) as image:
    width, height = image.size
    if image.mode != "RGB":
      raise ValueError(f"expected an 8-bit RGB image, found Pillow mode {image.mode!r}")
    if image.format == "PNG":
      image.verify()  # the checksums of all chunks, fifty times faster than decoding
    else:
      image.load()
  return content, (height, width)


def _read(pair: Pair, read_label: Callable[[epath.Path], np.ndarray]) -> Example | list[str]:
  """Returns the example, or what is wrong with its files."""
  problems, image, uids = [], None, None
  try:
    image, size = read_image(pair.image)
  except Exception as error:  # Pillow raises a dozen types on broken files; every one is a finding
    problems.append(f"{pair.image}: {_complaint(error)}")
  try:
    uids = read_label(pair.label)
  except Exception as error:
    problems.append(f"{pair.label}: {_complaint(error)}")
  if image is not None and uids is not None and size != uids.shape:
    problems.append(f"{pair.label}: height and width {uids.shape}, but the image has {size}")
  if problems or image is None or uids is None:
    return problems
  return {"image_id": pair.image_id, "image": image, "uids": uids}


def _complaint(error: Exception) -> str:
  if isinstance(error, UnidentifiedImageError):
    return "truncated, or no image file"  # Pillow says no more either
  return str(error) or type(error).__name__


class Reader:
  """Yields the examples of the splits; before it gives up it looks through all of them and lists
  everything.

  Attributes:
    name: of the data set, for the message.
    splits: the pairs of every split.
    problems: what the search for pairs has found already.
    read_label: label file -> uids; raises on a bad one.
  """

  def __init__(
    self,
    name: str,
    splits: Mapping[str, list[Pair]],
    problems: list[str],
    read_label: Callable[[epath.Path], np.ndarray],
  ):
    self.name, self.splits, self.problems, self.read_label = (
      name,
      splits,
      list(problems),
      read_label,
    )

  def examples(self, split: str) -> Iterator[Example]:
    """Yields the examples of a split; bad files are skipped until all are known.

    Raises:
      DataError: any file of any split is bad or without counterpart. At once if the search had
        problems already, else after the last example of the first split with a bad file.
    """
    if self.problems:
      raise DataError(self.name, self.problems + self._all_problems(list(self.splits)))
    problems = []
    for found in self._read_all(split):
      if isinstance(found, list):
        problems += found
      else:
        yield found
    if problems:
      raise DataError(
        self.name, problems + self._all_problems([other for other in self.splits if other != split])
      )

  def _all_problems(self, splits: list[str]) -> list[str]:
    return [
      line
      for split in splits
      for found in self._read_all(split)
      if isinstance(found, list)
      for line in found
    ]

  def _read_all(self, split: str) -> Iterator[Example | list[str]]:
    """Reads on all cores, in order, with a bounded number of examples in memory."""
    threads = os.cpu_count() or 1
    with ThreadPoolExecutor(threads) as pool:
      window = collections.deque()
      for pair in self.splits[split]:
        window.append(pool.submit(_read, pair, self.read_label))
        if len(window) > 2 * threads:
          yield window.popleft().result()
      while window:
        yield window.popleft().result()
