"""Which box answers for which object, and drawing at random from those that do.

For one image; `N` counts any boxes, anchors or proposals.
"""

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Bool, Float, Int

from jppf_jax.ops.boxes import iou_matrix
from jppf_jax.structs import Array, struct


@struct
class Match:
  """What each box is for; one that is neither positive nor negative is for nothing.

  Attributes:
    positive: answers for an object.
    negative: answers for the background.
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

  A box goes to the object it overlaps most, if by at least `positive_iou`; below `negative_iou` it
  is background. Then every object whose best overlap reaches `min_positive_iou` claims all boxes
  with exactly that overlap, background and boxes of other objects included; where two objects claim
  one box, the later gets it.

  Objects are visited one by one, so memory grows with N only.

  Args:
    boxes: anchors or proposals.
    candidates: which of them take part.
    objects: ground truth.
    valid: which rows of `objects` are objects.
    positive_iou: intersection over union from which on a box is positive.
    negative_iou: below it a box is background.
    min_positive_iou: above 0; the least overlap at which an object claims its best boxes.
  """

  def visit(state, item):
    best, index, claimed = state
    g, one, is_object = item
    overlap = jnp.where(candidates & is_object, iou_matrix(boxes, one[None])[:, 0], -1)
    overlap = lax.optimization_barrier(
      overlap
    )  # computed once: the comparison below is of equal bits
    peak = overlap.max()
    claims = (overlap == peak) & (peak >= min_positive_iou)
    better = overlap > best  # of equal ones the first
    state = (
      jnp.where(better, overlap, best),
      jnp.where(better, g, index),
      jnp.where(claims, g, claimed),
    )
    return state, None

  start = jnp.full(len(boxes), -1.0), jnp.zeros(len(boxes), jnp.int32), jnp.full(len(boxes), -1)
  rows = jnp.arange(len(objects))
  (best, index, claimed), _ = lax.scan(
    visit, start, (rows, jnp.asarray(objects), jnp.asarray(valid))
  )
  positive = (best >= positive_iou) | (claimed >= 0)
  return Match(
    positive=positive,
    negative=candidates & (best < negative_iou) & ~positive,
    index=jnp.where(claimed >= 0, claimed, index),
  )


def draw(
  priorities: Float[Array, "N"], mask: Bool[Array, "N"], limit: int
) -> tuple[Int[Array, "{limit}"], Bool[Array, "{limit}"]]:
  """Draws up to `limit` of the rows where `mask` is set; returns the rows, drawn ones first, and
  which were drawn.

  Args:
    priorities: independent and uniform in [0, 1), so that every subset, and every order of it, is
      equally likely.
    mask: rows to draw from.
    limit: how many at most.
  """
  found, rows = lax.top_k(jnp.where(mask, priorities, -1), min(limit, len(mask)))
  missing = (0, limit - len(rows))
  return jnp.pad(rows, missing), jnp.pad(found, missing, constant_values=-1) >= 0


def image_keys(key: Array, images: int, axis_name: str | None = None) -> Array:
  """A key per image, the same for an image wherever it is computed.

  Over `axis_name` each replica holds `images` images of the batch, in the order of the replicas;
  what is drawn for an image then does not depend on the number of replicas.
  """
  first = 0 if axis_name is None else lax.axis_index(axis_name) * images
  return jax.vmap(jax.random.fold_in, (None, 0))(key, first + jnp.arange(images))
