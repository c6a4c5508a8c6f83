"""Instances before the fusion: which of them compete, where they reach, and how to visit that area
piece by piece.

A full-size image with 100 instances has 2e8 mask pixels, few of which an instance can reach. So
masks are pasted into windows, small pieces of the image of one static shape, only when and where
they are needed.
"""

from collections.abc import Callable
from typing import NamedTuple, TypeVar

import jax
import jax.numpy as jnp
from jaxtyping import Bool, Float, Int

from jppf_jax.ops.masks import box_rectangle, paste_weights
from jppf_jax.structs import Array, struct

State = TypeVar("State")

_CPU_WINDOW = (
  128,
  256,
)  # fits the cache; an accelerator pays per visit, so there a window is the whole image


@struct
class PlacedMasks:
  """Masks with what is needed to paste any piece of them: `rows @ mask @ columns.T`.

  Attributes:
    masks: what is pasted.
    rows: share of each mask row in each image row.
    columns: the same across.
    rectangles: `x0 y0 x1 y1`, the pixels that may use semantic and part evidence
      (`ops.masks.box_rectangle`).
    spans: `x0 y0 x1 y1`, the pixels that the mask or the rectangle reaches; empty where `x1 <= x0`
      or `y1 <= y0`.
  """

  masks: Float[Array, "D my mx"]
  rows: Float[Array, "D H my"]
  columns: Float[Array, "D W mx"]
  rectangles: Int[Array, "D 4"]
  spans: Int[Array, "D 4"]


def place(
  masks: Float[Array, "D my mx"],
  boxes: Float[Array, "D 4"],
  size: tuple[int, int],
  *,
  legacy: bool = True,
) -> PlacedMasks:
  """Returns masks laid over their boxes in an image of `size` (height, width), ready to be pasted
  piece by piece.
  """

  def weights(low, high, cells, length):
    return jax.vmap(lambda a, b: paste_weights(a, b, cells=cells, length=length, legacy=legacy))(
      low, high
    )

  boxes = jnp.asarray(boxes, jnp.float32)
  rows = weights(boxes[:, 1], boxes[:, 3], masks.shape[1], size[0])
  columns = weights(boxes[:, 0], boxes[:, 2], masks.shape[2], size[1])
  rectangles = jax.vmap(lambda box: box_rectangle(box, size))(boxes)
  x0, x1 = _extent(columns, rectangles[:, 0], rectangles[:, 2])
  y0, y1 = _extent(rows, rectangles[:, 1], rectangles[:, 3])
  return PlacedMasks(
    jnp.asarray(masks, jnp.float32), rows, columns, rectangles, jnp.stack([x0, y0, x1, y1], axis=1)
  )


def _extent(
  weights: Float[Array, "D n _m"], low: Int[Array, "D"], high: Int[Array, "D"]
) -> tuple[Int[Array, "D"], Int[Array, "D"]]:
  """First pixel and end of what has weight or lies in [low, high)."""
  pixel = jnp.arange(weights.shape[1])
  reached = (weights > 0).any(-1) | ((pixel >= low[:, None]) & (pixel < high[:, None]))
  first, last = jnp.argmax(reached, axis=1), pixel.size - jnp.argmax(reached[:, ::-1], axis=1)
  return jnp.where(reached.any(1), first, 0), jnp.where(reached.any(1), last, 0)


