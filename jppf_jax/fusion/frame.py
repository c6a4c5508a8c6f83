"""The frame of a result: its size, and where its pixels read the logits of the network."""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Bool, Float, Int

from jppf_jax.fusion.config import Zoom
from jppf_jax.fusion.tiles import Tile
from jppf_jax.ops.boxes import ImageSize
from jppf_jax.structs import Array

STRIDE = 4  # of the logits, in pixels of the network
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
  logits: Float[Array, "h w C"],
  tile: Tile,
  frame: Frame,
  channels: Int[Array, "n"] | None = None,
) -> Float[Array, "_c th tw"]:
  """Returns the logits at the pixels of a tile, float32: bilinear, the border repeated outwards.

  Row `y` of the result is at row `(y + 1/2) / zoom / 4 - 1/2` of the logits, counted in cells. The
  logits of cells that lie wholly outside of the image have no influence.

  Differs from EfficientPS's code, which squeezes the padded logits to the size of the image.

  Args:
    logits: at stride 4 of the network.
    tile: the pixels.
    frame: of the result.
    channels: which to read; may be traced. None: all.
  """
  rows, columns, count = logits.shape
  first_row, row_weights = _reading(frame, 0, tile.y, tile.shape[0], rows)
  first_column, column_weights = _reading(frame, 1, tile.x, tile.shape[1], columns)
  piece = row_weights.shape[1], column_weights.shape[1], count
  cells = jax.lax.dynamic_slice(jnp.asarray(logits), (first_row, first_column, 0), piece)
  if channels is not None:
    cells = jnp.take(cells, channels, axis=-1)
  cells = cells.astype(jnp.float32)
  exact = jax.lax.Precision.HIGHEST
  bands = jnp.einsum("yh,hwc->cyw", row_weights, cells, precision=exact)
  return jnp.einsum("cyw,xw->cyx", bands, column_weights, precision=exact)


def _reading(
  frame: Frame, axis: int, first: Int[Array, ""], length: int, cells: int
) -> tuple[Int[Array, ""], Float[Array, "{length} n"]]:
  """The first cell that some pixels along an axis read, and the weight of each from there on.

  Args:
    frame: of the result.
    axis: 0 or 1.
    first: pixel.
    length: number of pixels.
    cells: number of cells.
  """
  zoom = 1 if frame.zoom is None else frame.zoom[axis]
  last: int | Array = cells - 1
  if frame.covered is not None:
    touched = jnp.ceil(frame.covered[axis] / zoom / STRIDE - _HARDLY)
    last = jnp.clip(touched - 1, 0, last)
  centres = first + (jnp.arange(length) + 0.5)
  position = jnp.clip(centres / zoom / STRIDE - 0.5, 0, last)
  low = jnp.floor(position)
  share = position - low
  most = math.ceil((length - 1) / STRIDE) + 2  # a zoom of at least 1 spreads the pixels less
  count = min(most, cells)
  start = jnp.minimum(low[0].astype(jnp.int32), cells - count)
  distance = (start + jnp.arange(count)) - low[:, None]
  weights = jnp.where(distance == 0, 1 - share[:, None], 0)
  return start, jnp.where(distance == 1, share[:, None], weights)
