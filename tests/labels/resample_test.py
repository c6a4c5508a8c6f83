import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from jppf_jax.labels.resample import nearest, nearest_positions

LENGTHS = st.integers(1, 60)


@given(LENGTHS, LENGTHS)
def test_a_scaled_pixel_is_taken_from_the_pixel_that_contains_its_centre(length, scaled):
  found = nearest_positions(length, scaled)
  for i, source in enumerate(found.tolist()):
    twice_centre = (2 * i + 1) * length  # in units of 1 / (2 * scaled)
    assert 2 * scaled * source <= twice_centre + 1e-6 * scaled
    assert twice_centre <= 2 * scaled * (source + 1)


def test_both_axes_keep_their_own_scale():
  ids = np.arange(6).reshape(2, 3)
  expected = [[0, 1, 2], [0, 1, 2], [3, 4, 5], [3, 4, 5]]
  assert nearest(ids, (4, 3)).tolist() == expected
  assert nearest(ids, (2, 6)).tolist() == [[0, 0, 1, 1, 2, 2], [3, 3, 4, 4, 5, 5]]
  assert nearest(ids, (1, 1)).tolist() == [[4]]


def test_the_same_size_changes_nothing():
  ids = np.arange(37 * 91, dtype=np.int32).reshape(37, 91)
  np.testing.assert_array_equal(nearest(ids, (37, 91)), ids)
