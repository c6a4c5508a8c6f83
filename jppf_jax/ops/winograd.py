"""3 x 3 convolution with 16 products for a block of 2 x 2 outputs, where the plain sum has 36.

Winograd's minimal filtering, F(2 x 2, 3 x 3) (Lavin & Gray 2016, "Fast algorithms for convolutional
neural networks", Sec. 4.1): sums and differences of 4 x 4 input pixels, sixteen products of
matrices, sums and differences of these. On CPU this takes a little more than half the time. A strip
of the map is computed at once, so that the intermediate results are small.

Letters: `h w` map, `c` input and `C` output channels.
"""

import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Float

from jppf_jax.ops.convolution import convolve, kernel_gradient
from jppf_jax.structs import Array

_MIN_CHANNELS = 64  # below, the sums cost more than the products they save
_MIN_PRODUCTS = 2**29  # pixels x c x C; below, the longer compilation costs more than it saves
_BLOCKS_PER_STRIP = 256
_KERNEL_SUMS = np.array([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]], np.float32)  # G


def conv3x3(
  x: Float[Array, "B h w c"], kernel: Float[Array, "3 3 c C"], *, impl: str = "auto"
) -> Float[Array, "B h w C"]:
  """Returns `x` convolved with `kernel` at stride 1, zeros around the map.

  Reverse mode only.

  Args:
    x: features.
    kernel: `kernel[i, j]` is the matrix of row i, column j.
    impl: "direct" is XLA's convolution. "winograd" gives the same up to rounding, about 3e-6 of the
      largest output in float32. "auto": winograd for float32 maps of many channels and pixels if
      the program is compiled for CPU, direct otherwise.

  Raises:
    ValueError: `impl` is unknown.
  """
  x = jnp.asarray(x)
  kernel = jnp.asarray(kernel, x.dtype)
  if impl == "auto":
    return _traced_once(x, kernel) if _is_faster(x, kernel) else convolve(x, kernel)
  if impl not in ("winograd", "direct"):
    raise ValueError(f"impl must be 'auto', 'winograd' or 'direct'; got {impl!r}.")
  return _winograd(x, kernel) if impl == "winograd" else convolve(x, kernel)


def _is_faster(x: jax.Array, kernel: jax.Array) -> bool:
  """Whether Winograd's form is the faster one on CPU."""
  inputs, outputs = kernel.shape[2:]
  is_wide = min(inputs, outputs) >= _MIN_CHANNELS
  pixels = math.prod(x.shape[:3])
  is_large = pixels * inputs * outputs >= _MIN_PRODUCTS
  return is_wide and is_large and x.dtype == jnp.float32


@jax.custom_vjp
def _winograd(x: jax.Array, kernel: jax.Array) -> jax.Array:
  batch, height, width, _ = x.shape
  block_rows, block_columns = math.ceil(height / 2), math.ceil(width / 2)
  rows_per_strip = max(1, _BLOCKS_PER_STRIP // (batch * block_columns))
  strips = math.ceil(block_rows / rows_per_strip)
  rows = 2 * math.ceil(block_rows / strips)  # output rows of a strip
  below = strips * rows - height + 1
  padded = jnp.pad(x, ((0, 0), (1, below), (1, 2 * block_columns - width + 1), (0, 0)))
  weights = _transformed_kernel(kernel)

  def add_strip(index, output):
    strip = lax.dynamic_slice_in_dim(padded, index * rows, rows + 2, 1)
    return lax.dynamic_update_slice_in_dim(output, _strip(strip, weights), index * rows, 1)

  output = jnp.zeros((batch, strips * rows, 2 * block_columns, kernel.shape[-1]), x.dtype)
  return lax.fori_loop(0, strips, add_strip, output)[:, :height, :width]


def _forward(x: jax.Array, kernel: jax.Array) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
  return _winograd(x, kernel), (x, kernel)


def _backward(saved: tuple[jax.Array, jax.Array], dy: jax.Array) -> tuple[Array, Array]:
  x, kernel = saved
  turned = kernel[::-1, ::-1].swapaxes(2, 3)
  return _winograd(dy, turned), kernel_gradient(x, kernel, dy)


_winograd.defvjp(_forward, _backward)


@jax.custom_vjp
def _on_cpu_winograd(x: jax.Array, kernel: jax.Array) -> jax.Array:
  """The platform is the one that the program is compiled for, which need not be this machine's."""
  return lax.platform_dependent(x, kernel, cpu=_winograd, default=convolve)


def _on_cpu_forward(
  x: jax.Array, kernel: jax.Array
) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
  return _on_cpu_winograd(x, kernel), (x, kernel)


def _on_cpu_backward(
  saved: tuple[jax.Array, jax.Array], dy: jax.Array
) -> tuple[jax.Array, jax.Array]:
  return lax.platform_dependent(saved, dy, cpu=_backward, default=_direct_backward)


def _direct_backward(
  saved: tuple[jax.Array, jax.Array], dy: jax.Array
) -> tuple[jax.Array, jax.Array]:
  _, gradients = jax.vjp(convolve, *saved)
  return gradients(dy)


_on_cpu_winograd.defvjp(_on_cpu_forward, _on_cpu_backward)
_traced_once = jax.jit(_on_cpu_winograd)  # for layers of equal shapes


def _strip(x: jax.Array, weights: jax.Array) -> jax.Array:
  """Some rows of the output, from these rows of the padded input and one more on each side."""
  batch, padded_rows, padded_columns, channels = x.shape
  height, width = padded_rows - 2, padded_columns - 2
  block_grid = (batch, height // 2, width // 2)
  rows = jnp.stack(_input_sums([x[:, i : i + height : 2] for i in range(4)]))
  blocks = jnp.stack(_input_sums([rows[:, :, :, j : j + width : 2] for j in range(4)]), 1)
  matrices = blocks.reshape(16, -1, channels)
  products = lax.dot_general(matrices, weights, (((2,), (1,)), ((0,), (0,))))
  by_row_and_column = products.reshape(4, 4, *block_grid, -1)
  columns = _output_sums([by_row_and_column[:, j] for j in range(4)])  # [2][4 B ..]
  pixels = [jnp.stack(_output_sums(list(column)), 2) for column in columns]  # [2][B h/2 2 w/2 C]
  return jnp.stack(pixels, 4).reshape(batch, height, width, -1)


def _input_sums(x: Sequence[jax.Array]) -> list[jax.Array]:
  """B^T of the paper, along one axis."""
  return [x[0] - x[2], x[1] + x[2], x[2] - x[1], x[1] - x[3]]


def _output_sums(x: Sequence[jax.Array]) -> list[jax.Array]:
  """A^T of the paper, along one axis."""
  return [x[0] + x[1] + x[2], x[1] - x[2] - x[3]]


def _transformed_kernel(kernel: jax.Array) -> jax.Array:
  """The sixteen matrices [16 c C], row by row."""
  exact = lax.Precision.HIGHEST
  matrices = jnp.einsum("ai,ijcd,bj->abcd", _KERNEL_SUMS, kernel, _KERNEL_SUMS, precision=exact)
  return matrices.reshape(16, *kernel.shape[2:]).astype(kernel.dtype)
