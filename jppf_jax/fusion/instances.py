"""Instances before the fusion: which of them compete, and which pixels they reach.

100 instances of a full-size image have 2e8 mask pixels, but reach few of them. So masks are pasted
into tiles only, and only into those that they reach.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int

from jppf_jax.fusion.frame import Frame
from jppf_jax.fusion.tiles import Shape, Tile, visit
from jppf_jax.ops.boxes import ImageSize
from jppf_jax.ops.masks import box_rectangle, paste_reach, paste_weights
from jppf_jax.structs import Array, Detections, struct


@struct
class PlacedMasks:
  """Masks laid over their boxes.

  Attributes:
    masks: what is pasted.
    extents: `x0 y0 x1 y1`, where the first cell begins and the last ends, in image pixels.
    rectangles: `x0 y0 x1 y1`, the pixels that may use semantic and part evidence
      (`ops.masks.box_rectangle`).
    spans: `x0 y0 x1 y1`, the pixels that the mask or the rectangle reaches; empty if `x1 <= x0`
      or `y1 <= y0`.
    limits: rows and columns that the image covers; masks are cut there.
  """

  masks: Float[Array, "D my mx"]
  extents: Float[Array, "D 4"]
  rectangles: Int[Array, "D 4"]
  spans: Int[Array, "D 4"]
  limits: Int[Array, "2"]


def place(
  masks: Float[Array, "D my mx"],
  boxes: Float[Array, "D 4"],
  size: Shape,
  *,
  covered: ImageSize | None = None,
  legacy: bool = True,
  margin: float = 0.0,
) -> PlacedMasks:
  """Returns masks laid over their boxes, ready to be pasted piece by piece.

  A mask ends where the image ends: it is cut there, not squeezed.

  Args:
    masks: one per box.
    boxes: `x0 y0 x1 y1` in image pixels.
    size: height and width of the frame that the image is in.
    covered: rows and columns that the image covers, from the top left; may be traced. None: all.
    legacy: see `ops.masks.paste_weights`.
    margin: see `FusionConfig.box_margin`.
  """
  limits = jnp.asarray(size if covered is None else covered, jnp.int32)
  boxes = jnp.asarray(boxes, jnp.float32)
  rectangles = jax.vmap(lambda box: box_rectangle(box, limits, margin=margin))(boxes)
  shift = np.array([0, 0, legacy, legacy], np.float32)
  extents = boxes - shift
  (x0, x1), (y0, y1) = (
    _span(extents, rectangles, limits, cells=masks.shape[axis + 1], length=size[axis], axis=axis)
    for axis in (1, 0)
  )
  spans = jnp.stack([x0, y0, x1, y1], axis=1)
  return PlacedMasks(jnp.asarray(masks, jnp.float32), extents, rectangles, spans, limits)


def _span(
  extents: Float[Array, "D 4"],
  rectangles: Int[Array, "D 4"],
  limits: Int[Array, "2"],
  *,
  cells: int,
  length: int,
  axis: int,
) -> tuple[Int[Array, "D"], Int[Array, "D"]]:
  """First and one past the last pixel along an axis that the mask or the rectangle reaches; 0 and 0
  if none.
  """
  low, high = (1, 3) if axis == 0 else (0, 2)
  reach = partial(paste_reach, cells=cells, length=length, legacy=False)
  of_mask = jax.vmap(reach)(extents[:, low], extents[:, high])
  pixel = jnp.arange(length)
  after = pixel >= rectangles[:, low, None]
  before = pixel < rectangles[:, high, None]
  of_mask = of_mask & (pixel < limits[axis])
  reached = of_mask | (after & before)
  any_reached = reached.any(1)
  first = jnp.argmax(reached, axis=1)
  behind = jnp.argmax(reached[:, ::-1], axis=1)  # pixels behind the last one
  return jnp.where(any_reached, first, 0), jnp.where(any_reached, length - behind, 0)


def paste_into(tile: Tile, placed: PlacedMasks, n: Int[Array, ""]) -> Float[Array, "th tw"]:
  """Returns the piece of the pasted mask `n` that lies in a tile; 0 outside of the image."""
  _, mask_rows, mask_columns = placed.masks.shape
  (height, width), (rows_end, columns_end) = tile.shape, placed.limits
  x0, y0, x1, y1 = placed.extents[n]
  weights = partial(paste_weights, legacy=False)
  rows = weights(y0, y1, cells=mask_rows, length=height, first=tile.y)
  columns = weights(x0, x1, cells=mask_columns, length=width, first=tile.x)
  rows = jnp.where((tile.y + jnp.arange(height) < rows_end)[:, None], rows, 0)
  columns = jnp.where((tile.x + jnp.arange(width) < columns_end)[:, None], columns, 0)
  product = partial(jnp.einsum, "hm,mn,wn->hw", precision=jax.lax.Precision.HIGHEST)
  return product(rows, placed.masks[n], columns)


def maximum_over_instances(
  score: Callable[[Int[Array, ""], Tile], tuple[Array, Array]],
  spans: Int[Array, "D 4"],
  order: Int[Array, "n"],
  active: Bool[Array, "D"],
  size: Shape,
  shape: Shape,
) -> tuple[Float[Array, "H W"], Int[Array, "H W"]]:
  """Returns the largest score of all active instances at each pixel, and its label.

  The first instance in `order` wins ties. Memory is that of two maps, for any number of instances.

  Args:
    score: from instance and tile to the scores of the instance [th tw], -inf if it does not
      compete, and their labels [th tw] (or one label).
    spans: as in `tiles.visit`.
    order: as in `tiles.visit`.
    active: as in `tiles.visit`.
    size: as in `tiles.visit`.
    shape: as in `tiles.visit`.

  Returns:
    Scores and labels; -inf and -1 if no instance competes.
  """

  def step(state: jax.Array, n: Int[Array, ""], tile: Tile) -> jax.Array:
    new_score, new_label = score(n, tile)
    old = tile.cut(state)
    wins = new_score > _bits(old[0], jnp.float32)
    label = jnp.broadcast_to(jnp.asarray(new_label, jnp.int32), tile.shape)
    new = jnp.stack([_bits(new_score, jnp.int32), label])
    return tile.put(state, jnp.where(wins, new, old))

  # One array for both maps: of two, each read and written here, XLA copies one in every step.
  nothing = jnp.stack([_bits(jnp.full(size, -jnp.inf), jnp.int32), jnp.full(size, -1, jnp.int32)])
  state = visit(spans, order, active, size, shape, step, nothing)
  return _bits(state[0], jnp.float32), state[1]


def _bits(values: Array, dtype: Any) -> jax.Array:
  """The same 32 bits as another type."""
  return jax.lax.bitcast_convert_type(jnp.asarray(values), dtype)


class _Claims(NamedTuple):
  """What the filter knows while it visits the instances.

  Attributes:
    owner: the last instance that found each pixel free, kept or not; D = none.
    keep: which instances are kept, so far.
    areas: pixels of each mask, so far: all, and those that kept instances own.
  """

  owner: Int[Array, "H W"]
  keep: Bool[Array, "D1"]
  areas: Float[Array, "D 2"]


def keep_instances(
  placed: PlacedMasks,
  candidates: Bool[Array, "D"],
  size: Shape,
  shape: Shape,
  *,
  overlap_threshold: float,
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
    size: height and width of the frame that the image is in.
    shape: of the tiles that are visited.
    overlap_threshold: share of the mask.
  """
  count = candidates.size

  def consider(claims: _Claims, n: Int[Array, ""], tile: Tile) -> _Claims:
    mask = paste_into(tile, placed, n) > 0
    owner = tile.cut(claims.owner)
    occupied = claims.keep[owner]
    fresh_mask = mask & tile.fresh()
    pixels = jnp.stack([_count(fresh_mask), _count(fresh_mask & occupied)])
    areas = jnp.asarray(claims.areas).at[n].add(pixels)
    area, covered = areas[n]
    # Final after its last tile. Until then the instance finds own pixels in no tile but where a
    # tile was moved back, and these are not counted again.
    keep = jnp.asarray(claims.keep).at[n].set(covered <= overlap_threshold * area)
    owner = jnp.where(mask & ~occupied, n, owner)
    return _Claims(tile.put(claims.owner, owner), keep, areas)

  nobody = jnp.full(size, count, jnp.int32)
  keep_all = jnp.append(candidates, False)
  start = _Claims(nobody, keep_all, jnp.zeros((count, 2)))
  claims = visit(placed.spans, jnp.arange(count), candidates, size, shape, consider, start)
  return claims.keep[:count]


