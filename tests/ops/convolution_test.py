"""The gradients written out are XLA's own, and stay in the form that is fast in loops."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from jppf_jax.ops.convolution import convolve

# input size, kernel, strides
CASES = {
  "3 x 3": ((8, 12), (3, 3), (1, 1)),
  "the stem": ((8, 12), (3, 3), (2, 2)),
  "the stem of an odd image": ((7, 9), (3, 3), (2, 2)),
  "one pixel": ((1, 1), (3, 3), (1, 1)),
  "rows that no output reads": ((9, 8), (1, 2), (4, 3)),
  "uneven": ((5, 11), (5, 3), (1, 3)),
}


def plain(x, kernel, *, strides):
  layout = ("NHWC", "HWIO", "NHWC")
  return lax.conv_general_dilated(x, kernel, strides, "SAME", dimension_numbers=layout)


def random_case(case, dtype=jnp.float32):
  size, taps, strides = CASES[case]
  rng = np.random.default_rng(0)
  x = rng.normal(size=(2, *size, 3))
  kernel = rng.normal(size=(*taps, 3, 4))
  dy = rng.normal(size=(2, *(-(-n // step) for n, step in zip(size, strides)), 4))
  return (*(jnp.asarray(value, dtype) for value in (x, kernel, dy)), strides)


def with_gradients(convolution, x, kernel, dy, strides):
  y, back = jax.vjp(lambda x, kernel: convolution(x, kernel, strides=strides), x, kernel)
  return y, *back(dy)


@pytest.mark.parametrize("case", CASES)
def test_the_convolution_and_its_gradients_are_xla_s(case):
  ours = with_gradients(convolve, *random_case(case))
  for found, expected in zip(ours, with_gradients(plain, *random_case(case)), strict=True):
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_bfloat16_stays_and_the_kernel_is_cast_to_it():
  x, kernel, dy, strides = random_case("the stem", jnp.bfloat16)
  ours = with_gradients(convolve, x, kernel, dy, strides)
  for found, expected in zip(ours, with_gradients(plain, x, kernel, dy, strides), strict=True):
    assert found.dtype == jnp.bfloat16
    np.testing.assert_allclose(*(np.float32(y) for y in (found, expected)), rtol=0.02, atol=0.02)
  assert convolve(x, np.asarray(kernel, np.float32), strides=strides).dtype == jnp.bfloat16


def of_loop(platform):
  """The convolutions of a program that adds up gradients in a loop."""
  x, kernel, _, _ = random_case("3 x 3")

  def loop(x, kernel):
    def add(total, image):
      return total + jax.grad(lambda kernel: (convolve(image, kernel) ** 2).sum())(kernel), None

    return lax.scan(add, jnp.zeros_like(kernel), jnp.stack([x, x]))[0]

  text = jax.jit(loop).trace(x, kernel).lower(lowering_platforms=(platform,)).as_text()
  return re.findall(r"dim_numbers = (.*?), window", text)


def test_on_a_cpu_all_convolutions_of_a_loop_have_the_order_of_the_fast_library():
  assert set(of_loop("cpu")) == {"[b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f]"}


def test_on_a_gpu_the_gradient_is_the_transposed_convolution():
  assert sorted(of_loop("cuda")) == [
    "[b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f]",
    "[f, 0, 1, b]x[i, 0, 1, o]->[0, 1, b, f]",
  ]
