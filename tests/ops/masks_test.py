from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from jppf_jax.ops.masks import (
  box_rectangle,
  crop_mask_targets,
  paste,
  paste_reach,
  paste_weights,
)
from tests.oracles import masks as oracle
from tests.oracles.boxes import boxes_around

SIZE = (20, 26)
COUNT = 4
MASK = np.random.default_rng(0).normal(size=(4, 6)).astype(np.float32)
pasted = {
  legacy: jax.jit(jax.vmap(partial(paste, size=SIZE, legacy=legacy), in_axes=(None, 0)))
  for legacy in (True, False)
}
rectangles = jax.jit(jax.vmap(partial(box_rectangle, size=SIZE)))
cropped = {size: jax.jit(partial(crop_mask_targets, size=size)) for size in (5, 8)}
sum_and_gradients = jax.jit(
  jax.value_and_grad(lambda mask, box: paste(mask, box, SIZE).sum(), (0, 1))
)


@settings(deadline=None, max_examples=40)
@given(boxes_around(SIZE, COUNT, step=0.25), st.booleans())
def test_pasting_equals_the_loop_oracle(boxes, legacy):
  expected = [oracle.paste(MASK, box, SIZE, legacy=legacy) for box in boxes]
  np.testing.assert_allclose(pasted[legacy](MASK, boxes), expected, atol=1e-4)


def test_a_pasted_mask_fades_in_over_half_a_cell():
  box = np.array([10, 10, 67, 67], np.float32)  # 56 pixels from the first to the last: 2 per cell
  image = paste(np.ones((28, 28), np.float32), box, (80, 80))
  np.testing.assert_allclose(image[8:12, 40], [0, 0.25, 0.75, 1], atol=1e-5)
  np.testing.assert_allclose(image[40, 64:68], [1, 0.75, 0.25, 0], atol=1e-5)


@pytest.mark.parametrize("low, high", [(3.2, 17.9), (-6.0, 4.0), (9.0, 9.0), (18.0, 40.0)])
def test_weights_can_begin_at_any_pixel_and_reach_as_far_as_said(low, high):
  ends = jnp.float32(low), jnp.float32(high)
  whole = paste_weights(*ends, cells=5, length=24)
  piece = paste_weights(*ends, cells=5, length=9, first=jnp.int32(7))
  np.testing.assert_allclose(piece, whole[7:16], atol=1e-6)
  reach = paste_reach(*ends, cells=5, length=24)
  np.testing.assert_array_equal(reach, np.asarray(whole).any(1))


def test_exact_pasting_puts_every_cell_back_where_it_was():
  box = np.array([3, 5, 3 + 6, 5 + 4], np.float32)  # one pixel per cell
  image = paste(MASK, box, SIZE, legacy=False)
  np.testing.assert_allclose(image[5:9, 3:9], MASK, atol=1e-6)
  assert np.count_nonzero(image) == MASK.size


@settings(deadline=None, max_examples=40)
@given(boxes_around(SIZE, COUNT, step=0.25, empty=False))
def test_a_constant_mask_never_exceeds_its_constant_and_reaches_half_a_cell_beyond_the_box(boxes):
  for box, image in zip(boxes, np.asarray(pasted[False](np.ones_like(MASK), boxes))):
    assert (image >= 0).all() and (image <= 1 + 1e-6).all()
    x0, y0, x1, y1 = box.tolist()
    half_cell_y, half_cell_x = (y1 - y0) / 4 / 2, (x1 - x0) / 6 / 2
    near = pixels_between(x0 - half_cell_x, y0 - half_cell_y, x1 + half_cell_x, y1 + half_cell_y)
    assert not image[~near].any()
    deep = pixels_between(x0 + half_cell_x, y0 + half_cell_y, x1 - half_cell_x, y1 - half_cell_y)
    np.testing.assert_allclose(image[deep], 1, rtol=1e-6)


def pixels_between(x0, y0, x1, y1):
  """Which pixel centres of the image are inside a rectangle."""
  rows, columns = np.arange(SIZE[0]) + 0.5, np.arange(SIZE[1]) + 0.5
  row_inside = (rows > y0) & (rows < y1)
  column_inside = (columns > x0) & (columns < x1)
  return row_inside[:, None] & column_inside


FROM_PIXEL_5_TO_PIXEL_5 = [5, 5, 6, 12]


@pytest.mark.parametrize("box", [[0, 0, 0, 0], [9, 9, 3, 12], FROM_PIXEL_5_TO_PIXEL_5])
def test_an_empty_box_pastes_nothing_and_has_finite_gradients(box):
  value, gradients = sum_and_gradients(MASK, np.array(box, np.float32))
  assert value == 0 and all(np.isfinite(gradient).all() for gradient in gradients)


