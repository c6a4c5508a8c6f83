"""Pieces of few pixels disappear, and everything else stays as it is."""

import numpy as np
import pytest
from skimage import measure

from jppf_jax.labels.small_pieces import without_small
from tests.conversion import scenes


def areas(labels):
  pieces = measure.label(labels, background=-1, connectivity=1)
  return np.bincount(pieces.ravel())[1:]


def scene():
  """A floor, and a robot with an arm; the rest is void."""
  uids = np.zeros((20, 30), np.int32)
  uids[10:] = 1
  uids[2:18, 4:14] = 2_001
  uids[2:8, 4:14] = 200_101
  return uids


@pytest.mark.parametrize(
  "place, uid, becomes",
  [
    ((15, 20), 0, 1),  # void in the floor
    ((15, 20), 4_001, 1),  # an object in the floor
    ((1, 20), 4_001, 0),  # an object in void
    ((12, 8), 1, 2_001),  # floor in an object without part
    ((5, 8), 7, 200_101),  # stuff in a part
    ((5, 8), 200_103, 200_101),  # a part in another one
    ((5, 8), 2_001, 200_101),  # a pixel without a part in a part
    ((12, 8), 200_103, 2_001),  # a part on its own in an object
  ],
)
def test_a_small_piece_becomes_what_is_around_it(place, uid, becomes):
  uids = scene()
  uids[place] = uid
  expected = scene()
  assert expected[place] == becomes
  np.testing.assert_array_equal(without_small(uids, 2), expected)


def test_pieces_of_the_least_area_stay_and_nothing_is_small_without_one():
  uids = scene()
  uids[15, 20:23] = 4_001
  np.testing.assert_array_equal(without_small(uids, 3), uids)
  for none in (0, 1):
    assert without_small(uids, none) is uids
  np.testing.assert_array_equal(without_small(uids, 4), scene())


def test_parts_that_are_all_small_leave_their_object_without_parts():
  uids = np.zeros((8, 8), np.int32)
  uids[2:4, 2:6] = np.where(np.arange(4) < 2, 200_101, 200_103)
  expected = np.where(uids > 0, 2_001, 0)
  np.testing.assert_array_equal(without_small(uids, 5), expected)


def test_an_image_of_small_pieces_only_becomes_void():
  assert not without_small(np.arange(12).reshape(3, 4), 3).any()


@pytest.mark.parametrize("size", [(30, 41), (41, 30), (1, 30)])
def test_no_small_piece_is_left(size):
  rng = np.random.default_rng(size[1])
  for min_area in (2, 5, 12):
    uids = scenes.random_uids(rng, size)
    found = without_small(uids, min_area)
    assert set(np.unique(found)) <= set(np.unique(uids)) | set(np.unique(uids // 100)) | {0}
    objects = np.where(found >= 100_000, found // 100, found)
    assert not found.any() or areas(objects).min() >= min_area
    assert not found.any() or areas(found).min() >= min_area


def test_a_part_is_filled_from_its_own_object_though_another_is_nearer():
  uids = np.full((3, 12), 200_201, np.int32)
  uids[1, :6] = uids[:, :2] = 200_101
  uids[1, 4:6] = 200_103
  expected = np.where(uids == 200_103, 200_101, uids)
  np.testing.assert_array_equal(without_small(uids, 3), expected)
