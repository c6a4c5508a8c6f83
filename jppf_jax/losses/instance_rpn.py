"""The losses of the region proposal network (EfficientPS, as Faster R-CNN, Ren et al. 2015, Eq. 1)."""

import jax.numpy as jnp
import optax

from jppf_jax.losses.term import Term
from jppf_jax.structs import RPNOutputs, RPNTargets


def rpn_losses(outputs: RPNOutputs, targets: RPNTargets, *, beta: float = 1 / 9) -> dict[str, Term]:
  """Returns `rpn_objectness`, binary cross entropy of the sampled anchors, and `rpn_box`, smooth L1
  of positive ones.

  Both are divided by the number of sampled anchors, where an image without positives (or negatives)
  counts one of them.

  Args:
    outputs: logits and deltas per level.
    targets: levels concatenated, finest first.
    beta: where smooth L1 turns from quadratic to linear.
  """
  strides = sorted(outputs.objectness)
  logits = jnp.concatenate([outputs.objectness[s] for s in strides], 1).astype(jnp.float32)  # [B N]
  deltas = jnp.concatenate([outputs.deltas[s] for s in strides], 1).astype(jnp.float32)  # [B N 4]
  if logits.shape != targets.positive.shape:
    raise ValueError(
      f"The RPN scored anchors of shape {logits.shape}, the targets have {targets.positive.shape}."
    )

  positive = jnp.asarray(targets.positive)
  sampled = positive | targets.negative
  objectness = optax.sigmoid_binary_cross_entropy(logits, positive.astype(jnp.float32))
  box = optax.huber_loss(deltas, targets.deltas, delta=beta) / beta
  count = jnp.maximum(positive.sum(1), 1) + jnp.maximum(targets.negative.sum(1), 1)
  count = count.sum().astype(jnp.float32)
  return {
    "rpn_objectness": Term(jnp.where(sampled, objectness, 0).sum(), count),
    "rpn_box": Term(jnp.where(positive[..., None], box, 0).sum(), count),
  }
