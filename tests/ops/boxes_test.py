import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from jppf_jax.ops import boxes as box_ops
from tests.oracles import boxes as oracle

SIZE = (24, 32)
RPN_STDS, BOX_STDS = (1.0, 1.0, 1.0, 1.0), (0.1, 0.1, 0.2, 0.2)
PROPOSAL = np.array([[10, 20, 50, 100]], np.float32)
TARGET = np.array([[14, 16, 62, 108]], np.float32)
EMPTY = np.array([[0, 0, 0, 0], [5, 5, 5, 9], [9, 5, 5, 9], [1, 2, 3, 4]], np.float32)
any_deltas = arrays(np.float32, (6, 4), elements=st.floats(-8, 8, width=32))
six_boxes = oracle.boxes_around(SIZE, 6, step=0.25)
six_boxes_not_empty = oracle.boxes_around(SIZE, 6, step=0.25, empty=False)


@settings(deadline=None, max_examples=60)
@given(oracle.boxes_around(SIZE, 6), oracle.boxes_around(SIZE, 4))
def test_areas_and_overlaps_equal_the_inclusive_convention(a, b):
  np.testing.assert_array_equal(box_ops.area(a), oracle.area(a))
  np.testing.assert_array_equal(box_ops.iou_matrix(a, b), oracle.iou_matrix(a, b))


@settings(deadline=None, max_examples=60)
@given(six_boxes_not_empty, six_boxes_not_empty)
def test_coding_equals_the_inclusive_convention(boxes, targets):
  for stds in (RPN_STDS, BOX_STDS):
    deltas = box_ops.encode(boxes, targets, stds)
    expected = [oracle.encode(box, target, stds) for box, target in zip(boxes, targets)]
    np.testing.assert_allclose(deltas, expected, rtol=1e-5, atol=1e-5)


@settings(deadline=None, max_examples=60)
@given(six_boxes_not_empty, any_deltas)
def test_decoding_equals_the_inclusive_convention(boxes, deltas):
  decoded = box_ops.decode(boxes, deltas, RPN_STDS)
  expected = [oracle.decode(box, delta, RPN_STDS) for box, delta in zip(boxes, deltas)]
  np.testing.assert_allclose(decoded, expected, rtol=1e-5, atol=1e-2)


@settings(deadline=None, max_examples=60)
@given(six_boxes)
def test_legacy_clipping_equals_the_inclusive_convention(boxes):
  expected = [oracle.clip(box, SIZE) for box in boxes]
  np.testing.assert_array_equal(box_ops.clip(boxes, SIZE), expected)


@settings(deadline=None, max_examples=60)
@given(six_boxes)
def test_exact_clipping_keeps_what_lies_in_the_image(boxes):
  height, width = SIZE
  clipped = np.asarray(box_ops.clip(boxes, SIZE, legacy=False))

  def area_in_image(x0, y0, x1, y1):
    visible_width = min(x1, width) - max(x0, 0)
    visible_height = min(y1, height) - max(y0, 0)
    return max(visible_width, 0) * max(visible_height, 0)

  expected = [area_in_image(*box) for box in boxes.tolist()]
  np.testing.assert_array_equal(box_ops.area(clipped), expected)
  assert (clipped >= 0).all() and (clipped <= [width, height, width, height]).all()


@settings(deadline=None, max_examples=60)
@given(oracle.boxes_around(SIZE, 6))
def test_overlap_is_symmetric_and_complete_with_itself(boxes):
  overlaps = np.asarray(box_ops.iou_matrix(boxes, boxes))
  np.testing.assert_array_equal(overlaps, overlaps.T)
  np.testing.assert_array_equal(np.diag(overlaps), np.asarray(box_ops.area(boxes)) > 0)
  assert ((overlaps >= 0) & (overlaps <= 1)).all()


@settings(deadline=None, max_examples=60)
@given(oracle.boxes_around(SIZE, 6, empty=False), oracle.boxes_around(SIZE, 6, empty=False))
def test_decoding_undoes_encoding_unless_a_side_grows_beyond_the_limit(boxes, targets):
  sides = boxes[:, 2:] - boxes[:, :2]
  target_sides = targets[:, 2:] - targets[:, :2]
  growth = target_sides / sides
  deltas = box_ops.encode(boxes, targets, BOX_STDS)
  decoded = box_ops.decode(boxes, deltas, BOX_STDS)
  side_possible = (growth < 62.5) & (growth > 1 / 62.5)
  possible = side_possible.all(-1)
  np.testing.assert_allclose(decoded[possible], targets[possible], rtol=1e-5, atol=2e-2)


