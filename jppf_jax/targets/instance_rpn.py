"""What the region proposal network should predict: which anchors are objects or background, and the
deltas to the boxes.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Bool, Float, Int

from jppf_jax.ops.boxes import RPN_STDS, ImageSize, ImageSizes, encode, image_sizes
from jppf_jax.structs import Array, RPNTargets
from jppf_jax.targets.matching import Match, draw, match


def rpn_targets(
  keys: Array,
  anchors: Float[Array, "N 4"],
  boxes: Float[Array, "B G 4"],
  valid: Bool[Array, "B G"],
  image_size: ImageSizes,
  *,
  positive_iou: float = 0.7,
  negative_iou: float = 0.3,
  samples: int = 256,
  positive_fraction: float = 0.5,
) -> RPNTargets:
  """Matches the anchors to the objects and draws those to train on (Faster R-CNN, Ren et al. 2015,
  Sec. 3.1.2; numbers of EfficientPS).

  Only anchors fully inside the image take part. Positive: the best object overlaps the anchor by
  `positive_iou` or more, or the anchor is (one of) the best of an object and overlaps it by at
  least `negative_iou`. Negative: all objects overlap by less than `negative_iou`. In an image
  without objects, all anchors that take part are negative.

  Args:
    keys: random, one per image, see `matching.image_keys`.
    anchors: of all levels, finest first.
    boxes: ground truth.
    valid: which boxes are objects.
    image_size: height and width of the images without their padding.
    positive_iou: see above.
    negative_iou: see above.
    samples: anchors drawn per image; negatives take the place of missing positives.
    positive_fraction: share of positives, at most.

  Returns:
    The drawn anchors; deltas lead from positive ones to their object and are 0 elsewhere.
  """
  anchors = jnp.asarray(anchors)
  max_positives = int(samples * positive_fraction)
  thresholds = {"positive_iou": positive_iou, "negative_iou": negative_iou}

  def one_image(key: Array, boxes: Array, valid: Array, size: Array) -> tuple[Array, Array, Array]:
    inside = _inside(anchors, size)
    matched = match(anchors, inside, boxes, valid, min_positive_iou=negative_iou, **thresholds)
    drawn = _draw_both(key, matched, samples, max_positives)
    return _marked(anchors, boxes, matched, drawn)

  sizes = image_sizes(image_size, len(boxes))
  positive, negative, deltas = jax.vmap(one_image)(keys, boxes, valid, sizes)
  return RPNTargets(positive=positive, negative=negative, deltas=deltas)


class _Drawn(NamedTuple):
  """Rows of the drawn anchors of one image, and which entries of these lists are drawn ones."""

  positives: Int[Array, "_p"]
  is_positive: Bool[Array, "_p"]
  negatives: Int[Array, "_n"]
  is_negative: Bool[Array, "_n"]


def _draw_both(key: Array, matched: Match, samples: int, max_positives: int) -> _Drawn:
  """Draws positive anchors, and as many negative ones as there is room for."""
  priorities = jax.random.uniform(key, matched.positive.shape)
  positives, is_positive = draw(priorities, matched.positive, max_positives)
  negatives, is_negative = draw(priorities, matched.negative, samples)
  room = samples - is_positive.sum()
  is_negative &= jnp.arange(samples) < room
  return _Drawn(positives, is_positive, negatives, is_negative)


def _marked(
  anchors: Float[Array, "N 4"], boxes: Float[Array, "G 4"], matched: Match, drawn: _Drawn
) -> tuple[Bool[Array, "N"], Bool[Array, "N"], Float[Array, "N 4"]]:
  """Which anchors are drawn as positive and as negative, and the deltas of the positive ones."""
  objects = boxes[matched.index[drawn.positives]]
  deltas = encode(anchors[drawn.positives], objects, RPN_STDS)

  beyond = len(anchors)  # writes beyond the last row are dropped
  positives = jnp.where(drawn.is_positive, drawn.positives, beyond)
  negatives = jnp.where(drawn.is_negative, drawn.negatives, beyond)
  none = jnp.zeros(len(anchors), bool)
  no_deltas = jnp.zeros(anchors.shape)
  return (
    none.at[positives].set(True, mode="drop"),
    none.at[negatives].set(True, mode="drop"),
    no_deltas.at[positives].set(deltas, mode="drop"),
  )


def _inside(anchors: Float[Array, "N 4"], size: ImageSize) -> Bool[Array, "N"]:
  """Which anchors lie fully inside an image of this height and width."""
  height, width = size
  x0, y0, x1, y1 = anchors.T
  starts_inside = (x0 >= 0) & (y0 >= 0)
  return starts_inside & (x1 <= width) & (y1 <= height)
