"""Runs: neighbouring pixels with equal labels, row after row.

Label maps consist of runs: an image of 1024x2048 pixels has about 50,000. What depends on the label
of a pixel alone is computed once per run, or once per distinct label.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Int64, Integer, Shaped


def starts(*maps: Shaped[np.ndarray, "H W ..."]) -> Int64[np.ndarray, " R"]:
  """Returns the first pixel of each run, as an index into the rows laid end to end.

  A run goes on at the end of a row if the next row begins alike.

  Args:
    *maps: of one image, [H W] or [H W C]. Pixels are equal if they are in all maps.
  """
  pixels = maps[0].shape[0] * maps[0].shape[1]
  begins = np.zeros(pixels, bool)
  begins[:1] = True
  for labels in maps:
    depth = labels.shape[2] if labels.ndim == 3 else 1
    flat = labels.reshape(-1)
    differs = flat[depth:] != flat[:-depth]
    if depth == 1:
      begins[1:] |= differs
    else:
      begins[np.flatnonzero(differs) // depth + 1] = True
  return np.flatnonzero(begins)


def distinct(
  values: Integer[np.ndarray, " R"],
) -> tuple[Integer[np.ndarray, " D"], Int64[np.ndarray, " R"]]:
  """Returns the distinct values, ascending, and the place of each value among them."""
  ordered = np.sort(values)
  is_new = np.ones(len(ordered), bool)
  is_new[1:] = ordered[1:] != ordered[:-1]
  found = ordered[is_new]
  return found, np.searchsorted(found, values)


class Region(NamedTuple):
  """The pixels of one label.

  Attributes:
    rows: from the first to the last with a pixel of it.
    columns: as `rows`.
    area: number of pixels.
  """

  rows: slice
  columns: slice
  area: int


def regions(labels: Integer[np.ndarray, "H W"]) -> dict[int, Region]:
  """Returns the region of each distinct label, ascending; 0 is a label like any other."""
  height, width = labels.shape
  if labels.size == 0:
    return {}
  of_rows = np.arange(height) * width
  first = np.union1d(starts(labels), of_rows)  # a run ends at the end of a row here
  length = np.diff(first, append=labels.size)
  row, column = np.divmod(first, width)
  found, place = distinct(labels.reshape(-1)[first])
  area = np.bincount(place, length).astype(np.int64)
  top, left = np.full(len(found), height), np.full(len(found), width)
  bottom, right = np.zeros_like(top), np.zeros_like(left)
  np.minimum.at(top, place, row)
  np.minimum.at(left, place, column)
  np.maximum.at(bottom, place, row + 1)
  np.maximum.at(right, place, column + length)
  edges = zip(top.tolist(), bottom.tolist(), left.tolist(), right.tolist(), area.tolist())
  return {
    label: Region(slice(y0, y1), slice(x0, x1), pixels)
    for label, (y0, y1, x0, x1, pixels) in zip(found.tolist(), edges)
  }
