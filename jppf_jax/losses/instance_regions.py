"""The losses of box head and mask head (as EfficientPS; Mask R-CNN, He et al. 2017, Sec. 3)."""

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
    targets: of the same regions.
    beta: the error at which smooth L1 turns from quadratic to linear.
  """
  valid = jnp.asarray(targets.valid)
  count = valid.sum().astype(jnp.float32)
  labels = jnp.where(valid, targets.labels, 0)  # [B R]; padding reads channel 0

  class_logits = outputs.class_logits.astype(jnp.float32)
  class_loss = optax.softmax_cross_entropy_with_integer_labels(class_logits, labels)
  class_total = jnp.where(valid, class_loss, 0).sum()

  class_deltas = outputs.deltas.astype(jnp.float32)
  deltas = jnp.take_along_axis(class_deltas, labels[..., None, None], 2)[:, :, 0]  # [B R 4]
  box_loss = optax.huber_loss(deltas, targets.deltas, delta=beta) / beta
  is_positive = labels > 0
  box_total = jnp.where(is_positive[..., None], box_loss, 0).sum()

  return {
    "box_class": Term(class_total, count),
    "box_deltas": Term(box_total, count),
    "mask": _mask_loss(outputs, targets),
  }


def _mask_loss(outputs: RegionOutputs, targets: RegionTargets) -> Term:
  valid = jnp.asarray(targets.mask_valid)
  labels = jnp.where(valid, targets.mask_labels, 0)  # [B M]
  class_logits = outputs.mask_logits.astype(jnp.float32)
  logits = jnp.take_along_axis(class_logits, labels[..., None, None, None], -1)[..., 0]
  loss = optax.sigmoid_binary_cross_entropy(logits, targets.masks)  # [B M 28 28]
  total = jnp.where(valid[..., None, None], loss, 0).sum()
  mask_pixels = targets.masks[0, 0].size
  return Term(total, valid.sum().astype(jnp.float32) * mask_pixels)
