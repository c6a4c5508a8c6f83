"""Region proposal network (Faster R-CNN, Ren et al. 2015; EfficientPS, Sec. 3.4), and how its boxes
are chosen.
"""

from functools import partial
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import lax
from jax.nn import initializers
from jaxtyping import Bool, Float

from jppf_jax.layers import Logits
from jppf_jax.ops.boxes import RPN_STDS, clip, decode
from jppf_jax.ops.nms import nms
from jppf_jax.structs import Array, Proposals, Pyramid, RPNOutputs


class RPNHead(nn.Module):
  """Objectness and box deltas of every anchor; one set of weights for all levels.

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
    """Outputs per stride, flattened over y, x, anchor."""
    init = initializers.normal(0.01)
    width = next(iter(pyramid.values())).shape[-1]
    conv = nn.Conv(width, (3, 3), kernel_init=init, dtype=self.dtype, name="conv")
    score = Logits(self.num_anchors, init, self.dtype, name="objectness")
    refine = Logits(4 * self.num_anchors, init, self.dtype, name="deltas")
    features = {stride: jax.nn.relu(conv(level)) for stride, level in sorted(pyramid.items())}
    batch = next(iter(features.values())).shape[0]
    return RPNOutputs(
      objectness={stride: score(x).reshape(batch, -1) for stride, x in features.items()},
      deltas={stride: refine(x).reshape(batch, -1, 4) for stride, x in features.items()},
    )


def propose(
  rpn: RPNOutputs,
  anchors: dict[int, Float[Array, "_n 4"]],
  image_size: tuple[int, int],
  *,
  pre_nms: int,
  max_proposals: int,
  nms_threshold: float = 0.7,
  legacy: bool = True,
) -> Proposals:
  """The best boxes of each image, clipped to it, highest objectness first; no gradient flows
  through them.

  Every level offers its `pre_nms` best anchors and is thinned by non-maximum suppression on its
  own; the best of what is left, over all levels, are the proposals.

  Args:
    rpn: of the whole batch.
    anchors: boxes per stride, in the order of the outputs.
    image_size: height and width to clip to.
    pre_nms: candidates per level.
    max_proposals: rows of the result (fewer if all levels together have fewer candidates).
    nms_threshold: overlap from which on the lower score is dropped.
    legacy: clip as EfficientPS does; see `ops.boxes.clip`.

  Raises:
    ValueError: outputs and anchors have other strides or numbers.
  """
  found = {stride: scores.shape[1] for stride, scores in rpn.objectness.items()}
  expected = {stride: len(boxes) for stride, boxes in anchors.items()}
  if found != expected:
    raise ValueError(
      f"The RPN scores {found} boxes per stride, the anchors are {expected}: give RPNHead.num_anchors one per ratio,"
      " and make the anchors for the padded image."
    )
  longest = min(pre_nms, max(found.values()))
  one_image = jax.vmap(
    partial(_best_of_level, image_size=image_size, count=longest, legacy=legacy), (0, 0, None)
  )
  levels = [
    one_image(rpn.objectness[s], rpn.deltas[s], jnp.asarray(anchors[s])) for s in sorted(anchors)
  ]
  boxes, scores, valid = (
    jnp.stack(parts, 1) for parts in zip(*lax.stop_gradient(levels), strict=True)
  )  # [B L n ..]
  keep = jax.vmap(jax.vmap(partial(nms, threshold=nms_threshold)))(boxes, scores, valid)
  batch, num_candidates = len(boxes), sum(min(longest, n) for n in found.values())
  scores = jnp.where(keep, scores, -jnp.inf).reshape(batch, -1)
  scores, best = lax.top_k(scores, min(max_proposals, num_candidates))
  valid = scores > -jnp.inf
  boxes = jnp.take_along_axis(boxes.reshape(batch, -1, 4), best[..., None], 1)
  return Proposals(
    boxes=jnp.where(valid[..., None], boxes, 0),
    scores=jnp.where(valid, jax.nn.sigmoid(scores), 0),
    valid=valid,
  )


def _best_of_level(
  scores: Float[Array, "n"],
  deltas: Float[Array, "n 4"],
  anchors: Float[Array, "n 4"],
  *,
  image_size: tuple[int, int],
  count: int,
  legacy: bool,
) -> tuple[Float[Array, "k 4"], Float[Array, "k"], Bool[Array, "k"]]:
  """The `count` best boxes of one level and their logits, padded where the level has fewer."""
  here = min(count, len(scores))
  scores, best = lax.top_k(scores, here)
  boxes = clip(decode(anchors[best], deltas[best], RPN_STDS), image_size, legacy=legacy)
  padding = (0, count - here)
  return (
    jnp.pad(boxes, (padding, (0, 0))),
    jnp.pad(scores, padding),
    jnp.pad(jnp.ones(here, bool), padding),
  )
