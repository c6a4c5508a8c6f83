"""RoIAlign one sample at a time, in Python floats."""

import math

import numpy as np


def assign_level(box, levels, finest_scale):
  """EfficientPS's formula on first and last pixels; 0 for empty boxes."""
  x1, y1, x2, y2 = box[0], box[1], box[2] - 1, box[3] - 1
  area = max(float(x2 - x1 + 1), 0) * max(float(y2 - y1 + 1), 0)
  scale = math.sqrt(area) / finest_scale
  level = math.floor(math.log2(scale + 1e-6))
  return min(max(level, 0), levels - 1)


def roi_align(pyramid, boxes, *, bins, samples=2, finest_scale=56.0, legacy=True):
  strides = sorted(pyramid)
  pooled = np.zeros((len(boxes), bins, bins, pyramid[strides[0]].shape[-1]))
  for r, box in enumerate(boxes):
    stride = strides[assign_level(box, len(strides), finest_scale)]
    features = np.asarray(pyramid[stride], np.float64)
    shift = 0 if legacy else 0.5
    x0, y0, x1, y1 = (float(side) / stride - shift for side in box)
    for i, j in np.ndindex(bins, bins):
      for a, b in np.ndindex(samples, samples):
        y = y0 + (i + (a + 0.5) / samples) * max(y1 - y0, 0) / bins
        x = x0 + (j + (b + 0.5) / samples) * max(x1 - x0, 0) / bins
        pooled[r, i, j] += bilinear(features, y, x) / samples**2
  return pooled


def bilinear(features, y, x):
  """Border repeated up to one cell outside, 0 beyond."""
  height, width = features.shape[:2]
  if not (-1 <= y <= height and -1 <= x <= width):
    return np.zeros(features.shape[-1])
  y, x = max(y, 0), max(x, 0)
  y_low, x_low = int(y), int(x)
  if y_low >= height - 1:
    y_low = y = height - 1
  if x_low >= width - 1:
    x_low = x = width - 1
  y_high, x_high = min(y_low + 1, height - 1), min(x_low + 1, width - 1)
  fy, fx = y - y_low, x - x_low
  upper = (1 - fx) * features[y_low, x_low] + fx * features[y_low, x_high]
  lower = (1 - fx) * features[y_high, x_low] + fx * features[y_high, x_high]
  return (1 - fy) * upper + fy * lower
