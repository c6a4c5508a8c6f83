"""The frame of a result: its size, and where its pixels read the logits of the network."""

import math
from functools import partial, reduce
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int

from jppf_jax.fusion.config import Zoom
from jppf_jax.fusion.tiles import Tile
from jppf_jax.ops.boxes import ImageSize
from jppf_jax.structs import Array, LogitView, LogitViews

STRIDE = 4  # of the logits, in pixels of the network
_TINY = 1e-37  # a mean probability below it counts as this much: its logarithm is finite
_ROUNDED = 0.5  # a view of one pixel at scale s has s + 1/2 pixels at most
_HARDLY = 1e-3  # cells: an image that reaches so little into a cell was rounded


class Frame(NamedTuple):
  """Where the image lies in the result, and how large its pixels are.

  Attributes:
    size: static height and width of the result.
    covered: its rows and columns that the image covers, from the top left; None: all, and logits
      beyond them count as well.
    zoom: pixels of the result per pixel of the network, rows and columns; None: 1.
  """

  size: tuple[int, int]
  covered: ImageSize | None
  zoom: Zoom

  @property
  def image(self) -> ImageSize:
    """Rows and columns of the result that the image covers."""
    return self.size if self.covered is None else self.covered

  @property
  def inside(self) -> Bool[Array, "H W"]:
    """Which pixels of the result belong to the image."""
    rows, columns = (jnp.arange(side) < length for side, length in zip(self.size, self.image))
    return rows[:, None] & columns

  def scaled(self, boxes: Float[Array, "D 4"]) -> Float[Array, "D 4"]:
    """Returns boxes of the network in pixels of the result."""
    boxes = jnp.asarray(boxes, jnp.float32)
    if self.zoom is None:
      return boxes
    columns_and_rows = self.zoom[::-1]
    return boxes * jnp.tile(columns_and_rows, 2)


def make_frame(
  size: tuple[int, int], covered: ImageSize | None, zoom: Zoom, cells: tuple[int, ...]
) -> Frame:
  """Returns the frame of a result.

  Args:
    size: height and width of the result; static.
    covered: see `Frame`; may be traced.
    zoom: see `Frame`; at least 1, may be traced.
    cells: rows and columns of the logits.

  Raises:
    ValueError: the logits do not cover an image of this size.
  """
  height, width = STRIDE * cells[0], STRIDE * cells[1]
  fits = zoom is not None or (size[0] <= height and size[1] <= width)
  if not (fits and min(size) > 0):
    raise ValueError(
      f"Logits of {cells[0]} x {cells[1]} at stride 4 cover an image of up to {height} x {width}; "
      f"got size {size[0]} x {size[1]}. `size` is the image before padding."
    )
  return Frame(size, covered, zoom)


def upsample(
  logits: Float[Array, "h w C"] | LogitViews,
  tile: Tile,
  frame: Frame,
  channels: Int[Array, "n"] | None = None,
) -> Float[Array, "_c th tw"]:
  """Returns the logits at the pixels of a tile, float32: bilinear, the border repeated outwards.

  Row `y` of the result is at row `(y + 1/2) / zoom / 4 - 1/2` of the logits, counted in cells. The
  logits of cells that lie wholly outside of the image have no influence.

  Differs from EfficientPS's code, which squeezes the padded logits to the size of the image.

  Several views of the image: the softmax of the result is the mean of their softmax at each pixel,
  and the result is as high as the logits of the views are on average.

  Args:
    logits: at stride 4 of the network, or those of several views.
    tile: the pixels.
    frame: of the result.
    channels: which to read; may be traced. None: all.
  """
  if isinstance(logits, LogitViews):
    mean = _mean_of_views(logits.views, tile, frame)
    return mean if channels is None else jnp.take(mean, channels, axis=0)
  return _read(logits, tile, frame, channels)


def _mean_of_views(
  views: tuple[LogitView, ...], tile: Tile, frame: Frame
) -> Float[Array, "C th tw"]:
  """The logarithm of the mean probability, plus the mean norm (`evidence.Norms`), which the softmax
  does not see and the fusion of raw logits needs.
  """
  probabilities, norms = [], []
  for view in views:
    logits = _read_view(view, tile, frame)
    norm = jax.nn.logsumexp(logits, axis=0)
    probabilities.append(jnp.exp(logits - norm))
    norms.append(norm)
  mean = reduce(jnp.add, probabilities) / len(views)
  height = reduce(jnp.add, norms) / len(views)
  return jnp.log(jnp.maximum(mean, _TINY)) + height


