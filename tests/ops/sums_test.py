"""Sums of several arrays at once are those of each array."""

import jax
import numpy as np
import pytest

from jppf_jax.ops.sums import sum_each


@pytest.mark.parametrize("axes", [(0,), (0, 2), (0, 1, 2)])
@pytest.mark.parametrize("count", [1, 3])
def test_each_array_is_summed_by_itself(axes, count):
  rng = np.random.default_rng(0)
  arrays = [rng.normal(size=(2, 3, 5)).astype(np.float32) for _ in range(count)]
  found = sum_each(arrays, axes=axes)
  for total, array in zip(found, arrays, strict=True):
    np.testing.assert_allclose(total, array.sum(axes), rtol=1e-5, atol=1e-6)


def test_many_sums_are_one_operation():
  arrays = [np.ones((4, 4), np.float32)] * 9
  program = jax.make_jaxpr(lambda arrays: sum_each(arrays, axes=(0,)))(arrays)
  assert [equation.primitive.name for equation in program.eqns] == ["reduce"]