def _count(mask: Bool[Array, "th tw"]) -> Float[Array, ""]:
  """The number of True, exact up to 2 ** 24. Sums of integers are slow on CPUs."""
  of_columns = jnp.sum(mask, axis=0, dtype=jnp.float32)
  return of_columns.sum()


def filter_detections(
  detections: Detections,
  frame: Frame,
  shape: Shape,
  *,
  score_threshold: float,
  overlap_threshold: float,
  legacy: bool,
  margin: float = 0.0,
) -> tuple[PlacedMasks, Bool[Array, "D"]]:
  """Returns the placed mask logits of one image's detections, and which enter the fusion.

  Args:
    detections: best first, boxes in pixels of the network.
    frame: of the result.
    shape: of the tiles that are visited.
    score_threshold: detections that score no more are left out.
    overlap_threshold: see `keep_instances`.
    legacy: see `place`.
    margin: see `place`.
  """
  boxes = frame.scaled(detections.boxes)
  place_masks = partial(place, covered=frame.covered, legacy=legacy, margin=margin)
  placed = place_masks(detections.mask_logits, boxes, frame.size)
  candidates = detections.valid & (detections.scores > score_threshold)
  kept = keep_instances(placed, candidates, frame.size, shape, overlap_threshold=overlap_threshold)
  return placed, kept
