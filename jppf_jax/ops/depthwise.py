"""Depthwise convolution: one small kernel per channel. EfficientNet spends most of its time here.

On GPU and TPU this is XLA's grouped convolution. On CPU that is 5 to 45 times slower than a sum of
shifted copies of the input, one per kernel tap ("shift" below). The sum has its own gradient,
because the plain derivative stores one copy of the activations per tap.

Letters: `kh kw` kernel, `h w` input, `oh ow` output. A `Pair` is rows, columns. The kernel has the
layout of `nn.Conv` with one group per channel.
"""

import functools
import itertools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Float

from jppf_jax.ops.convolution import Pair
from jppf_jax.ops.padding import same_padding
from jppf_jax.ops.sums import sum_each
from jppf_jax.structs import Array

Convolution = Callable[[jax.Array, jax.Array, Pair, Pair], jax.Array]
Gradients = Callable[..., tuple[jax.Array, jax.Array]]


def depthwise_conv(
  x: Float[Array, "B h w C"],
  kernel: Float[Array, "kh kw 1 C"],
  strides: Pair = (1, 1),
  dilation: Pair = (1, 1),
  impl: str = "auto",
) -> Float[Array, "B oh ow C"]:
  """Returns each channel convolved with its own kernel.

  Padding is SAME by TensorFlow's rule: an odd pixel of padding goes to the bottom or right. Sums in
  float32 and returns the dtype of `x`. Reverse mode only, but for "grouped".

  Args:
    x: features.
    kernel: `kernel[i, j, 0, c]` is the tap of channel `c`.
    strides: step of the output grid in rows and columns.
    dilation: distance of the taps in rows and columns.
    impl: "grouped", "shift", or "auto": shift on CPU, grouped elsewhere. Both give the same
      numbers.

  Raises:
    ValueError: `impl` is unknown.
  """
  if impl not in _IMPLEMENTATIONS:
    raise ValueError(f"impl must be one of {sorted(_IMPLEMENTATIONS)}; got {impl!r}.")
  x = jnp.asarray(x)
  return _traced_once(impl, x, jnp.asarray(kernel, x.dtype), strides, dilation)


@functools.partial(jax.jit, static_argnums=(0, 3, 4))
def _traced_once(
  impl: str, x: jax.Array, kernel: jax.Array, strides: Pair, dilation: Pair
) -> jax.Array:
  """The same; layers of equal shapes are traced once."""
  return _IMPLEMENTATIONS[impl](x, kernel, strides, dilation)


def _grouped(x: jax.Array, kernel: jax.Array, strides: Pair, dilation: Pair) -> jax.Array:
  return lax.conv_general_dilated(
    x,
    kernel,
    strides,
    "SAME",
    rhs_dilation=dilation,
    feature_group_count=x.shape[-1],
    dimension_numbers=("NHWC", "HWIO", "NHWC"),
  )


def _pad(x: Array, taps: Pair, strides: Pair, dilation: Pair) -> tuple[jax.Array, Pair, Pair]:
  """The padded input, the output size, and the padding before the first row and column."""
  _, height, width, _ = x.shape
  oh, top, bottom = same_padding(height, taps[0], stride=strides[0], dilation=dilation[0])
  ow, left, right = same_padding(width, taps[1], stride=strides[1], dilation=dilation[1])
  rows, columns = (top, max(bottom, 0)), (left, max(right, 0))
  padded = jnp.pad(x, ((0, 0), rows, columns, (0, 0)))
  return padded, (oh, ow), (top, left)


def _window(padded: jax.Array, start: Pair, size: Pair, strides: Pair) -> jax.Array:
  """The pixels that one tap reads: `size` rows and columns from `start`, `strides` apart."""
  batch, _, _, channels = padded.shape
  last_row, last_column = (
    first + (count - 1) * step for first, count, step in zip(start, size, strides)
  )
  end = (batch, last_row + 1, last_column + 1, channels)
  return lax.slice(padded, (0, *start, 0), end, (1, *strides, 1))


def _live_taps(size: int, out: int, low: int, taps: int, stride: int, dilation: int) -> list[int]:
  """The taps of one axis that read any input; wide dilations on small maps read mostly padding."""
  live = []
  for tap in range(taps):
    first = tap * dilation - low  # the first pixel that the tap reads
    last = first + (out - 1) * stride
    if first < size and last >= 0:
      live.append(tap)
  return live


