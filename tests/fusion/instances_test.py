"""Pasting tile by tile equals pasting whole images; the overlap filter equals its oracle."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings

from jppf_jax.fusion.instances import keep_instances, paste_into, place
from jppf_jax.fusion.tiles import visit, whole_image
from jppf_jax.ops.masks import paste
from tests.fusion.scenes import CAR, SIZE, detections, scenes
from tests.oracles import fusion as oracle

TILE = (8, 16)


@jax.jit
def paste_by_tiles(found):
  placed = place(found.mask_logits, found.boxes, SIZE)

  def step(images, n, tile):
    piece = tile.put(images[n], paste_into(tile, placed, n))
    return images.at[n].set(piece)

  count = found.valid.size
  empty = jnp.zeros((count, *SIZE))
  return visit(placed.spans, jnp.arange(count), found.valid, SIZE, TILE, step, empty), placed


@jax.jit
def keep(found):
  placed = place(found.mask_logits, found.boxes, SIZE)
  candidates = found.valid & (found.scores > 0.5)
  return keep_instances(placed, candidates, SIZE, TILE, overlap_threshold=0.5)


@settings(max_examples=20, deadline=None)
@given(scenes())
def test_tiles_cover_all_pixels_that_a_mask_and_its_rectangle_reach(scene):
  found = scene[2]
  images, placed = paste_by_tiles(found)
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


@pytest.mark.parametrize("overlap, kept", [(14, True), (16, False)])
def test_more_than_half_of_the_mask_must_be_free(overlap, kept):
  left = 20 - overlap
  rows = [([0, 0, 20, 20], CAR, 0.9, 5.0), ([left, 0, left + 29, 19], CAR, 0.8, 5.0)]
  assert keep(detections(*rows))[:2].tolist() == [True, kept]


def test_areas_are_counted_once_if_a_tile_is_moved_back_into_the_image():
  # Image rows 13..17 and 10..21: 5 of 12 are covered. Tiles 10..17 and 14..21 share 4 rows.
  rows = [([0, 13, 11, 19], CAR, 0.9, 5.0), ([0, 10, 11, 23], CAR, 0.8, 5.0)]
  assert keep(detections(*rows))[:2].tolist() == [True, True]


def test_an_empty_mask_is_kept_and_takes_no_room():
  box = [0, 0, 20, 20]
  rows = [(box, CAR, 0.9, -5.0), (box, CAR, 0.8, 5.0), (box, CAR, 0.7, 5.0)]
  assert keep(detections(*rows))[:3].tolist() == [True, True, False]


def test_detections_below_the_score_and_padding_are_dropped():
  rows = [([0, 0, 9, 9], CAR, 0.9, 5.0), ([20, 0, 29, 9], CAR, 0.5, 5.0)]
  assert keep(detections(*rows)).tolist() == [True, False, False, False, False, False]


def test_the_whole_image_is_a_tile_too():
  found = detections(([3, 2, 31, 18], CAR, 0.9, 5.0))
  first = jnp.zeros((), jnp.int32)
  whole = paste_into(whole_image(SIZE), place(found.mask_logits, found.boxes, SIZE), first)
  expected = paste(found.mask_logits[0], found.boxes[0], SIZE)
  np.testing.assert_allclose(whole, expected, atol=1e-6)


def test_masks_lie_on_the_whole_box_unless_legacy():
  found = detections(([4, 4, 33, 19], CAR, 0.9, 5.0))
  legacy = place(found.mask_logits, found.boxes, SIZE, legacy=True)
  exact = place(found.mask_logits, found.boxes, SIZE, legacy=False)
  assert (exact.extents - legacy.extents)[0].tolist() == [0, 0, 1, 1]
  assert exact.spans[0, 3] == legacy.spans[0, 3] + 1


def test_a_mask_ends_where_the_image_ends():
  found = detections(([3, 2, 31, 18], CAR, 0.9, 5.0))
  placed = place(found.mask_logits, found.boxes, SIZE, covered=(9, 20))
  whole = paste_into(whole_image(SIZE), placed, jnp.zeros((), jnp.int32))
  inside = np.zeros(SIZE, bool)
  inside[:9, :20] = True
  uncut = paste(found.mask_logits[0], found.boxes[0], SIZE)
  np.testing.assert_allclose(whole, np.where(inside, uncut, 0), atol=1e-6)
  assert placed.spans[0, 2:].tolist() == [20, 9]
