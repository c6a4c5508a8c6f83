"""The loss of the semantic and of the part head: cross entropy with online hard example mining
(OHEM).

`N` is the number of pixels of the batch on this replica. Everything is computed in float32.
"""

from fractions import Fraction

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
  """Returns the softmax cross entropy of each pixel at the resolution of the labels; 0 if the label
  is 255.

  Logits are up-sampled bilinearly before the softmax, as EfficientPS does.

  Args:
    logits: at any resolution.
    labels: ids, 255 = ignore.
  """
  _, height, width = labels.shape
  logits = resize_bilinear(logits.astype(jnp.float32), (height, width))  # [B H W K]
  is_label = jnp.arange(logits.shape[-1]) == labels[..., None]
  # The compiler fuses a masked sum, but not a gather and the scatter of its gradient.
  label_logits = jnp.where(is_label, logits, 0).sum(-1)
  losses = jax.nn.logsumexp(logits, -1) - label_logits
  return jnp.where(labels == IGNORE, 0, losses)


def hard_cross_entropy(
  logits: Float[Array, "B h w K"],
  labels: Int[Array, "B H W"],
  *,
  covered: Int[Array, "B 2"] | None = None,
  fraction: float = 0.25,
  axis_name: str | None = None,
) -> Term:
  """Returns the mean cross entropy of the hardest `fraction` of the pixels of the global batch.

  This is the online hard example mining (OHEM) of EfficientPS: ignored pixels have loss 0 and count
  among the pixels, padding does not. So a quarter is a quarter of the pixels of the images. If
  several pixels tie for the last places, they share them equally, in the gradient too.

  Differs from the paper: it picks the pixels per image; the code it builds on picks them from the
  batch, as we do.

  Args:
    logits: at any resolution, usually stride 4.
    labels: train ids or part channels, 255 = ignore.
    covered: rows and columns that each image covers, from the top left; the rest is padding. None:
      there is no padding.
    fraction: share of the pixels that count, in (0, 1].
    axis_name: axis of the replicas that together hold the global batch.

  Raises:
    ValueError: `fraction` is outside (0, 1].
    ValueError: the global batch has 2^31 pixels or more.
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
      f"The global batch has {pixels} pixels, more than int32 can count; use smaller batches."
    )
  in_images = pixels if covered is None else _pixels(covered, axis_name)
  hardest = _share(fraction, in_images)
  weights = top_weights(lax.stop_gradient(losses), hardest, axis_name=axis_name)
  total = (weights * losses).sum()
  return Term(total, count=jnp.float32(hardest / replicas))


def _pixels(covered: Int[Array, "B 2"], axis_name: str | None) -> Int[Array, ""]:
  """The pixels of all images of the global batch."""
  pixels = jnp.prod(covered, axis=1, dtype=jnp.int32).sum(dtype=jnp.int32)
  return pixels if axis_name is None else lax.psum(pixels, axis_name)


def _share(fraction: float, pixels: int | Int[Array, ""]) -> int | Int[Array, ""]:
  """A share of a number of pixels, rounded up. In integers: float32 cannot count the pixels."""
  exact = Fraction(fraction).limit_denominator(1000)
  whole, rest = pixels // exact.denominator, pixels % exact.denominator
  rounded_up = -(-rest * exact.numerator // exact.denominator)
  return whole * exact.numerator + rounded_up


def top_weights(
  values: Float[Array, "N"], k: int | Int[Array, ""], *, axis_name: str | None = None
) -> Float[Array, "N"]:
  """Returns 1 for the `k` largest values of all replicas and 0 for the rest; values that tie for
  the last places share them.

  There is no sort: a binary search finds the k-th largest value. The bits of non-negative floats,
  read as integers, have the order of the floats, so 31 counts over the data find the 31 bits. NaN
  counts as largest, so a broken loss stays visible.

  Args:
    values: not negative; rounding errors below 0 count as 0.
    k: between 1 and the number of values of all replicas.
    axis_name: axis of the replicas.
  """

  def count(mask: Array) -> Array:
    local = jnp.sum(mask, dtype=jnp.int32)
    return local if axis_name is None else lax.psum(local, axis_name)

  def find_bit(i: jax.Array, threshold: jax.Array) -> jax.Array:
    candidate = threshold | (1 << (30 - i))
    enough = count(bits >= candidate) >= k
    return jnp.where(enough, candidate, threshold)

  bits = lax.bitcast_convert_type(jnp.maximum(values, 0), jnp.int32)
  bits = bits & 0x7FFFFFFF  # without the sign of -0 and NaN
  threshold = lax.fori_loop(0, 31, find_bit, jnp.int32(0))
  above = bits > threshold
  tied = bits == threshold
  share = (k - count(above)) / count(tied)
  share_of_tied = jnp.where(tied, share, 0)
  return jnp.where(above, 1, share_of_tied).astype(jnp.float32)
