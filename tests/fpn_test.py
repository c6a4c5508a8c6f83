import collections
from functools import partial

import jax
import numpy as np
import pytest

from jppf_jax.fpn import TwoWayFPN
from tests.oracles import network as oracle
from tests.random_variables import num_parameters, random_pyramid, random_variables, shapes_of

WIDTHS = (3, 4, 5, 6)


@pytest.fixture(scope="module")
def small():
  pyramid, fpn = random_pyramid(64, 96, WIDTHS), TwoWayFPN(8)
  variables = random_variables(fpn, pyramid, train=False)
  return fpn, variables, pyramid


def test_equals_the_oracle(small):
  fpn, variables, pyramid = small
  outputs = jax.jit(partial(fpn.apply, train=False))(variables, pyramid)
  expected = oracle.two_way_fpn(pyramid, variables["params"], variables["batch_stats"])
  assert list(outputs) == [4, 8, 16, 32]
  for stride in outputs:
    np.testing.assert_allclose(outputs[stride], expected[stride], rtol=1e-4, atol=1e-4)


def test_every_level_sees_every_level(small):
  fpn, variables, pyramid = small

  def sums(pyramid):
    outputs = fpn.apply(variables, pyramid, train=False)
    return [level.sum() for level in outputs.values()]

  for gradients in jax.jit(jax.jacrev(sums))(pyramid):
    assert all(np.abs(gradient).max() > 0 for gradient in gradients.values())


def test_paper_size_has_the_reference_number_of_parameters():
  params = shapes_of(TwoWayFPN(), random_pyramid(64, 64, (40, 64, 176, 2048)), train=False)
  sizes = collections.Counter()
  for name, layer in params.items():
    kind, _ = name.rsplit("_", 1)
    sizes[kind] += num_parameters(layer)
  assert sizes == {"top_down": 598_016, "bottom_up": 598_016, "out": 4 * 590_336}
  assert num_parameters(params) == 3_557_376


def test_strides_that_do_not_double_are_an_error():
  pyramid = {4: np.zeros((1, 8, 8, 3), np.float32), 16: np.zeros((1, 2, 2, 3), np.float32)}
  with pytest.raises(ValueError, match=r"double.*\[4, 16\]"):
    TwoWayFPN(8).init(jax.random.key(0), pyramid, train=False)
