"""RoIAlign over a feature pyramid: features of fixed size for boxes of any size.

Boxes as in `boxes.py`.
"""

import functools
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int, Shaped

from jppf_jax.ops import boxes as box_ops
from jppf_jax.structs import Array


def assign_levels(
  boxes: Float[Array, "R 4"], strides: Sequence[int], finest_scale: float
) -> Int[Array, "R"]:
  """Returns the level that each box is read from, as an index into the sorted `strides`.

  `floor(log2(sqrt(area) / finest_scale + 1e-6))`, clipped to the existing levels (Feature Pyramid
  Networks, Lin et al. 2017, Eq. 1): with 56, sides below 112 pixels are read from the finest level,
  below 224 from the next. The code compares with powers of two, because a logarithm rounds
  differently on different devices. Empty boxes belong to the finest level.

  Args:
    boxes: image pixels.
    strides: one per level; only their number matters.
    finest_scale: boxes up to twice this side (pixels) use the finest level; each doubling goes one
      level coarser.
  """
  side = jnp.sqrt(box_ops.area(boxes))
  scale = side / finest_scale + 1e-6
  thresholds = 2.0 ** np.arange(1, len(strides))
  passed = scale[:, None] >= thresholds
  return jnp.sum(passed, axis=-1, dtype=jnp.int32)


def roi_align(
  pyramid: dict[int, Float[Array, "_h _w C"]],
  boxes: Float[Array, "R 4"],
  *,
  bins: int,
  samples: int = 2,
  finest_scale: float = 56.0,
  legacy: bool = True,
) -> Float[Array, "R {bins} {bins} C"]:
  """Returns features of each box: the average of bilinear samples in each cell of a grid.

  RoIAlign (Mask R-CNN, He et al. 2017, Sec. 3): the grid has `bins` x `bins` cells with `samples` x
  `samples` samples each. Each box is read from the level that `assign_levels` gives it. A sample up
  to one cell outside a level reads its border; further out it is zero and still counts in the
  average. Empty boxes (also padding) are read at their first corner and give finite values and
  gradients. One image: batch it with `jax.vmap`.

  Sample positions and sums are float32; the result has the dtype of the features. Boxes get no
  gradient.

  Args:
    pyramid: levels keyed by stride, all C channels wide. One level alone is a pyramid too.
    boxes: image pixels.
    bins: output cells per side.
    samples: samples per side and cell; fixed, because shapes may not depend on data.
    finest_scale: as in `assign_levels`.
    legacy: as EfficientPS: the centre of feature cell i is at coordinate i. False: at i + 0.5, so
      that features and image are aligned (torchvision's `aligned=True`).

  Raises:
    ValueError: `bins` or `samples` is below 1.
    ValueError: the pyramid is empty, or its levels differ in width.
  """
  if bins < 1 or samples < 1:
    raise ValueError(f"bins and samples must be at least 1; got {bins=}, {samples=}.")
  strides = sorted(pyramid)
  shapes = {stride: pyramid[stride].shape for stride in strides}
  channel_counts = {channels for _, _, channels in shapes.values()}
  if len(channel_counts) != 1:
    raise ValueError(
      f"roi_align needs at least one level, all with the same number of channels; got {shapes}."
    )
  sizes = np.array([shapes[stride][:2] for stride in strides], np.int32)
  cells_per_level = np.prod(sizes, -1)
  starts = np.cumsum([0, *cells_per_level[:-1]], dtype=np.int32)  # of each level in `cells`
  # In float32 from the start: the gradient of a cell sums over all boxes that read it, too many
  # terms for bfloat16.
  cells = jnp.concatenate([_float32_rows(pyramid[stride]) for stride in strides])

  levels = assign_levels(boxes, strides, finest_scale)
  level_heights, level_widths = jnp.asarray(sizes)[levels].T  # each [R]
  fixed_boxes = jax.lax.stop_gradient(jnp.asarray(boxes, jnp.float32))
  box_strides = jnp.asarray(strides, jnp.float32)[levels, None]
  cell_centre = 0.0 if legacy else 0.5
  in_cells = fixed_boxes / box_strides - cell_centre
  x0, y0, x1, y1 = in_cells.T
  rows, row_weights = _corners(y0, y1, level_heights, bins, samples)  # each [2 * samples, R, bins]
  columns, column_weights = _corners(x0, x1, level_widths, bins, samples)
  level_starts = jnp.asarray(starts)[levels]
  row_starts = level_starts[:, None] + rows * level_widths[:, None]
  index = _over_rows(row_starts) + _over_columns(columns)  # of the cell that each corner reads
  weight = _over_rows(row_weights) * _over_columns(column_weights)

  num_corners = (2 * samples) ** 2
  corners = jax.tree.map(lambda x: x.reshape(num_corners, *x.shape[2:]), (index, weight))
  total = _sum_of_corners(cells, *corners, len(cells))
  return total.astype(pyramid[strides[0]].dtype)


