"""Instances before the fusion: which of them compete, which pixels they reach, and how to visit
these pixels window by window.

100 instances of a full-size image have 2e8 mask pixels, but reach few of them. So masks are pasted
into windows only: small pieces of the image, all of one static shape.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple, TypeVar

import jax
import jax.numpy as jnp
from jaxtyping import Bool, Float, Int

from jppf_jax.ops.boxes import ImageSize
from jppf_jax.ops.masks import box_rectangle, paste_weights
from jppf_jax.structs import Array, Detections, struct

State = TypeVar("State")

# Fits the cache of a CPU. On an accelerator each visit costs, so a window is the whole image there.
_CPU_WINDOW = (128, 256)


@struct
class PlacedMasks:
  """Masks with what is needed to paste any piece of them: `rows @ mask @ columns.T`.

  Attributes:
    masks: what is pasted.
    rows: share of each mask row in each image row.
    columns: share of each mask column in each image column.
    rectangles: `x0 y0 x1 y1`, the pixels that may use semantic and part evidence
      (`ops.masks.box_rectangle`).
    spans: `x0 y0 x1 y1`, the pixels that the mask or the rectangle reaches; empty if `x1 <= x0`
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
  covered: ImageSize | None = None,
  legacy: bool = True,
) -> PlacedMasks:
  """Returns masks laid over their boxes, ready to be pasted piece by piece.

  A mask ends where the image ends: it is cut there, not squeezed.

  Args:
    masks: one per box.
    boxes: `x0 y0 x1 y1` in image pixels.
    size: height and width of the frame that the image is in.
    covered: rows and columns that the image covers, from the top left; may be traced. None: all.
    legacy: see `ops.masks.paste_weights`.
  """
  height, width = size
  covered = size if covered is None else covered
  mask_rows, mask_columns = masks.shape[1:]
  boxes = jnp.asarray(boxes, jnp.float32)
  weights = partial(paste_weights, legacy=legacy)
  row_weights = partial(weights, cells=mask_rows, length=height)
  column_weights = partial(weights, cells=mask_columns, length=width)
  rows = _cut(jax.vmap(row_weights)(boxes[:, 1], boxes[:, 3]), covered[0])
  columns = _cut(jax.vmap(column_weights)(boxes[:, 0], boxes[:, 2]), covered[1])
  rectangles = jax.vmap(lambda box: box_rectangle(box, covered))(boxes)
  x0, x1 = _extent(columns, rectangles[:, 0], rectangles[:, 2])
  y0, y1 = _extent(rows, rectangles[:, 1], rectangles[:, 3])
  spans = jnp.stack([x0, y0, x1, y1], axis=1)
  return PlacedMasks(jnp.asarray(masks, jnp.float32), rows, columns, rectangles, spans)


def _cut(weights: Float[Array, "D n _m"], length: int | Int[Array, ""]) -> Float[Array, "D n _m"]:
  """The weights with 0 for all pixels from `length` on."""
  is_inside = jnp.arange(weights.shape[1]) < length
  return jnp.where(is_inside[:, None], weights, 0)


def _extent(
  weights: Float[Array, "D n _m"], low: Int[Array, "D"], high: Int[Array, "D"]
) -> tuple[Int[Array, "D"], Int[Array, "D"]]:
  """First and one past the last pixel that has weight or lies in [low, high); 0 and 0 if none."""
  pixel = jnp.arange(weights.shape[1])
  has_weight = (weights > 0).any(-1)
  in_range = (pixel >= low[:, None]) & (pixel < high[:, None])
  reached = has_weight | in_range
  any_reached = reached.any(1)
  first = jnp.argmax(reached, axis=1)
  behind = jnp.argmax(reached[:, ::-1], axis=1)  # pixels behind the last one
  end = pixel.size - behind
  return jnp.where(any_reached, first, 0), jnp.where(any_reached, end, 0)


