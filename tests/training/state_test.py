import functools

import jax
import numpy as np
import optax
import pytest

from jppf_jax.training.state import create_state

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


def test_shapes_are_enough_for_a_template():
  create = functools.partial(create_state, optimizer=optax.adam(0.1))
  template = jax.eval_shape(create, VARIABLES)
  assert template.params["w"].shape == (3,)
  assert template.step.dtype == np.int32
