"""RPN losses against the loop oracle, their divisor, and what must not change them."""

import dataclasses

import jax
import numpy as np
import pytest

from jppf_jax.losses.instance_rpn import rpn_losses
from jppf_jax.losses.term import reduce_term
from jppf_jax.structs import RPNOutputs, RPNTargets
from tests.losses.scenario import scenario
from tests.oracles import losses as oracles


@jax.jit
def _losses(outputs, targets):
  return {name: reduce_term(term) for name, term in rpn_losses(outputs, targets).items()}


_gradient = jax.jit(jax.grad(lambda outputs, targets: sum(_losses(outputs, targets).values())))


def _concatenated(levels):
  return np.concatenate([levels[stride] for stride in sorted(levels)], 1)


@pytest.mark.parametrize("seed", range(3))
def test_equals_the_loop_oracle(seed):
  outputs, targets, _ = scenario(seed=seed)
  rpn = outputs.rpn
  predicted = _concatenated(rpn.objectness), _concatenated(rpn.deltas)
  expected = oracles.rpn(*predicted, targets.positive, targets.negative, targets.deltas)
  ours = _losses(rpn, targets)
  np.testing.assert_allclose([ours["rpn_objectness"], ours["rpn_box"]], expected, rtol=1e-5)


def test_the_finest_level_comes_first_whatever_the_order_of_the_dict():
  outputs, targets, _ = scenario()
  rpn = outputs.rpn
  coarsest_first = [dict(reversed(levels.items())) for levels in (rpn.objectness, rpn.deltas)]
  turned = RPNOutputs(*coarsest_first)
  assert list(turned.objectness) != list(rpn.objectness)
  direct, other = rpn_losses(rpn, targets), rpn_losses(turned, targets)
  np.testing.assert_array_equal(other["rpn_objectness"].total, direct["rpn_objectness"].total)
  np.testing.assert_array_equal(other["rpn_box"].total, direct["rpn_box"].total)


def test_an_image_counts_at_least_one_positive_and_one_negative():
  outputs, targets, _ = scenario()
  none = np.zeros_like(targets.positive)
  nothing = dataclasses.replace(targets, positive=none, negative=none)
  terms = rpn_losses(outputs.rpn, nothing)
  for term in terms.values():
    assert (term.total, term.count) == (0, 2 * len(none))


def test_anchors_that_were_not_sampled_get_no_gradient():
  outputs, targets, _ = scenario()
  gradient = _gradient(outputs.rpn, targets)
  sampled = targets.positive | targets.negative
  objectness, deltas = _concatenated(gradient.objectness), _concatenated(gradient.deltas)
  assert np.isfinite(objectness).all() and np.isfinite(deltas).all()
  assert (objectness[~sampled] == 0).all() and (objectness[sampled] != 0).all()
  assert (deltas[~targets.positive] == 0).all() and (deltas[targets.positive] != 0).all()


def test_a_small_error_is_quadratic_and_a_large_one_linear():
  outputs = RPNOutputs({4: np.zeros((1, 1), np.float32)}, {4: np.float32([[[1 / 18, 0, 0, -2]]])})
  yes = np.ones((1, 1), bool)
  targets = RPNTargets(yes, ~yes, np.zeros((1, 1, 4), np.float32))
  term = rpn_losses(outputs, targets)["rpn_box"]
  small, large = (1 / 18) ** 2 * 9 / 2, 2 - 1 / 18
  np.testing.assert_allclose(term.total, small + large, rtol=1e-6)


def test_targets_for_other_anchors_are_refused():
  outputs, targets, _ = scenario()
  short = jax.tree.map(lambda x: x[:, 1:], targets)
  with pytest.raises(ValueError, match=r"\(4, 24\).*\(4, 23\)"):
    rpn_losses(outputs.rpn, short)