class Window(NamedTuple):
  """A piece of the image, visited for one instance.

  Attributes:
    instance: the detection.
    y: first row.
    x: first column.
    first_y: first row that is new. A last window that would leave the image is moved back into it;
      its rows above `first_y` were visited before.
    first_x: the same for columns.
    shape: static height and width.
  """

  instance: Int[Array, ""]
  y: Int[Array, ""]
  x: Int[Array, ""]
  first_y: Int[Array, ""]
  first_x: Int[Array, ""]
  shape: tuple[int, int]

  def cut(self, maps: Array, index: Array | int = 0) -> jax.Array:
    """Returns this piece of a map [H W], or of map `index` out of [n H W]."""
    if maps.ndim == 2:
      return jax.lax.dynamic_slice(maps, (self.y, self.x), self.shape)
    start = jnp.asarray(index, self.y.dtype), self.y, self.x
    return jax.lax.dynamic_slice(maps, start, (1, *self.shape))[0]

  def put(self, whole: Array, piece: Array) -> jax.Array:
    """Returns a map [H W] with this piece replaced."""
    return jax.lax.dynamic_update_slice(whole, piece, (self.y, self.x))

  def paste(self, placed: PlacedMasks) -> Float[Array, "th tw"]:
    """Returns this piece of the pasted mask of the instance."""
    n, (height, width) = self.instance, self.shape
    _, mask_rows, mask_columns = placed.masks.shape
    rows = jax.lax.dynamic_slice(placed.rows, (n, self.y, 0), (1, height, mask_rows))
    columns = jax.lax.dynamic_slice(placed.columns, (n, self.x, 0), (1, width, mask_columns))
    product = partial(jnp.einsum, "hm,mn,wn->hw", precision=jax.lax.Precision.HIGHEST)
    return product(rows[0], placed.masks[n], columns[0])

  def within(self, box: Int[Array, "4"]) -> Bool[Array, "th tw"]:
    """Returns which pixels of this piece lie in a box of whole pixels."""
    y, x = self._pixels()
    x0, y0, x1, y1 = box
    return ((y >= y0) & (y < y1)) & ((x >= x0) & (x < x1))

  def fresh(self) -> Bool[Array, "th tw"]:
    """Returns which pixels of this piece no earlier window of the instance contained."""
    y, x = self._pixels()
    return (y >= self.first_y) & (x >= self.first_x)

  def _pixels(self) -> tuple[Int[Array, "th 1"], Int[Array, "tw"]]:
    """The image rows and columns of this piece."""
    height, width = self.shape
    rows = self.y + jnp.arange(height)
    return rows[:, None], self.x + jnp.arange(width)


def visit(
  spans: Int[Array, "D 4"],
  order: Int[Array, "n"],
  active: Bool[Array, "D"],
  size: tuple[int, int],
  step: Callable[[State, Window], State],
  state: State,
) -> State:
  """Folds `step` over the windows that cover the span of each active instance, instance after
  instance in `order`.

  The number of steps depends on the data: instances that are not active cost nothing, small ones
  little.

  Args:
    spans: `x0 y0 x1 y1`, whole pixels.
    order: instances to visit.
    active: the others are skipped.
    size: height and width of the image.
    step: from state and window to the next state.
    state: at the start.

  Returns:
    The last state.
  """
  largest = _CPU_WINDOW if jax.default_backend() == "cpu" else size
  height, width = min(largest[0], size[0]), min(largest[1], size[1])
  x0, y0, x1, y1 = spans[order].T
  across = _ceil_divide(x1 - x0, width)
  down = _ceil_divide(y1 - y0, height)
  count = jnp.where(active[order], across * down, 0)  # windows of each instance
  ends = jnp.cumsum(count)
  total = ends[-1]

  def visit_one(carry: tuple[jax.Array, State]) -> tuple[jax.Array, State]:
    i, state = carry
    k = jnp.sum(ends <= i)  # the instance of window i, by its place in `order`
    first = ends[k] - count[k]
    row, column = jnp.divmod(i - first, across[k])
    first_y = y0[k] + row * height
    first_x = x0[k] + column * width
    y = jnp.minimum(first_y, size[0] - height)
    x = jnp.minimum(first_x, size[1] - width)
    window = Window(order[k], y, x, first_y, first_x, (height, width))
    return i + 1, step(state, window)

  start = jnp.zeros_like(total), state
  _, state = jax.lax.while_loop(lambda carry: carry[0] < total, visit_one, start)
  return state


