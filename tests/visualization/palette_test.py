"""Colours that can be told apart."""

import numpy as np
import pytest

from jppf_jax.labels.cpp import cpp
from jppf_jax.visualization.palette import (
  class_colors,
  finite_range,
  hatch,
  heat,
  instance_color,
  part_colors,
)

SPEC = cpp()
GREY = [128, 128, 128]


def test_tables_have_the_colours_of_the_spec_and_black_for_unknown_ids():
  classes, parts = class_colors(SPEC), part_colors(SPEC)
  np.testing.assert_array_equal(classes[:19], SPEC.colors)
  np.testing.assert_array_equal(parts[1:10], SPEC.part_colors[1:])
  assert not classes[19:].any() and not parts[10:].any()
  assert parts[0].tolist() == [48, 48, 48]


@pytest.mark.parametrize("thing", range(SPEC.num_stuff, SPEC.num_classes))
def test_28_instances_of_a_class_are_pairwise_distinct_and_visible_on_black(thing):
  shades = np.array([instance_color(SPEC.colors[thing], n) for n in range(28)]).astype(int)
  distance = np.abs(shades[:, None] - shades[None]).sum(-1)
  is_other = ~np.eye(28, dtype=bool)
  assert distance[is_other].min() >= 6
  to_next = np.diagonal(distance, 1)
  assert to_next.min() >= 60
  assert shades.max(1).min() >= 150


def test_a_grey_class_has_grey_instances():
  grey = np.array([90, 90, 90], np.uint8)
  shade = instance_color(grey, 0).astype(int)
  assert np.ptp(shade) <= 30


def test_heat_rises_in_brightness_and_is_grey_for_values_that_are_not_finite():
  picture = heat(np.array([[-np.inf, 0.0, 1.0, 2.0, 3.0, np.nan]]))
  assert picture[0, 0].tolist() == picture[0, 5].tolist() == GREY
  brightness = picture[0, 1:5].astype(int).sum(-1)
  assert (np.diff(brightness) > 0).all()


def test_heat_is_clipped_to_the_given_range():
  below, low, high, above = heat(np.array([[-9.0, 0.0, 1.0, 9.0]]), 0, 1)[0]
  np.testing.assert_array_equal(below, low)
  np.testing.assert_array_equal(high, above)


def test_heat_of_a_constant_or_of_nothing_finite_is_defined():
  np.testing.assert_array_equal(heat(np.full((2, 3), 7)), heat(np.zeros((2, 3))))
  assert (heat(np.full((2, 3), -np.inf)) == 128).all()


def test_the_range_is_that_of_the_finite_values_unless_given():
  values = np.array([np.nan, -2.0, 5.0, np.inf])
  assert finite_range(values) == (-2, 5)
  assert finite_range(values, 0) == (0, 5)
  assert finite_range(values, high=1) == (-2, 1)
  assert finite_range(values[:1]) == (0, 0)


def test_the_hatching_is_mostly_black_with_diagonal_stripes():
  pattern = hatch((24, 24))
  assert 0.1 < (pattern > 0).mean() < 0.5
  np.testing.assert_array_equal(pattern[1:, :-1], pattern[:-1, 1:])


@pytest.mark.parametrize("period, grey", [(12, 3), (8, 2), (3, 1)])
def test_stripes_return_after_a_period_and_a_quarter_of_it_is_grey(period, grey):
  row = hatch((2, 5 * period), period=period)[0, :, 0] > 0
  assert row.reshape(5, period).tolist() == [[True] * grey + [False] * (period - grey)] * 5
