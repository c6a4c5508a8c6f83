"""The hardest pixels without a sort, against a sort; and what must not change the loss."""

import math
from fractions import Fraction
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jppf_jax.losses.semantic_part import (
  _share,
  hard_cross_entropy,
  pixel_cross_entropy,
  top_weights,
)
from jppf_jax.structs import IGNORE
from tests.losses.scenario import scenario
from tests.oracles import losses as oracles

_top_weights = jax.jit(top_weights, static_argnums=1)


@partial(jax.jit, static_argnames="fraction")
def _loss(logits, labels, fraction=0.25):
  term = hard_cross_entropy(logits, labels, fraction=fraction)
  return term.total / term.count


_gradient = jax.jit(jax.grad(_loss))


def test_each_pixel_equals_the_loop_oracle():
  outputs, _, batch = scenario()
  ours = jax.jit(pixel_cross_entropy)(outputs.semantic, batch.semantic)
  expected = oracles.pixel_cross_entropy(outputs.semantic, batch.semantic)
  np.testing.assert_allclose(ours, expected, atol=2e-6)


@pytest.mark.parametrize("fraction", [0.01, 0.25, 1.0])
def test_the_loss_equals_the_sorting_oracle(fraction):
  outputs, _, batch = scenario()
  expected = oracles.hard_cross_entropy(outputs.semantic, batch.semantic, fraction)
  np.testing.assert_allclose(_loss(outputs.semantic, batch.semantic, fraction), expected, rtol=1e-5)


@pytest.mark.parametrize("fraction", [0.25, 1 / 3, 1.0])
def test_the_hardest_share_is_that_of_the_pixels_that_the_images_cover(fraction):
  outputs, _, batch = scenario()
  covered = np.int32([[8, 12], [3, 5], [1, 12], [7, 7]])
  labels = batch.semantic.copy()
  for image, (height, width) in enumerate(covered):
    labels[image, height:], labels[image, :, width:] = IGNORE, IGNORE
  losses = np.sort(oracles.pixel_cross_entropy(outputs.semantic, labels).ravel())[::-1]
  share = Fraction(fraction).limit_denominator(100)
  hardest = math.ceil(share * int(covered.prod(1).sum()))
  term = jax.jit(partial(hard_cross_entropy, fraction=fraction))
  found = term(outputs.semantic, labels, covered=covered)
  np.testing.assert_allclose(found.total / found.count, losses[:hardest].mean(), rtol=1e-5)


