"""Boxes: area, overlap, coding, clipping.

A box is `x0 y0 x1 y1`, image pixels, continuous: a pixel's centre is at +0.5, so a box around the
pixels a..b is `[a, b + 1]` and its width is `x1 - x0`. EfficientPS writes the same box as a..b and
adds 1 to every width. Add 1 to its last two numbers to get our box; areas, overlaps and deltas are
then equal. A box with `x1 <= x0` or `y1 <= y0` is empty. All arithmetic is float32, whatever the
dtype of the input.
"""

import math
from collections.abc import Sequence

import jax.numpy as jnp
from jaxtyping import Float, Int

from jppf_jax.structs import Array

ImageSize = tuple[int, int] | Int[Array, "2"]  # (H, W); an array may be traced
ImageSizes = ImageSize | Int[Array, "_b 2"]  # one for all images of a batch, or one for each

# Box deltas are divided by these standard deviations (EfficientPS), in the heads and the targets.
RPN_STDS = (1.0, 1.0, 1.0, 1.0)
BOX_HEAD_STDS = (0.1, 0.1, 0.2, 0.2)

_MAX_GROWTH = 1000 / 16  # decoding changes a side by at most this factor, or its inverse
_MAX_LOG_SIZE = math.log(_MAX_GROWTH)
_MIN_SIDE = 1e-3  # pixels; keeps the deltas of padding finite


def image_sizes(size: ImageSizes, batch: int) -> Int[Array, "{batch} 2"]:
  """Returns the height and width of each image of a batch.

  Args:
    size: one for all images, or one for each.
    batch: number of images.
  """
  return jnp.broadcast_to(jnp.asarray(size, jnp.int32), (batch, 2))


def area(boxes: Float[Array, "*S 4"]) -> Float[Array, "*S"]:
  """Returns the area of each box in square pixels, 0 for empty boxes."""
  x0, y0, x1, y1 = _split(boxes)
  width = jnp.maximum(x1 - x0, 0)
  height = jnp.maximum(y1 - y0, 0)
  return width * height


def iou_matrix(a: Float[Array, "A 4"], b: Float[Array, "B 4"]) -> Float[Array, "A B"]:
  """Returns the intersection over union, in [0, 1], of each box of `a` with each of `b`.

  An empty box overlaps nothing: its row or column is 0, and the gradient stays finite.
  """
  ax0, ay0, ax1, ay1 = (coordinate[:, None] for coordinate in _split(a))
  bx0, by0, bx1, by1 = _split(b)
  left, right = jnp.maximum(ax0, bx0), jnp.minimum(ax1, bx1)
  top, bottom = jnp.maximum(ay0, by0), jnp.minimum(ay1, by1)
  width = jnp.maximum(right - left, 0)
  height = jnp.maximum(bottom - top, 0)
  intersection = width * height
  both_areas = area(a)[:, None] + area(b)
  union = both_areas - intersection
  return intersection / jnp.where(union > 0, union, 1)


def encode(
  boxes: Float[Array, "*#S 4"], targets: Float[Array, "*#S 4"], stds: Sequence[float | int]
) -> Float[Array, "... 4"]:
  """Returns the deltas `dx dy dw dh` from `boxes` to `targets`; the inverse of `decode`.

  `dx = (target centre - box centre) / box width / stds[0]`, `dw = log(target width / box width) /
  stds[2]`, and likewise for y (Faster R-CNN, Ren et al. 2015, Sec. 3.1.2; means are 0). Sides below
  1/1000 pixel count as 1/1000, so that padding gives finite numbers. Leading axes broadcast.

  Args:
    boxes: anchors or proposals.
    targets: the object of each box.
    stds: the four deltas are divided by these: `RPN_STDS` or `BOX_HEAD_STDS`.
  """
  x, y, width, height = _centre_and_size(boxes)
  target_x, target_y, target_width, target_height = _centre_and_size(targets)
  width, height = jnp.maximum(width, _MIN_SIDE), jnp.maximum(height, _MIN_SIDE)
  dx = (target_x - x) / width
  dy = (target_y - y) / height
  width_growth = jnp.maximum(target_width, _MIN_SIDE) / width
  height_growth = jnp.maximum(target_height, _MIN_SIDE) / height
  deltas = jnp.stack([dx, dy, jnp.log(width_growth), jnp.log(height_growth)], -1)
  return deltas / jnp.asarray(stds, jnp.float32)


def decode(
  boxes: Float[Array, "*#S 4"], deltas: Float[Array, "*#S 4"], stds: Sequence[float | int]
) -> Float[Array, "... 4"]:
  """Returns `boxes` moved and resized by `deltas`, not clipped.

  The inverse of `encode`, except that a side changes by a factor of at most 1000/16. Leading axes
  broadcast, so `decode(boxes[:, None], deltas_per_class, stds)` decodes all classes of a box head.

  Args:
    boxes: anchors or proposals.
    deltas: `dx dy dw dh` as a head predicts them.
    stds: as in `encode`.
  """
  x, y, width, height = _centre_and_size(boxes)
  scaled_deltas = jnp.asarray(deltas, jnp.float32) * jnp.asarray(stds, jnp.float32)
  dx, dy, dw, dh = _split(scaled_deltas)
  x = x + dx * width
  y = y + dy * height
  log_width_growth = jnp.clip(dw, -_MAX_LOG_SIZE, _MAX_LOG_SIZE)
  log_height_growth = jnp.clip(dh, -_MAX_LOG_SIZE, _MAX_LOG_SIZE)
  half_width = width * jnp.exp(log_width_growth) / 2
  half_height = height * jnp.exp(log_height_growth) / 2
  return jnp.stack([x - half_width, y - half_height, x + half_width, y + half_height], -1)


def clip(
  boxes: Float[Array, "*S 4"], size: ImageSize, *, legacy: bool = True
) -> Float[Array, "*S 4"]:
  """Returns the boxes with each corner moved into the image.

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
  x0 = jnp.clip(x0, 0, width - pixel)
  y0 = jnp.clip(y0, 0, height - pixel)
  x1 = jnp.clip(x1, pixel, width)
  y1 = jnp.clip(y1, pixel, height)
  return jnp.stack([x0, y0, x1, y1], -1)


def _split(boxes: Float[Array, "*S 4"]) -> list[Float[Array, "*S"]]:
  """The four coordinates, each float32."""
  boxes = jnp.asarray(boxes, jnp.float32)
  return [boxes[..., i] for i in range(4)]


def _centre_and_size(boxes: Float[Array, "*S 4"]) -> tuple[Float[Array, "*S"], ...]:
  """The centre x and y, the width and the height."""
  x0, y0, x1, y1 = _split(boxes)
  x, y = (x0 + x1) / 2, (y0 + y1) / 2
  return x, y, x1 - x0, y1 - y0
