"""Phases: the paper's numbers, PyTorch's optimizer in NumPy as oracle, and norms that do not move
while frozen.
"""

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
  clip_by_global_norm,
  freeze_norms,
  learning_rate,
  main_then_frozen,
  paper_text,
  sgd,
  zero_norms,
)

MAIN = Phase(steps=50_000, learning_rate=0.07, warmup=200, drops=(32_000, 44_000))
FROZEN = Phase(steps=3_720, learning_rate=1e-4, freeze_norm=True)


def _rates(phases, steps):
  return [float(learning_rate(phases)(step)) for step in steps]


def frozen_at(phases, step):
  """Whether norms are frozen in a step; after the last phase as in it."""
  return [phase.freeze_norm for phase in phases for _ in range(phase.steps)][: step + 1][-1]


def test_the_main_schedule_has_the_paper_s_numbers():
  steps = [0, 100, 199, 200, 31_999, 32_000, 43_999, 44_000, 49_999]
  expected = [
    0.07 / 3,
    0.07 * 2 / 3,
    0.07 * (1 - 1 / 300),
    0.07,
    0.07,
    0.007,
    0.007,
    0.0007,
    0.0007,
  ]
  np.testing.assert_allclose(_rates([MAIN], steps), expected, rtol=1e-6)


def test_the_warm_up_equals_efficientps():
  phase = Phase(steps=1000, learning_rate=0.07, warmup=500)
  np.testing.assert_allclose(
    _rates([phase], [0, 250, 499]), [0.0233333, 0.0466667, 0.0699067], atol=1e-7
  )


def test_by_default_the_frozen_epochs_come_last():
  phases = main_then_frozen(MAIN, FROZEN)
  np.testing.assert_allclose(
    _rates(phases, [49_999, 50_000, 53_719]), [0.0007, 1e-4, 1e-4], rtol=1e-6
  )
  assert [frozen_at(phases, step) for step in (0, 49_999, 50_000, 53_719, 60_000)] == [
    0,
    0,
    1,
    1,
    1,
  ]


def test_the_order_of_the_paper_s_text_warms_up_freezes_and_then_trains():
  phases = paper_text(MAIN, FROZEN)
  assert sum(phase.steps for phase in phases) == 200 + 3_720 + 50_000
  start = 3_920
  steps = [0, 199, 200, start - 1, start, start + 31_999, start + 32_000, start + 44_000]
  expected = [0.07 / 3, 0.07 * (1 - 1 / 300), 1e-4, 1e-4, 0.07, 0.07, 0.007, 0.0007]
  np.testing.assert_allclose(_rates(phases, steps), expected, rtol=1e-6)
  assert [frozen_at(phases, step) for step in (199, 200, start - 1, start)] == [0, 1, 1, 0]


def test_without_a_warm_up_the_paper_s_order_starts_frozen():
  main = Phase(steps=10, learning_rate=0.1, drops=(5,))
  assert paper_text(main, FROZEN) == (FROZEN, main)


def test_every_order_has_a_name():
  assert dict(ORDERS) == {"main_then_frozen": main_then_frozen, "paper_text": paper_text}


@given(st.lists(st.tuples(st.integers(3, 9), st.booleans()), min_size=1, max_size=4))
@settings(max_examples=10, deadline=None)
def test_a_phase_does_not_depend_on_what_came_before(shapes):
  phases = [
    Phase(n, 0.1 * (i + 1), warmup=warm, drops=(n - 1,)) for i, (n, warm) in enumerate(shapes)
  ]
  together, alone = learning_rate(phases), [learning_rate([phase]) for phase in phases]
  expected = [
    float(rate(step)) for phase, rate in zip(phases, alone) for step in range(phase.steps)
  ]
  np.testing.assert_allclose(
    [float(together(step)) for step in range(len(expected))], expected, rtol=1e-6
  )


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
def test_phases_that_make_no_sense_are_refused(wrong):
  with pytest.raises(ValueError, match="A phase needs"):
    Phase(**({"steps": 10, "learning_rate": 0.1} | wrong))


def _params(seed=0):
  rng = np.random.default_rng(seed)

  def draw(*shape):
    return jnp.asarray(rng.normal(size=shape), jnp.float32)

  return {
    "conv": {"kernel": draw(3, 2), "bias": draw(2)},
    "block": {"norm": {"scale": draw(2), "bias": draw(2)}, "pointwise": {"kernel": draw(2, 2)}},
  }


