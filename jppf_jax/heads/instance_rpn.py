"""Region proposal network: Faster R-CNN, Ren et al. 2015; EfficientPS, Sec. 3.4."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import lax
from jax.nn import initializers
from jaxtyping import Bool, Float

from jppf_jax.layers import Conv, Logits
from jppf_jax.ops.boxes import RPN_STDS, ImageSize, ImageSizes, clip, decode, image_sizes
from jppf_jax.ops.nms import nms
from jppf_jax.structs import Array, Proposals, Pyramid, RPNOutputs


class RPNHead(nn.Module):
  """Predicts objectness and box deltas of each anchor, with one set of weights for all levels.

  Differs from the EfficientPS paper: a dense convolution with bias and ReLU, no norm, as in the
  public code.

  Attributes:
    num_anchors: anchors per cell.
    dtype: compute dtype; the outputs are float32.
  """

  num_anchors: int = 3
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(self, pyramid: Pyramid) -> RPNOutputs:
    """Returns objectness logits and deltas per stride, flattened over y, x, anchor.

    The deltas are in units of `RPN_STDS`.
    """
    strides = sorted(pyramid)
    batch, _, _, width = pyramid[strides[0]].shape
    init = initializers.normal(0.01)
    conv = Conv(width, (3, 3), kernel_init=init, dtype=self.dtype, use_bias=True, name="conv")
    score = Logits(self.num_anchors, init, self.dtype, name="objectness")
    refine = Logits(4 * self.num_anchors, init, self.dtype, name="deltas")
    features = {stride: jax.nn.relu(conv(pyramid[stride])) for stride in strides}
    objectness = {stride: score(features[stride]).reshape(batch, -1) for stride in strides}
    deltas = {stride: refine(features[stride]).reshape(batch, -1, 4) for stride in strides}
    return RPNOutputs(objectness=objectness, deltas=deltas)


def propose(
  rpn: RPNOutputs,
  anchors: Mapping[int, Float[Array, "_n 4"]],
  image_size: ImageSizes,
  *,
  pre_nms: int,
  max_proposals: int,
  nms_threshold: float = 0.7,
  legacy: bool = True,
) -> Proposals:
  """Returns the best boxes of each image, clipped to it, highest objectness first.

  The `pre_nms` best boxes of each level go through non-maximum suppression, each level on its own.
  The proposals are the best boxes that survive on any level. No gradient flows through them.

  Args:
    rpn: of the whole batch.
    anchors: boxes per stride, in the order of the outputs.
    image_size: height and width to clip to: those of the image without its padding.
    pre_nms: candidates per level.
    max_proposals: rows of the result (fewer if all levels together have fewer candidates).
    nms_threshold: overlap above which the lower score is dropped.
    legacy: clip as EfficientPS does; see `ops.boxes.clip`.

  Raises:
    ValueError: outputs and anchors differ in strides or numbers.
  """
  found = {stride: scores.shape[1] for stride, scores in rpn.objectness.items()}
  expected = {stride: len(boxes) for stride, boxes in anchors.items()}
  if found != expected:
    raise ValueError(
      f"The RPN scores {found} boxes per stride, but there are {expected} anchors. "
      "RPNHead.num_anchors must be the number of ratios, and the anchors those of the padded image."
    )
  strides = sorted(anchors)
  num_candidates = {stride: min(pre_nms, count) for stride, count in found.items()}
  longest = max(num_candidates.values())
  best_of_level = partial(_best_of_level, count=longest, legacy=legacy)
  best_of_images = jax.vmap(best_of_level, (0, 0, 0, None))
  batch = len(rpn.objectness[strides[0]])
  sizes = image_sizes(image_size, batch)
  levels = [
    best_of_images(rpn.objectness[stride], rpn.deltas[stride], sizes, jnp.asarray(anchors[stride]))
    for stride in strides
  ]
  columns = zip(*lax.stop_gradient(levels), strict=True)
  boxes, logits, valid = (jnp.stack(column, 1) for column in columns)  # [B L n ..]
  suppress = jax.vmap(jax.vmap(partial(nms, threshold=nms_threshold)))  # over images and levels
  keep = suppress(boxes, logits, valid)
  kept_logits = jnp.where(keep, logits, -jnp.inf).reshape(batch, -1)
  num_proposals = min(max_proposals, sum(num_candidates.values()))
  best_logits, best = lax.top_k(kept_logits, num_proposals)
  boxes_of_levels = boxes.reshape(batch, -1, 4)
  best_boxes = jnp.take_along_axis(boxes_of_levels, best[..., None], 1)
  survives = best_logits > -jnp.inf
  return Proposals(
    boxes=jnp.where(survives[..., None], best_boxes, 0),
    scores=jnp.where(survives, jax.nn.sigmoid(best_logits), 0),
    valid=survives,
  )


def _best_of_level(
  scores: Float[Array, "n"],
  deltas: Float[Array, "n 4"],
  image_size: ImageSize,
  anchors: Float[Array, "n 4"],
  *,
  count: int,
  legacy: bool,
) -> tuple[Float[Array, "k 4"], Float[Array, "k"], Bool[Array, "k"]]:
  """The `count` best boxes of one level, their logits, and which of them are not padding."""
  existing = min(count, len(scores))
  scores, best = lax.top_k(scores, existing)
  decoded = decode(anchors[best], deltas[best], RPN_STDS)
  boxes = clip(decoded, image_size, legacy=legacy)
  valid = jnp.ones(existing, bool)
  padding = (0, count - existing)
  return jnp.pad(boxes, (padding, (0, 0))), jnp.pad(scores, padding), jnp.pad(valid, padding)
