"""Pasting and cropping pixel by pixel, in plain Python and in EfficientPS's first-and-last-pixel
convention.
"""

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
      for k in (np.floor(v), np.floor(v) + 1):
        for m in (np.floor(u), np.floor(u) + 1):
          if 0 <= k < mask.shape[0] and 0 <= m < mask.shape[1]:
            image[i, j] += mask[int(k), int(m)] * (1 - abs(v - k)) * (1 - abs(u - m))
  return image


def box_rectangle(box, size):
  """Rows and columns of the semantic logits that an instance may use, as half-open ranges x0 y0 x1
  y1.
  """
  (height, width), (x1, y1, x2, y2) = size, (float(side) for side in box - [0, 0, 1, 1])
  first = max(int(x1 + 1), 0), max(int(y1 + 1), 0)
  return [*first, min(round(x2 - 1) + 1, width), min(round(y2 - 1) + 1, height)]


def crop_mask_target(instance, wanted, box, size):
  """Cuts the mask out, then resizes it with exact fractions."""
  height, width = instance.shape
  x1, x2 = (int(min(max(x, 0), width - 1)) for x in (float(box[0]), float(box[2]) - 1))
  y1, y2 = (int(min(max(y, 0), height - 1)) for y in (float(box[1]), float(box[3]) - 1))
  crop = (instance == wanted)[y1 : y1 + max(y2 - y1 + 1, 1), x1 : x1 + max(x2 - x1 + 1, 1)]
  target = np.zeros((size, size), np.float32)
  for i, row in enumerate(_corners(crop.shape[0], size)):
    for j, column in enumerate(_corners(crop.shape[1], size)):
      value = sum(wy * wx * int(crop[y, x]) for y, wy in row for x, wx in column)
      target[i, j] = value >= Fraction(1, 2) and wanted > 0
  return target


def _corners(length, size):
  """For each of `size` samples the two pixels beside it and their weights; the border is repeated."""
  for k in range(size):
    position = min(max(Fraction(2 * k + 1, 2 * size) * length - Fraction(1, 2), 0), length - 1)
    lower = int(position)
    yield (lower, 1 - (position - lower)), (min(lower + 1, length - 1), position - lower)
