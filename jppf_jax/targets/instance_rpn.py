"""What the region proposal network should answer: which anchors are objects, which background,
which way the box is.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Bool, Float

from jppf_jax.ops.boxes import RPN_STDS, encode
from jppf_jax.structs import Array, RPNTargets
from jppf_jax.targets.matching import draw, image_keys, match


def rpn_targets(
  key: Array,
  anchors: Float[Array, "N 4"],
  boxes: Float[Array, "B G 4"],
  valid: Bool[Array, "B G"],
  image_size: tuple[int, int],
  *,
  positive_iou: float = 0.7,
  negative_iou: float = 0.3,
  samples: int = 256,
  positive_fraction: float = 0.5,
  axis_name: str | None = None,
) -> RPNTargets:
  """Matches the anchors to the objects and draws those that are trained on (Faster R-CNN; numbers
  of EfficientPS).

  Only anchors that lie fully inside the image take part. Positive: the best object overlaps by
  `positive_iou` or more, or the anchor is (one of) the best of an object that overlaps it by at
  least `negative_iou`. Negative: every object overlaps by less than `negative_iou`. In an image
  without objects all that take part are negative.

  Args:
    key: random; the same for all replicas.
    anchors: of all levels, finest first.
    boxes: ground truth.
    valid: which boxes are objects.
    image_size: height and width in pixels.
    positive_iou: see above.
    negative_iou: see above.
    samples: anchors drawn per image; where positives are few, negatives take their place.
    positive_fraction: positives among them at most.
    axis_name: axis of the replicas that together hold the batch; makes the draw independent of
      their number.

  Returns:
    The drawn anchors; deltas lead from positive ones to their object and are 0 elsewhere.
  """
  height, width = image_size
  x0, y0, x1, y1 = (
    anchors.T
  )  # NumPy where the anchors are, so that the compiler has nothing to fold
  inside = (x0 >= 0) & (y0 >= 0) & (x1 <= width) & (y1 <= height)
  anchors, max_positives = jnp.asarray(anchors), int(samples * positive_fraction)

  def one_image(key, boxes, valid):
    matched = match(
      anchors,
      inside,
      boxes,
      valid,
      positive_iou=positive_iou,
      negative_iou=negative_iou,
      min_positive_iou=negative_iou,
    )
    priorities = jax.random.uniform(key, inside.shape)
    positives, is_positive = draw(priorities, matched.positive, max_positives)
    negatives, is_negative = draw(priorities, matched.negative, samples)
    is_negative &= jnp.arange(samples) < samples - is_positive.sum()
    deltas = encode(anchors[positives], boxes[matched.index[positives]], RPN_STDS)
    positives = jnp.where(is_positive, positives, len(anchors))  # rows beyond the last are dropped
    negatives = jnp.where(is_negative, negatives, len(anchors))
    none = jnp.zeros(len(anchors), bool)
    return (
      none.at[positives].set(True, mode="drop"),
      none.at[negatives].set(True, mode="drop"),
      jnp.zeros(anchors.shape).at[positives].set(deltas, mode="drop"),
    )

  positive, negative, deltas = jax.vmap(one_image)(
    image_keys(key, len(boxes), axis_name), boxes, valid
  )
  return RPNTargets(positive=positive, negative=negative, deltas=deltas)