def test_worked_values_of_efficientps():
  deltas = box_ops.encode(PROPOSAL, TARGET, (1, 1, 1, 1))
  np.testing.assert_allclose(deltas, [[0.2, 0.025, 0.18232159, 0.13976194]], rtol=1e-6)
  deltas = box_ops.encode(PROPOSAL, TARGET, BOX_STDS)
  np.testing.assert_allclose(deltas, [[2.0, 0.25, 0.91160798, 0.69880962]], rtol=1e-6)
  np.testing.assert_allclose(box_ops.iou_matrix(PROPOSAL, TARGET), [[0.60810810]], rtol=1e-7)
  clipped = box_ops.clip(box_ops.decode(PROPOSAL, deltas, BOX_STDS), (100, 60))
  np.testing.assert_allclose(clipped, [[14, 16, 60, 100]], rtol=1e-6)


def test_a_side_grows_at_most_by_the_factor_1000_over_16():
  deltas = np.array([[0.1, -0.2, 10, -0.3]], np.float32)
  decoded = box_ops.clip(box_ops.decode(PROPOSAL, deltas, RPN_STDS), (1000, 5000))
  np.testing.assert_allclose(decoded, [[0, 14.367271, 1284.0, 73.632729]], rtol=1e-6)
  shrunk = box_ops.decode(PROPOSAL, np.array([[0, 0, -10, -10]], np.float32), RPN_STDS)
  np.testing.assert_allclose(shrunk, [[30 - 0.32, 60 - 0.64, 30 + 0.32, 60 + 0.64]], rtol=1e-6)


def test_a_box_outside_the_image_becomes_one_pixel_wide_or_empty():
  outside = np.array([[-20, -20, -10, -10], [40, 30, 50, 45]], np.float32)
  np.testing.assert_array_equal(box_ops.clip(outside, SIZE), [[0, 0, 1, 1], [31, 23, 32, 24]])
  exact = box_ops.clip(outside, SIZE, legacy=False)
  np.testing.assert_array_equal(box_ops.area(exact), [0, 0])


def test_the_image_size_may_be_traced_and_differ_within_a_batch():
  boxes = np.broadcast_to(np.array([[-5, -5, 100, 100]], np.float32), (2, 1, 4))
  clipped = jax.jit(jax.vmap(box_ops.clip))(boxes, jnp.array([[10, 20], [30, 40]]))
  np.testing.assert_array_equal(clipped[:, 0], [[0, 0, 20, 10], [0, 0, 40, 30]])


def test_every_class_of_a_box_head_is_decoded_by_broadcasting():
  boxes = np.tile(PROPOSAL, (5, 1))
  deltas = np.random.default_rng(0).normal(size=(5, 3, 4)).astype(np.float32)
  decoded = box_ops.decode(boxes[:, None], deltas, BOX_STDS)
  assert decoded.shape == (5, 3, 4)
  one_class = box_ops.decode(boxes, deltas[:, 1], BOX_STDS)
  np.testing.assert_allclose(decoded[:, 1], one_class, rtol=1e-6)


def overlaps_both_ways(boxes):
  return box_ops.iou_matrix(boxes, TARGET) + box_ops.iou_matrix(TARGET, boxes).T


FUNCTIONS = {
  "area": box_ops.area,
  "iou_matrix": overlaps_both_ways,
  "encode": lambda boxes: box_ops.encode(boxes, boxes[::-1], BOX_STDS),
  "decode": lambda boxes: box_ops.decode(boxes, boxes, BOX_STDS),
  "clip": lambda boxes: box_ops.clip(boxes, SIZE),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_values_and_gradients_are_finite_for_empty_boxes(name):
  assert np.isfinite(FUNCTIONS[name](EMPTY)).all()
  gradient = jax.jit(jax.grad(lambda boxes: FUNCTIONS[name](boxes).sum()))
  assert np.isfinite(gradient(EMPTY)).all()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_bfloat16_boxes_are_computed_in_float32(name):
  rough = jnp.asarray(np.random.default_rng(0).uniform(0, 30, (4, 4)), jnp.bfloat16)
  compiled = jax.jit(FUNCTIONS[name])
  result = compiled(rough)
  assert result.dtype == jnp.float32
  np.testing.assert_array_equal(result, compiled(rough.astype(jnp.float32)))


def test_no_boxes_are_fine():
  none = np.zeros((0, 4), np.float32)
  assert box_ops.iou_matrix(none, TARGET).shape == (0, 1)
  assert box_ops.area(none).shape == (0,) and box_ops.clip(none, SIZE).shape == (0, 4)
