"""Depthwise convolution: one small kernel per channel, the operation that most of EfficientNet's
time goes to.

XLA's grouped convolution is the right program on GPU and TPU. On CPU it is 5 to 45 times slower
than adding up shifted copies of the input, one per kernel tap, so there the op is written that way,
with its own gradient: the plain derivative of the sum keeps or builds one copy of the activations
per tap.

Letters: `kh kw` kernel, `h w` input, `oh ow` output. The kernel has the layout of `nn.Conv` with
one group per channel.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Float

from jppf_jax.structs import Array

Pair = tuple[int, int]


def depthwise_conv(
  x: Float[Array, "B h w C"],
  kernel: Float[Array, "kh kw 1 C"],
  strides: Pair = (1, 1),
  dilation: Pair = (1, 1),
  impl: str = "auto",
) -> Float[Array, "B oh ow C"]:
  """Convolves every channel with its own kernel, SAME padding (TensorFlow's rule: the odd pixel
  goes to the far side).

  Sums in float32 and returns the dtype of `x`. Reverse-mode differentiable; on CPU there is no
  forward mode.

  Args:
    x: features.
    kernel: `kernel[i, j, 0, c]` is the tap of channel `c`.
    strides: step of the output grid in rows and columns.
    dilation: distance of the taps in rows and columns.
    impl: "grouped", "shift", or "auto": shift on CPU, grouped elsewhere. Both give the same
      numbers.

  Raises:
    ValueError: `impl` has no such implementation.
  """
  if impl == "auto":
    impl = "shift" if jax.default_backend() == "cpu" else "grouped"
  if impl not in ("shift", "grouped"):
    raise ValueError(f"impl must be 'auto', 'shift' or 'grouped'; got {impl!r}.")
  return (_shift if impl == "shift" else _grouped)(
    x, kernel.astype(x.dtype), tuple(strides), tuple(dilation)
  )


def _grouped(x: Array, kernel: Array, strides: Pair, dilation: Pair) -> Array:
  return lax.conv_general_dilated(
    x,
    kernel,
    strides,
    "SAME",
    rhs_dilation=dilation,
    feature_group_count=x.shape[-1],
    dimension_numbers=("NHWC", "HWIO", "NHWC"),
  )


def _same_padding(size: int, taps: int, stride: int, dilation: int) -> tuple[int, int, int]:
  """One axis: the output size, and the padding before and after."""
  out = -(-size // stride)
  total = max((out - 1) * stride + (taps - 1) * dilation + 1 - size, 0)
  return out, total // 2, total - total // 2


def _pad(x: Array, taps: Pair, strides: Pair, dilation: Pair) -> tuple[Array, Pair, Pair]:
  """The padded input, the output size, and the padding before the first row and column."""
  rows = _same_padding(x.shape[1], taps[0], strides[0], dilation[0])
  cols = _same_padding(x.shape[2], taps[1], strides[1], dilation[1])
  return jnp.pad(x, ((0, 0), rows[1:], cols[1:], (0, 0))), (rows[0], cols[0]), (rows[1], cols[1])


def _window(padded: Array, start: Pair, size: Pair, strides: Pair) -> Array:
  """What one tap sees: `size` rows and columns from `start`, in steps of `strides`."""
  low = (0, *start, 0)
  high = [at + (count - 1) * step + 1 for at, count, step in zip(start, size, strides)]
  return lax.slice(padded, low, (padded.shape[0], *high, padded.shape[3]), (1, *strides, 1))


def _live_taps(size: int, out: int, low: int, taps: int, stride: int, dilation: int) -> list[int]:
  """The taps of one axis that see the input at all: wide dilations on small maps read mostly
  padding.
  """
  first = [tap * dilation - low for tap in range(taps)]
  return [tap for tap, row in enumerate(first) if row < size and row + (out - 1) * stride >= 0]


def _sum_of_shifts(x: Array, kernel: Array, strides: Pair, dilation: Pair) -> Array:
  taps = kernel.shape[:2]
  padded, (oh, ow), low = _pad(x, taps, strides, dilation)
  total = jnp.zeros((x.shape[0], oh, ow, x.shape[3]), jnp.float32)
  for i in _live_taps(x.shape[1], oh, low[0], taps[0], strides[0], dilation[0]):
    for j in _live_taps(x.shape[2], ow, low[1], taps[1], strides[1], dilation[1]):
      shifted = _window(padded, (i * dilation[0], j * dilation[1]), (oh, ow), strides)
      total = total + shifted.astype(jnp.float32) * kernel[i, j, 0].astype(jnp.float32)
  return total.astype(x.dtype)


def _kernel_gradient(x: Array, dy: Array, taps: Pair, strides: Pair, dilation: Pair) -> Array:
  """One pass over the gradient that sums the products with all shifted inputs at once, first within
  each output row.
  """
  padded, (oh, ow), _ = _pad(x, taps, strides, dilation)
  dy = dy.astype(jnp.float32)
  products = []
  for top in range(0, taps[0] * dilation[0], dilation[0]):
    for left in range(0, taps[1] * dilation[1], dilation[1]):
      products.append(_window(padded, (top, left), (oh, ow), strides).astype(jnp.float32) * dy)
  rows = lax.reduce(
    products, [np.float32(0)] * len(products), lambda a, b: list(map(jnp.add, a, b)), (0, 2)
  )
  return jnp.stack(rows).sum(1).reshape(*taps, 1, -1)  # rows: taps x [oh C]


@functools.partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def _shift(x: Array, kernel: Array, strides: Pair, dilation: Pair) -> Array:
  return _sum_of_shifts(x, kernel, strides, dilation)


def _shift_forward(
  x: Array, kernel: Array, strides: Pair, dilation: Pair
) -> tuple[Array, tuple[Array, Array]]:
  return _shift(x, kernel, strides, dilation), (x, kernel)


def _shift_backward(
  strides: Pair, dilation: Pair, saved: tuple[Array, Array], dy: Array
) -> tuple[Array, Array]:
  x, kernel = saved
  if (
    strides == (1, 1) and kernel.shape[0] % 2 and kernel.shape[1] % 2
  ):  # padded alike on both sides: turn the kernel
    dx = _sum_of_shifts(dy, kernel[::-1, ::-1], strides, dilation)
  else:
    (dx,) = jax.linear_transpose(lambda a: _sum_of_shifts(a, kernel, strides, dilation), x)(dy)
  return dx, _kernel_gradient(x, dy, kernel.shape[:2], strides, dilation).astype(kernel.dtype)


_shift.defvjp(_shift_forward, _shift_backward)
