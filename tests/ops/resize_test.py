import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jppf_jax.ops.resize import nearest_down2, nearest_up2, resize_bilinear
from tests.oracles import network as oracle


@pytest.mark.parametrize(
  "size", [(6, 10), (12, 20), (7, 9), (3, 5), (2, 13), (1, 1), (24, 5), (18, 13)]
)
def test_bilinear_equals_the_oracle_up_and_down(size):
  x = np.random.default_rng(0).normal(size=(2, 6, 10, 3)).astype(np.float32)
  np.testing.assert_allclose(resize_bilinear(x, size), oracle.bilinear(x, size), atol=1e-5)


def test_bilinear_reads_between_pixel_centres():
  step = np.array([0, 1], np.float32).reshape(1, 2, 1)
  np.testing.assert_allclose(resize_bilinear(step, (1, 4)).ravel(), [0, 0.25, 0.75, 1])


def test_the_gradient_of_enlarging_is_the_transpose():
  x, dy = (np.random.default_rng(0).normal(size=(1, *size, 2)) for size in ((3, 5), (9, 20)))
  y, back = jax.vjp(lambda x: resize_bilinear(x, (9, 20)), x.astype(np.float32))
  (dx,) = back(dy.astype(np.float32))
  np.testing.assert_allclose(np.vdot(dx, x), np.vdot(dy, y), rtol=1e-4)


def test_bilinear_shrinks_without_averaging():
  dots = np.array([0, 1, 0, 0, 0, 0, 1, 0], np.float32).reshape(1, 8, 1)
  small = resize_bilinear(dots, (1, 2))  # reads between pixels 1, 2 and 5, 6
  np.testing.assert_allclose(small.ravel(), [0.5, 0.5])


def test_bilinear_keeps_the_dtype_and_a_constant():
  x = jnp.full((1, 4, 4, 2), 1.5, jnp.bfloat16)
  y = resize_bilinear(x, (16, 8))
  assert y.dtype == jnp.bfloat16
  np.testing.assert_array_equal(np.asarray(y, np.float32), 1.5)


def test_bilinear_to_the_same_size_changes_nothing():
  x = np.random.default_rng(0).normal(size=(3, 5, 1)).astype(np.float32)
  np.testing.assert_array_equal(resize_bilinear(x, (3, 5)), x)


def test_nearest_up_repeats_and_down_keeps_even_places():
  x = np.arange(8, dtype=np.float32).reshape(1, 2, 4, 1)
  np.testing.assert_array_equal(nearest_up2(x)[0, :, :, 0], x[0, :, :, 0].repeat(2, 0).repeat(2, 1))
  np.testing.assert_array_equal(nearest_down2(x)[0, :, :, 0], [[0, 2]])
  np.testing.assert_array_equal(nearest_down2(nearest_up2(x)), x)
