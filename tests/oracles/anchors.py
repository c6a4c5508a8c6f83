"""Anchors cell by cell, as EfficientPS computes them: first and last pixel, rounded, in plain
Python.
"""

import math


def level_anchors(stride, shape, *, scale=8.0, ratios=(0.5, 1.0, 2.0)):
  """Returns our boxes (one added to the last pixel), in the order y, x, ratio."""
  anchors = []
  for y in range(shape[0]):
    for x in range(shape[1]):
      for ratio in ratios:
        half_width = (scale * stride / math.sqrt(ratio) - 1) / 2
        half_height = (scale * stride * math.sqrt(ratio) - 1) / 2
        centre = (stride - 1) / 2
        first_and_last = [
          centre - half_width,
          centre - half_height,
          centre + half_width,
          centre + half_height,
        ]
        x1, y1, x2, y2 = (round(side) for side in first_and_last)
        anchors.append([x1 + x * stride, y1 + y * stride, x2 + x * stride + 1, y2 + y * stride + 1])
  return anchors
