"""Boxes: area, overlap, coding, clipping.

A box is `x0 y0 x1 y1`, image pixels, continuous: a pixel's centre is at +0.5, so a box around the
pixels a..b is `[a, b + 1]` and its width is `x1 - x0`. EfficientPS writes the same box as a..b and
adds 1 to every width; adding 1 to its last two numbers turns its boxes into ours, and then areas,
overlaps and deltas are equal. A box with `x1 <= x0` or `y1 <= y0` is empty. Everything is computed
in float32, whatever the dtype of the input.
"""

import math
from collections.abc import Sequence

import jax.numpy as jnp
from jaxtyping import Float, Int

from jppf_jax.structs import Array

ImageSize = tuple[int, int] | Int[Array, "2"]  # (H, W); an array may be traced

# Standard deviations that box deltas are divided by (EfficientPS); heads and targets read the same.
RPN_STDS = (1.0, 1.0, 1.0, 1.0)
BOX_HEAD_STDS = (0.1, 0.1, 0.2, 0.2)

_MAX_LOG_SIZE = math.log(
  1000 / 16
)  # a decoded side is at most 62.5 times that of its box, and at least 1/62.5
_MIN_SIDE = 1e-3  # pixels; keeps the coding of padding finite


def area(boxes: Float[Array, "*S 4"]) -> Float[Array, "*S"]:
  """Returns the area of each box in square pixels, 0 for empty boxes."""
  x0, y0, x1, y1 = _split(boxes)
  return jnp.maximum(x1 - x0, 0) * jnp.maximum(y1 - y0, 0)


def iou_matrix(a: Float[Array, "A 4"], b: Float[Array, "B 4"]) -> Float[Array, "A B"]:
  """Returns the intersection over union, in [0, 1], of every box of `a` with every box of `b`.

  An empty box overlaps nothing: its row or column is 0, and the gradient stays finite.
  """
  ax0, ay0, ax1, ay1 = (side[:, None] for side in _split(a))
  bx0, by0, bx1, by1 = _split(b)
  width = jnp.maximum(jnp.minimum(ax1, bx1) - jnp.maximum(ax0, bx0), 0)
  height = jnp.maximum(jnp.minimum(ay1, by1) - jnp.maximum(ay0, by0), 0)
  intersection = width * height
  union = area(a)[:, None] + area(b) - intersection
  return intersection / jnp.where(union > 0, union, 1)


def encode(
  boxes: Float[Array, "*#S 4"], targets: Float[Array, "*#S 4"], stds: Sequence[float | int]
) -> Float[Array, "... 4"]:
  """Returns the deltas `dx dy dw dh` that lead from `boxes` to `targets`; `decode` undoes it.

  `dx = (target centre - box centre) / box width / stds[0]`, `dw = log(target width / box width) /
  stds[2]`, and so for y (Faster R-CNN, Ren et al. 2015, Sec. 3.1.2; means are 0). Sides below
  1/1000 pixel count as 1/1000, so that padding gives finite numbers. Leading axes broadcast.

  Args:
    boxes: anchors or proposals.
    targets: where each of them should go.
    stds: what the four deltas are divided by: EfficientPS takes 1 1 1 1 in the RPN, 0.1 0.1 0.2 0.2
      in the box head.
  """
  x, y, width, height = _centre_and_size(boxes)
  target_x, target_y, target_width, target_height = _centre_and_size(targets)
  width, height = jnp.maximum(width, _MIN_SIDE), jnp.maximum(height, _MIN_SIDE)
  deltas = (
    (target_x - x) / width,
    (target_y - y) / height,
    jnp.log(jnp.maximum(target_width, _MIN_SIDE) / width),
    jnp.log(jnp.maximum(target_height, _MIN_SIDE) / height),
  )
  return jnp.stack(deltas, -1) / jnp.asarray(stds, jnp.float32)


def decode(
  boxes: Float[Array, "*#S 4"], deltas: Float[Array, "*#S 4"], stds: Sequence[float | int]
) -> Float[Array, "... 4"]:
  """Returns the boxes to which `deltas` lead from `boxes`, not clipped.

  The inverse of `encode`, except that a side changes by a factor of at most 1000/16. Leading axes
  broadcast, so `decode(boxes[:, None], deltas_per_class, stds)` decodes every class of a box head.

  Args:
    boxes: anchors or proposals.
    deltas: `dx dy dw dh` as a head predicts them.
    stds: as in `encode`.
  """
  x, y, width, height = _centre_and_size(boxes)
  dx, dy, dw, dh = _split(jnp.asarray(deltas, jnp.float32) * jnp.asarray(stds, jnp.float32))
  x, y = x + dx * width, y + dy * height
  half_width = width * jnp.exp(jnp.clip(dw, -_MAX_LOG_SIZE, _MAX_LOG_SIZE)) / 2
  half_height = height * jnp.exp(jnp.clip(dh, -_MAX_LOG_SIZE, _MAX_LOG_SIZE)) / 2
  return jnp.stack([x - half_width, y - half_height, x + half_width, y + half_height], -1)


def clip(
  boxes: Float[Array, "*S 4"], size: ImageSize, *, legacy: bool = True
) -> Float[Array, "*S 4"]:
  """Returns the boxes moved into the image, corner by corner.

  Args:
    boxes: any boxes.
    size: height and width of the image, without its padding.
    legacy: as EfficientPS, which clips the first and the last *pixel* of a box to 0..W-1: `x0` ends
      in [0, W - 1], `x1` in [1, W], and a box outside the image becomes a sliver one pixel wide.
      False: both end in [0, W], and a box outside the image becomes empty.
  """
  height, width = size
  x0, y0, x1, y1 = _split(boxes)
  pixel = 1 if legacy else 0
  x0, y0 = jnp.clip(x0, 0, width - pixel), jnp.clip(y0, 0, height - pixel)
  x1, y1 = jnp.clip(x1, pixel, width), jnp.clip(y1, pixel, height)
  return jnp.stack([x0, y0, x1, y1], -1)


def _split(boxes: Float[Array, "*S 4"]) -> list[Float[Array, "*S"]]:
  boxes = jnp.asarray(boxes, jnp.float32)
  return [boxes[..., i] for i in range(4)]


def _centre_and_size(boxes: Float[Array, "*S 4"]) -> tuple[Float[Array, "*S"], ...]:
  x0, y0, x1, y1 = _split(boxes)
  return (x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0
