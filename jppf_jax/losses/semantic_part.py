"""The loss of the semantic and of the part head: cross entropy of the hardest pixels.

`N` is the number of pixels of the batch on this replica. Math in float32.
"""

import math

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Float, Int

from jppf_jax.losses.term import Term
from jppf_jax.ops.resize import resize_bilinear
from jppf_jax.structs import IGNORE, Array


def pixel_cross_entropy(
  logits: Float[Array, "B h w K"], labels: Int[Array, "B H W"]
) -> Float[Array, "B H W"]:
  """Softmax cross entropy of every pixel at the resolution of the labels; 0 where the label is 255.

  Logits are up-sampled bilinearly before the softmax, as EfficientPS does.
  """
  logits = resize_bilinear(logits.astype(jnp.float32), labels.shape[1:])  # [B H W K]
  is_label = jnp.arange(logits.shape[-1]) == labels[..., None]
  of_label = jnp.where(is_label, logits, 0).sum(
    -1
  )  # a masked sum fuses; a gather and its scatter do not
  return jnp.where(labels == IGNORE, 0, jax.nn.logsumexp(logits, -1) - of_label)


def hard_cross_entropy(
  logits: Float[Array, "B h w K"],
  labels: Int[Array, "B H W"],
  *,
  fraction: float = 0.25,
  axis_name: str | None = None,
) -> Term:
  """Mean cross entropy over the hardest `fraction` of the pixels of the global batch.

  EfficientPS's online hard example mining: ignored pixels have loss 0 and count among the pixels.
  Where several pixels tie for the last places, they share them equally, in the gradient too.
  Differs from the paper: it picks the pixels per image; the code it builds on picks them from the
  batch, as we do.

  Args:
    logits: at any resolution, usually stride 4.
    labels: train ids or part channels, 255 = ignore.
    fraction: how much of the pixels counts, in (0, 1].
    axis_name: axis of the replicas that together hold the global batch.

  Raises:
    ValueError: `fraction` outside (0, 1], or a batch of 2^31 pixels or more.
  """
  if not 0 < fraction <= 1:
    raise ValueError(
      f"fraction is the share of pixels that count, above 0 and at most 1; got {fraction}."
    )
  losses = pixel_cross_entropy(logits, labels).ravel()
  replicas = 1 if axis_name is None else lax.psum(1, axis_name)
  pixels = losses.size * replicas
  if pixels >= 2**31:
    raise ValueError(
      f"The global batch has {pixels} pixels, more than the int32 counts can hold; use smaller batches."
    )
  hardest = math.ceil(fraction * pixels)
  weights = top_weights(lax.stop_gradient(losses), hardest, axis_name=axis_name)
  return Term(total=(weights * losses).sum(), count=jnp.float32(hardest / replicas))


def top_weights(
  values: Float[Array, "N"], k: int, *, axis_name: str | None = None
) -> Float[Array, "N"]:
  """1 for the `k` largest values of all replicas, 0 for the rest; values that tie for the last
  places share them.

  No sort: a binary search finds the k-th largest value. The bits of non-negative floats, read as
  integers, are in the order of the floats, so 31 counts over the data fix the 31 bits. NaN counts
  as largest: a broken loss stays visible.

  Args:
    values: not negative; rounding errors below 0 count as 0.
    k: between 1 and the number of values of all replicas.
    axis_name: axis of the replicas.
  """

  def count(mask):
    local = jnp.sum(mask, dtype=jnp.int32)
    return local if axis_name is None else lax.psum(local, axis_name)

  bits = (
    lax.bitcast_convert_type(jnp.maximum(values, 0), jnp.int32) & 0x7FFFFFFF
  )  # without the sign of -0 and NaN

  def fix_one_bit(i, threshold):
    candidate = threshold | (1 << (30 - i))
    return jnp.where(count(bits >= candidate) >= k, candidate, threshold)

  threshold = lax.fori_loop(0, 31, fix_one_bit, jnp.int32(0))
  above, tied = bits > threshold, bits == threshold
  share = (k - count(above)) / count(tied)
  return jnp.where(above, 1, jnp.where(tied, share, 0)).astype(jnp.float32)
