from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jppf_jax.heads.semantic_part import PyramidLogits, SemanticPartHead
from tests.oracles import network as oracle
from tests.random_variables import num_parameters, random_pyramid, random_variables, shapes_of


@pytest.fixture(scope="module")
def small():
  pyramid, head = random_pyramid(96, 128, (6,) * 4), SemanticPartHead(5, channels=4)
  variables = random_variables(head, pyramid, train=False)
  logits = jax.jit(partial(head.apply, train=False))(variables, pyramid)
  return head, variables, pyramid, logits


def test_equals_the_oracle_that_concatenates_before_the_last_convolution(small):
  _, variables, pyramid, logits = small
  expected = oracle.semantic_head(pyramid, variables["params"], variables["batch_stats"])
  assert logits.shape == (1, 24, 32, 5)
  np.testing.assert_allclose(logits, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("outputs", "parameters"), [(19, 1_206_547), (10, 1_201_930)])
def test_paper_size_has_the_reference_number_of_parameters(outputs, parameters):
  params = shapes_of(SemanticPartHead(outputs), random_pyramid(64, 64, (256,) * 4), train=False)
  assert num_parameters(params) == parameters
  sizes = {name: num_parameters(module) for name, module in params.items()}
  assert sizes["context_32"] == sizes["context_16"] == 508_416  # DPC
  assert sizes["detail_8"] == sizes["detail_4"] == 53_888  # LSFE
  assert sizes["correct_16_8"] == sizes["correct_8_4"] == 36_096  # MC
  assert sizes["logits"] == 513 * outputs


def test_logits_are_float32_under_bfloat16(small):
  head, variables, pyramid, exact = small
  low = head.clone(dtype=jnp.bfloat16)
  logits = jax.jit(partial(low.apply, train=False))(variables, pyramid)
  assert logits.dtype == jnp.float32
  assert np.abs(logits - exact).mean() < 0.05 * np.abs(exact).mean()


def test_pyramid_logits_equal_the_convolution_of_the_concatenation():
  pyramid = {2: np.ones((1, 4, 4, 1), np.float32), 4: np.full((1, 2, 2, 2), 10, np.float32)}
  kernel = np.array([[1], [2], [3]], np.float32)  # the finest level's row first
  variables = {"params": {"kernel": kernel, "bias": np.array([0.5], np.float32)}}
  logits = PyramidLogits(1).apply(variables, pyramid)
  np.testing.assert_allclose(logits, np.full((1, 4, 4, 1), 1 * 1 + 10 * 2 + 10 * 3 + 0.5))


def test_other_strides_are_an_error():
  pyramid = random_pyramid(64, 64, (6, 6, 6))
  with pytest.raises(ValueError, match=r"\[4, 8, 16\]"):
    SemanticPartHead(5).init(jax.random.key(0), pyramid, train=False)
