"""Dense convolution whose gradient for the kernel is fast in the loops of a program for CPU too.

That gradient is a convolution with another order of axes. XLA turns it into the order that its CPU
library computes outside of loops only (jaxlib 0.10); in a loop, as gradient accumulation has one,
it is fifty times slower. Here it is written in that order. The numbers are the same to the bit.

Letters: `kh kw` kernel, `h w` input, `oh ow` output, `c` input and `C` output channels.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Float

from jppf_jax.ops.padding import same_padding
from jppf_jax.structs import Array

Pair = tuple[int, int]  # rows, columns
_LAYOUT = ("NHWC", "HWIO", "NHWC")


def convolve(
  x: Float[Array, "B h w c"], kernel: Float[Array, "kh kw c C"], *, strides: Pair = (1, 1)
) -> Float[Array, "B oh ow C"]:
  """Returns `x` convolved with `kernel`.

  Padding is SAME by TensorFlow's rule: an odd pixel of padding goes to the bottom or right. Reverse
  mode only.

  Args:
    x: features.
    kernel: `kernel[i, j]` is the matrix of row i, column j; cast to the dtype of `x`.
    strides: step of the output grid in rows and columns.
  """
  x = jnp.asarray(x)
  return _traced_once(x, jnp.asarray(kernel, x.dtype), strides)


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def _convolve(x: jax.Array, kernel: jax.Array, strides: Pair) -> jax.Array:
  return _plain(x, kernel, strides)


def _plain(x: jax.Array, kernel: jax.Array, strides: Pair) -> jax.Array:
  return lax.conv_general_dilated(x, kernel, strides, "SAME", dimension_numbers=_LAYOUT)


def _forward(x: jax.Array, kernel: jax.Array, strides: Pair) -> tuple[jax.Array, Any]:
  return _plain(x, kernel, strides), (x, kernel)


def _backward(strides: Pair, saved: Any, dy: jax.Array) -> tuple[Array, Array]:
  x, kernel = saved
  (dx,) = jax.linear_transpose(lambda x: _plain(x, kernel, strides), x)(dy)
  return dx, kernel_gradient(x, kernel, dy, strides=strides)


_convolve.defvjp(_forward, _backward)
_traced_once = jax.jit(_convolve, static_argnums=2)  # for layers of equal shapes


def kernel_gradient(
  x: Float[Array, "B h w c"],
  kernel: Float[Array, "kh kw c C"],
  dy: Float[Array, "B oh ow C"],
  *,
  strides: Pair = (1, 1),
) -> Float[Array, "kh kw c C"]:
  """Returns the gradient of `convolve` for its kernel.

  Args:
    x: features.
    kernel: only its shape and dtype count.
    dy: gradient for the output.
    strides: step of the output grid in rows and columns.
  """
  x, dy = jnp.asarray(x), jnp.asarray(dy)
  taps = kernel.shape[0], kernel.shape[1]

  def in_canonical_order(x: jax.Array, dy: jax.Array) -> jax.Array:
    pads = [
      same_padding(size, count, stride=stride)[1:]
      for size, count, stride in zip(x.shape[1:3], taps, strides, strict=True)
    ]
    channels_as_batch, as_kernel = x.transpose(3, 1, 2, 0), dy.transpose(1, 2, 0, 3)
    gradient = lax.conv_general_dilated(
      channels_as_batch,
      as_kernel,
      (1, 1),
      pads,
      rhs_dilation=strides,
      dimension_numbers=_LAYOUT,
    )
    return gradient.transpose(1, 2, 0, 3)

  def transposed(x: jax.Array, dy: jax.Array) -> jax.Array:
    nothing = jax.ShapeDtypeStruct(kernel.shape, kernel.dtype)
    (gradient,) = jax.linear_transpose(lambda kernel: _plain(x, kernel, strides), nothing)(dy)
    return gradient

  gradient: jax.Array = lax.platform_dependent(x, dy, cpu=in_canonical_order, default=transposed)
  return gradient
