import numpy as np
import pytest
from skimage import color

from jppf_jax.labels import distinct_colors
from jppf_jax.labels.tables import part_colors

NONE = np.zeros((0, 3), np.uint8)


def least(colors):
  """Returns the smallest CIEDE2000 difference of two of the colours, as scikit-image has it."""
  lab = color.rgb2lab(np.asarray(colors, np.uint8)[None])[0]
  differences = color.deltaE_ciede2000(lab[:, None], lab[None])
  return differences[np.triu_indices(len(lab), 1)].min()


def test_colours_that_differ_stay():
  wanted = np.array([[230, 25, 75], [60, 180, 75], [255, 225, 25]], np.uint8)
  taken = np.array([[0, 130, 200]], np.uint8)
  np.testing.assert_array_equal(distinct_colors.apart(wanted, taken), wanted)


def test_a_colour_that_looks_like_one_before_it_or_a_taken_one_or_void_is_replaced():
  red, black, blue = [230, 25, 75], [5, 5, 5], [0, 130, 200]
  wanted = np.array([red, [225, 30, 70], blue, black], np.uint8)
  taken = np.array([[5, 125, 205]], np.uint8)
  result = distinct_colors.apart(wanted, taken)
  np.testing.assert_array_equal(result[0], red)
  assert (result[1:] != wanted[1:]).any(1).all()
  assert least(np.concatenate([result, taken, [[0, 0, 0]]])) >= distinct_colors.LEAST


def test_a_result_does_not_depend_on_later_colours():
  wanted = part_colors(41)[1:]
  some, more = (distinct_colors.apart(wanted[:count], NONE) for count in (20, 40))
  np.testing.assert_array_equal(more[:20], some)


@pytest.mark.parametrize("count, difference", [(30, 16), (60, 11), (150, 6)])
def test_there_is_room_for_about_thirty_colours(count, difference):
  wanted = np.full((count, 3), 255, np.uint8)
  assert least(distinct_colors.apart(wanted, NONE)) >= difference
