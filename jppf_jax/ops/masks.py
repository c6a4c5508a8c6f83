"""Masks of boxes: predicted ones are pasted into the image, targets are cropped out of it.

Boxes as in `boxes.py`.
"""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int

from jppf_jax.ops.boxes import ImageSize
from jppf_jax.structs import Array


def paste_weights(
  low: Float[Array, ""],
  high: Float[Array, ""],
  *,
  cells: int,
  length: int,
  first: int | Int[Array, ""] = 0,
  legacy: bool = True,
) -> Float[Array, "{length} {cells}"]:
  """Returns the weight of each mask cell in each pixel along one axis.

  A pixel reads the mask at `u = cells * (pixel centre - low) / (high - low)`, linearly between the
  two nearest cell centres. Outside the mask the weights are 0, and so they are for empty boxes.

  Args:
    low: first coordinate of the box on this axis, pixels.
    high: last coordinate.
    cells: side of the mask.
    length: number of pixels, e.g. the side of the image.
    first: the first of these pixels; may be traced.
    legacy: as EfficientPS, where the mask reaches from the first to the last pixel of a box:
      `high - 1` instead of `high`.
  """
  u, has_side = _mask_coordinates(low, high, cells, length, first, legacy)
  cell_centres = np.arange(cells) + 0.5
  distance = jnp.abs(u[:, None] - cell_centres)
  weights = jnp.maximum(0, 1 - distance)
  return jnp.where(has_side, weights, 0)


def paste_reach(
  low: Float[Array, ""], high: Float[Array, ""], *, cells: int, length: int, legacy: bool = True
) -> Bool[Array, "{length}"]:
  """Returns the pixels along one axis that have any weight in `paste_weights`.

  They reach half a mask cell beyond the box.

  Args:
    low: as in `paste_weights`, and so are the others.
    high: last coordinate.
    cells: side of the mask.
    length: number of pixels.
    legacy: as EfficientPS.
  """
  u, has_side = _mask_coordinates(low, high, cells, length, 0, legacy)
  nearest_centre = jnp.clip(u, 0.5, cells - 0.5)
  return has_side & (jnp.abs(u - nearest_centre) < 1)


def _mask_coordinates(
  low: Float[Array, ""],
  high: Float[Array, ""],
  cells: int,
  length: int,
  first: int | Int[Array, ""],
  legacy: bool,
) -> tuple[Float[Array, "{length}"], Bool[Array, ""]]:
  """The position of each pixel centre in cells of the mask, and whether the box has a side."""
  pixel = 1 if legacy else 0
  high = jnp.asarray(high, jnp.float32)
  side = high - low - pixel
  has_side = side > 0
  pixel_centres = first + (np.arange(length) + 0.5)
  u = cells * (pixel_centres - low) / jnp.where(has_side, side, 1)
  return jnp.asarray(u, jnp.float32), has_side


def paste(
  mask: Float[Array, "my mx"], box: Float[Array, "4"], size: tuple[int, int], *, legacy: bool = True
) -> Float[Array, "{size[0]} {size[1]}"]:
  """Returns a float32 image with the mask in the box: bilinear between cell centres, 0 outside.

  Made for logits: within half a mask cell of the border of the box they fade to 0, which is
  undecided (EfficientPS's public code; the paper does not say). Equal to PyTorch's
  `grid_sample(zeros, align_corners=False)`. For many masks use `jax.vmap`, or `jax.lax.scan` if
  their images do not fit into memory together.

  Args:
    mask: values of one box, e.g. 28 x 28.
    box: the box of the mask, image pixels. An empty box gives 0 everywhere.
    size: height and width of the image; static.
    legacy: as in `paste_weights`.
  """
  x0, y0, x1, y1 = jnp.asarray(box, jnp.float32)
  rows = paste_weights(y0, y1, cells=mask.shape[0], length=size[0], legacy=legacy)
  columns = paste_weights(x0, x1, cells=mask.shape[1], length=size[1], legacy=legacy)
  mask = jnp.asarray(mask, jnp.float32)
  return jnp.einsum("hm,mn,wn->hw", rows, mask, columns, precision=jax.lax.Precision.HIGHEST)


