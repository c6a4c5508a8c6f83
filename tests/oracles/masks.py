"""Pasting and cropping pixel by pixel, with EfficientPS's convention: first and last pixel."""

import math
from fractions import Fraction

import numpy as np


def paste(mask, box, size, *, legacy=True):
  """Zero padding: a corner outside the mask counts as 0."""
  x0, y0, x1, y1 = (float(side) for side in box)
  width, height = x1 - x0 - legacy, y1 - y0 - legacy
  image = np.zeros(size)
  if width <= 0 or height <= 0:
    return image
  for i in range(size[0]):
    for j in range(size[1]):
      v = mask.shape[0] * (i + 0.5 - y0) / height - 0.5  # cell k stands at v = k
      u = mask.shape[1] * (j + 0.5 - x0) / width - 0.5
      image[i, j] = _between_cells(mask, v, u)
  return image


def _between_cells(mask, v, u):
  rows, columns = mask.shape
  value, top, left = 0, math.floor(v), math.floor(u)
  for k in (top, top + 1):
    for m in (left, left + 1):
      if 0 <= k < rows and 0 <= m < columns:
        value += mask[k, m] * (1 - abs(v - k)) * (1 - abs(u - m))
  return value


def box_rectangle(box, size):
  """The pixels `x0 y0 x1 y1` (ends excluded) whose semantic logits an instance may use."""
  height, width = size
  x1, y1, x2, y2 = map(float, box - [0, 0, 1, 1])
  first = max(int(x1 + 1), 0), max(int(y1 + 1), 0)
  last = min(round(x2 - 1), width - 1), min(round(y2 - 1), height - 1)
  return [*first, last[0] + 1, last[1] + 1]


def crop_mask_target(instance, wanted, box, size):
  """Cuts the mask out, then resizes it with exact fractions."""
  height, width = instance.shape
  x1, y1, x2, y2 = map(float, box - [0, 0, 1, 1])
  x1, x2 = (int(min(max(x, 0), width - 1)) for x in (x1, x2))
  y1, y2 = (int(min(max(y, 0), height - 1)) for y in (y1, y2))
  rows, columns = slice(y1, max(y2, y1) + 1), slice(x1, max(x2, x1) + 1)
  crop = (instance == wanted)[rows, columns].astype(int)
  target = np.zeros((size, size), np.float32)
  for i, row in enumerate(_corners(crop.shape[0], size)):
    for j, column in enumerate(_corners(crop.shape[1], size)):
      value = sum(wy * wx * int(crop[y, x]) for y, wy in row for x, wx in column)
      target[i, j] = value >= Fraction(1, 2) and wanted > 0
  return target


def _corners(length, size):
  """Yields, for each of `size` samples, the two nearest pixels and their weights; the border is
  repeated.
  """
  for k in range(size):
    position = Fraction(2 * k + 1, 2 * size) * length - Fraction(1, 2)
    position = min(max(position, 0), length - 1)
    lower = int(position)
    upper, share = min(lower + 1, length - 1), position - lower
    yield (lower, 1 - share), (upper, share)
