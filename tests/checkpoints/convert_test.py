import numpy as np
import pytest

from jppf_jax.checkpoints import convert as engine
from jppf_jax.checkpoints.convert import (
  CONV,
  DENSE,
  POINTWISE,
  SAME,
  TRANSPOSED_CONV,
  Source,
  convert,
  flattened,
)
from jppf_jax.checkpoints.weights import WeightsError

RNG = np.random.default_rng(0)
TEMPLATE = {
  "params": {"dense": {"kernel": np.zeros((2, 3)), "bias": np.zeros(3)}},
  "batch_stats": {},
}
FOUND = {"fc.weight": RNG.normal(size=(3, 2)), "fc.bias": RNG.normal(size=3)}


def source_of(path):
  return engine.tensor_of("fc", path[-1], DENSE)


@pytest.mark.parametrize(
  "layout, ours",
  [
    (SAME, (5,)),
    (CONV, (3, 5, 2, 4)),
    (CONV, (3, 3, 1, 6)),
    (TRANSPOSED_CONV, (2, 2, 3, 4)),
    (DENSE, (3, 4)),
    (POINTWISE, (3, 4)),
    (flattened(7), (7 * 7 * 2, 5)),
  ],
)
def test_every_layout_converts_their_shape_to_ours(layout, ours):
  theirs = RNG.normal(size=layout.shape(ours))
  converted = layout.array(theirs, ours)
  assert converted.shape == ours
  np.testing.assert_array_equal(np.sort(converted, None), np.sort(theirs, None))


@pytest.mark.parametrize(
  "layout, order", [(CONV, "oihw->hwio"), (TRANSPOSED_CONV, "iohw->hwio"), (DENSE, "oi->io")]
)
def test_a_kernel_has_our_order_of_axes(layout, order):
  ours = (2, 3, 4, 5)[: len(order.split("->")[0])]
  theirs = RNG.normal(size=layout.shape(ours))
  np.testing.assert_array_equal(layout.array(theirs, ours), np.einsum(order, theirs))


def test_a_flattened_map_is_read_in_our_order():
  theirs, features = RNG.normal(size=(5, 2 * 3 * 3)), RNG.normal(size=(3, 3, 2))
  channels_first = features.transpose(2, 0, 1)
  ours = flattened(3).array(theirs, (18, 5))
  np.testing.assert_allclose(features.ravel() @ ours, theirs @ channels_first.ravel())


def test_tensors_become_float32_and_others_are_reported():
  found = FOUND | {"n.num_batches_tracked": np.zeros(())}
  imported = convert(found, TEMPLATE, source_of, engine.counters)
  dense = imported.variables["params"]["dense"]
  np.testing.assert_allclose(dense["kernel"], FOUND["fc.weight"].T, rtol=1e-6)
  assert dense["bias"].dtype == np.float32
  assert imported.used == 2
  assert imported.skipped == {"counters of batches": ["n.num_batches_tracked"]}


def test_all_problems_are_in_one_error():
  found = {"fc.weight": np.zeros((3, 9)), "other": np.zeros(4)}
  with pytest.raises(WeightsError) as error:
    convert(found, TEMPLATE, source_of, engine.counters)
  for line in (
    "missing fc.bias (3,)",
    "left over other (4,)",
    "fc.weight has shape (3, 9), expected (3, 2)",
    "1 missing, 1 left over and 1 of another shape, of 2",
  ):
    assert line in str(error.value)


def test_sources_have_pytorch_s_names_of_leaves():
  assert engine.tensor_of("bn1", "var") == Source("bn1.running_var", SAME)
  assert engine.tensor_of("conv", "kernel", CONV) == Source("conv.weight", CONV)
