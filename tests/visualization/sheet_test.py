"""Sheets show all pictures unchanged; legends show all colours."""

import numpy as np
import pytest

from jppf_jax.visualization.sheet import beside, fitted, grid, legend, stack


def solid(height, width, value):
  return np.full((height, width, 3), value, np.uint8)


def count(sheet, value):
  return int((sheet == value).all(-1).sum())


def test_a_grid_shows_every_picture_in_full_whatever_its_size():
  sheet = grid({"a": solid(20, 30, 11), "b": solid(10, 50, 22), "c": solid(25, 5, 33)}, columns=2)
  assert [count(sheet, value) for value in (11, 22, 33)] == [600, 500, 125]


def test_a_grid_wraps_into_rows_and_is_no_wider_than_its_pictures():
  pictures = {str(n): solid(40, 400, 10 + n) for n in range(3)}
  height, width, _ = grid(pictures, columns=5).shape  # one row
  assert 1200 < width < 1300 and height < 110
  height, width, _ = grid(pictures, columns=1).shape  # three rows
  assert 400 < width < 440 and height > 120


def test_titles_are_written():
  assert (grid({"some title": solid(20, 200, 99)}) < 60).any()
  assert not (grid({"": solid(20, 200, 99)}) < 60).any()


@pytest.mark.parametrize("pictures, columns", [({}, 2), ({"a": solid(2, 2, 0)}, 0)])
def test_a_grid_of_nothing_is_refused(pictures, columns):
  with pytest.raises(ValueError, match="at least one column"):
    grid(pictures, columns=columns)


def test_stacking_continues_narrow_pictures_in_white():
  stacked = stack([solid(2, 5, 7), solid(3, 3, 8)])
  assert stacked.shape == (5, 5, 3)
  assert (stacked[2:, 3:] == 255).all() and (stacked[2:, :3] == 8).all()


def test_a_legend_shows_every_colour_once_and_stays_within_its_width():
  colors = {f"class number {n}": np.array([200, n, 0], np.uint8) for n in range(30)}
  pattern = solid(64, 64, 123)
  strip = legend({"Classes": colors, "Parts": {}, "Other": {"void": pattern}}, width=600)
  assert strip.shape[1] == 600
  swatches = [count(strip, color) for color in colors.values()]
  assert min(swatches) == max(swatches) >= 100
  assert count(strip, 123) == swatches[0]


def test_a_legend_wraps_to_more_lines_when_narrow():
  entries = {"Classes": {f"class number {n}": np.array([200, n, 0], np.uint8) for n in range(30)}}
  narrow, wide = legend(entries, width=400), legend(entries, width=1000)
  assert narrow.shape[0] > 2 * wide.shape[0]


def test_an_empty_legend_is_a_white_strip():
  strip = legend({"Classes": {}, "Parts": {}}, width=300)
  assert strip.shape[1] == 300 and (strip == 255).all()


@pytest.mark.parametrize(
  "size, expected",
  [((30, 60), (50, 100)), ((60, 30), (80, 40)), ((8000, 2), (80, 8)), ((1, 900), (8, 100))],
)
def test_an_image_fits_into_its_box_and_strips_are_visible(size, expected):
  assert fitted(size, (80, 100)) == expected


def test_pictures_beside_each_other_are_continued_in_white():
  joined = beside([solid(2, 5, 7), solid(3, 3, 8)])
  assert joined.shape == (3, 8, 3)
  assert (joined[2, :5] == 255).all() and (joined[:, 5:] == 8).all()


def test_long_titles_and_names_are_cut():
  sheet = grid({"title" * 400: solid(20, 30, 99)})
  assert sheet.shape[1] < 200 and (sheet < 60).any()
  strip = legend({"Classes": {"name" * 400: np.array([200, 0, 0], np.uint8)}}, width=300)
  assert strip.shape[0] < 60 and count(strip, np.array([200, 0, 0])) > 50
