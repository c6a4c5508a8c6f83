from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from jppf_jax.ops.nms import nms
from tests.oracles import nms as oracle
from tests.oracles.boxes import boxes_around

COUNT = 12
IMPLS = ("auto", "sequential", "fixed_point")
THRESHOLDS = (0.0, 0.25, 0.5, 0.7, 1.0)
compiled = jax.jit(nms, static_argnames=("threshold", "impl"))
VALUES = st.sampled_from([-1.0, 0.0, 0.25, 0.5, 1.0])
scores_with_ties = arrays(np.float32, COUNT, elements=VALUES)


def random_boxes(rng, count):
  return np.cumsum(rng.integers(1, 20, (count, 2, 2)), 1).reshape(count, 4).astype(np.float32)


@settings(deadline=None, max_examples=120)
@given(
  boxes=boxes_around((6, 6), COUNT),
  scores=scores_with_ties,
  valid=arrays(np.bool_, COUNT),
  classes=arrays(np.int32, COUNT, elements=st.integers(1, 2)),
  threshold=st.sampled_from(THRESHOLDS),
)
def test_every_implementation_equals_the_greedy_oracle_ties_included(
  boxes, scores, valid, classes, threshold
):
  for impl in IMPLS:
    keep = compiled(boxes, scores, valid, classes=classes, threshold=threshold, impl=impl)
    np.testing.assert_array_equal(keep, oracle.nms(boxes, scores, valid, threshold, classes))


@pytest.mark.parametrize("impl", IMPLS)
def test_equals_the_oracle_on_many_boxes(impl):
  rng = np.random.default_rng(0)
  boxes, scores = random_boxes(rng, 300), rng.random(300).astype(np.float32)
  valid = rng.random(300) < 0.9
  keep = compiled(boxes, scores, valid, threshold=0.5, impl=impl)
  np.testing.assert_array_equal(keep, oracle.nms(boxes, scores, valid, 0.5))
  assert 50 < keep.sum() < 250


@pytest.mark.parametrize("impl", IMPLS)
def test_a_batch_equals_its_images_one_by_one(impl):
  rng = np.random.default_rng(1)
  boxes = np.stack([random_boxes(rng, 40) for _ in range(6)]).reshape(2, 3, 40, 4)
  scores, valid = rng.random((2, 3, 40)).astype(np.float32), rng.random((2, 3, 40)) < 0.8
  keep = jax.jit(jax.vmap(jax.vmap(partial(nms, threshold=0.3, impl=impl))))(boxes, scores, valid)
  expected = [
    [oracle.nms(boxes[i, j], scores[i, j], valid[i, j], 0.3) for j in range(3)] for i in range(2)
  ]
  np.testing.assert_array_equal(keep, expected)


@pytest.mark.parametrize("impl", IMPLS)
def test_an_overlap_of_exactly_the_threshold_survives(impl):
  boxes = [[0, 0, 4, 2], [0, 0, 4, 4], [0, 0, 4, 3]]  # IoU with the first: 1, 1/2, 2/3
  boxes = np.array(boxes, np.float32)
  scores, valid = np.array([3, 2, 1], np.float32), np.ones(3, bool)
  keep = compiled(boxes, scores, valid, threshold=0.5, impl=impl)
  np.testing.assert_array_equal(keep, [True, True, False])


@pytest.mark.parametrize("impl", IMPLS)
def test_a_suppressed_box_suppresses_nothing(impl):
  # Each box overlaps its neighbour by 2/4: all together are one chain.
  left = np.arange(30, dtype=np.float32)
  boxes = np.stack([left, 0 * left, left + 3, 0 * left + 1], -1)
  keep = compiled(boxes, -left, np.ones(30, bool), threshold=0.4, impl=impl)
  np.testing.assert_array_equal(keep, np.arange(30) % 2 == 0)


@pytest.mark.parametrize("impl", IMPLS)
def test_of_identical_boxes_with_equal_scores_the_first_valid_one_survives(impl):
  boxes = np.tile(np.array([[2, 2, 5, 5]], np.float32), (COUNT, 1))
  scores = np.zeros(COUNT, np.float32)
  keep = compiled(boxes, scores, np.arange(COUNT) > 3, threshold=0.7, impl=impl)
  np.testing.assert_array_equal(keep, np.arange(COUNT) == 4)


@pytest.mark.parametrize("impl", IMPLS)
def test_padding_with_the_best_score_neither_survives_nor_suppresses(impl):
  boxes = np.tile(np.array([[2, 2, 5, 5]], np.float32), (2, 1))
  scores, valid = np.array([np.inf, 0.1], np.float32), np.array([False, True])
  keep = compiled(boxes, scores, valid, threshold=0.5, impl=impl)
  np.testing.assert_array_equal(keep, [False, True])


@pytest.mark.parametrize("impl", IMPLS)
def test_bfloat16_scores_and_boxes_are_ordered_as_they_are_rounded(impl):
  boxes = jnp.array([[2, 2, 5, 5], [2, 2, 5, 5]], jnp.bfloat16)
  scores = jnp.array([0.5, 0.5001], jnp.bfloat16)  # equal in bfloat16: the first wins
  keep = compiled(boxes, scores, np.ones(2, bool), threshold=0.5, impl=impl)
  np.testing.assert_array_equal(keep, [True, False])


@pytest.mark.parametrize("impl", IMPLS)
def test_no_boxes_give_no_survivors(impl):
  boxes, scores, valid = zero_boxes(0)
  keep = compiled(boxes, scores, valid, threshold=0.5, impl=impl)
  assert keep.shape == (0,)


def zero_boxes(count):
  return np.zeros((count, 4), np.float32), np.zeros(count, np.float32), np.ones(count, bool)


def program_for(platform, impl):
  traced = jax.jit(partial(nms, threshold=0.5, impl=impl)).trace(*zero_boxes(4))
  return traced.lower(lowering_platforms=(platform,)).as_text()


@pytest.mark.parametrize(
  ("platform", "impl"), [("cpu", "sequential"), ("cuda", "fixed_point"), ("tpu", "fixed_point")]
)
def test_auto_takes_the_implementation_of_the_platform_it_is_compiled_for(platform, impl):
  def reduces_over_boxes(impl):
    return "stablehlo.reduce" in program_for(platform, impl)

  assert reduces_over_boxes("fixed_point") and not reduces_over_boxes("sequential")
  assert reduces_over_boxes("auto") == reduces_over_boxes(impl)


def test_ties_are_broken_by_a_stable_sort_on_every_platform():
  program = program_for("cuda", "auto")  # on CPU an unstable sort happens to be stable
  assert "is_stable = true" in program and "is_stable = false" not in program


def test_an_unknown_implementation_is_an_error():
  boxes, scores, valid = zero_boxes(1)
  with pytest.raises(ValueError, match="got 'greedy'"):
    nms(boxes, scores, valid, threshold=0.5, impl="greedy")
