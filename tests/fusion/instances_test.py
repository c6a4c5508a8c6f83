"""Pasting and visiting by windows give what whole images give; the overlap filter equals its
oracle.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings

from jppf_jax.fusion import instances
from jppf_jax.fusion.instances import Window, keep_instances, place, visit
from jppf_jax.ops.masks import paste
from tests.fusion.scenes import CAR, SIZE, detections, scenes
from tests.oracles import fusion as oracle


@pytest.fixture(scope="module", autouse=True)
def windows_smaller_than_the_image():
  before, instances._CPU_WINDOW = instances._CPU_WINDOW, (8, 16)
  yield
  instances._CPU_WINDOW = before


@jax.jit
def paste_by_windows(found):
  placed = place(found.mask_logits, found.boxes, SIZE)

  def step(images, window):
    piece = window.put(images[window.instance], window.paste(placed))
    return images.at[window.instance].set(piece)

  everyone = jnp.arange(found.valid.size)
  return visit(
    placed.spans, everyone, found.valid, SIZE, step, jnp.zeros((found.valid.size, *SIZE))
  ), placed


@jax.jit
def keep(found):
  candidates = found.valid & (found.scores > 0.5)
  return keep_instances(
    place(found.mask_logits, found.boxes, SIZE), candidates, overlap_threshold=0.5
  )


@settings(max_examples=20, deadline=None)
@given(scenes())
def test_windows_cover_all_that_a_mask_and_its_rectangle_reach(scene):
  found = scene[2]
  images, placed = paste_by_windows(found)
  for n in np.flatnonzero(found.valid):
    np.testing.assert_allclose(
      images[n], oracle.paste(found.mask_logits[n], found.boxes[n], SIZE), atol=1e-4
    )
    reached = (np.asarray(images[n]) != 0) | oracle.rectangle(found.boxes[n], SIZE)
    x0, y0, x1, y1 = placed.spans[n]
    assert reached[y0:y1, x0:x1].sum() == reached.sum()


@settings(max_examples=20, deadline=None)
@given(scenes())
def test_the_filter_equals_the_oracle(scene):
  np.testing.assert_array_equal(keep(scene[2]), oracle.keep_instances(scene[2], SIZE))


def test_every_pixel_of_a_span_is_fresh_exactly_once():
  spans = jnp.array([[3, 1, 38, 22], [0, 0, 0, 0], [5, 2, 6, 21]])

  def step(visits, window):
    return window.put(
      visits, window.cut(visits) + (window.fresh() & window.within(spans[window.instance]))
    )

  visits = visit(
    spans,
    jnp.array([2, 0, 1]),
    jnp.array([True, True, False]),
    SIZE,
    step,
    jnp.zeros(SIZE, jnp.int32),
  )
  np.testing.assert_array_equal(visits, np.pad(np.ones((21, 35), int), ((1, 0), (3, 0))))


def test_instances_are_visited_in_order_and_only_if_active():
  spans = jnp.array([[0, 0, 30, 3], [0, 0, 30, 20], [4, 4, 5, 5], [0, 0, 0, 9]])

  def step(seen, window):
    count, order = seen
    return count + 1, order.at[count].set(window.instance)

  start = jnp.zeros((), jnp.int32), jnp.full(9, -1)
  count, order = visit(
    spans, jnp.array([2, 3, 1, 0]), jnp.array([True, False, True, True]), SIZE, step, start
  )
  assert count == 3 and order[:3].tolist() == [
    2,
    0,
    0,
  ]  # 1 is not active, 3 has an empty span, 0 needs two windows


@pytest.mark.parametrize("overlap, kept", [(14, True), (16, False)])
def test_more_than_half_of_the_mask_must_be_free(overlap, kept):
  rows = [
    ([0, 0, 20, 20], CAR, 0.9, 5.0),
    ([20 - overlap, 0, 20 - overlap + 29, 19], CAR, 0.8, 5.0),
  ]
  assert keep(detections(*rows))[:2].tolist() == [True, kept]


def test_areas_are_counted_once_where_windows_are_pushed_back_into_the_image():
  rows = [
    ([0, 13, 11, 19], CAR, 0.9, 5.0),
    ([0, 10, 11, 23], CAR, 0.8, 5.0),
  ]  # rows 13..17 and 10..21
  assert keep(detections(*rows))[:2].tolist() == [
    True,
    True,
  ]  # 5 of 12; windows 10..17 and 14..21 share 4 rows


def test_an_empty_mask_is_kept_and_takes_no_room():
  rows = [
    ([0, 0, 20, 20], CAR, 0.9, -5.0),
    ([0, 0, 20, 20], CAR, 0.8, 5.0),
    ([0, 0, 20, 20], CAR, 0.7, 5.0),
  ]
  assert keep(detections(*rows))[:3].tolist() == [True, True, False]


def test_detections_below_the_score_and_padding_are_dropped():
  rows = [([0, 0, 9, 9], CAR, 0.9, 5.0), ([20, 0, 29, 9], CAR, 0.5, 5.0)]
  assert keep(detections(*rows)).tolist() == [True, False, False, False, False, False]


def test_the_whole_image_is_a_window_too():
  found = detections(([3, 2, 31, 18], CAR, 0.9, 5.0))
  zero = jnp.zeros((), jnp.int32)
  whole = Window(zero, zero, zero, zero, zero, SIZE).paste(
    place(found.mask_logits, found.boxes, SIZE)
  )
  np.testing.assert_allclose(whole, paste(found.mask_logits[0], found.boxes[0], SIZE), atol=1e-6)


def test_masks_lie_on_the_whole_box_unless_legacy():
  found = detections(([4, 4, 33, 19], CAR, 0.9, 5.0))
  legacy, exact = (
    place(found.mask_logits, found.boxes, SIZE, legacy=legacy).rows[0] for legacy in (True, False)
  )
  assert np.asarray(exact).sum() > np.asarray(legacy).sum() + 0.5  # 15 pixels instead of 14
