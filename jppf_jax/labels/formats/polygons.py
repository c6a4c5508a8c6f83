"""Polygons and other outlines: drawn as the tools draw them, and traced so that drawing is exact.

Drawing is Pillow's, which LabelMe and the scripts of Cityscapes use: a pixel belongs to a polygon
if its centre, at whole numbers, is inside or on the border.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Int
from PIL import Image, ImageDraw
from scipy import ndimage
from skimage import measure

from jppf_jax.labels.quote import quoted

Point = tuple[float | int, float | int]  # column, row
_FARTHEST = 1e6  # pixels
_ALMOST_1 = 1 - 1e-4


def points(values: Any) -> list[Point]:
  """Returns the points of a JSON file, `[[column, row], ...]`.

  Raises:
    ValueError: they are something else, or far away.
  """
  entries: list[Any] = values if isinstance(values, list) else [None]
  if not all(isinstance(entry, list) and len(entry) == 2 for entry in entries):
    raise ValueError(f"the points are {quoted(values)}, expected a list of [x, y]")
  numbers = [number for entry in entries for number in entry]
  if not all(is_place(number) for number in numbers):
    raise ValueError(f"the points are {quoted(values)}, expected numbers of pixels")
  return [(float(x), float(y)) for x, y in entries]


def is_place(value: Any) -> bool:
  """Returns whether a value of a JSON file can be a coordinate in pixels."""
  return type(value) in (int, float) and abs(value) <= _FARTHEST


def reach_outside(corners: Iterable[Point], size: tuple[int, int]) -> bool:
  """Returns whether one of some points lies more than a pixel outside an image."""
  height, width = size
  return not all(-1 <= x <= width and -1 <= y <= height for x, y in corners)


def polygon(corners: Sequence[Point], size: tuple[int, int]) -> Bool[np.ndarray, "H W"]:
  """Returns the pixels of a polygon of at least three corners; none if there are fewer."""
  if len(corners) < 3:
    return np.zeros(size, bool)
  return _drawn(size, lambda draw: draw.polygon(corners, fill=1, outline=1))


def filled_polygon(corners: Sequence[Point], size: tuple[int, int]) -> Bool[np.ndarray, "H W"]:
  """Returns the pixels of a polygon without an outline of its own, as Cityscapes draws it."""
  if len(corners) < 3:
    return np.zeros(size, bool)
  return _drawn(size, lambda draw: draw.polygon(corners, fill=1))


def rectangle(first: Point, second: Point, size: tuple[int, int]) -> Bool[np.ndarray, "H W"]:
  """Returns the pixels of a rectangle with these opposite corners."""
  (left, right), (top, bottom) = (sorted(pair) for pair in zip(first, second))
  return _drawn(size, lambda draw: draw.rectangle([left, top, right, bottom], fill=1, outline=1))


def circle(centre: Point, edge: Point, size: tuple[int, int]) -> Bool[np.ndarray, "H W"]:
  """Returns the pixels of a circle through a point."""
  (x, y), radius = centre, math.dist(centre, edge)
  box = [x - radius, y - radius, x + radius, y + radius]
  return _drawn(size, lambda draw: draw.ellipse(box, fill=1, outline=1))


def _drawn(
  size: tuple[int, int], draw: Callable[[ImageDraw.ImageDraw], None]
) -> Bool[np.ndarray, "H W"]:
  height, width = size
  image = Image.new("L", (width, height))
  draw(ImageDraw.Draw(image))
  return np.asarray(image) > 0


class Piece(NamedTuple):
  """A connected region as a polygon.

  Attributes:
    corners: whole numbers, [column, row].
    box: first column, first row, and those behind the last.
    hole: whether pixels inside the polygon belong to something else.
  """

  corners: list[list[int]]
  box: tuple[int, int, int, int]
  hole: bool

  @property
  def extent(self) -> int:
    """Pixels of the box; what lies in a hole has a smaller one, and is drawn later."""
    left, top, right, bottom = self.box
    return (right - left) * (bottom - top)


class Cover:
  """The pixels that the polygon of a piece covers, its holes among them.

  Args:
    piece: of an image.
  """

  def __init__(self, piece: Piece):
    self._piece = piece

  def has(self, other: Piece) -> bool:
    """Returns whether it covers another piece of the image, which then lies in one of its holes."""
    (left, top, right, bottom), (x0, y0, x1, y1) = other.box, self._piece.box
    is_near = x0 < left and y0 < top and right < x1 and bottom < y1
    if not is_near:
      return False
    column, row = other.corners[0]  # a pixel of it; the others lie in the same hole
    return bool(self._pixels[row - y0, column - x0])

  @cached_property
  def _pixels(self) -> Bool[np.ndarray, "h w"]:
    x0, y0, x1, y1 = self._piece.box
    corners = [(column - x0, row - y0) for column, row in self._piece.corners]
    return polygon(corners, (y1 - y0, x1 - x0))


def pieces(mask: Bool[np.ndarray, "H W"], corner: tuple[int, int] = (0, 0)) -> Iterator[Piece]:
  """Yields a polygon for each connected region of a mask (edges touch, not corners alone).

  Drawn by `polygon`, it covers exactly the region and its holes. Pieces of all masks of an image,
  drawn in the order of descending `extent`, restore each pixel.

  Args:
    mask: an image, or a cut-out of one.
    corner: first column and row of the cut-out in the image.
  """
  x, y = corner
  labels, _ = ndimage.label(mask)
  for number, (rows, columns) in enumerate(ndimage.find_objects(labels), start=1):
    region = labels[rows, columns] == number
    box = (x + columns.start, y + rows.start, x + columns.stop, y + rows.stop)
    ways = _ways(region)
    corners = _corners(ways[0]) + box[:2]
    yield Piece(corners.tolist(), box, hole=len(ways) > 1)


def _ways(region: Bool[np.ndarray, "h w"]) -> list[Int[np.ndarray, "N 2"]]:
  """Returns the ways [column, row] along the border of a region and of its holes.

  They lead from pixel to pixel; the first is the outer one.
  """
  height, width = region.shape
  if region.all():
    right, bottom = width - 1, height - 1
    return [np.array([(0, 0), (right, 0), (right, bottom), (0, bottom)])]
  padded = np.pad(region, 1).astype(np.float32)
  found = measure.find_contours(padded, _ALMOST_1, fully_connected="low")
  found.sort(key=lambda way: -float(np.ptp(way, axis=0).prod()))
  return [np.rint(way).astype(np.int64)[:-1, ::-1] - 1 for way in found]  # closed: last is first


def _corners(way: Int[np.ndarray, "N 2"]) -> Int[np.ndarray, "C 2"]:
  """Returns the pixels where a way turns, at least three: a polygon has three."""
  moved = (way != np.roll(way, 1, axis=0)).any(1)
  moved[0] |= not moved.any()  # a single pixel
  way = way[moved]
  step_in = np.sign(way - np.roll(way, 1, axis=0))
  step_out = np.sign(np.roll(way, -1, axis=0) - way)
  turns = (step_in != step_out).any(1)
  corners = way[turns] if turns.any() else way
  missing = max(0, 3 - len(corners))
  return np.concatenate([corners, np.repeat(corners[:1], missing, axis=0)])
