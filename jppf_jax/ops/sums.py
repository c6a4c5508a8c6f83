"""Sums of several arrays in one loop, of which XLA for CPU makes one kernel."""

from collections.abc import Sequence

import jax
import numpy as np
from jax import lax
from jaxtyping import Float32

from jppf_jax.structs import Array


def sum_each(
  arrays: Sequence[Float32[Array, "*S"]], *, axes: tuple[int, ...]
) -> list[Float32[jax.Array, "*T"]]:
  """Returns the sum of each of some arrays, all in one pass (`lax.reduce` of many operands).

  Args:
    arrays: of one shape.
    axes: that are summed; the others stay.
  """
  zeros = [np.float32(0)] * len(arrays)
  return list(lax.reduce(list(arrays), zeros, _add_each, axes))


def _add_each(totals: Sequence[jax.Array], values: Sequence[jax.Array]) -> list[jax.Array]:
  return [total + value for total, value in zip(totals, values, strict=True)]
