"""Resizes feature maps by the rules of PyTorch, in which the reference networks were trained."""

import jax
import jax.numpy as jnp
from jaxtyping import Float

from jppf_jax.structs import Array


def resize_bilinear(x: Float[Array, "*B h w C"], size: tuple[int, int]) -> Float[Array, "*B H W C"]:
  """Returns `x` with `size` rows and columns, interpolated between pixel centres.

  The border repeats outwards, and shrinking skips pixels instead of averaging: the rule of
  PyTorch's `interpolate(mode="bilinear", align_corners=False)`.

  Args:
    x: features.
    size: rows and columns of the result; the same size returns `x` itself.
  """
  *batch, height, width, channels = x.shape
  if (height, width) == tuple(size):
    return jnp.asarray(x)
  shape = (*batch, *size, channels)
  return jax.image.resize(x, shape, "bilinear", antialias=False)


def nearest_up2(x: Float[Array, "*B h w C"]) -> Float[Array, "*B 2*h 2*w C"]:
  """Returns `x` with each pixel repeated to a 2 x 2 block."""
  rows_doubled = jnp.repeat(x, 2, axis=-3)
  return jnp.repeat(rows_doubled, 2, axis=-2)


def nearest_down2(x: Float[Array, "*B h w C"]) -> Float[Array, "*B (h+1)//2 (w+1)//2 C"]:
  """Returns rows and columns 0, 2, 4, ... of `x`.

  As PyTorch's nearest neighbour; `jax.image.resize` keeps 1, 3, 5, ...
  """
  return jnp.asarray(x)[..., ::2, ::2, :]
