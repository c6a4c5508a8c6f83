"""Enlarged id maps: round where the true shape is, no id moves far, no work without bound."""

import numpy as np
import pytest

from jppf_jax.labels.resample import nearest
from jppf_jax.visualization import smooth


def disk(size, radius):
  """Returns a disk of 1 in the middle of a square of zeros."""
  y, x = np.mgrid[:size, :size] + 0.5 - size / 2
  return (y**2 + x**2 < radius**2).astype(int)


def enlarge(ids, size):
  return smooth.enlarged(smooth.find_regions([ids]), size)[0]


def wrong_share(found, factor, radius):
  """Returns the share of the disk's area that differs from the true disk at this size."""
  truth = disk(len(found), factor * radius)
  return (found != truth).sum() / truth.sum()


@pytest.mark.parametrize("factor", [3, 5.3, 8])
def test_an_enlarged_disk_is_rounder_than_its_pixels(factor):
  small = disk(32, 9.3)
  size = (round(32 * factor),) * 2
  steps = wrong_share(nearest(small, size), factor, 9.3)
  assert wrong_share(enlarge(small, size), factor, 9.3) < 0.8 * steps


def test_maps_that_were_enlarged_before_become_as_smooth():
  small = sum(np.roll(disk(32, r), 5 * r, (0, 1)) for r in range(2, 9)) + disk(32, 15)
  blocks = nearest(small, (75, 75))  # as predictions are brought to the size of the photo
  assert smooth.own_length([blocks]) == smooth.own_length([blocks.T]) == 32
  np.testing.assert_array_equal(enlarge(blocks, (160, 160)), enlarge(small, (160, 160)))


def test_maps_of_few_edges_keep_their_pixels():
  boxes = np.zeros((40, 60), int)
  boxes[5:30, 10:20] = 1
  assert smooth.own_length([boxes]) == 40 and smooth.own_length([boxes.T]) == 60


@pytest.mark.parametrize("size", [(20, 30), (40, 60), (33, 10), (10, 200), (120, 180), (7, 1)])
def test_each_pixel_has_the_ids_of_a_source_pixel_next_to_it(size):
  random = np.random.default_rng(0)
  maps = [nearest(random.integers(0, 3, (8, 12)), (40, 60)) for _ in range(3)]
  maps[0][random.random((40, 60)) < 0.2] = 255
  found = smooth.enlarged(smooth.find_regions(maps), size)
  rows = ((np.arange(size[0]) + 0.5) * 40 / size[0]).astype(int)
  columns = ((np.arange(size[1]) + 0.5) * 60 / size[1]).astype(int)
  near = np.zeros(size, bool)
  for dy in (-1, 0, 1):
    for dx in (-1, 0, 1):
      y, x = (rows + dy).clip(0, 39)[:, None], (columns + dx).clip(0, 59)
      near |= np.all([ids[y, x] == map_ for ids, map_ in zip(maps, found)], axis=0)
  assert near.all()


def test_lines_of_one_pixel_survive():
  lines = np.zeros((40, 40), int)
  lines[:, 9] = 1
  lines[np.arange(40), np.arange(40)[::-1]] = 2
  found = enlarge(lines, (160, 160))
  assert (found == 1).any(1).mean() > 0.95 and (found == 2).any(1).mean() > 0.95


def test_a_smaller_map_is_that_of_the_nearest_pixels():
  ids = np.random.default_rng(0).integers(0, 9, (40, 60))
  np.testing.assert_array_equal(enlarge(ids, (21, 31)), nearest(ids, (21, 31)))


def test_noise_is_that_of_the_nearest_pixels():
  noise = np.random.default_rng(0).integers(0, 100_000, (200, 300))
  np.testing.assert_array_equal(enlarge(noise, (400, 600)), nearest(noise, (400, 600)))


def test_at_the_enlargement_from_which_boundaries_are_smooth_they_are_not_yet():
  regions = smooth.find_regions([disk(32, 9.3)])
  steps = nearest(disk(32, 9.3), (96, 96))
  (found,) = smooth.enlarged(regions, (96, 96), smooth_from=3.0)
  np.testing.assert_array_equal(found, steps)
  (found,) = smooth.enlarged(regions, (96, 96), smooth_from=2.99)
  assert (found != steps).any()


def test_a_pixel_between_two_regions_belongs_to_the_one_of_the_smaller_id():
  halves = np.repeat([[3, 5]], 4, 0)
  found = enlarge(halves, (6, 3))  # the boundary is in the middle of the second pixel
  np.testing.assert_array_equal(found, np.repeat([[3, 3, 5]], 6, 0))
