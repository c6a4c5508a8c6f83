"""Anchors, the boxes that the region proposal network starts from.

NumPy arrays, constants of the compiled program. Boxes as in `boxes.py`.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

_RATIOS = (0.5, 1.0, 2.0)


def level_anchors(
  stride: int,
  shape: tuple[int, int],
  *,
  scale: float = 8.0,
  ratios: Sequence[float] = _RATIOS,
  legacy: bool = True,
) -> Float[np.ndarray, "n 4"]:
  """Returns the anchors of one feature level, flattened over y, x, ratio (ratio fastest).

  Each cell has one anchor per ratio, centred on the cell, of area (scale * stride)^2 (Feature
  Pyramid Networks, Lin et al. 2017, Sec. 4.1; EfficientPS has one scale). Anchors may reach beyond
  the image.

  Args:
    stride: image pixels per feature cell.
    shape: height and width of the level in cells.
    scale: side of a square anchor, in strides.
    ratios: height / width.
    legacy: as EfficientPS, which rounds the first and the last pixel of the anchors of the first
      cell (half to even). False: exact sides.

  Returns:
    `x0 y0 x1 y1` in image pixels, height * width * len(ratios) rows.

  Raises:
    ValueError: `stride` is below 1.
    ValueError: `ratios` are empty or not positive.
  """
  if stride < 1:
    raise ValueError(f"stride must be at least 1 image pixel per cell; got {stride}.")
  if not ratios or min(ratios) <= 0:
    got = tuple(ratios)
    raise ValueError(f"ratios are height / width and must be positive, e.g. {_RATIOS}; got {got}.")
  sqrt_ratios = np.sqrt(np.asarray(ratios, np.float64))
  unit_sides = np.stack([1 / sqrt_ratios, sqrt_ratios], -1)  # width, height: [ratios, 2]
  sides = scale * stride * unit_sides
  low = (stride - sides) / 2
  high = (stride + sides) / 2
  if legacy:
    low = np.round(low)
    last_pixel = np.round(high - 1)
    high = last_pixel + 1
  anchors_of_first_cell = np.concatenate([low, high], -1)  # [ratios, 4]
  height, width = shape
  rows = np.arange(height) * stride
  columns = np.arange(width) * stride
  y, x = np.meshgrid(rows, columns, indexing="ij")
  shifts = np.stack([x, y, x, y], -1)  # [h, w, 4]
  anchors = shifts[:, :, None] + anchors_of_first_cell  # [h, w, ratios, 4]
  return anchors.reshape(-1, 4).astype(np.float32)


def pyramid_anchors(
  image_size: tuple[int, int],
  strides: Sequence[int],
  *,
  scale: float = 8.0,
  ratios: Sequence[float] = _RATIOS,
  legacy: bool = True,
) -> dict[int, Float[np.ndarray, "_n 4"]]:
  """Returns the anchors of all levels, keyed by stride, finest first.

  A level has ceil(H / stride) x ceil(W / stride) cells, as convolutions with TensorFlow's "SAME"
  padding give.

  Args:
    image_size: height and width of the (padded) image in pixels.
    strides: image pixels per cell of each level.
    scale: side of a square anchor, in strides.
    ratios: height / width.
    legacy: rounds as EfficientPS.
  """
  height, width = image_size
  anchors = {}
  for stride in sorted(strides):
    shape = (-(-height // stride), -(-width // stride))  # divided and rounded up
    anchors[stride] = level_anchors(stride, shape, scale=scale, ratios=ratios, legacy=legacy)
  return anchors
