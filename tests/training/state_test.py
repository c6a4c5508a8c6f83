import functools

import jax
import numpy as np
import optax
import pytest

from jppf_jax.training.state import average, averaged, create_state

VARIABLES = {
  "params": {"w": np.ones(3, np.float32)},
  "batch_stats": {"mean": np.zeros(3, np.float32)},
}


@pytest.mark.parametrize("optimizer", [optax.sgd(0.1, momentum=0.9), optax.adamw(0.1)])
def test_a_new_state_is_what_the_optimizer_would_start_with(optimizer):
  state = create_state(VARIABLES, optimizer)
  expected = optimizer.init(VARIABLES["params"])
  assert jax.tree.structure(state.opt_state) == jax.tree.structure(expected)
  jax.tree.map(np.testing.assert_array_equal, state.opt_state, expected)
  assert state.step == 0
  assert state.params is VARIABLES["params"]


def test_a_state_has_only_host_arrays_so_that_checkpoints_do_not_depend_on_devices():
  leaves = jax.tree.leaves(create_state(VARIABLES, optax.adam(0.1)))
  assert all(isinstance(leaf, np.ndarray) for leaf in leaves)


def test_a_state_carries_its_seed():
  assert create_state(VARIABLES, optax.sgd(0.1), seed=7).seed == 7


def test_shapes_are_enough_for_a_template():
  create = functools.partial(create_state, optimizer=optax.adam(0.1))
  template = jax.eval_shape(create, VARIABLES)
  assert template.params["w"].shape == (3,)
  assert template.step.dtype == np.int32


def test_an_average_starts_as_the_variables_and_is_given_back_in_their_form():
  params = {"w": np.float32([[1, 2], [3, 4]]), "b": np.float32([5])}
  stats = {"norm": {"mean": np.float32([6, 7])}}
  state = create_state({"params": params, "batch_stats": stats}, optax.sgd(0.1), ema=True)
  assert isinstance(state.ema, np.ndarray)
  jax.tree.map(np.testing.assert_array_equal, averaged(state)["params"], params)
  jax.tree.map(np.testing.assert_array_equal, averaged(state)["batch_stats"], stats)
  assert create_state({"params": params, "batch_stats": stats}, optax.sgd(0.1)).ema is None


def test_an_average_forgets_its_start_and_then_has_its_decay():
  values, expected = np.random.default_rng(0).normal(size=(2000, 3)).astype(np.float32), np.ones(3)
  ema = np.ones(3, np.float32)
  for step, value in enumerate(values):
    ema = average(ema, {"w": value[:2]}, {"mean": value[2:]}, np.array(step), 0.9)
    decay = min(0.9, (1 + step) / (10 + step))
    expected = decay * expected + (1 - decay) * value[[0, 1, 2]]
    if step in (0, 1, 50, 1999):
      np.testing.assert_allclose(ema, expected, rtol=1e-4, atol=1e-6)
