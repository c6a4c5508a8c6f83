"""Which proposals the box head and the mask head are trained on, and what they should predict."""

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Bool, Float, Int

from jppf_jax.ops.boxes import BOX_HEAD_STDS, encode
from jppf_jax.ops.masks import crop_mask_targets
from jppf_jax.structs import Array, Batch, Proposals, RegionTargets
from jppf_jax.targets.matching import Match, draw, match


def sample_regions(
  keys: Array,
  proposals: Proposals,
  batch: Batch,
  *,
  samples: int = 256,
  positive_fraction: float = 0.25,
  positive_iou: float = 0.5,
) -> RegionTargets:
  """Draws the regions to train on, positives first (Fast R-CNN, Girshick 2015, Sec. 2.3; numbers of
  EfficientPS).

  A proposal is positive if its best object overlaps it by `positive_iou` or more, else background.
  The boxes of the objects are proposals too, so each image with an object has a positive region.
  No gradient flows back into the proposals.

  Args:
    keys: random, one per image, see `matching.image_keys`.
    proposals: of the RPN.
    batch: ground truth of the same images.
    samples: regions drawn per image; background takes the place of missing positives.
    positive_fraction: share of positives, at most.
    positive_iou: see above.

  Returns:
    The drawn regions with the targets of the box head and the mask head.

  Raises:
    ValueError: no room for a positive region.
  """
  max_positives = int(samples * positive_fraction)
  if max_positives < 1:
    raise ValueError(
      f"{samples} samples with a positive_fraction of {positive_fraction} leave no positive "
      "region; raise one of them."
    )

  def one_image(key: Array, proposals: Proposals, batch: Batch) -> dict[str, Array]:
    boxes, matched = _candidates(proposals, batch.boxes, batch.valid, positive_iou)
    rows, is_positive, valid = _choose(key, matched, samples, max_positives)
    objects = matched.index[rows]
    boxes = jnp.where(valid[:, None], boxes[rows], 0)
    labels = jnp.where(is_positive, batch.labels[objects], 0)
    deltas = encode(boxes, batch.boxes[objects], BOX_HEAD_STDS)

    mask_boxes = boxes[:max_positives]
    mask_valid = is_positive[:max_positives]
    ids = objects[:max_positives] + 1  # in the instance map
    ids = jnp.where(mask_valid, ids, 0)
    return {  # the fields of `RegionTargets`, without the batch axis
      "boxes": boxes,
      "valid": valid,
      "labels": labels,
      "deltas": jnp.where(is_positive[:, None], deltas, 0),
      "mask_boxes": mask_boxes,
      "mask_valid": mask_valid,
      "mask_labels": labels[:max_positives],
      "masks": crop_mask_targets(batch.instance, ids, mask_boxes),
    }

  fields = jax.vmap(one_image)(keys, lax.stop_gradient(proposals), batch)
  return RegionTargets(**fields)


def _candidates(
  proposals: Proposals,
  objects: Float[Array, "G 4"],
  is_object: Bool[Array, "G"],
  positive_iou: float,
) -> tuple[Float[Array, "N 4"], Match]:
  """The boxes of the objects, then the proposals; and the role of each."""
  matched = match(
    proposals.boxes,
    proposals.valid,
    objects,
    is_object,
    positive_iou=positive_iou,
    negative_iou=positive_iou,
    min_positive_iou=positive_iou,
  )
  nothing = jnp.zeros_like(is_object)
  rows = jnp.arange(len(objects))
  both = Match(
    positive=jnp.concatenate([is_object, matched.positive]),
    negative=jnp.concatenate([nothing, matched.negative]),
    index=jnp.concatenate([rows, matched.index]),
  )
  return jnp.concatenate([objects, proposals.boxes]), both


def _choose(
  key: Array, matched: Match, samples: int, max_positives: int
) -> tuple[Int[Array, "{samples}"], Bool[Array, "{samples}"], Bool[Array, "{samples}"]]:
  """Rows of the drawn candidates (positives, then negatives, then padding), which of them are
  positive, and which are drawn.
  """
  priorities = jax.random.uniform(key, matched.positive.shape)
  positives, is_positive = draw(priorities, matched.positive, max_positives)
  negatives, is_negative = draw(priorities, matched.negative, samples)
  num_positives = is_positive.sum()
  num_drawn = num_positives + is_negative.sum()

  place = jnp.arange(samples)
  comes_first = place < num_positives
  positive_rows = positives[jnp.minimum(place, max_positives - 1)]
  negative_rows = negatives[jnp.maximum(place - num_positives, 0)]
  rows = jnp.where(comes_first, positive_rows, negative_rows)
  return rows, comes_first, place < num_drawn
