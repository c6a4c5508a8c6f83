import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jppf_jax.labels import runs


def starts_pixel_by_pixel(*maps):
  """Returns the first pixel of each run, one pixel after the other."""
  found, before = [], None
  for y, x in np.ndindex(*maps[0].shape[:2]):
    labels = [np.ravel(one[y, x]).tolist() for one in maps]
    if labels != before:
      found.append(y * maps[0].shape[1] + x)
    before = labels
  return found


@given(seed=st.integers(0, 2**16), dtype=st.sampled_from([np.uint8, np.int32, np.int64]))
def test_runs_begin_where_any_map_changes(seed, dtype):
  rng = np.random.default_rng(seed)
  uids = rng.integers(0, 2, (3, 7)).astype(np.int32) * 2_600_001
  channels = (rng.random((3, 7, 3)) < 0.1).astype(dtype)
  for maps in ([uids], [channels], [uids, channels], [channels, uids], [uids, uids.T.copy().T]):
    assert runs.starts(*maps).tolist() == starts_pixel_by_pixel(*maps)


@pytest.mark.parametrize("channel", range(3))
@pytest.mark.parametrize("pixel", range(1, 5))
def test_a_change_of_one_channel_begins_a_run_at_its_own_pixel(pixel, channel):
  labels = np.zeros((1, 6, 3), np.uint8)
  labels[0, pixel:, channel] = 1
  assert runs.starts(labels).tolist() == [0, pixel]


def test_one_run_may_cross_rows_and_an_empty_map_has_none():
  assert runs.starts(np.full((3, 5), 7)).tolist() == [0]
  assert runs.starts(np.zeros((0, 5), np.int32), np.zeros((0, 5, 3), np.uint8)).tolist() == []


@given(st.lists(st.integers(-(2**63), 2**63 - 1), max_size=20))
def test_distinct_values_are_sorted_and_found_again(values):
  values = np.array([*values, *values[::2]], np.int64)
  found, place = runs.distinct(values)
  assert found.tolist() == sorted(set(values.tolist()))
  np.testing.assert_array_equal(found[place], values)


@given(seed=st.integers(0, 2**16), height=st.integers(1, 5), width=st.integers(1, 6))
def test_regions_are_the_boxes_and_areas_of_each_label(seed, height, width):
  labels = np.random.default_rng(seed).integers(-1, 4, (height, width)) * 1_000_000
  found = runs.regions(labels)
  assert list(found) == sorted(set(labels.ravel().tolist()))
  for label, (rows, columns, area) in found.items():
    y, x = np.nonzero(labels == label)
    assert (rows.start, rows.stop) == (y.min(), y.max() + 1)
    assert (columns.start, columns.stop) == (x.min(), x.max() + 1)
    assert area == len(y)


def test_an_empty_map_has_no_region():
  assert runs.regions(np.zeros((0, 5), np.int32)) == {}
  assert runs.regions(np.zeros((5, 0), np.uint8)) == {}
