"""Enlarges id maps with smooth boundaries: no steps of enlarged pixels, and no new id."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Int, Int32, Int64, UInt8
from PIL import Image, ImageFilter

from jppf_jax.labels.resample import nearest, nearest_positions

_SAMPLES = 512  # lines that are looked at to find the grid of a map
_MARGIN = 2  # source pixels around a segment that its blurred mask reaches
_LARGEST_WORK = 30  # sum of the boxes of all segments, in pictures
_MOST_SEGMENTS = 2000
# A slight blur, (0.2, 0.6, 0.2) along each axis: lines of one pixel survive.
_BLUR = ImageFilter.Kernel((3, 3), [4, 12, 4, 12, 36, 12, 4, 12, 4])


def smoothly(
  maps: Sequence[Int[np.ndarray, "h w"]], size: tuple[int, int]
) -> list[Int[np.ndarray, "H W"]]:
  """Returns the id maps of one image at another size, with common smooth boundaries.

  Each region of equal ids is enlarged as a blurred mask; a pixel belongs to the mask that is
  strongest there. A map that was enlarged before is taken back to its own pixels first. Smaller
  sizes, and maps of a great many regions, are scaled by nearest neighbour.

  Args:
    maps: ids that are equal inside a region, e.g. class, instance and part; 0 to 2^20.
    size: height and width of the result.
  """
  height, width = maps[0].shape
  down, across = max(1, width // _SAMPLES), max(1, height // _SAMPLES)
  rows = own_length([ids[:, ::down] for ids in maps])
  columns = own_length([ids[::across].T for ids in maps])
  grid = (rows, columns)
  if grid != (height, width):
    maps = [nearest(ids, grid) for ids in maps]
  if size[0] <= rows and size[1] <= columns:
    return [nearest(ids, size) for ids in maps]
  key = _packed(maps)
  _, first, segments = np.unique(key, return_index=True, return_inverse=True)
  segments = segments.reshape(grid).astype(np.int32)
  enlarged = _strongest(segments, size)
  return [ids.ravel()[first][enlarged] for ids in maps]


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
  from scipy.ndimage import find_objects  # a second to import

  result = nearest(segments, size)
  step = (size[0] / segments.shape[0], size[1] / segments.shape[1])
  boxes = find_objects(segments + 1)
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
  return result


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
