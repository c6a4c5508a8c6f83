from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jppf_jax.layers import Conv
from jppf_jax.ops import winograd
from jppf_jax.ops.winograd import conv3x3

QUICK = {"xla_backend_optimization_level": 0}  # programs that run once
# batch, rows, columns, input and output channels; blocks of a strip
CASES = {
  "odd": ((1, 7, 9, 3, 6), 256),
  "one pixel": ((2, 1, 1, 2, 3), 256),
  "strips of one row of blocks": ((2, 8, 12, 3, 4), 1),
  "strips that reach below the map": ((1, 10, 7, 3, 4), 8),
}


def random_case(shape):
  *size, inputs, outputs = shape
  rng = np.random.default_rng(0)
  x = rng.normal(size=(*size, inputs)).astype(np.float32)
  kernel = rng.normal(size=(3, 3, inputs, outputs)).astype(np.float32)
  dy = rng.normal(size=(*size, outputs)).astype(np.float32)
  return x, kernel, dy


@pytest.mark.parametrize("case", CASES)
def test_winograd_equals_the_direct_convolution_with_its_gradients(case, monkeypatch):
  shape, blocks = CASES[case]
  x, kernel, dy = random_case(shape)
  monkeypatch.setattr(winograd, "_BLOCKS_PER_STRIP", blocks)

  def run(impl):
    @partial(jax.jit, compiler_options=QUICK)
    def both(x, kernel, dy):
      y, back = jax.vjp(partial(conv3x3, impl=impl), x, kernel)
      return y, *back(dy)

    return both(x, kernel, dy)

  for ours, direct in zip(run("winograd"), run("direct"), strict=True):
    np.testing.assert_allclose(ours, direct, rtol=1e-5, atol=5e-5)


def test_each_tap_reads_its_own_neighbour():
  image = np.arange(12, dtype=np.float32).reshape(1, 3, 4, 1)
  padded = np.pad(image[0, ..., 0], 1)
  kernels = np.eye(9, dtype=np.float32).reshape(3, 3, 1, 9)  # output 3 i + j reads row i, column j
  y = jax.jit(partial(conv3x3, impl="winograd"), compiler_options=QUICK)(image, kernels)
  for i, j in np.ndindex(3, 3):
    expected = padded[i : i + 3, j : j + 4]
    np.testing.assert_allclose(y[0, ..., 3 * i + j], expected, atol=1e-5)


def is_winograd(function, *shapes, dtype=jnp.float32):
  arguments = [jax.ShapeDtypeStruct(shape, dtype) for shape in shapes]
  traced = jax.make_jaxpr(lambda *values: function(*values))(*arguments)  # a new one: no cache
  return "_winograd" in str(traced)


def lowered_to_winograd(function, *shapes, dtype=jnp.float32, platform):
  """Whether a program for the platform loops over strips."""
  arguments = [jax.ShapeDtypeStruct(shape, dtype) for shape in shapes]
  traced = jax.jit(lambda *values: function(*values)).trace(*arguments)
  return "stablehlo.while" in traced.lower(lowering_platforms=(platform,)).as_text()


@pytest.mark.parametrize(
  "shape, dtype, expected",
  [
    ((1, 128, 256, 256), jnp.float32, True),
    ((1, 128, 256, 256), jnp.bfloat16, False),
    ((1, 16, 32, 256), jnp.float32, False),  # few pixels
    ((8, 512, 512, 32), jnp.float32, False),  # few channels
  ],
)
def test_large_wide_float32_maps_are_worth_it_on_cpu(shape, dtype, expected):
  kernel = (3, 3, shape[-1], shape[-1])
  assert is_winograd(conv3x3, shape, kernel, dtype=dtype) == expected
  assert lowered_to_winograd(conv3x3, shape, kernel, dtype=dtype, platform="cpu") == expected
  for platform in ("cuda", "tpu"):  # also if this machine, which lowers it, has none
    assert not lowered_to_winograd(conv3x3, shape, kernel, dtype=dtype, platform=platform)


def test_the_gradient_is_that_of_the_platform_too():
  def gradients(x, kernel):
    return jax.grad(lambda *values: conv3x3(*values).sum(), (0, 1))(x, kernel)

  shapes = (1, 128, 256, 256), (3, 3, 256, 256)
  assert lowered_to_winograd(gradients, *shapes, platform="cpu")
  assert not lowered_to_winograd(gradients, *shapes, platform="cuda")


def test_the_layer_uses_it_at_stride_one_only():
  def of(strides):
    layer = Conv(256, (3, 3), strides)
    return lambda x: layer.init_with_output(jax.random.key(0), x)[0]

  shape = (1, 128, 256, 256)
  assert is_winograd(of((1, 1)), shape) and not is_winograd(of((2, 2)), shape)


def test_an_unknown_implementation_is_an_error():
  with pytest.raises(ValueError, match="'fast'"):
    conv3x3(np.ones((1, 2, 2, 1), np.float32), np.ones((3, 3, 1, 1), np.float32), impl="fast")