class Window(NamedTuple):
  """A piece of the image, of static `shape`, that is visited for one instance."""

  instance: Int[Array, ""]
  y: Int[Array, ""]
  x: Int[Array, ""]
  first_y: Int[
    Array, ""
  ]  # windows are pushed back into the image: rows above this one were visited before
  first_x: Int[Array, ""]
  shape: tuple[int, int]

  def cut(self, maps: Array, index: Array | int = 0) -> Array:
    """Returns this piece of a map [H W], or of map `index` out of [n H W]."""
    if maps.ndim == 2:
      return jax.lax.dynamic_slice(maps, (self.y, self.x), self.shape)
    return jax.lax.dynamic_slice(
      maps, (jnp.asarray(index, self.y.dtype), self.y, self.x), (1, *self.shape)
    )[0]

  def put(self, whole: Array, piece: Array) -> Array:
    """Returns a map [H W] with this piece replaced."""
    return jax.lax.dynamic_update_slice(whole, piece, (self.y, self.x))

  def paste(self, placed: PlacedMasks) -> Float[Array, "th tw"]:
    """Returns the pasted mask of the instance, this piece of it."""
    n, cells = self.instance, placed.masks.shape[1:]
    rows = jax.lax.dynamic_slice(placed.rows, (n, self.y, 0), (1, self.shape[0], cells[0]))[0]
    columns = jax.lax.dynamic_slice(placed.columns, (n, self.x, 0), (1, self.shape[1], cells[1]))[0]
    return jnp.einsum(
      "hm,mn,wn->hw", rows, placed.masks[n], columns, precision=jax.lax.Precision.HIGHEST
    )

  def within(self, box: Int[Array, "4"]) -> Bool[Array, "th tw"]:
    """Returns which pixels of this piece lie in a box of whole pixels."""
    y, x = self.y + jnp.arange(self.shape[0]), self.x + jnp.arange(self.shape[1])
    return ((y >= box[1]) & (y < box[3]))[:, None] & ((x >= box[0]) & (x < box[2]))

  def fresh(self) -> Bool[Array, "th tw"]:
    """Returns which pixels of this piece no earlier window of the instance held."""
    y, x = self.y + jnp.arange(self.shape[0]), self.x + jnp.arange(self.shape[1])
    return (y >= self.first_y)[:, None] & (x >= self.first_x)


def visit(
  spans: Int[Array, "D 4"],
  order: Int[Array, "n"],
  active: Bool[Array, "D"],
  size: tuple[int, int],
  step: Callable[[State, Window], State],
  state: State,
) -> State:
  """Folds `step` over the windows that cover the span of each active instance, instance by instance
  in `order`.

  The number of steps follows the data: instances that are not active cost nothing, small ones
  little.
  """
  shape = _CPU_WINDOW if jax.default_backend() == "cpu" else size
  shape = (min(shape[0], size[0]), min(shape[1], size[1]))
  x0, y0, x1, y1 = spans[order].T
  across = -((x0 - x1) // shape[1])
  count = jnp.where(active[order], across * -((y0 - y1) // shape[0]), 0)
  ends = jnp.cumsum(count)

  def one(carry):
    i, state = carry
    k = jnp.sum(ends <= i)
    row, column = jnp.divmod(i - (ends[k] - count[k]), across[k])
    first_y, first_x = y0[k] + row * shape[0], x0[k] + column * shape[1]
    y, x = jnp.minimum(first_y, size[0] - shape[0]), jnp.minimum(first_x, size[1] - shape[1])
    return i + 1, step(state, Window(order[k], y, x, first_y, first_x, shape))

  return jax.lax.while_loop(
    lambda carry: carry[0] < ends[-1], one, (jnp.zeros_like(ends[-1]), state)
  )[1]


def keep_instances(
  placed: PlacedMasks, candidates: Bool[Array, "D"], *, overlap_threshold: float
) -> Bool[Array, "D"]:
  """Returns which instances of one image enter the fusion: those that better ones do not mostly
  cover.

  Candidates are visited in order, best first. One whose mask (pasted logit above 0) is covered by
  those kept before for more than `overlap_threshold` of its area is dropped; one with an empty mask
  is kept. The masks that enter the fusion are not cut. This is the filter of EfficientPS's code, to
  which the paper's Sec. 3.2 refers ("pre-filtered").

  Args:
    placed: raw mask logits, best instance first.
    candidates: valid detections with a sufficient score.
    overlap_threshold: share of the mask.
  """
  size = placed.rows.shape[1], placed.columns.shape[1]

  def consider(n, carry):
    occupied, keep = carry
    itself = jnp.asarray(n, jnp.int32)[None]

    def measure(areas, window):
      mask = (window.paste(placed) > 0) & window.fresh()
      return areas + jnp.stack([mask.sum(), (mask & window.cut(occupied)).sum()])

    def occupy(occupied, window):
      return window.put(occupied, window.cut(occupied) | (window.paste(placed) > 0))

    area, taken = visit(placed.spans, itself, candidates, size, measure, jnp.zeros(2, jnp.int32))
    keep = keep.at[n].set(candidates[n] & ~(taken > overlap_threshold * area))
    return visit(placed.spans, itself, keep, size, occupy, occupied), keep

  end = jnp.max(jnp.where(candidates, jnp.arange(candidates.size) + 1, 0))
  return jax.lax.fori_loop(0, end, consider, (jnp.zeros(size, bool), jnp.zeros_like(candidates)))[1]
