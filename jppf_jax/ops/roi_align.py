"""RoIAlign over a feature pyramid: fixed-size features of boxes of any size. Boxes as in
`boxes.py`.
"""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from jppf_jax.ops import boxes as box_ops
from jppf_jax.structs import Array


def assign_levels(
  boxes: Float[Array, "R 4"], strides: Sequence[int], finest_scale: float
) -> Int[Array, "R"]:
  """Returns which level each box is read from, as an index into the sorted `strides`.

  `floor(log2(sqrt(area) / finest_scale + 1e-6))`, limited to the levels there are (Feature Pyramid
  Networks, Lin et al. 2017, Eq. 1): with 56, sides below 112 pixels are read from the finest level,
  below 224 from the next. Compared with powers of two instead of a logarithm, which rounds
  differently from device to device. Empty boxes belong to the finest level.

  Args:
    boxes: image pixels.
    strides: one per level; only their number matters.
    finest_scale: side in pixels from which on, doubled, a box leaves the finest level.
  """
  scale = jnp.sqrt(box_ops.area(boxes)) / finest_scale + 1e-6
  return jnp.sum(scale[:, None] >= 2.0 ** np.arange(1, len(strides)), axis=-1, dtype=jnp.int32)


def roi_align(
  pyramid: dict[int, Float[Array, "_h _w C"]],
  boxes: Float[Array, "R 4"],
  *,
  bins: int,
  samples: int = 2,
  finest_scale: float = 56.0,
  legacy: bool = True,
) -> Float[Array, "R {bins} {bins} C"]:
  """Averages `samples` x `samples` bilinear samples in each cell of a `bins` x `bins` grid laid
  over each box.

  RoIAlign (Mask R-CNN, He et al. 2017, Sec. 3), every box on the level that `assign_levels` gives
  it. A sample up to one cell outside a level reads its border, further out it is zero and still
  counts in the average. Empty boxes, padding among them, are read at their first corner and give
  finite values and gradients. One image: batch it with `jax.vmap`.

  Sampled positions and sums are float32; the result has the dtype of the features. Boxes get no
  gradient.

  Args:
    pyramid: levels keyed by stride, all C channels wide. One level alone is a pyramid too.
    boxes: image pixels.
    bins: output cells per side.
    samples: samples per side and cell; fixed, because shapes may not depend on data.
    finest_scale: as in `assign_levels`.
    legacy: as EfficientPS: feature cell i stands at coordinate i. False: at i + 0.5, so that
      features and image line up (torchvision's `aligned=True`).

  Raises:
    ValueError: `bins` or `samples` below 1, no level, or levels of different width.
  """
  if bins < 1 or samples < 1:
    raise ValueError(f"bins and samples must be at least 1; got {bins=}, {samples=}.")
  strides = sorted(pyramid)
  if len({pyramid[stride].shape[-1] for stride in strides}) != 1:
    shapes = {stride: pyramid[stride].shape for stride in strides}
    raise ValueError(
      f"roi_align needs at least one level, all with the same number of channels; got {shapes}."
    )
  sizes = np.array([pyramid[stride].shape[:2] for stride in strides], np.int32)
  starts = np.cumsum(
    [0, *np.prod(sizes, -1)[:-1]], dtype=np.int32
  )  # row of each level's first cell in `flat`
  # In float32 from the start: the gradient of a cell sums over all boxes that read it, too many
  # terms for bfloat16.
  flat = jnp.concatenate(
    [
      jnp.asarray(pyramid[s], jnp.float32).reshape(sizes[i].prod(), -1)
      for i, s in enumerate(strides)
    ]
  )

  levels = assign_levels(boxes, strides, finest_scale)
  heights, widths = jnp.asarray(sizes)[levels].T  # each [R]
  cells = (
    jax.lax.stop_gradient(jnp.asarray(boxes, jnp.float32))
    / jnp.asarray(strides, jnp.float32)[levels, None]
  )
  x0, y0, x1, y1 = (cells - (0.0 if legacy else 0.5)).T
  rows, row_weights = _corners(y0, y1, heights, bins, samples)  # each [2 * samples, R, bins]
  columns, column_weights = _corners(x0, x1, widths, bins, samples)
  first = jnp.asarray(starts)[levels][:, None] + rows * widths[:, None]
  index = (
    first[:, None, :, :, None] + columns[None, :, :, None, :]
  )  # [2 * samples, 2 * samples, R, bins, bins]
  weight = row_weights[:, None, :, :, None] * column_weights[None, :, :, None, :]

  def add_corner(total, corner):
    index, weight = corner
    return total + flat[index] * weight[..., None], None

  corners = jax.tree.map(lambda x: x.reshape((2 * samples) ** 2, *x.shape[2:]), (index, weight))
  total, _ = jax.lax.scan(add_corner, jnp.zeros((len(boxes), bins, bins, flat.shape[-1])), corners)
  return total.astype(pyramid[strides[0]].dtype)


def _corners(
  low: Float[Array, "R"], high: Float[Array, "R"], size: Int[Array, "R"], bins: int, samples: int
) -> tuple[Int[Array, "n R {bins}"], Float[Array, "n R {bins}"]]:
  """The two feature cells beside each sample of one axis, and their weights, which sum to at most 1
  per bin.
  """
  offsets = (
    np.arange(bins)[:, None] + (np.arange(samples) + 0.5) / samples
  )  # in bins: [bins, samples]
  step = jnp.maximum(high - low, 0) / bins
  position = low[:, None, None] + offsets * step[:, None, None]  # in cells: [R, bins, samples]
  last = (size - 1)[:, None, None]
  inside = (position >= -1) & (position <= last + 1)
  position = jnp.clip(position, 0, last)
  lower = jnp.floor(position)
  fraction = position - lower
  cells = jnp.stack([lower, jnp.minimum(lower + 1, last)], -1).astype(jnp.int32)
  weights = jnp.stack([1 - fraction, fraction], -1) * inside[..., None] / samples
  return tuple(jnp.moveaxis(x.reshape(*x.shape[:2], 2 * samples), -1, 0) for x in (cells, weights))