@functools.partial(jax.custom_vjp, nondiff_argnums=(3,))
def _sum_of_corners(
  cells: jax.Array, index: jax.Array, weight: jax.Array, num_cells: int
) -> jax.Array:
  """The sum over n of `cells[index[n]] * weight[n]`, with a gradient for the cells only.

  One expression, which writes the result once: a third of the time of a loop over the corners.
  Where a gradient is needed it is that loop, because then XLA would keep the products of all
  corners in memory.
  """
  total = jnp.zeros((*index.shape[1:], cells.shape[-1]))
  for corner in range(len(index)):
    weighted = cells[index[corner]] * weight[corner, ..., None]
    total = total + weighted
  return total


def _sum_forward(
  cells: jax.Array, index: jax.Array, weight: jax.Array, num_cells: int
) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
  corners = (index, weight)
  return _sum_in_a_loop(cells, corners), corners


def _sum_backward(
  num_cells: int, saved: tuple[jax.Array, jax.Array], gradient: jax.Array
) -> tuple[jax.Array, None, None]:
  corner_by_corner = functools.partial(_sum_in_a_loop, corners=saved)
  cells = jax.ShapeDtypeStruct((num_cells, gradient.shape[-1]), gradient.dtype)
  (total,) = jax.linear_transpose(corner_by_corner, cells)(gradient)
  return total, None, None


def _sum_in_a_loop(cells: jax.Array, corners: tuple[jax.Array, jax.Array]) -> jax.Array:
  """The same sum, corner by corner."""

  def add_corner(total, corner):
    index, weight = corner
    return total + cells[index] * weight[..., None], None

  index, _ = corners
  zeros = jnp.zeros((*index.shape[1:], cells.shape[-1]))
  total, _ = jax.lax.scan(add_corner, zeros, corners)
  return total


_sum_of_corners.defvjp(_sum_forward, _sum_backward)


def _float32_rows(level: Float[Array, "h w C"]) -> Float[Array, "h*w C"]:
  height, width, channels = level.shape
  values = jnp.asarray(level, jnp.float32)
  return values.reshape(height * width, channels)


def _over_rows(values: Shaped[Array, "n R bins"]) -> Shaped[Array, "n 1 R bins 1"]:
  """Values of the rows, to be combined with those of the columns: [n, n, R, bins, bins]."""
  return values[:, None, :, :, None]


def _over_columns(values: Shaped[Array, "n R bins"]) -> Shaped[Array, "1 n R 1 bins"]:
  return values[None, :, :, None, :]


def _corners(
  low: Float[Array, "R"], high: Float[Array, "R"], size: Int[Array, "R"], bins: int, samples: int
) -> tuple[Int[Array, "n R {bins}"], Float[Array, "n R {bins}"]]:
  """The two feature cells beside each sample of one axis, and their weights.

  The weights of a bin sum to 1, or to less if some of its samples are outside.
  """
  sample_centres = (np.arange(samples) + 0.5) / samples
  offsets = np.arange(bins)[:, None] + sample_centres  # in bins: [bins, samples]
  bin_side = jnp.maximum(high - low, 0) / bins
  distance = offsets * bin_side[:, None, None]
  position = low[:, None, None] + distance  # in cells: [R, bins, samples]
  last = (size - 1)[:, None, None]
  reaches_first = position >= -1
  reaches_last = position <= last + 1
  inside = reaches_first & reaches_last
  position = jnp.clip(position, 0, last)
  lower = jnp.floor(position)
  fraction = position - lower
  upper = jnp.minimum(lower + 1, last)
  cells = jnp.stack([lower, upper], -1).astype(jnp.int32)
  sample_weights = jnp.stack([1 - fraction, fraction], -1) * inside[..., None]
  return _corners_first(cells), _corners_first(sample_weights / samples)


def _corners_first(values: Shaped[Array, "R bins samples 2"]) -> Shaped[Array, "n R bins"]:
  regions, bins, samples, _ = values.shape
  corners_last = values.reshape(regions, bins, 2 * samples)
  return jnp.moveaxis(corners_last, -1, 0)
