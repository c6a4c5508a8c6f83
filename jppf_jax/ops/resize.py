"""Resizes feature maps by the rules of PyTorch, in which the reference networks were trained."""

import functools

import jax
import jax.numpy as jnp
from jaxtyping import Float

from jppf_jax.structs import Array


def resize_bilinear(x: Float[Array, "*B h w C"], size: tuple[int, int]) -> Float[Array, "*B H W C"]:
  """Returns `x` with `size` rows and columns, interpolated between pixel centres.

  The border repeats outwards, and shrinking skips pixels instead of averaging: the rule of
  PyTorch's `interpolate(mode="bilinear", align_corners=False)`. Computes in float32 and returns the
  dtype of `x`. Fastest if both sides grow by whole numbers.

  Args:
    x: features.
    size: rows and columns of the result; the same size returns `x` itself.
  """
  *batch, height, width, channels = x.shape
  if (height, width) == tuple(size):
    return jnp.asarray(x)
  values = jnp.asarray(x, jnp.float32)
  for axis, (old, new) in zip((-3, -2), ((height, size[0]), (width, size[1]))):
    if new > old and new % old == 0:
      values = _enlarge(values, new // old, values.ndim + axis)
  shape = (*batch, *size, channels)
  if values.shape != shape:
    values = jax.image.resize(values, shape, "bilinear", antialias=False)
  return values.astype(x.dtype)


def _enlarge(x: jax.Array, factor: int, axis: int) -> jax.Array:
  """One axis, `factor` times as long: pixels between the same two neighbours have fixed weights.

  A product with a matrix, as in `jax.image.resize`, takes ten times as long on CPU.
  """
  length = x.shape[axis]
  take = functools.partial(jax.lax.slice_in_dim, x, axis=axis)
  before = jnp.concatenate([take(0, 1), take(0, length - 1)], axis)
  after = jnp.concatenate([take(1, length), take(length - 1, length)], axis)
  pixels = []
  for index in range(factor):
    offset = (index + 0.5) / factor - 0.5  # from the centre of the pixel of x, in pixels
    neighbour = before if offset < 0 else after
    pixels.append(x + abs(offset) * (neighbour - x))
  interleaved = jnp.stack(pixels, axis + 1)
  return interleaved.reshape(*x.shape[:axis], factor * length, *x.shape[axis + 1 :])


def nearest_up2(x: Float[Array, "*B h w C"]) -> Float[Array, "*B 2*h 2*w C"]:
  """Returns `x` with each pixel repeated to a 2 x 2 block."""
  rows_doubled = jnp.repeat(x, 2, axis=-3)
  return jnp.repeat(rows_doubled, 2, axis=-2)


def nearest_down2(x: Float[Array, "*B h w C"]) -> Float[Array, "*B (h+1)//2 (w+1)//2 C"]:
  """Returns rows and columns 0, 2, 4, ... of `x`.

  As PyTorch's nearest neighbour; `jax.image.resize` keeps 1, 3, 5, ...
  """
  return jnp.asarray(x)[..., ::2, ::2, :]
