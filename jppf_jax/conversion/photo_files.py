"""Finds the photos that label files name, and hands them over upright, with their labels."""

import io
import unicodedata
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np
from jaxtyping import Shaped, UInt8
from PIL import Image

from jppf_jax import photos

SUFFIXES = tuple(suffix for suffixes in photos.FORMATS.values() for suffix in suffixes)
Box = tuple[int, int, int, int]
_KEPT = {"JPEG": ".jpg", "PNG": ".png"}  # formats of files that are taken as they are


class Photos:
  """The photos below some folders, found by name.

  Args:
    *folders: searched with all folders in them; hidden files and folders are left out.
    without: names of folders that have no photos, but masks.
  """

  def __init__(self, *folders: Path, without: tuple[str, ...] = ()):
    self.folders = folders
    self._by_stem: dict[str, dict[Path, PurePosixPath]] = {}
    self._used: set[Path] = set()
    for folder in folders:
      for path in sorted(folder.rglob("*")):
        place = path.relative_to(folder)
        hidden = any(part.startswith(".") or part in without for part in place.parts)
        if not hidden and path.suffix.lower() in SUFFIXES and path.is_file():
          shown = PurePosixPath(_same_form(place.as_posix()))
          self._by_stem.setdefault(shown.stem.casefold(), {})[path.resolve()] = shown

  def find(self, name: str, *, any_suffix: bool = False) -> Path | None:
    """Returns the photo whose path ends as `name` does; None if there is none.

    Capitals count only if photos differ in nothing else.

    Args:
      name: a path with slashes.
      any_suffix: whether `name` has no suffix, so that the photo may have any.

    Raises:
      ValueError: there are several.
    """
    found = self._find(name, any_suffix)
    if found is not None:
      self._used.add(found)
    return found

  def use(self, path: Path) -> None:
    """Notes that a photo was found in another way."""
    self._used.add(path.resolve())

  def unused(self) -> list[PurePosixPath]:
    """Returns the photos that nobody found, by their paths below the folders."""
    places = [place for found in self._by_stem.values() for place in found.items()]
    return sorted(place for path, place in places if path not in self._used)

  def _find(self, name: str, any_suffix: bool) -> Path | None:
    wanted = PurePosixPath(_same_form(name))
    stem = wanted.name if any_suffix else wanted.stem
    folders = [part for part in wanted.parent.parts if part not in ("..", "/")]
    alike = self._by_stem.get(stem.casefold(), {})
    exact = {path: place for path, place in alike.items() if place.stem == stem}
    found = {}
    for path, place in (exact or alike).items():
      is_called = any_suffix or place.name.lower() == wanted.name.lower()
      shared = _shared_end(place.parent.parts, folders)
      if is_called and place == wanted:
        return path
      if is_called:
        found[path] = shared
    best = [path for path, shared in found.items() if shared == max(found.values())]
    if len(best) > 1:
      listed = ", ".join(map(str, best[:3]))
      raise ValueError(f"several photos are called {name!r}: {listed}; choose with --photos=DIR")
    return best[0] if best else None

  def missing(self, name: str) -> str:
    """Returns a sentence: there is no such photo."""
    searched = " and ".join(map(str, self.folders))
    return f"there is no photo {name!r} in {searched}; if it lies elsewhere: --photos=DIR"


def _shared_end(place: tuple[str, ...], wanted: list[str]) -> int:
  """Returns how many of the last folders are the same."""
  count = 0
  for one, other in zip(reversed(place), reversed(wanted)):
    if one != other:
      break
    count += 1
  return count


def _same_form(name: str) -> str:
  """Returns a name in one form of Unicode; systems store "é" as one sign or as two."""
  return unicodedata.normalize("NFC", name)


class Upright(NamedTuple):
  """A photo as it is written.

  Attributes:
    content: of the file.
    suffix: its ending.
    pixels: RGB.
    turned: the EXIF orientation that its labels have to be turned by; 1 = they lie right.
  """

  content: bytes
  suffix: str
  pixels: UInt8[np.ndarray, "H W 3"]
  turned: int

  def aligned(self, labels: Shaped[np.ndarray, "h w"]) -> Shaped[np.ndarray, "H W"]:
    """Returns labels as they lie on the photo."""
    return photos.upright(labels, self.turned)

  def aligned_box(self, box: Box) -> Box:
    """Returns a box of the labels, first column and row and those behind the last, on the photo."""
    left, top, right, bottom = box
    height, width = self.pixels.shape[:2]
    if self.turned >= 5:  # rows are columns
      left, top, right, bottom = top, left, bottom, right
    if self.turned in (3, 4, 7, 8):
      top, bottom = height - bottom, height - top
    if self.turned in (2, 3, 6, 7):
      left, right = width - right, width - left
    return left, top, right, bottom


def upright(content: bytes, size: tuple[int, int], *, drawn_upright: bool) -> Upright:
  """Returns a photo upright, and says how labels of this size lie on it.

  JPEGs and PNGs that lie upright, in RGB, stay as they are; all others become PNGs.

  Args:
    content: of a photo's file.
    size: height and width of the labels.
    drawn_upright: whether the tool turns photos as EXIF says, as LabelMe and CVAT do.

  Raises:
    ValueError: it is no photo, or has another size than the labels.
    ValueError: nothing says whether the labels lie as shown or as stored.
  """
  pixels, orientation = photos.decode_image(content)
  with Image.open(io.BytesIO(content)) as image:
    kept = _KEPT.get(image.format or "", "") if photos.is_plain(image) else ""
  suffix = kept
  if orientation != 1 or not kept:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="PNG")
    content, suffix = file.getvalue(), ".png"
  height, width = pixels.shape[:2]
  is_quarter = orientation >= 5
  if is_quarter and size == (width, height) and height != width:
    return Upright(content, suffix, pixels, orientation)
  if size != (height, width):
    raise ValueError(f"the labels have height and width {size}, the photo has {(height, width)}")
  is_clear = orientation == 1 or drawn_upright or (is_quarter and height != width)
  if not is_clear:
    raise ValueError(
      f"the photo is marked as turned or mirrored (EXIF orientation {orientation}), and nothing "
      "says whether the labels lie as it is shown or as it is stored; save it without EXIF, as the "
      "labels lie"
    )
  return Upright(content, suffix, pixels, 1)
