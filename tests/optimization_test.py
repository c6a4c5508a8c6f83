"""The paper's phases, PyTorch's optimizer written in NumPy as oracle, and frozen norms."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jppf_jax.optimization import (
  OPTIMIZERS,
  ORDERS,
  Phase,
  apply_updates,
  clip_by_global_norm,
  freeze_norms,
  learning_rate,
  main_then_frozen,
  paper_text,
  sgd,
  within_steps,
  zero_norms,
)

MAIN = Phase(steps=50_000, learning_rate=0.07, warmup=200, drops=(32_000, 44_000))
FROZEN = Phase(steps=3_720, learning_rate=1e-4, freeze_norm=True)


def learning_rates(phases, steps):
  schedule = learning_rate(phases)
  return [float(schedule(step)) for step in steps]


def test_the_main_schedule_has_the_paper_s_numbers():
  warmup = {0: 0.07 / 3, 100: 0.07 * 2 / 3, 199: 0.07 * (1 - 1 / 300)}
  after = {200: 0.07, 31_999: 0.07, 32_000: 0.007, 43_999: 0.007, 44_000: 0.0007, 49_999: 0.0007}
  expected = warmup | after
  found = learning_rates([MAIN], expected)
  np.testing.assert_allclose(found, list(expected.values()), rtol=1e-6)


def test_the_warm_up_equals_efficientps():
  found = learning_rates([Phase(steps=1000, learning_rate=0.07, warmup=500)], [0, 250, 499])
  np.testing.assert_allclose(found, [0.0233333, 0.0466667, 0.0699067], atol=1e-7)


def test_by_default_the_frozen_epochs_come_last():
  phases = main_then_frozen(MAIN, FROZEN)
  found = learning_rates(phases, [49_999, 50_000, 53_719])
  np.testing.assert_allclose(found, [0.0007, 1e-4, 1e-4], rtol=1e-6)
  assert [phase.freeze_norm for phase in phases] == [False, True]


def test_the_order_of_the_paper_s_text_is_warm_up_frozen_epochs_main_schedule():
  phases = paper_text(MAIN, FROZEN)
  assert [phase.steps for phase in phases] == [200, 3_720, 50_000]
  assert [phase.freeze_norm for phase in phases] == [False, True, False]
  start = 200 + 3_720
  steps = [0, 199, 200, start - 1, start, start + 31_999, start + 32_000, start + 44_000]
  expected = [0.07 / 3, 0.07 * (1 - 1 / 300), 1e-4, 1e-4, 0.07, 0.07, 0.007, 0.0007]
  np.testing.assert_allclose(learning_rates(phases, steps), expected, rtol=1e-6)


def test_without_a_warm_up_the_paper_s_order_starts_frozen():
  main = Phase(steps=10, learning_rate=0.1, drops=(5,))
  assert paper_text(main, FROZEN) == (FROZEN, main)


def test_every_order_has_a_name():
  assert dict(ORDERS) == {"main_then_frozen": main_then_frozen, "paper_text": paper_text}


@given(st.lists(st.tuples(st.integers(3, 9), st.booleans()), min_size=1, max_size=4))
@settings(max_examples=10, deadline=None)
def test_a_phase_does_not_depend_on_the_phases_before_it(shapes):
  phases, expected = [], []
  for number, (steps, warmup) in enumerate(shapes, 1):
    phase = Phase(steps, 0.1 * number, warmup=warmup, drops=(steps - 1,))
    phases.append(phase)
    expected += learning_rates([phase], range(steps))
  found = learning_rates(phases, range(len(expected)))
  np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize(
  "wrong",
  [
    {"steps": 0},
    {"warmup": -1},
    {"warmup": 11},
    {"drops": (5, 5)},
    {"drops": (7, 5)},
    {"drops": (11,)},
    {"warmup": 5, "drops": (5,)},
    {"learning_rate": 0.0},
  ],
)
def test_impossible_phases_are_refused(wrong):
  values = {"steps": 10, "learning_rate": 0.1} | wrong
  with pytest.raises(ValueError, match="A phase needs"):
    Phase(**values)


@pytest.mark.parametrize(
  "steps, warmup, drops, kept, line",
  [
    (10, 2, (5, 9), (2, (5, 9)), ""),
    (5, 2, (5, 9), (2, ()), "The phase ends at step 5: no drop of the learning rate at 5, 9."),
    (6, 2, (5, 9), (2, (5,)), "The phase ends at step 6: no drop of the learning rate at 9."),
    (2, 2, (), (2, ()), ""),
    (1, 2, (), (1, ()), "The phase ends at step 1: warm-up cut from 2."),
  ],
)
def test_a_shortened_phase_loses_what_comes_after_its_end(steps, warmup, drops, kept, line):
  values = {"steps": steps, "learning_rate": 0.1, "warmup": warmup, "drops": drops}
  changed, said = within_steps(values)
  assert (changed["warmup"], changed["drops"]) == kept and said == line
  assert Phase(**changed).steps == steps


def random_params(seed=0):
  rng = np.random.default_rng(seed)

  def normal(*shape):
    return jnp.asarray(rng.normal(size=shape), jnp.float32)

  return {
    "conv": {"kernel": normal(3, 2), "bias": normal(2)},
    "block": {
      "norm": {"scale": normal(2), "bias": normal(2)},
      "pointwise": {"kernel": normal(2, 2)},
    },
  }


def updated(optimizer, params, gradients, state=None):
  """Returns parameters and state after one update per gradient."""
  state = optimizer.init(params) if state is None else state
  for gradient in gradients:
    updates, state = optimizer.update(gradient, state, params)
    params = optax.apply_updates(params, updates)
  return params, state


def vector(params):
  """All parameters as one float64 vector."""
  return np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(params)], dtype=np.float64)


def test_updates_are_added_as_optax_adds_them_however_many_arrays_are_alike():
  rng = np.random.default_rng(3)
  shapes = [(4,)] * 70 + [()] * 2 + [(2, 3), (3, 2), (1, 3, 3, 4), (4, 1), (0,)]
  params, updates = (
    {f"{n}": jnp.asarray(rng.normal(size=shape), jnp.float32) for n, shape in enumerate(shapes)}
    for _ in range(2)
  )
  found = jax.jit(apply_updates)(params, updates)
  jax.tree.map(np.testing.assert_array_equal, found, optax.apply_updates(params, updates))
  kernels = str(jax.make_jaxpr(apply_updates)(params, updates)).count(" = reduce[")
  assert kernels == 3 + 6  # 70 in three operations, one for each other shape


def test_sgd_equals_pytorch_s_written_in_numpy():
  params, schedule = random_params(), jnp.array([0.1, 0.1, 0.02])
  sizes = {1: 0.5, 2: 100.0, 3: 20.0}
  gradients = [optax.tree.scale(size, random_params(seed)) for seed, size in sizes.items()]
  found, _ = updated(sgd(lambda step: schedule[step], clip_norm=35.0), params, gradients)

  weights, velocity = vector(params), 0.0
  for gradient, lr in zip(map(vector, gradients), schedule.tolist()):
    clipped = gradient * min(1.0, 35.0 / (np.linalg.norm(gradient) + 1e-6))
    velocity = 0.9 * velocity + clipped + 1e-4 * weights
    weights = weights - lr * velocity
  np.testing.assert_allclose(vector(found), weights, rtol=2e-5, atol=1e-6)


def test_small_gradients_are_not_clipped_and_large_ones_keep_their_direction():
  clip = clip_by_global_norm(5.0)
  small, _ = clip.update(jnp.array([3.0, 3.9]), None)
  np.testing.assert_array_equal(small, np.float32([3.0, 3.9]))
  large, _ = clip.update(jnp.array([30.0, 40.0]), None)
  np.testing.assert_allclose(large, [3.0, 4.0], rtol=1e-6)


def test_a_layer_with_a_scale_is_a_norm_and_no_other_layer_is():
  is_zero = jax.tree.map(lambda leaf: not leaf.any(), zero_norms(random_params()))
  assert is_zero == {
    "conv": {"kernel": False, "bias": False},
    "block": {"norm": {"scale": True, "bias": True}, "pointwise": {"kernel": False}},
  }


def test_frozen_norms_do_not_change_although_they_have_momentum():
  plain = sgd(lambda step: 0.1)
  params, state = updated(plain, random_params(), [random_params(1), random_params(2)])
  gradients = [random_params(3), random_params(4)]
  after, state_after = updated(freeze_norms(plain), params, gradients, state)
  norm, norm_after = params["block"]["norm"], after["block"]["norm"]
  jax.tree.map(np.testing.assert_array_equal, norm_after, norm)
  assert (after["conv"]["bias"] != params["conv"]["bias"]).all()
  assert jax.tree.structure(state_after) == jax.tree.structure(state)


def test_weight_decay_does_not_enter_the_momentum_of_frozen_norms():
  params = {"norm": {"scale": jnp.ones(2), "bias": jnp.ones(2)}, "conv": {"kernel": jnp.ones(2)}}
  zeros = jax.tree.map(jnp.zeros_like, params)
  optimizer = sgd(lambda step: 1.0, momentum=0.5, weight_decay=0.1, clip_norm=1.0)
  _, state = freeze_norms(optimizer).update(zeros, optimizer.init(params), params)
  updates, _ = optimizer.update(zeros, state, params)  # the phase after it
  np.testing.assert_allclose(updates["norm"]["scale"], -0.1, rtol=1e-6)
  np.testing.assert_allclose(updates["norm"]["bias"], -0.1, rtol=1e-6)
  np.testing.assert_allclose(updates["conv"]["kernel"], -0.15, rtol=1e-6)


def test_frozen_norms_do_not_count_in_the_clipped_norm():
  optimizer = freeze_norms(sgd(lambda step: 0.1, clip_norm=1e-3))
  gradient, huge = random_params(1), random_params(1)
  huge["block"]["norm"] = optax.tree.scale(1e6, huge["block"]["norm"])
  with_huge, _ = updated(optimizer, random_params(), [huge])
  without, _ = updated(optimizer, random_params(), [gradient])
  jax.tree.map(np.testing.assert_array_equal, with_huge, without)


def test_the_first_step_of_adamw_has_the_size_of_the_learning_rate_for_any_gradient():
  optimizer = OPTIMIZERS["adamw"](lambda step: 0.1, weight_decay=0.0)
  params, gradient = np.zeros(3, np.float32), np.array([1e-2, -1.0, 10.0], np.float32)
  updates, _ = optimizer.update(gradient, optimizer.init(params), params)
  np.testing.assert_allclose(updates, [-0.1, 0.1, -0.1], rtol=1e-4)


def test_adamw_decays_weights_independently_of_the_gradient():
  optimizer = OPTIMIZERS["adamw"](lambda step: 0.1, weight_decay=0.5)
  params, gradient = np.array([2.0], np.float32), np.zeros(1, np.float32)
  updates, _ = optimizer.update(gradient, optimizer.init(params), params)
  np.testing.assert_allclose(updates, [-0.1], rtol=1e-6)


def test_adamw_sees_clipped_gradients():
  large, small = np.float32([300, -400]), np.float32([0.3, 0.1])

  def second_update(first):
    optimizer = OPTIMIZERS["adamw"](lambda step: 1.0, clip_norm=5.0)
    params = {"w": jnp.zeros(2)}
    _, state = optimizer.update({"w": jnp.asarray(first)}, optimizer.init(params), params)
    return optimizer.update({"w": jnp.asarray(small)}, state, params)[0]["w"]

  np.testing.assert_allclose(second_update(large), second_update(large / 100), rtol=1e-5)


def test_the_running_mean_of_adamw_decays_with_the_momentum():
  optimizer = OPTIMIZERS["adamw"](lambda step: 0.1, momentum=0.5, weight_decay=0.0)
  gradients = [np.ones(1, np.float32), -np.ones(1, np.float32)]
  after, _ = updated(optimizer, np.zeros(1, np.float32), gradients)
  mean = (0.5 * 0.5 - 0.5) / (1 - 0.5**2)
  np.testing.assert_allclose(after, [-0.1 - 0.1 * mean], rtol=1e-4)


@pytest.mark.parametrize("name, moments", [("sgd", 1), ("adamw", 2)])
def test_the_state_has_one_vector_per_moment(name, moments):
  params = random_params()
  state = OPTIMIZERS[name](lambda step: 0.1).init(params)
  shapes = [leaf.shape for leaf in jax.tree.leaves(state) if leaf.ndim]
  assert shapes == [vector(params).shape] * moments
