"""A loss as a sum and its divisor, which add up over replicas to the loss of one device."""

import jax.numpy as jnp
from jax import lax
from jaxtyping import Float

from jppf_jax.structs import Array, struct


@struct
class Term:
  """The share of one replica: the loss is the sum of all `total`, divided by that of all `count`.

  Attributes:
    total: sum of the losses.
    count: what the sum is divided by.
  """

  total: Float[Array, ""]
  count: Float[Array, ""]


def reduce_term(term: Term, axis_name: str | None = None) -> Float[Array, ""]:
  """Returns the loss; 0 if the total is 0 and nothing was counted.

  Over `axis_name` (the axis of `pmap`), each replica returns its own total times the number of
  replicas, divided by the sum of all counts. The mean of these values over the axis is the loss of
  the global batch, and the mean of their gradients is the gradient of that loss.

  Args:
    term: of this replica.
    axis_name: axis of the replicas that together hold the global batch.
  """
  if axis_name is None:
    return term.total / jnp.maximum(term.count, 1)
  replicas = lax.psum(1, axis_name)
  count = lax.psum(term.count, axis_name)
  return term.total * replicas / jnp.maximum(count, 1)
