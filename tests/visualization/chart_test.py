"""Charts show lengths and places to scale: measured in the pixels of their colours."""

import numpy as np
import pytest

from jppf_jax.visualization import chart
from jppf_jax.visualization.chart import Panel, bars, panels, ticks

FIRST, SECOND = chart._COLORS[:2]


def where(picture, color):
  """Rows and columns of a colour, without the swatch of the legend (the last rows)."""
  return np.nonzero((picture[:-40] == color).all(-1))


def length(picture, color, rows):
  """Pixels of a colour in one row of the picture."""
  return int((picture[rows] == color).all(-1).sum())


def test_bars_are_as_long_as_their_values():
  picture = bars({"a": {"x": 1.0, "y": 3.0}, "b": {"x": 2.0}}, title="t", width=600)
  assert picture.shape[1] == 600
  rows = sorted({int(row) for row in where(picture, FIRST)[0]})
  top, bottom = rows[0] + 5, rows[-1] - 5  # in the bars of a and of b
  one = length(picture, FIRST, top)
  assert one > 50
  assert abs(length(picture, SECOND, top) - 3 * one) <= 3
  assert abs(length(picture, FIRST, bottom) - 2 * one) <= 2
  assert length(picture, SECOND, bottom) == 0
  x_end = where(picture, FIRST)[1][where(picture, FIRST)[0] == top].max()
  y_start = where(picture, SECOND)[1].min()
  assert 1 <= y_start - x_end <= 2  # side by side


def test_a_chart_of_nothing_is_refused():
  with pytest.raises(ValueError, match="length above 0"):
    bars({"a": {"x": 0.0}}, title="t")
  with pytest.raises(ValueError, match="each a line"):
    panels([Panel("t", {})], columns=1)


def test_lines_go_through_their_points_and_up_is_more():
  panel = Panel("t", {"rises": [(0, 0), (10, 5)], "high": [(10, 10), (0, 10)]})
  picture = panels([panel], columns=1)
  rows, columns = where(picture, FIRST)
  left, right = rows[columns == columns.min()].mean(), rows[columns == columns.max()].mean()
  top = where(picture, SECOND)[0].mean()
  assert abs((left - right) - (right - top)) <= 4  # 5 is half way to 10
  assert left > right > top


def test_a_name_has_one_colour_in_all_panels_and_panels_have_places():
  one, two = Panel("t", {"a": [(1, 1)], "b": [(1, 2)]}), Panel("t", {"b": [(1, 2)]})
  picture = panels([one, two, two], columns=2)
  rows, columns = where(picture, SECOND)
  height, width = chart._PANEL
  assert picture.shape[1] == 2 * width
  places = {(int(r) // height, int(c) // width) for r, c in zip(rows, columns)}
  assert places == {(0, 0), (0, 1), (1, 0)}
  assert {int(c) // width for c in where(picture, FIRST)[1]} == {0}


@pytest.mark.parametrize(
  "largest, expected",
  [
    (4, [0, 1, 2, 3, 4]),
    (0.3, [0, 0.1, 0.2, 0.3]),
    (300, [0, 100, 200, 300]),
    (2.1, [0, 1, 2, 3]),
    (0, [0, 1]),
  ],
)
def test_axes_begin_at_0_and_have_few_round_numbers(largest, expected):
  assert ticks(largest) == expected


def test_an_axis_reaches_what_it_shows():
  for largest in np.geomspace(1e-4, 1e5, 200):
    found = ticks(largest)
    assert found[-1] >= largest and 2 <= len(found) <= 6
