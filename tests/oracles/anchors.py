"""Anchors cell by cell, as EfficientPS computes them: first and last pixel, rounded."""

import math


def level_anchors(stride, shape, *, scale=8.0, ratios=(0.5, 1.0, 2.0)):
  """Returns our boxes (one added to the last pixel), in the order y, x, ratio."""
  anchors = []
  for y in range(shape[0]):
    for x in range(shape[1]):
      for ratio in ratios:
        x1, y1, x2, y2 = _at_the_first_cell(scale * stride, ratio, stride)
        left, top = x * stride, y * stride
        anchors.append([x1 + left, y1 + top, x2 + left + 1, y2 + top + 1])
  return anchors


def _at_the_first_cell(size, ratio, stride):
  centre = (stride - 1) / 2
  half_width = (size / math.sqrt(ratio) - 1) / 2
  half_height = (size * math.sqrt(ratio) - 1) / 2
  first = centre - half_width, centre - half_height
  last = centre + half_width, centre + half_height
  return [round(side) for side in (*first, *last)]