def _steps(optimizer, params, gradients, state=None):
  state = optimizer.init(params) if state is None else state
  for gradient in gradients:
    updates, state = optimizer.update(gradient, state, params)
    params = optax.apply_updates(params, updates)
  return params, state


def test_equals_pytorch_s_sgd_written_out():
  params, rates = _params(), [0.1, 0.1, 0.02]
  gradients = [
    optax.tree.scale(size, _params(seed)) for seed, size in ((1, 0.5), (2, 100.0), (3, 20.0))
  ]
  ours, _ = _steps(sgd(lambda step: jnp.asarray(rates)[step], clip_norm=35.0), params, gradients)

  weights, tree = jax.tree.flatten(params)
  weights, velocities = [np.asarray(w, np.float64) for w in weights], [0.0] * len(weights)
  for gradient, rate in zip(gradients, rates):
    grads = [np.asarray(g, np.float64) for g in jax.tree.leaves(gradient)]
    norm = np.sqrt(sum((g**2).sum() for g in grads))
    grads = [g * min(1.0, 35.0 / (norm + 1e-6)) + 1e-4 * w for g, w in zip(grads, weights)]
    velocities = [0.9 * v + g for v, g in zip(velocities, grads)]
    weights = [w - rate * v for w, v in zip(weights, velocities)]
  jax.tree.map(
    lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-5, atol=1e-6),
    ours,
    tree.unflatten(weights),
  )


def test_small_gradients_are_not_clipped_and_large_ones_keep_their_direction():
  clip = clip_by_global_norm(5.0)
  small, _ = clip.update({"w": jnp.array([3.0, 3.9])}, clip.init({}))
  np.testing.assert_array_equal(small["w"], np.float32([3.0, 3.9]))
  large, _ = clip.update({"w": jnp.array([30.0, 40.0])}, clip.init({}))
  np.testing.assert_allclose(large["w"], [3.0, 4.0], rtol=1e-6)


def test_only_what_stands_beside_a_scale_is_a_norm():
  zeroed = jax.tree.map(lambda x: bool((x == 0).all()), zero_norms(_params()))
  assert zeroed["block"]["norm"] == {"scale": True, "bias": True}
  assert not any(
    jax.tree.leaves({"conv": zeroed["conv"], "pointwise": zeroed["block"]["pointwise"]})
  )


def test_frozen_norms_do_not_change_by_a_bit_whatever_their_momentum():
  plain = sgd(lambda step: 0.1)
  params, state = _steps(plain, _params(), [_params(1), _params(2)])  # now the norms have momentum
  after, state_after = _steps(freeze_norms(plain), params, [_params(3), _params(4)], state)
  for name in ("scale", "bias"):
    np.testing.assert_array_equal(after["block"]["norm"][name], params["block"]["norm"][name])
  assert (after["conv"]["bias"] != params["conv"]["bias"]).all()
  assert jax.tree.structure(state_after) == jax.tree.structure(state)


def test_frozen_norms_do_not_count_in_the_clipped_norm():
  plain, params = sgd(lambda step: 0.1, clip_norm=1e-3), _params()
  huge = _params(1)
  huge["block"]["norm"] = jax.tree.map(lambda g: g * 1e6, huge["block"]["norm"])
  with_huge, _ = _steps(freeze_norms(plain), params, [huge])
  without, _ = _steps(freeze_norms(plain), params, [_params(1)])
  jax.tree.map(np.testing.assert_array_equal, with_huge, without)


def test_adamw_steps_by_the_rate_whatever_the_size_of_the_gradient():
  optimizer = OPTIMIZERS["adamw"](lambda step: 0.1, weight_decay=0.0)
  params = {"w": np.zeros(3, np.float32)}
  updates, _ = optimizer.update(
    {"w": np.array([1e-2, -1.0, 10.0], np.float32)}, optimizer.init(params), params
  )
  np.testing.assert_allclose(updates["w"], [-0.1, 0.1, -0.1], rtol=1e-4)


def test_adamw_decays_weights_apart_from_the_gradient():
  optimizer = OPTIMIZERS["adamw"](lambda step: 0.1, weight_decay=0.5)
  params = {"w": np.array([2.0], np.float32)}
  updates, _ = optimizer.update({"w": np.zeros(1, np.float32)}, optimizer.init(params), params)
  np.testing.assert_allclose(updates["w"], [-0.1], rtol=1e-6)
