"""Changing the resolution of feature maps, by the rules the reference networks were trained with."""

import jax
import jax.numpy as jnp
from jaxtyping import Float

from jppf_jax.structs import Array


def resize_bilinear(x: Float[Array, "*B h w C"], size: tuple[int, int]) -> Float[Array, "*B H W C"]:
  """Interpolates between pixel centres; the border repeats outwards, and shrinking skips pixels
  instead of averaging.

  The rule of PyTorch's `interpolate(mode="bilinear", align_corners=False)`.

  Args:
    x: features.
    size: rows and columns of the result; the same size returns `x` itself.
  """
  if tuple(x.shape[-3:-1]) == tuple(size):
    return jnp.asarray(x)
  return jax.image.resize(x, (*x.shape[:-3], *size, x.shape[-1]), "bilinear", antialias=False)


def nearest_up2(x: Float[Array, "*B h w C"]) -> Float[Array, "*B 2*h 2*w C"]:
  """Every pixel becomes a 2 x 2 block."""
  return jnp.repeat(jnp.repeat(x, 2, axis=-3), 2, axis=-2)


def nearest_down2(x: Float[Array, "*B h w C"]) -> Float[Array, "*B (h+1)//2 (w+1)//2 C"]:
  """Keeps rows and columns 0, 2, 4, ..., as PyTorch's nearest does; `jax.image.resize` would keep
  1, 3, 5, ...
  """
  return jnp.asarray(x)[..., ::2, ::2, :]