def _read_view(view: LogitView, tile: Tile, frame: Frame) -> Float[Array, "C th tw"]:
  """The logits of a view at the pixels of a tile of the image."""
  covered = jnp.asarray(frame.image, jnp.int32)
  zoom = covered / jnp.asarray(view.covered)
  of_view = Frame(frame.size, covered, zoom.astype(jnp.float32))
  cells_per_pixel = (view.scale + _ROUNDED) / STRIDE
  logits = _read(
    view.logits, tile, of_view, None, mirrored=view.mirrored, cells_per_pixel=cells_per_pixel
  )
  return logits[np.array(view.exchange)] if view.exchange else logits


def _read(
  logits: Float[Array, "h w C"],
  tile: Tile,
  frame: Frame,
  channels: Int[Array, "n"] | None,
  *,
  mirrored: bool = False,
  cells_per_pixel: float = 1 / STRIDE,
) -> Float[Array, "_c th tw"]:
  """`upsample` for logits of one view.

  Args:
    logits: as in `upsample`; so are `tile`, `frame` and `channels`.
    mirrored: whether the logits are those of the mirrored image.
    cells_per_pixel: the distance of two pixels of the result in cells is at most this.
  """
  rows, columns, count = logits.shape
  reading = partial(_reading, frame, cells_per_pixel=cells_per_pixel)
  down = reading(0, tile.y, tile.shape[0], rows)
  across = reading(1, tile.x, tile.shape[1], columns, mirrored=mirrored)
  piece = down.cells, across.cells, count
  cells = jax.lax.dynamic_slice(jnp.asarray(logits), (down.start, across.start, 0), piece)
  if channels is not None:
    cells = jnp.take(cells, channels, axis=-1)
  cells = cells.astype(jnp.float32)
  exact = jax.lax.Precision.HIGHEST
  bands = jnp.einsum("hwc,xw->chx", cells, across.weights, precision=exact)
  # A product with a matrix again would take longer than whole rows and their differences.
  above = jnp.take(bands, down.low, axis=1, mode="clip")
  below = jnp.take(bands, down.low + 1, axis=1, mode="clip")
  return above + down.share[:, None] * (below - above)


class _Reading(NamedTuple):
  """The cells that some pixels along an axis read.

  Attributes:
    start: the first of them.
    cells: their number, static.
    low: the cell before each pixel, counted from `start`; the next one is that behind it.
    share: of the cell behind; that of the cell before is the rest.
  """

  start: Int[Array, ""]
  cells: int
  low: Int[Array, "n"]
  share: Float[Array, "n"]

  @property
  def weights(self) -> Float[Array, "n _c"]:
    """The weight of each cell at each pixel."""
    distance = jnp.arange(self.cells) - self.low[:, None]
    weights = jnp.where(distance == 0, 1 - self.share[:, None], 0)
    return jnp.where(distance == 1, self.share[:, None], weights)


def _reading(
  frame: Frame,
  axis: int,
  first: Int[Array, ""],
  length: int,
  cells: int,
  *,
  mirrored: bool = False,
  cells_per_pixel: float,
) -> _Reading:
  """Where some pixels along an axis lie between the cells.

  Args:
    frame: of the result.
    axis: 0 or 1.
    first: pixel.
    length: number of pixels.
    cells: number of cells.
    mirrored: whether pixels are counted from the other end of the image.
    cells_per_pixel: the distance of two pixels in cells is at most this.
  """
  zoom = 1 if frame.zoom is None else frame.zoom[axis]
  last: int | Array = cells - 1
  if frame.covered is not None:
    touched = jnp.ceil(frame.covered[axis] / zoom / STRIDE - _HARDLY)
    last = jnp.clip(touched - 1, 0, last)
  centres = first + (jnp.arange(length) + 0.5)
  if mirrored:
    centres = frame.image[axis] - centres
  position = jnp.clip(centres / zoom / STRIDE - 0.5, 0, last)
  low = jnp.floor(position)
  most = math.ceil((length - 1) * cells_per_pixel) + 2
  count = min(most, cells)
  index = low.astype(jnp.int32)
  lowest = index[-1] if mirrored else index[0]
  start = jnp.minimum(lowest, cells - count)
  return _Reading(start, count, index - start, position - low)
