"""Matching boxes to objects, and drawing a random sample of the boxes.

All for one image; `N` counts any boxes, anchors or proposals.
"""

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Bool, Float, Int

from jppf_jax.ops.boxes import iou_matrix
from jppf_jax.structs import Array, struct

_Three = tuple[jax.Array, jax.Array, jax.Array]


@struct
class Match:
  """The role of each box; boxes that are neither positive nor negative are ignored.

  Attributes:
    positive: boxes that belong to an object.
    negative: boxes that are background.
    index: row of the object, for positive boxes.
  """

  positive: Bool[Array, "N"]
  negative: Bool[Array, "N"]
  index: Int[Array, "N"]


def match(
  boxes: Float[Array, "N 4"],
  candidates: Bool[Array, "N"],
  objects: Float[Array, "G 4"],
  valid: Bool[Array, "G"],
  *,
  positive_iou: float,
  negative_iou: float,
  min_positive_iou: float,
) -> Match:
  """Assigns boxes to objects by their overlap (Faster R-CNN, Ren et al. 2015, Sec. 3.1.2; details
  as EfficientPS).

  A box is positive if its best object overlaps it by `positive_iou` or more; it belongs to that
  object. It is negative if all objects overlap it by less than `negative_iou`. Then each object
  whose best overlap reaches `min_positive_iou` claims all boxes with exactly this overlap, also
  negative boxes and boxes of other objects. If two objects claim one box, the later one gets it.

  Objects are visited one by one, so memory grows with N only.

  Args:
    boxes: anchors or proposals.
    candidates: which of them take part.
    objects: ground truth.
    valid: which rows of `objects` are objects.
    positive_iou: least intersection over union of a positive box.
    negative_iou: a box whose overlaps are all smaller is background.
    min_positive_iou: above 0; the least overlap at which an object claims its best boxes.

  Returns:
    The role of each box.
  """

  def visit(state: _Three, item: _Three) -> tuple[_Three, None]:
    best, index, claimed = state
    g, one, is_object = item
    iou = iou_matrix(boxes, one[None])[:, 0]
    overlap = jnp.where(candidates & is_object, iou, -1)
    overlap = lax.optimization_barrier(
      overlap
    )  # computed once, so that equal values have equal bits
    peak = overlap.max()
    claims = (overlap == peak) & (peak >= min_positive_iou)
    better = overlap > best  # the first of equal objects stays
    best = jnp.where(better, overlap, best)
    index = jnp.where(better, g, index)
    return (best, index, jnp.where(claims, g, claimed)), None

  count = len(boxes)
  start = jnp.full(count, -1.0), jnp.zeros(count, jnp.int32), jnp.full(count, -1)
  items = jnp.arange(len(objects)), jnp.asarray(objects), jnp.asarray(valid)
  (best, index, claimed), _ = lax.scan(visit, start, items)
  is_claimed = claimed >= 0
  positive = (best >= positive_iou) | is_claimed
  negative = candidates & (best < negative_iou) & ~positive
  return Match(positive, negative, index=jnp.where(is_claimed, claimed, index))


def draw(
  priorities: Float[Array, "N"], mask: Bool[Array, "N"], limit: int
) -> tuple[Int[Array, "{limit}"], Bool[Array, "{limit}"]]:
  """Draws up to `limit` of the rows in `mask`.

  Args:
    priorities: independent and uniform in [0, 1), so that each subset, in each order, is equally
      likely.
    mask: rows to draw from.
    limit: largest number of rows.

  Returns:
    Rows, drawn ones first, and which of them are drawn.
  """
  eligible = jnp.where(mask, priorities, -1)
  found, rows = lax.top_k(eligible, min(limit, len(mask)))
  missing = (0, limit - len(rows))
  found = jnp.pad(found, missing, constant_values=-1)
  return jnp.pad(rows, missing), found >= 0


def image_keys(key: Array, images: int, axis_name: str | None = None) -> Array:
  """Returns a key per image, the same on whatever replica the image is.

  Each replica of `axis_name` holds `images` images of the batch, in the order of the replicas. So
  the sample of an image does not depend on the number of replicas.

  Args:
    key: of the batch.
    images: on this replica.
    axis_name: axis of the replicas that together hold the batch.
  """
  replica = 0 if axis_name is None else lax.axis_index(axis_name)
  images_of_batch = replica * images + jnp.arange(images)
  return jax.vmap(jax.random.fold_in, (None, 0))(key, images_of_batch)
