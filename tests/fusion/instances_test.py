"""Pasting and visiting windows equals doing so with whole images; the overlap filter equals its
oracle.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings

from jppf_jax.fusion.instances import Window, keep_instances, place, visit
from jppf_jax.ops.masks import paste
from tests.fusion.scenes import CAR, SIZE, detections, scenes
from tests.oracles import fusion as oracle


@jax.jit
def paste_by_windows(found):
  placed = place(found.mask_logits, found.boxes, SIZE)

  def step(images, window):
    piece = window.put(images[window.instance], window.paste(placed))
    return images.at[window.instance].set(piece)

  count = found.valid.size
  empty = jnp.zeros((count, *SIZE))
  return visit(placed.spans, jnp.arange(count), found.valid, SIZE, step, empty), placed


@jax.jit
def keep(found):
  placed = place(found.mask_logits, found.boxes, SIZE)
  candidates = found.valid & (found.scores > 0.5)
  return keep_instances(placed, candidates, overlap_threshold=0.5)


@settings(max_examples=20, deadline=None)
@given(scenes())
def test_windows_cover_all_pixels_that_a_mask_and_its_rectangle_reach(scene):
  found = scene[2]
  images, placed = paste_by_windows(found)
  for n in np.flatnonzero(found.valid):
    image = np.asarray(images[n])
    expected = oracle.paste(found.mask_logits[n], found.boxes[n], SIZE)
    np.testing.assert_allclose(image, expected, atol=1e-4)
    reached = (image != 0) | oracle.rectangle(found.boxes[n], SIZE)
    x0, y0, x1, y1 = placed.spans[n]
    assert reached[y0:y1, x0:x1].sum() == reached.sum()


@settings(max_examples=20, deadline=None)
@given(scenes())
def test_the_filter_equals_the_oracle(scene):
  np.testing.assert_array_equal(keep(scene[2]), oracle.keep_instances(scene[2], SIZE))


def test_every_pixel_of_a_span_is_fresh_exactly_once():
  spans = jnp.array([[3, 1, 38, 22], [0, 0, 0, 0], [5, 2, 6, 21]])

  def step(visits, window):
    fresh = window.fresh() & window.within(spans[window.instance])
    return window.put(visits, window.cut(visits) + fresh)

  order, active = jnp.array([2, 0, 1]), jnp.array([True, True, False])
  visits = visit(spans, order, active, SIZE, step, jnp.zeros(SIZE, jnp.int32))
  expected = np.zeros(SIZE, int)
  expected[1:, 3:] = 1
  np.testing.assert_array_equal(visits, expected)


def test_instances_are_visited_in_order_and_only_if_active():
  spans = jnp.array([[0, 0, 30, 3], [0, 0, 30, 20], [4, 4, 5, 5], [0, 0, 0, 9]])

  def step(seen, window):
    count, order = seen
    return count + 1, order.at[count].set(window.instance)

  start = jnp.zeros((), jnp.int32), jnp.full(9, -1)
  wanted, active = jnp.array([2, 3, 1, 0]), jnp.array([True, False, True, True])
  count, order = visit(spans, wanted, active, SIZE, step, start)
  # 1 is not active, 3 has an empty span, 0 needs two windows.
  assert count == 3 and order[:3].tolist() == [2, 0, 0]


@pytest.mark.parametrize("overlap, kept", [(14, True), (16, False)])
def test_more_than_half_of_the_mask_must_be_free(overlap, kept):
  left = 20 - overlap
  rows = [([0, 0, 20, 20], CAR, 0.9, 5.0), ([left, 0, left + 29, 19], CAR, 0.8, 5.0)]
  assert keep(detections(*rows))[:2].tolist() == [True, kept]


def test_areas_are_counted_once_if_a_window_is_moved_back_into_the_image():
  # Image rows 13..17 and 10..21: 5 of 12 are covered. Windows 10..17 and 14..21 share 4 rows.
  rows = [([0, 13, 11, 19], CAR, 0.9, 5.0), ([0, 10, 11, 23], CAR, 0.8, 5.0)]
  assert keep(detections(*rows))[:2].tolist() == [True, True]


def test_an_empty_mask_is_kept_and_takes_no_room():
  box = [0, 0, 20, 20]
  rows = [(box, CAR, 0.9, -5.0), (box, CAR, 0.8, 5.0), (box, CAR, 0.7, 5.0)]
  assert keep(detections(*rows))[:3].tolist() == [True, True, False]


def test_detections_below_the_score_and_padding_are_dropped():
  rows = [([0, 0, 9, 9], CAR, 0.9, 5.0), ([20, 0, 29, 9], CAR, 0.5, 5.0)]
  assert keep(detections(*rows)).tolist() == [True, False, False, False, False, False]


def test_the_whole_image_is_a_window_too():
  found = detections(([3, 2, 31, 18], CAR, 0.9, 5.0))
  zero = jnp.zeros((), jnp.int32)
  window = Window(zero, zero, zero, zero, zero, SIZE)
  whole = window.paste(place(found.mask_logits, found.boxes, SIZE))
  expected = paste(found.mask_logits[0], found.boxes[0], SIZE)
  np.testing.assert_allclose(whole, expected, atol=1e-6)


def test_masks_lie_on_the_whole_box_unless_legacy():
  found = detections(([4, 4, 33, 19], CAR, 0.9, 5.0))
  legacy = place(found.mask_logits, found.boxes, SIZE, legacy=True)
  exact = place(found.mask_logits, found.boxes, SIZE, legacy=False)
  assert exact.rows[0].sum() > legacy.rows[0].sum() + 0.5  # 15 pixels, not 14
