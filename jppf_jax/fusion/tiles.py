"""Tiles: small pieces of the image, all of one static shape, that a fusion visits one by one.

Maps of all classes, parts or instances at image resolution would take gigabytes. A tile's maps fit
into the cache.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
from jaxtyping import Bool, Float, Int

from jppf_jax.ops.boxes import ImageSize
from jppf_jax.structs import Array

State = TypeVar("State")
Result = TypeVar("Result")

Shape = tuple[int, int]

CPU_TILE = (128, 256)  # fits the cache; smaller ones cost more visits
ACCELERATOR_TILE = (256, 512)  # each visit costs there, and 2 x 29 maps of this shape take 30 MB


class Tile(NamedTuple):
  """A piece of the image.

  Attributes:
    y: first row.
    x: first column.
    first_y: first row that is new. A last tile that would leave the image is moved back into it;
      its rows above `first_y` were visited before.
    first_x: the same for columns.
    shape: static height and width.
  """

  y: Int[Array, ""]
  x: Int[Array, ""]
  first_y: Int[Array, ""]
  first_x: Int[Array, ""]
  shape: Shape

  def cut(self, whole: Array) -> jax.Array:
    """Returns this piece of a map [H W], or of several [n H W]."""
    maps = whole.shape[:-2]
    start = *[0] * len(maps), self.y, self.x
    return jax.lax.dynamic_slice(whole, start, (*maps, *self.shape))

  def put(self, whole: Array, piece: Array) -> jax.Array:
    """Returns a map [H W], or several [n H W], with this piece replaced; the type stays."""
    piece = jnp.asarray(piece, whole.dtype)
    start = *[0] * (whole.ndim - 2), self.y, self.x
    return jax.lax.dynamic_update_slice(whole, piece, start)

  def within(self, box: Int[Array, "4"]) -> Bool[Array, "th tw"]:
    """Returns which pixels of this piece lie in a box of whole pixels."""
    y, x = self._pixels()
    x0, y0, x1, y1 = box
    return ((y >= y0) & (y < y1)) & ((x >= x0) & (x < x1))

  def squared_distance(self, box: Float[Array, "4"]) -> Float[Array, "th tw"]:
    """Returns the squared distance of each pixel's centre to a box; 0 inside."""
    y, x = self._pixels()
    x0, y0, x1, y1 = box
    dx = jnp.maximum(jnp.maximum(x0 - (x + 0.5), x + 0.5 - x1), 0)
    dy = jnp.maximum(jnp.maximum(y0 - (y + 0.5), y + 0.5 - y1), 0)
    return dx**2 + dy**2

  def touches(self, boxes: Int[Array, "D 4"]) -> Bool[Array, "D"]:
    """Returns which boxes of whole pixels, not empty, have a pixel in this piece."""
    height, width = self.shape
    x0, y0, x1, y1 = boxes.T
    beside = (x0 >= self.x + width) | (x1 <= self.x)
    above_or_below = (y0 >= self.y + height) | (y1 <= self.y)
    return ~(beside | above_or_below)

  def fresh(self) -> Bool[Array, "th tw"]:
    """Returns which pixels of this piece no earlier tile of the same visit contained."""
    y, x = self._pixels()
    return (y >= self.first_y) & (x >= self.first_x)

  def _pixels(self) -> tuple[Int[Array, "th 1"], Int[Array, "tw"]]:
    """The image rows and columns of this piece."""
    height, width = self.shape
    rows = self.y + jnp.arange(height)
    return rows[:, None], self.x + jnp.arange(width)


def whole_image(size: Shape) -> Tile:
  """Returns the tile that is the whole image."""
  zero = jnp.zeros((), jnp.int32)
  return Tile(zero, zero, zero, zero, size)


def visit(
  spans: Int[Array, "D 4"],
  order: Int[Array, "n"],
  active: Bool[Array, "D"],
  size: Shape,
  shape: Shape,
  step: Callable[[State, Int[Array, ""], Tile], State],
  state: State,
) -> State:
  """Folds `step` over the tiles that cover each active span, span after span in `order`.

  The number of steps depends on the data: spans that are not active cost nothing, small ones
  little.

  Args:
    spans: `x0 y0 x1 y1`, whole pixels.
    order: spans to visit.
    active: the others are skipped.
    size: height and width of the image.
    shape: of a tile; cut to the size of the image.
    step: from the state, the number of the span and the tile to the next state.
    state: at the start.

  Returns:
    The last state.
  """
  height, width = min(shape[0], size[0]), min(shape[1], size[1])
  x0, y0, x1, y1 = spans[order].T
  across = _ceil_divide(x1 - x0, width)
  down = _ceil_divide(y1 - y0, height)
  count = jnp.where(active[order], across * down, 0)  # tiles of each span
  ends = jnp.cumsum(count)
  total = ends[-1]

  def visit_one(carry: tuple[jax.Array, State]) -> tuple[jax.Array, State]:
    i, state = carry
    k = jnp.sum(ends <= i)  # the span of tile i, by its place in `order`
    first = ends[k] - count[k]
    row, column = jnp.divmod(i - first, across[k])
    first_y = y0[k] + row * height
    first_x = x0[k] + column * width
    y = jnp.minimum(first_y, size[0] - height)
    x = jnp.minimum(first_x, size[1] - width)
    tile = Tile(y, x, first_y, first_x, (height, width))
    return i + 1, step(state, order[k], tile)

  start = jnp.zeros_like(total), state
  _, state = jax.lax.while_loop(lambda carry: carry[0] < total, visit_one, start)
  return state


def over_image(
  covered: ImageSize,
  size: Shape,
  shape: Shape,
  step: Callable[[State, Tile], State],
  state: State,
) -> State:
  """Folds `step` over the tiles of an image; what the image does not cover costs nothing.

  Args:
    covered: rows and columns that the image covers, from the top left; may be traced.
    size: height and width of the frame that the image is in.
    shape: see `visit`.
    step: from the state and the tile to the next state.
    state: at the start.

  Returns:
    The last state.
  """
  height, width = covered
  span = jnp.stack([0, 0, jnp.asarray(width), jnp.asarray(height)]).astype(jnp.int32)
  only = jnp.zeros(1, jnp.int32)
  always = jnp.ones(1, bool)

  def step_of_span(state: State, _: Int[Array, ""], tile: Tile) -> State:
    return step(state, tile)

  return visit(span[None], only, always, size, shape, step_of_span, state)


def by_platform(compute: Callable[..., Result]) -> Callable[..., Result]:
  """Returns `compute(shape, ...)` as a function of its other arguments, which gets the shape of
  tiles that suits the platform it is compiled for (not the one it is traced on).
  """

  def run(*arguments: Any) -> Result:
    cpu = partial(compute, CPU_TILE)
    accelerator = partial(compute, ACCELERATOR_TILE)
    return jax.lax.platform_dependent(*arguments, cpu=cpu, default=accelerator)

  return run


def one_at_a_time(fuse: Callable[..., Result]) -> Callable[..., Result]:
  """Returns `fuse`, a function of one image, so that `jax.vmap` runs it image after image.

  The number of steps of a fusion depends on the data. Side by side, each image would take the steps
  of all of them.
  """
  return jax.custom_batching.sequential_vmap(fuse)


def _ceil_divide(length: Int[Array, "n"], by: int) -> Int[Array, "n"]:
  return -(-length // by)