def maximum_over_instances(
  score: Callable[[Window], tuple[Array, Array]],
  spans: Int[Array, "D 4"],
  order: Int[Array, "n"],
  active: Bool[Array, "D"],
  size: tuple[int, int],
) -> tuple[Float[Array, "H W"], Int[Array, "H W"]]:
  """Returns the largest score of all active instances at each pixel, and its label.

  The first instance in `order` wins ties. Memory is that of two maps, for any number of instances.

  Args:
    score: from a window to the scores of its instance [th tw], -inf if it does not compete, and
      their labels [th tw] (or one label).
    spans: as in `visit`.
    order: as in `visit`.
    active: as in `visit`.
    size: as in `visit`.

  Returns:
    Scores and labels; -inf and -1 if no instance competes.
  """

  def step(state: tuple[jax.Array, jax.Array], window: Window) -> tuple[jax.Array, jax.Array]:
    best, label = state
    new_score, new_label = score(window)
    old_score = window.cut(best)
    winner = jnp.where(new_score > old_score, new_label, window.cut(label))
    return window.put(best, jnp.maximum(new_score, old_score)), window.put(label, winner)

  start = jnp.full(size, -jnp.inf), jnp.full(size, -1, jnp.int32)
  return visit(spans, order, active, size, step, start)


def keep_instances(
  placed: PlacedMasks, candidates: Bool[Array, "D"], *, overlap_threshold: float
) -> Bool[Array, "D"]:
  """Returns the instances of one image that enter the fusion: those that better ones leave enough
  of their mask.

  Candidates are visited best first. One is dropped if those kept before cover more than
  `overlap_threshold` of its mask (pasted logit above 0); one with an empty mask is kept. The masks
  that enter the fusion are not cut. This is the filter of EfficientPS's code, to which the paper's
  Sec. 3.2 refers ("pre-filtered").

  Args:
    placed: raw mask logits, best instance first.
    candidates: valid detections with a sufficient score.
    overlap_threshold: share of the mask.
  """
  size = placed.rows.shape[1], placed.columns.shape[1]

  def consider(n: jax.Array, carry: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
    occupied, keep = carry

    def measure(areas: jax.Array, window: Window) -> jax.Array:
      mask = (window.paste(placed) > 0) & window.fresh()
      covered = mask & window.cut(occupied)
      return areas + jnp.stack([mask.sum(), covered.sum()])

    def occupy(occupied: jax.Array, window: Window) -> jax.Array:
      mask = window.paste(placed) > 0
      return window.put(occupied, window.cut(occupied) | mask)

    itself = jnp.asarray(n, jnp.int32)[None]
    area, covered = visit(placed.spans, itself, candidates, size, measure, jnp.zeros(2, jnp.int32))
    mostly_covered = covered > overlap_threshold * area
    keep = keep.at[n].set(candidates[n] & ~mostly_covered)
    return visit(placed.spans, itself, keep, size, occupy, occupied), keep

  places = jnp.arange(candidates.size) + 1
  end = jnp.max(jnp.where(candidates, places, 0))
  start = jnp.zeros(size, bool), jnp.zeros_like(candidates)
  _, keep = jax.lax.fori_loop(0, end, consider, start)
  return keep


def _ceil_divide(length: Int[Array, "n"], by: int) -> Int[Array, "n"]:
  return -(-length // by)


def filter_detections(
  detections: Detections,
  size: tuple[int, int],
  *,
  score_threshold: float,
  overlap_threshold: float,
  covered: ImageSize | None = None,
  legacy: bool,
) -> tuple[PlacedMasks, Bool[Array, "D"]]:
  """Returns the placed mask logits of one image's detections, and which enter the fusion.

  Args:
    detections: best first.
    size: height and width of the frame that the image is in.
    score_threshold: detections that score no more are left out.
    overlap_threshold: see `keep_instances`.
    covered: see `place`.
    legacy: see `place`.
  """
  placed = place(detections.mask_logits, detections.boxes, size, covered=covered, legacy=legacy)
  candidates = detections.valid & (detections.scores > score_threshold)
  return placed, keep_instances(placed, candidates, overlap_threshold=overlap_threshold)
