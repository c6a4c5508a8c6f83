import re
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jppf_jax.ops.depthwise import depthwise_conv

# input size, kernel, strides, dilation (rows, columns): those of the encoder and of the dense
# prediction cell (DPC), and unusual ones
CASES = {
  "encoder 3": ((8, 12), (3, 3), (1, 1), (1, 1)),
  "encoder 5": ((8, 12), (5, 5), (1, 1), (1, 1)),
  "encoder 3 / 2": ((8, 12), (3, 3), (2, 2), (1, 1)),
  "encoder 5 / 2": ((8, 12), (5, 5), (2, 2), (1, 1)),
  "odd image / 2": ((7, 9), (5, 5), (2, 2), (1, 1)),
  "DPC 1 6": ((8, 12), (3, 3), (1, 1), (1, 6)),
  "DPC 6 21": ((16, 48), (3, 3), (1, 1), (6, 21)),
  "DPC 18 15, wider than the map": ((8, 12), (3, 3), (1, 1), (18, 15)),
  "DPC 18 15": ((40, 33), (3, 3), (1, 1), (18, 15)),
  "one pixel": ((1, 1), (3, 3), (1, 1), (6, 3)),
  "even kernel": ((6, 5), (2, 4), (1, 1), (1, 2)),
  "even columns only": ((6, 5), (3, 4), (1, 1), (1, 1)),
  "uneven strides": ((9, 10), (3, 5), (3, 1), (2, 1)),
}

compiled = jax.jit(depthwise_conv, static_argnames=("strides", "dilation", "impl"))


@pytest.mark.parametrize("case", CASES)
def test_shifting_equals_the_grouped_convolution_with_its_gradients(case):
  size, taps, strides, dilation = CASES[case]
  rng = np.random.default_rng(0)
  x = rng.normal(size=(2, *size, 3)).astype(np.float32)
  kernel = rng.normal(size=(*taps, 1, 3)).astype(np.float32)
  out = -(-size[0] // strides[0]), -(-size[1] // strides[1])
  dy = rng.normal(size=(2, *out, 3)).astype(np.float32)

  @partial(jax.jit, static_argnums=0)
  def run(impl):
    convolve = partial(depthwise_conv, strides=strides, dilation=dilation, impl=impl)
    y, back = jax.vjp(convolve, x, kernel)
    return y, *back(dy)

  for shifted, grouped in zip(run("shift"), run("grouped")):
    np.testing.assert_allclose(shifted, grouped, rtol=1e-5, atol=3e-5)


@pytest.mark.parametrize("impl", ["shift", "grouped"])
def test_at_stride_two_the_odd_pixel_of_padding_is_at_the_end(impl):
  ramp = np.arange(1, 5, dtype=np.float32).reshape(1, 4, 1, 1)
  kernel = np.array([1, 10, 100], np.float32).reshape(3, 1, 1, 1)
  y = compiled(ramp, kernel, strides=(2, 1), impl=impl)
  np.testing.assert_array_equal(y.ravel(), [321, 43])  # windows 1 2 3 and 3 4 0


def test_channels_do_not_mix():
  x = np.random.default_rng(0).normal(size=(1, 5, 5, 2)).astype(np.float32)
  kernel = np.zeros((3, 3, 1, 2), np.float32)
  kernel[1, 1, 0] = [1, 0]
  y = compiled(x, kernel)
  np.testing.assert_array_equal(y[..., 0], x[..., 0])
  np.testing.assert_array_equal(y[..., 1], 0)


def test_bfloat16_sums_in_float32():
  x = np.ones((1, 3, 3, 1), np.float32)
  x[0, 0, 0] = 256  # bfloat16 has steps of 2 here: 256 + 1 + 1 + ... would stay 256
  y = compiled(jnp.asarray(x, jnp.bfloat16), np.ones((3, 3, 1, 1), np.float32), impl="shift")
  assert y.dtype == jnp.bfloat16
  assert y[0, 1, 1, 0] == 264


def test_the_kernel_s_gradient_sums_exact_products_of_bfloat16():
  x = jnp.asarray([1.0390625, 1.078125], jnp.bfloat16).reshape(1, 1, 2, 1)
  dy = jnp.asarray([1.0390625, -1], jnp.bfloat16).reshape(1, 1, 2, 1)
  convolve = partial(depthwise_conv, impl="shift")
  _, back = jax.vjp(convolve, x, jnp.zeros((1, 1, 1, 1), jnp.bfloat16))
  # in bfloat16 the square would be 1.078125 too, and the sum 0
  np.testing.assert_allclose(back(dy)[1].ravel().astype(np.float32), 0.00152588, rtol=1e-2)


def test_a_mapped_batch_equals_the_batch():
  rng = np.random.default_rng(0)
  x = rng.normal(size=(2, 3, 6, 6, 2)).astype(np.float32)
  kernel = rng.normal(size=(3, 3, 1, 2)).astype(np.float32)
  mapped = jax.jit(jax.vmap(partial(depthwise_conv, impl="shift"), (0, None)))(x, kernel)
  expected = compiled(x.reshape(6, 6, 6, 2), kernel)
  np.testing.assert_allclose(mapped.reshape(6, 6, 6, 2), expected, rtol=1e-6)


def test_an_unknown_implementation_is_an_error():
  x, kernel = np.zeros((1, 2, 2, 1), np.float32), np.zeros((3, 3, 1, 1), np.float32)
  with pytest.raises(ValueError, match="'fast'"):
    depthwise_conv(x, kernel, impl="fast")


@pytest.mark.parametrize("platform, is_grouped", [("cpu", False), ("cuda", True), ("tpu", True)])
def test_the_choice_follows_the_platform_that_the_program_is_compiled_for(platform, is_grouped):
  x, kernel = jnp.zeros((1, 8, 8, 3)), jnp.zeros((3, 3, 1, 3))

  def loss(x, kernel):
    return depthwise_conv(x, kernel).sum()

  for function in (depthwise_conv, jax.grad(loss, (0, 1))):
    lowered = jax.jit(function).trace(x, kernel).lower(lowering_platforms=(platform,))
    text = lowered.as_text()
    assert ("stablehlo.convolution" in text) == is_grouped


@pytest.mark.parametrize("strides, dilation", [((2, 2), (1, 1)), ((1, 1), (6, 21))])
def test_on_a_gpu_the_convolutions_are_those_of_the_grouped_one(strides, dilation):
  x, kernel = jnp.zeros((1, 24, 48, 3)), jnp.zeros((3, 3, 1, 3))

  def windows(impl):
    def loss(x, kernel):
      return (depthwise_conv(x, kernel, strides, dilation, impl) ** 2).sum()

    lowered = jax.jit(jax.grad(loss, (0, 1))).trace(x, kernel).lower(lowering_platforms=("cuda",))
    return sorted(re.findall(r"window = {[^}]*}", lowered.as_text()))

  found = windows("auto")
  assert len(found) == 3  # forward, and the gradients of map and kernel
  assert found == windows("grouped")