def test_a_quarter_of_many_pixels_is_exact():
  share = jax.jit(partial(_share, 0.25))
  for pixels in (1, 4, 5, 2**24 + 1, 2**31 - 1):
    assert int(share(np.int32(pixels))) == -(-pixels // 4)


def test_value_and_gradient_equal_those_of_top_k():
  outputs, _, batch = scenario(seed=3)
  logits, labels = outputs.semantic, batch.semantic

  def sorting(logits):
    losses = pixel_cross_entropy(logits, labels).ravel()
    hardest, _ = jax.lax.top_k(losses, math.ceil(losses.size / 4))
    return hardest.mean()

  value, gradient = jax.jit(jax.value_and_grad(sorting))(logits)
  np.testing.assert_allclose(_loss(logits, labels), value, rtol=1e-6)
  np.testing.assert_allclose(_gradient(logits, labels), gradient, rtol=1e-5, atol=1e-8)


VALUES = st.sampled_from([0.0, -0.0, 1e-30, 0.5, 1.0, 1.0000001, 3e38])


@given(st.lists(VALUES, min_size=12, max_size=12), st.integers(1, 12))
@settings(max_examples=60, deadline=None)
def test_the_weights_pick_the_largest_values_and_split_ties_evenly(values, k):
  values = np.float32(values)
  weights = np.asarray(_top_weights(values, k))
  threshold = np.sort(values)[-k]
  np.testing.assert_array_equal(weights[values > threshold], 1)
  np.testing.assert_array_equal(weights[values < threshold], 0)
  assert len(set(weights[values == threshold])) == 1
  np.testing.assert_allclose(weights.sum(), k, rtol=1e-6)


def test_the_weights_of_distinct_values_are_those_of_a_sort():
  values = np.abs(np.random.default_rng(0).normal(size=1000)).astype(np.float32)
  threshold = np.sort(values)[-137]
  np.testing.assert_array_equal(_top_weights(values, 137), values >= threshold)


def test_rounding_errors_below_zero_count_as_zero():
  weights = _top_weights(np.float32([-1e-7, 0, 2, -1e-7]), 2)
  np.testing.assert_allclose(weights, [1 / 3, 1 / 3, 1, 1 / 3], rtol=1e-6)


def test_nan_is_among_the_largest_whatever_its_sign():
  for nan in (np.nan, -np.nan):
    values = np.float32([1, nan, 5, np.inf])
    np.testing.assert_array_equal(_top_weights(values, 1), [0, 1, 0, 0])


def test_a_broken_logit_breaks_the_loss():
  outputs, _, batch = scenario()
  logits = outputs.semantic.copy()
  logits[2, 0, 0, 0] = np.nan
  assert np.isnan(_loss(logits, batch.semantic))


def test_a_batch_of_ignored_pixels_has_no_loss_and_no_gradient():
  outputs, _, batch = scenario()
  ignored = np.full_like(batch.semantic, 255)
  assert _loss(outputs.semantic, ignored) == 0
  np.testing.assert_array_equal(_gradient(outputs.semantic, ignored), 0)


def test_ignored_pixels_count_among_the_pixels():
  logits, labels = np.zeros((1, 2, 4, 3), np.float32), np.full((1, 2, 4), 255, np.int32)
  labels[0, 0, 0] = 1  # one of eight pixels, and the hardest two count
  np.testing.assert_allclose(_loss(logits, labels), np.log(3) / 2, rtol=1e-6)


def test_what_the_logits_say_at_ignored_pixels_does_not_matter():
  rng = np.random.default_rng(0)
  logits, labels = rng.normal(size=(1, 4, 4, 3)).astype(np.float32), np.ones((1, 4, 4), np.int32)
  labels[0, :2] = 255
  other = logits.copy()
  other[0, :2] = 100
  assert _loss(other, labels) == _loss(logits, labels)
  np.testing.assert_array_equal(_gradient(other, labels), _gradient(logits, labels))


def test_equal_pixels_share_the_gradient_equally():
  logits, labels = np.zeros((1, 2, 4, 3), np.float32), np.zeros((1, 2, 4), np.int32)
  of_a_pixel = np.float32([-2, 1, 1]) / 3 / 8
  expected = np.broadcast_to(of_a_pixel, logits.shape)
  np.testing.assert_allclose(_gradient(logits, labels), expected, rtol=1e-6)


def test_the_order_of_the_images_does_not_matter():
  outputs, _, batch = scenario()
  logits, labels = outputs.semantic, batch.semantic
  np.testing.assert_allclose(_loss(logits[::-1], labels[::-1]), _loss(logits, labels), rtol=1e-6)


def test_the_pool_is_the_whole_batch_not_the_image():
  logits = np.zeros((2, 2, 2, 2), np.float32)
  logits[0, ..., 0] = 20  # an easy image
  logits[1, ..., 1] = 20  # all hard pixels are in this one
  np.testing.assert_allclose(_loss(logits, np.zeros((2, 2, 2), np.int32)), 20, rtol=1e-6)


def test_half_precision_logits_are_scored_in_float32():
  outputs, _, batch = scenario()
  logits = jnp.asarray(outputs.semantic, jnp.bfloat16)
  loss = _loss(logits, batch.semantic)
  assert loss == _loss(logits.astype(jnp.float32), batch.semantic)
  assert loss.dtype == jnp.float32


@pytest.mark.parametrize("fraction", [0.0, -0.5, 1.5])
def test_a_fraction_outside_0_to_1_is_refused(fraction):
  logits, labels = np.zeros((1, 1, 1, 2), np.float32), np.zeros((1, 1, 1), np.int32)
  with pytest.raises(ValueError, match="above 0 and at most 1"):
    hard_cross_entropy(logits, labels, fraction=fraction)


def test_more_pixels_than_int32_can_count_are_refused():
  logits = jax.ShapeDtypeStruct((2**27, 1, 1, 2), jnp.float32)
  labels = jax.ShapeDtypeStruct((2**27, 4, 4), jnp.int32)
  with pytest.raises(ValueError, match="smaller batches"):
    jax.eval_shape(hard_cross_entropy, logits, labels)
