"""The losses of the RPN (as EfficientPS; Faster R-CNN, Ren et al. 2015, Eq. 1)."""

import jax.numpy as jnp
import optax
from jaxtyping import Float

from jppf_jax.losses.term import Term
from jppf_jax.structs import Array, RPNOutputs, RPNTargets


def rpn_losses(outputs: RPNOutputs, targets: RPNTargets, *, beta: float = 1 / 9) -> dict[str, Term]:
  """Returns `rpn_objectness`, binary cross entropy of the sampled anchors, and `rpn_box`, smooth L1
  of positive ones.

  Both are divided by the number of sampled anchors. An image without positives (or negatives)
  counts as one with a single one.

  Args:
    outputs: logits and deltas per level.
    targets: levels concatenated, finest first.
    beta: the error at which smooth L1 turns from quadratic to linear.

  Raises:
    ValueError: outputs and targets have different numbers of anchors.
  """
  logits = _concatenate(outputs.objectness)  # [B N]
  deltas = _concatenate(outputs.deltas)  # [B N 4]
  if logits.shape != targets.positive.shape:
    raise ValueError(
      f"The RPN scored anchors of shape {logits.shape}, the targets have {targets.positive.shape}."
    )

  positive = jnp.asarray(targets.positive)
  sampled = positive | targets.negative
  objectness_loss = optax.sigmoid_binary_cross_entropy(logits, positive.astype(jnp.float32))
  box_loss = optax.huber_loss(deltas, targets.deltas, delta=beta) / beta
  positives = jnp.maximum(positive.sum(1), 1)  # [B]
  negatives = jnp.maximum(targets.negative.sum(1), 1)
  count = (positives + negatives).sum().astype(jnp.float32)
  objectness_total = jnp.where(sampled, objectness_loss, 0).sum()
  box_total = jnp.where(positive[..., None], box_loss, 0).sum()
  return {"rpn_objectness": Term(objectness_total, count), "rpn_box": Term(box_total, count)}


def _concatenate(levels: dict[int, Float[Array, "_b _n ..."]]) -> Float[Array, "_b N ..."]:
  """The levels one after the other, finest first."""
  finest_first = [levels[stride] for stride in sorted(levels)]
  return jnp.concatenate(finest_first, 1).astype(jnp.float32)
