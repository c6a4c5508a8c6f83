"""The losses of the box head and the mask head (EfficientPS, as Mask R-CNN, He et al. 2017, Sec.
3).
"""

import jax.numpy as jnp
import optax

from jppf_jax.losses.term import Term
from jppf_jax.structs import RegionOutputs, RegionTargets


def region_losses(
  outputs: RegionOutputs, targets: RegionTargets, *, beta: float = 1.0
) -> dict[str, Term]:
  """Returns `box_class`, `box_deltas` and `mask`.

  Class: cross entropy, mean over the sampled regions. Deltas: smooth L1 of the positive regions in
  the channels of their class, divided by the number of all sampled regions. Mask: binary cross
  entropy in the channel of the class, mean over the pixels of the positive regions, 0 without any.

  Args:
    outputs: logits and deltas of the heads.
    targets: the regions the heads looked at.
    beta: where smooth L1 turns from quadratic to linear.
  """
  valid, mask_valid = jnp.asarray(targets.valid), jnp.asarray(targets.mask_valid)
  labels = jnp.where(valid, targets.labels, 0)  # [B R], padding reads channel 0
  class_loss = optax.softmax_cross_entropy_with_integer_labels(
    outputs.class_logits.astype(jnp.float32), labels
  )

  deltas = jnp.take_along_axis(outputs.deltas.astype(jnp.float32), labels[..., None, None], 2)[
    :, :, 0
  ]  # [B R 4]
  box_loss = optax.huber_loss(deltas, targets.deltas, delta=beta) / beta

  mask_labels = jnp.where(mask_valid, targets.mask_labels, 0)[..., None, None, None]
  mask_logits = jnp.take_along_axis(outputs.mask_logits.astype(jnp.float32), mask_labels, -1)[
    ..., 0
  ]  # [B M 28 28]
  mask_loss = optax.sigmoid_binary_cross_entropy(mask_logits, targets.masks)

  count = valid.sum().astype(jnp.float32)
  return {
    "box_class": Term(jnp.where(valid, class_loss, 0).sum(), count),
    "box_deltas": Term(jnp.where((labels > 0)[..., None], box_loss, 0).sum(), count),
    "mask": Term(
      jnp.where(mask_valid[..., None, None], mask_loss, 0).sum(),
      mask_valid.sum().astype(jnp.float32) * targets.masks[0, 0].size,
    ),
  }
