"""Boxes one at a time, in Python floats, with EfficientPS's convention: first and last pixel.

Functions take and return our boxes and convert them first and last. So a test compares two
conventions, not one with itself.
"""

import math

import numpy as np
from hypothesis import strategies as st


def area(boxes):
  return np.array([_area(*_inclusive(box)) for box in boxes])


def iou_matrix(a, b):
  return np.array([[iou(one, other) for other in b] for one in a])


def iou(one, other):
  """Rounded to float32 at the division only: before it, areas of integer boxes are exact."""
  ax1, ay1, ax2, ay2 = _inclusive(one)
  bx1, by1, bx2, by2 = _inclusive(other)
  intersection = _area(max(ax1, bx1), max(ay1, by1), min(ax2, bx2), min(ay2, by2))
  union = _area(ax1, ay1, ax2, ay2) + _area(bx1, by1, bx2, by2) - intersection
  return np.float32(intersection) / np.float32(union) if union > 0 else np.float32(0)


def encode(box, target, stds):
  px, py, pw, ph = _centre(*_inclusive(box))
  gx, gy, gw, gh = _centre(*_inclusive(target))
  deltas = (gx - px) / pw, (gy - py) / ph, math.log(gw / pw), math.log(gh / ph)
  return [delta / std for delta, std in zip(deltas, stds)]


def decode(box, delta, stds):
  px, py, pw, ph = _centre(*_inclusive(box))
  dx, dy, dw, dh = (float(d) * std for d, std in zip(delta, stds))
  limit = abs(math.log(16 / 1000))
  gx, gy = px + pw * dx, py + ph * dy
  gw = pw * math.exp(_between(-limit, dw, limit))
  gh = ph * math.exp(_between(-limit, dh, limit))
  x1, x2 = gx - gw / 2 + 0.5, gx + gw / 2 - 0.5
  y1, y2 = gy - gh / 2 + 0.5, gy + gh / 2 - 0.5
  return _continuous(x1, y1, x2, y2)


def clip(box, size):
  (height, width), (x1, y1, x2, y2) = size, _inclusive(box)
  x1, x2 = (_between(0, x, width - 1) for x in (x1, x2))
  y1, y2 = (_between(0, y, height - 1) for y in (y1, y2))
  return _continuous(x1, y1, x2, y2)


def boxes_around(size, count, *, step=1.0, empty=True):
  """Strategy: [count, 4] boxes inside, across and outside an image of `size` (H, W), some huge,
  identical or empty.

  All numbers are multiples of `step`. If it is a power of two, sums and differences are exact in
  float32.
  """
  kinds = ["any", "any", "any", "huge", "same"]
  if empty:
    kinds += ["empty", "inverted"]

  @st.composite
  def draw_boxes(draw):
    boxes = []
    for _ in range(count):
      kind = draw(st.sampled_from(kinds))
      x0, x1 = _side(draw, size[1], step, kind)
      y0, y1 = _side(draw, size[0], step, kind)
      if kind == "empty":
        x1, y1 = draw(st.sampled_from([(x0, y1), (x1, y0), (x0, y0)]))
      if kind == "inverted":
        x0, x1 = x1, x0
      boxes.append(boxes[0] if kind == "same" and boxes else [x0, y0, x1, y1])
    return np.array(boxes, np.float32)

  return draw_boxes()


def _side(draw, length, step, kind):
  if kind == "huge":
    return -float(draw(st.integers(0, 1024))), float(draw(st.integers(length, 1024)))
  cells = int(length / step)
  low = draw(st.integers(-cells, 2 * cells - 1))
  high = low + draw(st.integers(1, cells))
  return low * step, high * step


def _between(low, x, high):
  return min(max(x, low), high)


def _inclusive(box):
  x0, y0, x1, y1 = (float(side) for side in box)
  return x0, y0, x1 - 1, y1 - 1


def _continuous(x1, y1, x2, y2):
  return [x1, y1, x2 + 1, y2 + 1]


def _area(x1, y1, x2, y2):
  return max(x2 - x1 + 1, 0) * max(y2 - y1 + 1, 0)


def _centre(x1, y1, x2, y2):
  return (x1 + x2) / 2, (y1 + y2) / 2, x2 - x1 + 1, y2 - y1 + 1
