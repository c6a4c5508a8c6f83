"""Which proposals the box head and the mask head are trained on, and what they should answer."""

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Bool, Float, Int

from jppf_jax.ops.boxes import BOX_HEAD_STDS, encode
from jppf_jax.ops.masks import crop_mask_targets
from jppf_jax.structs import Array, Batch, Proposals, RegionTargets
from jppf_jax.targets.matching import draw, image_keys, match


def sample_regions(
  key: Array,
  proposals: Proposals,
  batch: Batch,
  *,
  samples: int = 256,
  positive_fraction: float = 0.25,
  positive_iou: float = 0.5,
  axis_name: str | None = None,
) -> RegionTargets:
  """Draws the regions to train on (Fast R-CNN, Girshick 2015, Sec. 2.3; numbers of EfficientPS),
  positives first.

  A proposal is positive where its best object overlaps it by `positive_iou` or more, else
  background. The boxes of the objects themselves are proposals too, so every image with an object
  has a positive one. No gradient flows back.

  Args:
    key: random; the same for all replicas.
    proposals: of the RPN.
    batch: ground truth of the same images.
    samples: regions drawn per image; where positives are few, background takes their place.
    positive_fraction: positives among them at most.
    positive_iou: see above.
    axis_name: axis of the replicas that together hold the batch; makes the draw independent of
      their number.

  Raises:
    ValueError: no room for a positive region.
  """
  max_positives = int(samples * positive_fraction)
  if max_positives < 1:
    raise ValueError(
      f"{samples} samples with a positive_fraction of {positive_fraction} leave no positive region; raise one of them."
    )

  def one_image(key, proposals, batch):
    objects = batch.boxes
    boxes, positive, negative, index = _candidates(proposals, objects, batch.valid, positive_iou)
    rows, is_positive, valid = _choose(key, positive, negative, samples, max_positives)
    boxes, index = jnp.where(valid[:, None], boxes[rows], 0), index[rows]
    deltas = encode(boxes, objects[index], BOX_HEAD_STDS)
    mask_valid, mask_index = is_positive[:max_positives], index[:max_positives]
    labels = jnp.where(is_positive, batch.labels[index], 0)
    ids = jnp.where(
      mask_valid, mask_index + 1, 0
    )  # row g - 1 of the objects is g in the instance map
    return {
      "boxes": boxes,
      "valid": valid,
      "labels": labels,
      "deltas": jnp.where(is_positive[:, None], deltas, 0),
      "mask_boxes": boxes[:max_positives],
      "mask_valid": mask_valid,
      "mask_labels": labels[:max_positives],
      "masks": crop_mask_targets(batch.instance, ids, boxes[:max_positives]),
    }

  keys = image_keys(key, len(batch.boxes), axis_name)
  return RegionTargets(**jax.vmap(one_image)(keys, lax.stop_gradient(proposals), batch))


def _candidates(
  proposals: Proposals,
  objects: Float[Array, "G 4"],
  is_object: Bool[Array, "G"],
  positive_iou: float,
) -> tuple[Float[Array, "N 4"], Bool[Array, "N"], Bool[Array, "N"], Int[Array, "N"]]:
  """The boxes of the objects, then the proposals; which are positive, which negative, and the
  object of each.
  """
  matched = match(
    proposals.boxes,
    proposals.valid,
    objects,
    is_object,
    positive_iou=positive_iou,
    negative_iou=positive_iou,
    min_positive_iou=positive_iou,
  )
  return (
    jnp.concatenate([objects, proposals.boxes]),
    jnp.concatenate([is_object, matched.positive]),
    jnp.concatenate([jnp.zeros_like(is_object), matched.negative]),
    jnp.concatenate([jnp.arange(len(objects)), matched.index]),
  )


def _choose(
  key: Array,
  positive: Bool[Array, "N"],
  negative: Bool[Array, "N"],
  samples: int,
  max_positives: int,
) -> tuple[Int[Array, "{samples}"], Bool[Array, "{samples}"], Bool[Array, "{samples}"]]:
  """Rows of the chosen candidates, positives before negatives before padding; which are positive;
  which are chosen.
  """
  priorities = jax.random.uniform(key, positive.shape)
  positives, is_drawn = draw(priorities, positive, max_positives)
  negatives, is_background = draw(priorities, negative, samples)
  place, count = jnp.arange(samples), is_drawn.sum()
  is_positive = place < count
  rows = jnp.where(
    is_positive,
    positives[jnp.minimum(place, max_positives - 1)],
    negatives[jnp.maximum(place - count, 0)],
  )
  return rows, is_positive, place < count + is_background.sum()
