import re

import pytest

from jppf_jax.report import charts


def axes(**changes):
  settings = {"x": (0, 10), "y": (0, 1), "x_name": "n", "y_ticks": [0, 1], "x_ticks": [(0, "0")]}
  return charts.Axes("what <it> shows", **{**settings, **changes})


def numbers(text, name):
  return [float(value) for value in re.findall(rf' {name}="([-\d.]+)"', text)]


def test_values_are_placed_between_the_ends_of_the_axes_and_larger_ones_are_higher():
  frame = axes()
  left, right = frame.place_x(0), frame.place_x(10)
  assert frame.place_x(5) == pytest.approx((left + right) / 2)
  assert left < right
  assert frame.place_y(1) < frame.place_y(0)
  assert axes(x=(3, 3)).place_x(3) == left  # one value only


def test_a_bar_stands_on_the_axis_and_says_its_title():
  frame = axes()
  frame.bar(0, 5, 0.5, "good", "half & half")
  drawn = frame.drawn()
  assert "<title>half &amp; half</title>" in drawn
  (height,) = numbers(re.search("<rect.*?</rect>", drawn)[0], "height")
  assert height == pytest.approx((frame.place_y(0) - frame.place_y(1)) / 2, abs=0.01)
  assert 'role="img" aria-label="what &lt;it&gt; shows"' in drawn


def test_lines_of_runs_have_classes_of_their_own_and_long_ones_are_averaged():
  drawn = charts.lines("loss", {"a": [(s, 1.0) for s in range(1000)], "b": [(0, 1), (999, 3)]})
  assert 'class="line series0"' in drawn and 'class="line series1"' in drawn
  first = re.search('points="(.*?)"', drawn)[1].split()
  assert 100 < len(first) <= 160
  assert charts.averaged([(0, 1), (2, 3), (4, 5)], 2) == [(1, 2), (4, 5)]


@pytest.mark.parametrize(
  "low, high, expected",
  [(0, 1, [0, 0.5, 1]), (0, 22, [0, 10, 20, 30]), (-1, 1, [-1, -0.5, 0, 0.5, 1]), (0, 0, None)],
)
def test_ticks_are_round_and_enclose_the_range(low, high, expected):
  found = charts.nice_ticks(low, high)
  assert found[0] <= low and found[-1] >= high
  assert len(found) > 1
  assert expected is None or found == expected


def test_small_bars_are_as_high_as_their_share_of_the_tallest():
  drawn = charts.spark([0, 5, 10], ["a", "b", "c"], "sizes")
  assert numbers(drawn, "height") == [0.5, 10, 20]
  assert "<title>c</title>" in drawn


def test_a_cell_is_as_opaque_as_the_root_of_its_share_and_small_ones_are_left_out():
  counts = [[75, 25, 0], [0, 9999, 1]]
  drawn = charts.matrix(counts, ["a", "b"], ["a", "b", "nothing"], "confusion")
  assert numbers(drawn, "fill-opacity") == [0.87, 0.5, 1]
  assert "a seen as b: 25.0 % of 100 pixels" in drawn
  assert drawn.count('class="right"') == 2 and drawn.count('class="wrong"') == 1


def test_a_cell_of_the_diagonal_is_kept_however_small():
  counts = [[1, 9999, 0], [0, 0, 5]]
  drawn = charts.matrix(counts, ["a", "b"], ["a", "b", "nothing"], "confusion")
  assert "a seen as a: 0.0 % of 10000 pixels" in drawn
  assert drawn.count('class="right"') == 1  # that of b has no pixel


def test_truth_goes_down_the_rows_of_a_matrix_and_predictions_along_the_columns():
  counts = [[0, 0, 9], [5, 0, 0]]
  drawn = charts.matrix(counts, ["a", "b"], ["a", "b", "nothing"], "confusion")
  ground, *cells = re.findall("<rect.*?>", drawn)
  (left,), (top,), (width,) = (numbers(ground, name) for name in ("x", "y", "width"))
  across, down = (
    [int((numbers(cell, name)[0] - start) / (width / 3)) for cell in cells]
    for name, start in (("x", left), ("y", top))
  )
  assert list(zip(down, across)) == [(0, 2), (1, 0)]


def test_names_of_a_large_matrix_lie_inside_of_it():
  names = [f"a long name {n}" for n in range(59)]
  counts = [[int(row == column) for column in range(60)] for row in range(59)]
  drawn = charts.matrix(counts, names, [*names, "nothing"], "confusion")
  _, _, width, height = (float(n) for n in re.search('viewBox="(.*?)"', drawn)[1].split())
  right = max(numbers(drawn, "x")) + 3.5 * len(names[-1])  # the last name leans to the right
  assert right <= width and max(numbers(drawn, "y")) <= height
  assert 'style="width:' in drawn  # it is not shrunk to the page


def test_a_very_long_name_is_cut_and_leaves_room_for_the_cells():
  name = "n" * 300
  drawn = charts.matrix([[1, 0]], [name], [name, "nothing"], "confusion")
  assert drawn.count(f"…{'n' * 10}<title>{name}</title></text>") == 2
  assert numbers(drawn, "x")[0] < 300


def test_a_bar_of_a_table_has_the_length_of_its_share_and_a_tick():
  assert "width:25.0%" in charts.bar(0.25) and "<b" not in charts.bar(0.25)
  assert "left:50.0%" in charts.bar(None, 0.5) and "width:0.0%" in charts.bar(None, 0.5)
  assert "width:100.0%" in charts.bar(1.5) and "left:100.0%" in charts.bar(0.5, 1.5)
  assert "width:0.0%" in charts.bar(-0.5) and "left:0.0%" in charts.bar(0.5, -0.5)


def test_counts_have_whole_ticks_and_axes_plain_numbers():
  assert charts.nice_ticks(0, 1, whole=True) == [0, 1]
  assert charts.nice_ticks(0, 2, whole=True) == [0, 1, 2]
  assert charts.nice_ticks(0, 7, whole=True) == charts.nice_ticks(0, 7) == [0, 2, 4, 6, 8]
  drawn = charts.lines("pixels", {"": [(0, 0), (1, 4000)]})
  assert ">4,000<" in drawn and "e+" not in drawn


def test_a_legend_has_names_and_classes():
  assert charts.legend(("a<", "good")) == (
    '<p class="legend"><span><i class="good"></i>a&lt;</span></p>'
  )
