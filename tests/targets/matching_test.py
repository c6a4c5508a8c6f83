"""Matching against the matrix oracle on boxes that tie often; samples are fair and full."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jppf_jax.targets.matching import draw, image_keys, match
from tests.oracles import targets as oracles

RPN = {"positive_iou": 0.7, "negative_iou": 0.3, "min_positive_iou": 0.3}
REGIONS = {"positive_iou": 0.5, "negative_iou": 0.5, "min_positive_iou": 0.5}

_match = jax.jit(match, static_argnames=("positive_iou", "negative_iou", "min_positive_iou"))
_draw = jax.jit(draw, static_argnums=2)


BACKGROUND, IGNORED = -1, -2


def _assigned(boxes, candidates, objects, valid, **thresholds):
  """Our answer in the oracle's form."""
  boxes, objects = np.float32(boxes), np.float32(objects)
  found = _match(boxes, np.asarray(candidates), objects, np.asarray(valid), **thresholds)
  assert not (found.positive & found.negative).any()
  without_object = np.where(found.negative, BACKGROUND, IGNORED)
  return np.where(found.positive, found.index, without_object)


def _assigned_by_rpn(boxes, objects, *, candidates=None, valid=None):
  """With the thresholds of the RPN; all boxes take part and all objects are valid if not given."""
  candidates = candidates or [True] * len(boxes)
  valid = valid or [True] * len(objects)
  return _assigned(boxes, candidates, objects, valid, **RPN).tolist()


@given(st.integers(0, 2**32 - 1), st.sampled_from([RPN, REGIONS]))
@settings(max_examples=60, deadline=None)
def test_equals_the_matrix_oracle(seed, thresholds):
  rng = np.random.default_rng(seed)

  def boxes(n):  # some empty, many equal
    low = rng.integers(0, 5, (n, 2))
    sides = rng.integers(0, 6, (n, 2))
    return np.concatenate([low, low + sides], 1).astype(np.float32)

  case = boxes(30), rng.random(30) < 0.8, boxes(5), rng.random(5) < 0.7
  np.testing.assert_array_equal(_assigned(*case, **thresholds), oracles.match(*case, **thresholds))


def test_an_object_claims_all_of_its_best_boxes_although_they_overlap_too_little():
  boxes = [[0, 0, 4, 4], [6, 0, 10, 4], [0, 0, 2, 2]]
  overlap_a_quarter, overlap_a_third = [[2, 0, 8, 4]], [[1, 0, 9, 4]]
  assert _assigned_by_rpn(boxes, overlap_a_quarter) == [BACKGROUND] * 3
  assert _assigned_by_rpn(boxes, overlap_a_third) == [0, 0, BACKGROUND]


def test_between_the_thresholds_a_box_is_ignored():
  boxes, objects = [[0, 0, 10, 10], [0, 0, 10, 5]], [[0, 0, 10, 10]]
  assert _assigned_by_rpn(boxes, objects) == [0, IGNORED]


def test_of_two_objects_that_claim_one_box_the_later_gets_it():
  box, objects = [[0, 0, 10, 10]], [[0, 0, 10, 9], [0, 0, 10, 8]]
  assert _assigned_by_rpn(box, objects) == [1]
  assert _assigned_by_rpn(box, objects[::-1]) == [1]
  assert _assigned_by_rpn(box, objects, valid=[True, False]) == [0]


def test_boxes_that_do_not_take_part_are_ignored_and_keep_no_object_from_others():
  boxes, objects = [[0, 0, 10, 10], [0, 0, 10, 4]], [[0, 0, 10, 10]]
  assert _assigned_by_rpn(boxes, objects) == [0, IGNORED]
  assert _assigned_by_rpn(boxes, objects, candidates=[False, True]) == [IGNORED, 0]


def test_without_objects_all_that_take_part_are_background():
  boxes, objects = [[0, 0, 10, 10], [0, 0, 10, 4]], [[0, 0, 10, 10]]
  found = _assigned_by_rpn(boxes, objects, candidates=[True, False], valid=[False])
  assert found == [BACKGROUND, IGNORED]


def test_without_candidates_nothing_is_assigned():
  box = [[0, 0, 10, 10]]
  assert _assigned_by_rpn(box, box, candidates=[False]) == [IGNORED]


def test_an_empty_object_gets_no_box():
  empty = [3, 3, 3, 3]
  assert _assigned_by_rpn([[0, 0, 10, 10], empty], [empty]) == [BACKGROUND] * 2


def test_the_order_of_objects_that_do_not_tie_does_not_matter():
  rng = np.random.default_rng(0)
  low = rng.random((40, 2)) * 20
  high = low + 2 + rng.random((40, 2)) * 20
  boxes = np.concatenate([low, high], 1).astype(np.float32)
  objects = boxes[:6] + rng.random((6, 4)).astype(np.float32)
  order = np.array([3, 5, 0, 4, 1, 2])
  all_boxes, all_objects = np.ones(40, bool), np.ones(6, bool)
  direct = _assigned(boxes, all_boxes, objects, all_objects, **REGIONS)
  turned = _assigned(boxes, all_boxes, objects[order], all_objects, **REGIONS)
  turned_back = np.where(turned >= 0, order[turned], turned)
  np.testing.assert_array_equal(turned_back, direct)
  assert len(set(direct)) > 4


@given(st.lists(st.booleans(), min_size=8, max_size=8), st.sampled_from([1, 3, 8, 12]))
@settings(max_examples=40, deadline=None)
def test_draws_as_many_as_there_are_up_to_the_limit_and_none_twice(mask, limit):
  priorities = np.random.default_rng(0).random(8, np.float32)
  rows, drawn = map(np.asarray, _draw(priorities, np.asarray(mask), limit))
  count = min(sum(mask), limit)
  chosen = rows[:count]
  assert drawn.tolist() == [True] * count + [False] * (limit - count)
  assert len(set(chosen)) == count and all(mask[row] for row in chosen)
  assert ((rows >= 0) & (rows < 8)).all()


def test_each_row_is_drawn_equally_often():
  mask = jnp.array([True, True, False, True, True, True])
  priorities = jax.random.uniform(jax.random.key(0), (4000, 6))
  rows, drawn = jax.jit(jax.vmap(lambda p: draw(p, mask, 2)))(priorities)
  assert drawn.all()
  four_deviations = 4 * np.sqrt(4000 * 0.2 * 0.8)
  for column in rows.T:  # the first of two is as fair as the second: a prefix is a sample, too
    counts = np.bincount(np.asarray(column), minlength=6)
    assert counts[2] == 0
    np.testing.assert_allclose(counts[[0, 1, 3, 4, 5]], 800, atol=four_deviations)


@pytest.mark.parametrize("replicas", [2, 3])
def test_the_key_of_an_image_does_not_depend_on_the_number_of_replicas(replicas):
  key = jax.random.key(7)
  of_replica = jax.vmap(lambda _: image_keys(key, 6 // replicas, "batch"), axis_name="batch")
  shards = of_replica(jnp.arange(replicas))
  whole = jax.random.key_data(image_keys(key, 6))
  np.testing.assert_array_equal(jax.random.key_data(shards).reshape(whole.shape), whole)
  assert len({tuple(row) for row in np.asarray(whole)}) == 6