def box_rectangle(
  box: Float[Array, "4"], size: ImageSize, *, margin: float = 0.0
) -> Int[Array, "4"]:
  """Returns the whole pixels `x0 y0 x1 y1` (ends excluded) where a box uses semantic logits.

  The panoptic fusion reads the semantic logits of an instance in this rectangle only. EfficientPS's
  rule, which drops the first pixel of the box: from `int(x0 + 1)` to `round(x1) - 1` (half to
  even), cut to the image. `x1 <= x0` means no pixel.

  Args:
    box: image pixels.
    size: height and width of the image.
    margin: moves each side of the box outwards, by this share of its width or height.
  """
  x0, y0, x1, y1 = jnp.asarray(box, jnp.float32)
  dx, dy = margin * (x1 - x0), margin * (y1 - y0)
  x0, y0, x1, y1 = x0 - dx, y0 - dy, x1 + dx, y1 + dy
  height, width = size
  left, top = jnp.trunc(x0 + 1), jnp.trunc(y0 + 1)
  right, bottom = jnp.round(x1) - 1, jnp.round(y1) - 1
  left, right = jnp.clip(left, 0, width), jnp.clip(right, 0, width)
  top, bottom = jnp.clip(top, 0, height), jnp.clip(bottom, 0, height)
  return jnp.stack([left, top, right, bottom]).astype(jnp.int32)


def crop_mask_targets(
  instance: Int[Array, "H W"], ids: Int[Array, "M"], boxes: Float[Array, "M 4"], *, size: int = 28
) -> Float[Array, "M {size} {size}"]:
  """Returns the target of the mask head for each box: 1.0 inside its object, 0.0 elsewhere.

  The mask `instance == id` is cropped to the pixels of the box and resized bilinearly (half-pixel
  centres, border repeated, no anti-aliasing); the target is 1 if the result is at least 1/2. Reads
  the samples only: there is no [M, H, W] array. The arithmetic is in integers, so ties are exact.
  EfficientPS resizes with OpenCV, which rounds the weights to 1/2048 first.

  Args:
    instance: object id of each pixel, 0 = none.
    ids: the object of each box; 0 (padding) gives an empty target.
    boxes: image pixels; cut to the image and truncated to whole pixels, at least one in each
      direction.
    size: side of the target.

  Raises:
    ValueError: `size` below 1.
  """
  if size < 1:
    raise ValueError(f"size must be at least 1; got {size}.")
  instance, ids = jnp.asarray(instance), jnp.asarray(ids)[:, None, None]
  height, width = instance.shape
  x0, y0, x1, y1 = jnp.asarray(boxes, jnp.float32).T
  rows, row_weights = _resize_corners(y0, y1, height, size)  # each [2, M, size]
  columns, column_weights = _resize_corners(x0, x1, width, size)
  rows, row_weights = rows[..., None], row_weights[..., None]  # [2, M, size, 1]
  columns, column_weights = columns[:, :, None], column_weights[:, :, None]  # [2, M, 1, size]
  whole = (2 * size) ** 2  # the sum of the four weights of a sample
  inside = jnp.zeros((len(ids), size, size), jnp.int32)  # in units of 1 / whole
  for i, j in itertools.product(range(2), range(2)):
    is_object = instance[rows[i], columns[j]] == ids
    inside += is_object * row_weights[i] * column_weights[j]
  target = (2 * inside >= whole) & (ids > 0)
  return target.astype(jnp.float32)


def _resize_corners(
  low: Float[Array, "M"], high: Float[Array, "M"], length: int, size: int
) -> tuple[Int[Array, "2 M {size}"], Int[Array, "2 M {size}"]]:
  """The two pixels beside each of `size` samples of [low, high), and their weights.

  Sample k is at pixel (k + 1/2) * pixels / size - 1/2. Positions and weights are integers, in units
  of 1 / (2 * size) pixel.
  """
  first = _whole_pixel(low, length)
  last = _whole_pixel(high - 1, length)
  pixels = jnp.maximum(last - first + 1, 1)
  unit = 2 * size
  odd_numbers = 2 * np.arange(size) + 1
  position = jnp.maximum(odd_numbers * pixels - size, 0)
  lower, fraction = position // unit, position % unit
  upper = jnp.minimum(lower + 1, pixels - 1)
  corners = first + jnp.stack([lower, upper])
  weights = jnp.stack([unit - fraction, fraction])
  return corners, weights


def _whole_pixel(coordinate: Float[Array, "M"], length: int) -> Int[Array, "M 1"]:
  """The coordinates cut to an axis of `length` pixels and truncated."""
  inside = jnp.clip(coordinate, 0, length - 1)
  return jnp.trunc(inside).astype(jnp.int32)[:, None]
