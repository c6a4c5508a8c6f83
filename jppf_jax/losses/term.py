"""A loss as a sum and its divisor, kept apart so that replicas add up to exactly what one device
would compute.
"""

import jax.numpy as jnp
from jax import lax
from jaxtyping import Float

from jppf_jax.structs import Array, struct


@struct
class Term:
  """What one replica contributes: the loss is the sum of all `total` over the sum of all `count`."""

  total: Float[Array, ""]
  count: Float[Array, ""]


def reduce_term(term: Term, axis_name: str | None = None) -> Float[Array, ""]:
  """The loss, 0 where nothing was counted.

  Over `axis_name` (the axis of `pmap`), replica i returns its own total times replicas / sum of
  counts. The mean of these values over the axis is the loss of the global batch, and the mean of
  their gradients is that loss's gradient.
  """
  if axis_name is None:
    return term.total / jnp.maximum(term.count, 1)
  replicas = lax.psum(1, axis_name)
  return term.total * replicas / jnp.maximum(lax.psum(term.count, axis_name), 1)
