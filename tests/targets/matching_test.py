"""Matching against the matrix oracle on boxes that tie often; drawing: who, how many, how fair."""

from functools import partial

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

_match = partial(jax.jit, static_argnames=("positive_iou", "negative_iou", "min_positive_iou"))(
  match
)
_draw = jax.jit(draw, static_argnums=2)


def _assigned(boxes, candidates, objects, valid, **thresholds):
  """Our answer in the oracle's form."""
  found = _match(
    np.float32(boxes), np.asarray(candidates), np.float32(objects), np.asarray(valid), **thresholds
  )
  assert not (found.positive & found.negative).any()
  return np.where(found.positive, found.index, np.where(found.negative, -1, -2))


@given(st.integers(0, 2**32 - 1), st.sampled_from([RPN, REGIONS]))
@settings(max_examples=60, deadline=None)
def test_equals_the_matrix_oracle(seed, thresholds):
  rng = np.random.default_rng(seed)

  def boxes(n):
    low = rng.integers(0, 5, (n, 2))
    return np.concatenate([low, low + rng.integers(0, 6, (n, 2))], 1).astype(
      np.float32
    )  # some empty, many equal

  case = boxes(30), rng.random(30) < 0.8, boxes(5), rng.random(5) < 0.7
  np.testing.assert_array_equal(_assigned(*case, **thresholds), oracles.match(*case, **thresholds))


def test_an_object_claims_all_of_its_best_boxes_although_they_overlap_too_little():
  boxes = [[0, 0, 4, 4], [6, 0, 10, 4], [0, 0, 2, 2]]
  assert list(_assigned(boxes, [True] * 3, [[2, 0, 8, 4]], [True], **RPN)) == [
    -1,
    -1,
    -1,
  ]  # overlap 1/4
  assert list(_assigned(boxes, [True] * 3, [[1, 0, 9, 4]], [True], **RPN)) == [
    0,
    0,
    -1,
  ]  # overlap 1/3 each


def test_between_the_thresholds_a_box_is_for_nothing():
  boxes, objects = [[0, 0, 10, 10], [0, 0, 10, 5]], [[0, 0, 10, 10]]
  assert list(_assigned(boxes, [True] * 2, objects, [True], **RPN)) == [0, -2]


def test_of_two_objects_that_claim_one_box_the_later_gets_it():
  box, objects = [[0, 0, 10, 10]], [[0, 0, 10, 9], [0, 0, 10, 8]]
  assert list(_assigned(box, [True], objects, [True, True], **RPN)) == [1]
  assert list(_assigned(box, [True], objects[::-1], [True, True], **RPN)) == [1]
  assert list(_assigned(box, [True], objects, [True, False], **RPN)) == [0]


def test_boxes_that_do_not_take_part_are_for_nothing_and_take_nothing_away():
  boxes, objects = [[0, 0, 10, 10], [0, 0, 10, 4]], [[0, 0, 10, 10]]
  assert list(_assigned(boxes, [True, True], objects, [True], **RPN)) == [0, -2]
  assert list(_assigned(boxes, [False, True], objects, [True], **RPN)) == [-2, 0]


def test_without_objects_all_that_take_part_are_background():
  boxes = [[0, 0, 10, 10], [0, 0, 10, 4]]
  assert list(_assigned(boxes, [True, False], [[0, 0, 10, 10]], [False], **RPN)) == [-1, -2]


def test_without_candidates_nothing_is_assigned():
  assert list(_assigned([[0, 0, 10, 10]], [False], [[0, 0, 10, 10]], [True], **RPN)) == [-2]


def test_an_empty_object_gets_no_box():
  assert list(
    _assigned([[0, 0, 10, 10], [3, 3, 3, 3]], [True] * 2, [[3, 3, 3, 3]], [True], **RPN)
  ) == [-1, -1]


def test_the_order_of_objects_that_do_not_tie_does_not_matter():
  rng = np.random.default_rng(0)
  low = rng.random((40, 2)) * 20
  boxes = np.concatenate([low, low + 2 + rng.random((40, 2)) * 20], 1).astype(np.float32)
  objects, order = boxes[:6] + rng.random((6, 4)).astype(np.float32), np.array([3, 5, 0, 4, 1, 2])
  direct = _assigned(boxes, np.ones(40, bool), objects, np.ones(6, bool), **REGIONS)
  turned = _assigned(boxes, np.ones(40, bool), objects[order], np.ones(6, bool), **REGIONS)
  np.testing.assert_array_equal(np.where(turned >= 0, order[turned], turned), direct)
  assert len(set(direct)) > 4


@given(st.lists(st.booleans(), min_size=8, max_size=8), st.sampled_from([1, 3, 8, 12]))
@settings(max_examples=40, deadline=None)
def test_draws_as_many_as_there_are_up_to_the_limit_and_none_twice(mask, limit):
  rows, drawn = map(
    np.asarray, _draw(np.random.default_rng(0).random(8, np.float32), np.asarray(mask), limit)
  )
  chosen = rows[: min(sum(mask), limit)]
  assert drawn.tolist() == [True] * len(chosen) + [False] * (limit - len(chosen))
  assert len(set(chosen)) == len(chosen) and all(mask[row] for row in chosen)
  assert ((rows >= 0) & (rows < 8)).all()


def test_every_row_is_drawn_equally_often():
  mask = jnp.array([True, True, False, True, True, True])
  priorities = jax.random.uniform(jax.random.key(0), (4000, 6))
  rows, drawn = jax.jit(jax.vmap(lambda p: draw(p, mask, 2)))(priorities)
  assert drawn.all()
  for column in rows.T:  # the first of two as fair as the second, so a prefix of a draw is a draw
    counts = np.bincount(np.asarray(column), minlength=6)
    assert counts[2] == 0
    np.testing.assert_allclose(counts[[0, 1, 3, 4, 5]], 800, atol=4 * np.sqrt(4000 * 0.2 * 0.8))


@pytest.mark.parametrize("replicas", [2, 3])
def test_the_key_of_an_image_does_not_depend_on_the_number_of_replicas(replicas):
  key = jax.random.key(7)
  shards = jax.vmap(lambda _: image_keys(key, 6 // replicas, "batch"), axis_name="batch")(
    jnp.arange(replicas)
  )
  whole = jax.random.key_data(image_keys(key, 6))
  np.testing.assert_array_equal(jax.random.key_data(shards).reshape(whole.shape), whole)
  assert len({tuple(row) for row in np.asarray(whole)}) == 6