def _sum_of_shifts(x: Array, kernel: Array, strides: Pair, dilation: Pair) -> jax.Array:
  batch, height, width, channels = x.shape
  taps = kernel.shape[0], kernel.shape[1]
  padded, (oh, ow), (top, left) = _pad(x, taps, strides, dilation)
  live_rows = _live_taps(height, oh, top, taps[0], strides[0], dilation[0])
  live_columns = _live_taps(width, ow, left, taps[1], strides[1], dilation[1])
  total = jnp.zeros((batch, oh, ow, channels), jnp.float32)
  for i, j in itertools.product(live_rows, live_columns):
    start = (i * dilation[0], j * dilation[1])
    shifted = _window(padded, start, (oh, ow), strides)
    weight = kernel[i, j, 0]
    total = total + shifted.astype(jnp.float32) * weight.astype(jnp.float32)
  return total.astype(x.dtype)


def _kernel_gradient(x: Array, dy: Array, taps: Pair, strides: Pair, dilation: Pair) -> jax.Array:
  """The gradient of all taps in one pass over `dy`; each output row is summed first."""
  padded, (oh, ow), _ = _pad(x, taps, strides, dilation)
  dy = dy.astype(jnp.float32)
  products = []
  for i, j in itertools.product(range(taps[0]), range(taps[1])):
    start = (i * dilation[0], j * dilation[1])
    shifted = _window(padded, start, (oh, ow), strides)
    products.append(shifted.astype(jnp.float32) * dy)
  row_sums = sum_each(products, axes=(0, 2))  # one [oh C] per tap
  return jnp.stack(row_sums).sum(1).reshape(*taps, 1, -1)


def _shift_gradients(
  x: jax.Array, kernel: jax.Array, dy: Array, strides: Pair, dilation: Pair
) -> tuple[jax.Array, jax.Array]:
  kh, kw = kernel.shape[0], kernel.shape[1]
  same_padding_on_both_sides = strides == (1, 1) and kh % 2 and kw % 2
  if same_padding_on_both_sides:  # the transpose is the convolution with the kernel turned
    dx = _sum_of_shifts(dy, kernel[::-1, ::-1], strides, dilation)
  else:
    convolve = functools.partial(_sum_of_shifts, kernel=kernel, strides=strides, dilation=dilation)
    (dx,) = jax.linear_transpose(convolve, x)(dy)
  dkernel = _kernel_gradient(x, dy, (kh, kw), strides, dilation)
  return dx, dkernel.astype(kernel.dtype)


def _grouped_gradients(
  x: jax.Array, kernel: jax.Array, dy: Array, strides: Pair, dilation: Pair
) -> tuple[jax.Array, jax.Array]:
  convolve = functools.partial(_grouped, strides=strides, dilation=dilation)
  _, gradients = jax.vjp(convolve, x, kernel)
  return gradients(dy)


def _with_gradients(convolve: Callable[..., jax.Array], gradients: Gradients) -> Convolution:
  """Returns a convolution with its own gradient, which stores only the inputs."""

  @functools.partial(jax.custom_vjp, nondiff_argnums=(2, 3))
  def convolution(x: jax.Array, kernel: jax.Array, strides: Pair, dilation: Pair) -> jax.Array:
    return convolve(x, kernel, strides=strides, dilation=dilation)

  def forward(x: jax.Array, kernel: jax.Array, strides: Pair, dilation: Pair) -> Any:
    return convolve(x, kernel, strides=strides, dilation=dilation), (x, kernel)

  def backward(strides: Pair, dilation: Pair, saved: Any, dy: Array) -> Any:
    return gradients(*saved, dy, strides=strides, dilation=dilation)

  convolution.defvjp(forward, backward)
  return convolution


def _on_cpu_shift(shift: Callable[..., Any], grouped: Callable[..., Any]) -> Callable[..., Any]:
  """Returns a function that is one on CPU, the other elsewhere.

  The platform is the one that the program is compiled for, which need not be this machine's.
  """

  def choose(*arrays: jax.Array, strides: Pair, dilation: Pair) -> Any:
    bound = [functools.partial(f, strides=strides, dilation=dilation) for f in (shift, grouped)]
    return lax.platform_dependent(*arrays, cpu=bound[0], default=bound[1])

  return choose


_IMPLEMENTATIONS: dict[str, Convolution] = {
  "shift": _with_gradients(_sum_of_shifts, _shift_gradients),
  "grouped": _grouped,
  "auto": _with_gradients(
    _on_cpu_shift(_sum_of_shifts, _grouped),
    _on_cpu_shift(_shift_gradients, _grouped_gradients),
  ),
}
