"""Masks of boxes: pasting predicted ones into the image, cropping targets out of it. Boxes as in
`boxes.py`.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from jppf_jax.ops.boxes import ImageSize
from jppf_jax.structs import Array


def paste_weights(
  low: Float[Array, ""], high: Float[Array, ""], *, cells: int, length: int, legacy: bool = True
) -> Float[Array, "{length} {cells}"]:
  """Returns how much each mask cell contributes to each pixel along one axis.

  A pixel reads the mask at `u = cells * (pixel centre - low) / (high - low)`, linearly between the
  two nearest cell centres, 0 beyond the mask (a tent). Empty boxes get 0.

  Args:
    low: first coordinate of the box on this axis, pixels.
    high: last coordinate.
    cells: side of the mask.
    length: side of the image.
    legacy: as EfficientPS, which lays the mask from the first to the last pixel of a box: `high -
      1` instead of `high`.
  """
  side = jnp.asarray(high, jnp.float32) - low - (1 if legacy else 0)
  u = cells * (np.arange(length) + 0.5 - low) / jnp.where(side > 0, side, 1)
  tent = jnp.maximum(0, 1 - jnp.abs(u[:, None] - (np.arange(cells) + 0.5)))
  return jnp.where(side > 0, tent, 0)


def paste(
  mask: Float[Array, "my mx"], box: Float[Array, "4"], size: tuple[int, int], *, legacy: bool = True
) -> Float[Array, "{size[0]} {size[1]}"]:
  """Returns an image with the mask laid over the box: bilinear between cell centres, 0 outside,
  float32.

  Meant for logits: they fade to 0, undecided, over half a mask cell at the border of the box
  (EfficientPS's public code; the paper does not say). Equal to PyTorch's `grid_sample(zeros,
  align_corners=False)`. Many masks: use `jax.vmap`, or `jax.lax.scan` where all of them do not fit.

  Args:
    mask: values of one box, e.g. 28 x 28.
    box: where the mask belongs, image pixels. An empty box gives 0 everywhere.
    size: height and width of the image; static.
    legacy: as in `paste_weights`.
  """
  x0, y0, x1, y1 = jnp.asarray(box, jnp.float32)
  rows = paste_weights(y0, y1, cells=mask.shape[0], length=size[0], legacy=legacy)
  columns = paste_weights(x0, x1, cells=mask.shape[1], length=size[1], legacy=legacy)
  mask = jnp.asarray(mask, jnp.float32)
  return jnp.einsum("hm,mn,wn->hw", rows, mask, columns, precision=jax.lax.Precision.HIGHEST)


def box_rectangle(box: Float[Array, "4"], size: ImageSize) -> Int[Array, "4"]:
  """Returns the whole pixels `x0 y0 x1 y1` (ends excluded) within which an instance may use the
  semantic logits.

  EfficientPS's rule, which drops the first pixel of the box: from `int(x0 + 1)` up to `round(x1) -
  1` (half to even), cut to the image. `x1 <= x0` means no pixel.

  Args:
    box: image pixels.
    size: height and width of the image.
  """
  x0, y0, x1, y1 = jnp.asarray(box, jnp.float32)
  height, width = size
  bounds = [
    jnp.clip(jnp.trunc(x0 + 1), 0, width),
    jnp.clip(jnp.trunc(y0 + 1), 0, height),
    jnp.clip(jnp.round(x1) - 1, 0, width),
    jnp.clip(jnp.round(y1) - 1, 0, height),
  ]
  return jnp.stack(bounds).astype(jnp.int32)


def crop_mask_targets(
  instance: Int[Array, "H W"], ids: Int[Array, "M"], boxes: Float[Array, "M 4"], *, size: int = 28
) -> Float[Array, "M {size} {size}"]:
  """Returns what the mask head should predict for each box: 1 where its object is, 0 elsewhere,
  float32.

  The mask `instance == id` is cropped to the pixels of the box and resized bilinearly (half-pixel
  centres, border repeated, no anti-aliasing); 1 where the result is at least 1/2. Only the samples
  are read, so memory does not grow with the number of objects, and the arithmetic is in integers,
  so ties are exact. OpenCV, which EfficientPS resizes with, rounds the weights to 1/2048 first.

  Args:
    instance: object id of every pixel, 0 = none.
    ids: the object of each box; 0 (padding) gives an empty target.
    boxes: image pixels; cut to the image and truncated to whole pixels, at least one in each
      direction.
    size: side of the target.

  Raises:
    ValueError: `size` below 1.
  """
  if size < 1:
    raise ValueError(f"size must be at least 1; got {size}.")
  instance, ids = jnp.asarray(instance), jnp.asarray(ids)
  height, width = instance.shape
  x0, y0, x1, y1 = jnp.asarray(boxes, jnp.float32).T
  rows, row_weights = _resize_corners(y0, y1, height, size)  # each [2, M, size]
  columns, column_weights = _resize_corners(x0, x1, width, size)
  inside = jnp.zeros((len(ids), size, size), jnp.int32)  # in units of 1 / (2 * size)^2
  for i in range(2):
    for j in range(2):
      object_here = instance[rows[i][:, :, None], columns[j][:, None, :]] == ids[:, None, None]
      inside += object_here * row_weights[i][:, :, None] * column_weights[j][:, None, :]
  target = (2 * inside >= (2 * size) ** 2) & (ids > 0)[:, None, None]
  return target.astype(jnp.float32)


def _resize_corners(
  low: Float[Array, "M"], high: Float[Array, "M"], length: int, size: int
) -> tuple[Int[Array, "2 M {size}"], Int[Array, "2 M {size}"]]:
  """The two pixels beside each of `size` samples of [low, high), and their weights in units of 1 /
  (2 * size).
  """
  first = jnp.trunc(jnp.clip(low, 0, length - 1)).astype(jnp.int32)[:, None]
  last = jnp.trunc(jnp.clip(high - 1, 0, length - 1)).astype(jnp.int32)[:, None]
  pixels = jnp.maximum(last - first + 1, 1)
  unit = 2 * size  # sample k stands at (k + 1/2) * pixels / size - 1/2, here times 2 * size
  position = jnp.maximum((2 * np.arange(size) + 1) * pixels - size, 0)
  lower, fraction = position // unit, position % unit
  upper = jnp.minimum(lower + 1, pixels - 1)
  return first + jnp.stack([lower, upper]), jnp.stack([unit - fraction, fraction])