def test_the_weights_of_one_axis_fall_linearly_to_zero_at_the_next_cell():
  low, high = jnp.float32(2), jnp.float32(6)  # cell centres at 3 and 5
  weights = paste_weights(low, high, cells=2, length=8, legacy=False)
  np.testing.assert_allclose(weights[:, 0], [0, 0.25, 0.75, 0.75, 0.25, 0, 0, 0], atol=1e-6)
  np.testing.assert_allclose(weights[:, 1], [0, 0, 0, 0.25, 0.75, 0.75, 0.25, 0], atol=1e-6)


def test_a_bfloat16_mask_is_pasted_in_float32():
  rough, box = jnp.asarray(MASK, jnp.bfloat16), np.array([2.3, 3.1, 20.2, 15.7], np.float32)
  image = paste(rough, box, SIZE)
  assert image.dtype == jnp.float32
  np.testing.assert_array_equal(image, paste(rough.astype(jnp.float32), box, SIZE))


@settings(deadline=None, max_examples=60)
@given(boxes_around(SIZE, COUNT, step=0.25))
def test_the_rectangle_covers_the_same_pixels_as_the_rule_of_efficientps(boxes):
  height, width = SIZE
  for box, rectangle in zip(boxes, np.asarray(rectangles(boxes))):
    pixels, expected = np.zeros(SIZE, bool), np.zeros(SIZE, bool)
    x0, y0, x1, y1 = rectangle
    assert 0 <= x0 <= width and 0 <= x1 <= width and 0 <= y0 <= height and 0 <= y1 <= height
    pixels[y0:y1, x0:x1] = True
    x0, y0, x1, y1 = oracle.box_rectangle(box, SIZE)
    expected[y0 : max(y1, 0), x0 : max(x1, 0)] = True
    np.testing.assert_array_equal(pixels, expected)


def test_a_margin_moves_each_side_of_the_rectangle_by_a_share_of_the_box():
  box = np.array([20, 30, 60, 50], np.float32)
  grown = box_rectangle(box, (99, 62), margin=0.1)
  np.testing.assert_array_equal(grown, box_rectangle(np.float32([16, 28, 64, 52]), (99, 62)))


def test_the_rectangle_drops_the_first_pixel_and_rounds_half_to_even():
  rectangle = box_rectangle(np.array([10.3, 0, 21.7, 9], np.float32), (99, 99))
  np.testing.assert_array_equal(rectangle, [11, 1, 21, 8])
  rectangle = box_rectangle(np.array([0, -0.5, 6.5, 7.5], np.float32), (99, 99))
  np.testing.assert_array_equal(rectangle, [1, 0, 5, 7])


INSTANCES = arrays(np.int32, SIZE, elements=st.integers(0, 2), fill=st.just(1))
IDS = arrays(np.int32, COUNT, elements=st.integers(0, 3))


@settings(deadline=None, max_examples=40)
@given(INSTANCES, IDS, boxes_around(SIZE, COUNT, step=0.25))
def test_mask_targets_equal_cropping_and_resizing_with_fractions(instance, ids, boxes):
  for size, crop in cropped.items():
    expected = [
      oracle.crop_mask_target(instance, wanted, box, size) for wanted, box in zip(ids, boxes)
    ]
    np.testing.assert_array_equal(crop(instance, ids, boxes), expected)


def test_a_target_as_large_as_its_box_is_the_mask_itself():
  instance = np.random.default_rng(0).integers(1, 3, (40, 40)).astype(np.int32)
  boxes = np.array([[3.9, 5.2, 31.9, 33.2]], np.float32)
  target = jax.jit(crop_mask_targets)(instance, np.array([2]), boxes)
  np.testing.assert_array_equal(target[0], instance[5:33, 3:31] == 2)


def test_a_sample_halfway_between_object_and_background_belongs_to_the_object():
  instance = np.array([[0, 7]], np.int32)  # three samples, at 0, 1/2 and 1
  boxes = np.array([[0, 0, 2, 1]] * 2, np.float32)
  targets = jax.jit(partial(crop_mask_targets, size=3))(instance, np.array([7, 0]), boxes)
  np.testing.assert_array_equal(targets[0], [[0, 1, 1]] * 3)
  assert not np.any(targets[1])  # id 0 is padding, not the background


def test_no_memory_is_spent_per_object_and_image_pixel():
  instance = jax.ShapeDtypeStruct((512, 1024), jnp.int32)
  ids = jax.ShapeDtypeStruct((64,), jnp.int32)
  boxes = jax.ShapeDtypeStruct((64, 4), jnp.float32)
  program = jax.jit(crop_mask_targets).lower(instance, ids, boxes).compile()
  limit = 64 * 28 * 28 * 4 * 16  # bytes, 3.2 MB; one bit per object and pixel would be 4.2 MB
  assert program.memory_analysis().temp_size_in_bytes < limit


def test_a_size_below_one_is_an_error():
  instance, boxes = np.zeros(SIZE, np.int32), np.zeros((1, 4), np.float32)
  with pytest.raises(ValueError, match="got 0"):
    crop_mask_targets(instance, np.array([1]), boxes, size=0)
