"""Enlarges id maps with smooth boundaries: no steps of enlarged pixels, and no new id."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int, Int32, Int64, UInt8
from PIL import Image, ImageFilter

from jppf_jax.labels import runs
from jppf_jax.labels.resample import nearest, nearest_positions

_SAMPLES = 512  # lines that are looked at to find the grid of a map
_MARGIN = 2  # source pixels around a segment that its blurred mask reaches
_LARGEST_WORK = 30  # sum of the boxes of all segments, in pictures
_MOST_SEGMENTS = 2000
_SIDE, _MIDDLE = 9, 32  # weights of the blur along each axis
_WEIGHTS = np.outer([_SIDE, _MIDDLE, _SIDE], [_SIDE, _MIDDLE, _SIDE])
_BLUR = ImageFilter.Kernel((3, 3), _WEIGHTS.ravel().tolist())


class Regions(NamedTuple):
  """The regions of equal ids of one image.

  Attributes:
    segments: the number of the region of each pixel, from 0.
    ids: of each map, the id of each region.
  """

  segments: Int32[np.ndarray, "h w"]
  ids: list[Int[np.ndarray, " N"]]


def find_regions(maps: Sequence[Int[np.ndarray, "h w"]]) -> Regions:
  """Returns the regions in which no map changes.

  Maps that were enlarged before are taken back to their own pixels.

  Args:
    maps: ids, e.g. class, instance and part; 0 to 2^20.
  """
  height, width = maps[0].shape
  across, down = max(1, width // _SAMPLES), max(1, height // _SAMPLES)
  rows = own_length([ids[:, ::across] for ids in maps])
  columns = own_length([ids[::down].T for ids in maps])
  own = [nearest(ids, (rows, columns)) for ids in maps]
  _, first, segments = np.unique(_packed(own), return_index=True, return_inverse=True)
  ids = [values.ravel()[first] for values in own]
  return Regions(segments.reshape(rows, columns).astype(np.int32), ids)


def enlarged(
  regions: Regions, size: tuple[int, int], *, smooth_from: float = 1.0
) -> list[Int[np.ndarray, "H W"]]:
  """Returns the id maps at another size, with common smooth boundaries.

  Each region is enlarged as a blurred mask; a pixel belongs to the mask that is strongest there.
  Smaller sizes, and maps of a great many regions, are scaled by nearest neighbour.

  Args:
    regions: of `find_regions`.
    size: height and width of the result.
    smooth_from: the enlargement from which boundaries are smooth.
  """
  rows, columns = regions.segments.shape
  scale = max(size[0] / rows, size[1] / columns)
  if scale > smooth_from:
    segments = _strongest(regions.segments, size)
  else:
    segments = nearest(regions.segments, size)
  return [ids[segments] for ids in regions.ids]


def own_length(maps: Sequence[Int[np.ndarray, "h w"]]) -> int:
  """Returns how many rows maps had before nearest neighbour enlarged them; `h` if unknown.

  Rows can differ only where an original row ends. The answer is the smallest number of rows that
  explains all differences, if at least half of its rows differ.
  """
  height = maps[0].shape[0]
  key = _packed(maps)
  differs = (key[1:] != key[:-1]).any(axis=1)
  count = int(differs.sum())
  for rows in range(count + 1, min(2 * count, height) + 1):
    positions = nearest_positions(rows, height)
    is_edge = positions[1:] != positions[:-1]
    if not (differs & ~is_edge).any():
      return rows
  return height


def _packed(maps: Sequence[Int[np.ndarray, "h w"]]) -> Int64[np.ndarray, "h w"]:
  """Returns one number for each combination of ids below 2^20."""
  key = np.zeros(maps[0].shape, np.int64)
  for ids in maps:
    key = (key << 20) + ids
  return key


def _strongest(
  segments: Int32[np.ndarray, "h w"], size: tuple[int, int]
) -> Int32[np.ndarray, "H W"]:
  """Returns for each enlarged pixel the segment whose blurred mask is strongest."""
  result = nearest(segments, size)
  step = (size[0] / segments.shape[0], size[1] / segments.shape[1])
  found = runs.regions(segments)
  boxes = [(region.rows, region.columns) for region in found.values()]
  work = sum((rows.stop - rows.start) * (columns.stop - columns.start) for rows, columns in boxes)
  if len(boxes) > _MOST_SEGMENTS or work > _LARGEST_WORK * segments.size:
    return result
  strength = np.zeros(size, np.uint8)
  for segment, (rows, columns) in enumerate(boxes):
    source_rows, target_rows = _windows(rows, segments.shape[0], step[0], size[0])
    source_columns, target_columns = _windows(columns, segments.shape[1], step[1], size[1])
    is_segment = segments[source_rows, source_columns] == segment
    box = (
      target_columns.start / step[1] - source_columns.start,
      target_rows.start / step[0] - source_rows.start,
      target_columns.stop / step[1] - source_columns.start,
      target_rows.stop / step[0] - source_rows.start,
    )
    window = (target_rows, target_columns)
    if not strength[window].size:  # thinner than a pixel
      continue
    mask = _enlarged(is_segment, box, strength[window].shape)
    is_stronger = mask > strength[window]
    np.copyto(result[window], segment, where=is_stronger)
    np.maximum(mask, strength[window], out=strength[window])
  return _with_thin_lines(result, segments)


def _with_thin_lines(
  enlarged: Int32[np.ndarray, "H W"], segments: Int32[np.ndarray, "h w"]
) -> Int32[np.ndarray, "H W"]:
  """Returns enlarged segments in which each source pixel that lost its own centre is put back.

  Without this, slanted lines of one pixel would be blurred away.
  """
  height, width = segments.shape
  size = enlarged.shape
  rows = ((np.arange(height) + 0.5) * (size[0] / height)).astype(np.intp)
  columns = ((np.arange(width) + 0.5) * (size[1] / width)).astype(np.intp)
  is_lost = enlarged[rows[:, None], columns] != segments
  if not is_lost.any():
    return enlarged
  return np.where(nearest(is_lost.astype(np.int8), size) > 0, nearest(segments, size), enlarged)


def _windows(inside: slice, length: int, step: float, scaled: int) -> tuple[slice, slice]:
  """Returns an interval with its margin in source pixels, and in enlarged pixels inside of it."""
  start, stop = max(0, inside.start - _MARGIN), min(length, inside.stop + _MARGIN)
  first, last = int(np.ceil(start * step)), int(np.floor(stop * step + 1e-9))
  return slice(start, stop), slice(first, min(last, scaled))


def _enlarged(
  is_segment: Bool[np.ndarray, "h w"],
  box: tuple[float, float, float, float],
  size: tuple[int, int],
) -> UInt8[np.ndarray, "H W"]:
  """Returns the part of a mask inside `box`, x0 y0 x1 y1, blurred and enlarged; 255 = certain."""
  mask = Image.fromarray(is_segment.astype(np.uint8) * 255).filter(_BLUR)
  height, width = is_segment.shape
  x0, y0, x1, y1 = box
  inside = (max(0.0, x0), max(0.0, y0), min(x1, float(width)), min(y1, float(height)))
  return np.asarray(mask.resize(size[::-1], Image.Resampling.BILINEAR, box=inside))
