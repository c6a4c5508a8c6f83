import jax
import jax.numpy as jnp
import pytest

from jppf_jax.benchmarks.roofline import h100, work


def test_the_work_of_a_product_of_matrices_is_known():
  shapes = [jax.ShapeDtypeStruct(shape, jnp.float32) for shape in ((64, 128), (128, 32))]
  compiled = jax.jit(jnp.dot).lower(*shapes).compile()
  found = work(compiled, "float32")
  assert found["gflop"] == pytest.approx(2 * 64 * 128 * 32 / 1e9, rel=0.01)
  assert found["ideal_bytes"] == 4 * (64 * 128 + 128 * 32 + 64 * 32)
  assert found["bytes"] >= found["ideal_bytes"]
  assert found["h100_limit"] == "memory"


@pytest.mark.parametrize(
  "flops, moved, dtype, milliseconds, limit",
  [
    (67e9, 0.0, "float32", 1, "compute"),
    (989e9, 0.0, "bfloat16", 1, "compute"),
    (1e9, 6.7e9, "bfloat16", 2, "memory"),
  ],
)
def test_an_h100_takes_as_long_as_the_slower_of_the_two(flops, moved, dtype, milliseconds, limit):
  assert h100(flops, moved, dtype) == (pytest.approx(milliseconds), limit)
