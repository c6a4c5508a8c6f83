import copy
import dataclasses
import html
import re

import numpy as np
import pytest

from jppf_jax.report import classes
from jppf_jax.report.read import read
from tests.report import small


@pytest.fixture(scope="module")
def evaluation(tmp_path_factory):
  return read(small.write(tmp_path_factory.mktemp("runs") / "run"))


@pytest.fixture(scope="module")
def sizes(evaluation):
  """Of three persons the found and the missed small one and a large found one; no car is found."""
  analysis = copy.deepcopy(evaluation.analysis)
  truth = analysis["methods"][evaluation.methods[0]]["truth"]
  for column in truth.values():
    column.clear()
  for class_, area, outcome in (
    (small.PERSON, 36, "tp"),
    (small.PERSON, 36, "fn"),
    (small.PERSON, 300**2, "tp"),
    (small.CAR, 36, "fn"),
  ):
    row = {"class": class_, "area": area, "outcome": outcome, "iou": float(outcome == "tp")}
    for name, column in truth.items():
      column.append(row.get(name))
  return dataclasses.replace(evaluation, analysis=analysis)


def line_of(made, name):
  """A row of the first table."""
  rows = re.findall("<tr>(.*?)</tr>", made.partition("</table>")[0])
  (row,) = [row for row in rows if f">{html.escape(name)}</th>" in row]
  return row


def row_of(made, name):
  """The cells of a row of the first table, without their tags."""
  cells = re.findall("<td.*?>(.*?)</td>", line_of(made, name))
  return [re.sub("<.*?>", "", cell) for cell in cells]


def charts_of(made, segments):
  """The drawings of a class: IoU, found by size, and score against IoU if there are scores."""
  return re.findall("<svg.*?</svg>", made.partition(f'data-segments="{segments}"')[2])[:3]


def numbers(text, name):
  return [float(value) for value in re.findall(rf' {name}="([-\d.]+)"', text)]


def test_a_row_has_the_qualities_and_counts_of_its_class(evaluation):
  made = classes.classes(evaluation)
  person = row_of(made, "person")
  assert person[:8] == ["80.0", "100.0", "80.0", "80.0", "2", "0", "1", "66.7"]
  assert person[8] == "+80.0"  # top-down merging misses it in each image
  car = row_of(made, "car")
  assert car[4:7] == ["3", "1", "0"]
  assert float(car[0]) < float(car[3])  # one has wrong wheels: PartPQ is below PQ


def test_counts_are_those_of_the_listed_segments_where_partpq_leaves_some_out(tmp_path):
  mistakes = {"worst": {"no_car": True, "false": True}, "right": {}}
  evaluation = read(small.write(tmp_path / "run", mistakes, parts=False))
  of_car = evaluation.scores["joint"]["per_class"][small.CAR]
  assert [of_car["part_pq"][count] for count in ("tp", "fp", "fn")] == [0, 1, 0]
  made = classes.classes(evaluation)
  assert row_of(made, "car")[4:7] == ["1", "1", "1"]
  analysis = evaluation.analysis["methods"]["joint"]
  for column, outcome in (("truth", "tp"), ("predicted", "fp"), ("truth", "fn")):
    found = zip(analysis[column]["class"], analysis[column]["outcome"])
    assert list(found).count((small.CAR, outcome)) == 1
  assert "TP, FP and FN of PQ" in made


def test_small_charts_say_how_many_segments_have_which_iou_and_size(evaluation):
  made = classes.classes(evaluation)
  assert "<title>IoU 0.9–1.0: 2</title>" in made and "<title>IoU 0.0–0.1: 1</title>" in made
  assert "<title>0–16 px: 2 of 3</title>" in made


def test_each_class_has_charts_and_those_of_all_are_shown_first(evaluation):
  made = classes.classes(evaluation)
  groups = re.findall('<div class="grid3" data-segments="(.*?)"( hidden)?>', made)
  assert groups == [("all", ""), *((str(k), " hidden") for k in range(4))]
  circles = re.findall("<circle.*?>", made.partition('data-segments="0"')[0])
  assert len(circles) == 3 + 2 + 1  # cars, persons, the false car
  assert sum('class="bad"' in circle for circle in circles) == 1


def test_small_bars_of_sizes_are_as_high_as_the_share_that_is_found(sizes):
  person = line_of(classes.classes(sizes), "person")
  *_, by_size = re.findall("<svg.*?</svg>", person)
  assert numbers(by_size, "height") == [10, 0.5, 0.5, 0.5, 0.5, 20]  # half, and all: the tallest


def test_bars_of_the_first_and_the_last_size_reach_the_ends_of_their_axis(sizes):
  _, by_size, *_ = charts_of(classes.classes(sizes), small.PERSON)
  lefts, widths, heights = (
    [numbers(bar, name)[0] for bar in re.findall("<rect.*?>", by_size)]
    for name in ("x", "width", "height")
  )
  start, end = numbers(by_size, "x1")[0], numbers(by_size, "x2")[0]
  assert widths[0] == pytest.approx((end - start) / 6, abs=2)
  assert [lefts[0], lefts[-1] + widths[-1]] == pytest.approx([start, end], abs=1)
  assert heights[0] == pytest.approx(heights[-1] / 2)  # half of the small ones, all large ones


def test_a_dot_lies_further_right_by_its_score_and_higher_by_its_iou(evaluation):
  """Cars of score 0.9 and IoU 1, persons of 0.8 and 1, a false car of 0.7 and 0."""
  *_, scatter = charts_of(classes.classes(evaluation), "all")
  xs, ys = numbers(scatter, "cx"), numbers(scatter, "cy")
  (false,) = [place for place, y in enumerate(ys) if y == max(ys)]
  right, middle, left = sorted(set(xs), reverse=True)
  assert xs[false] == left
  assert right - middle == pytest.approx(middle - left)
  assert len(set(ys)) == 2 and max(ys) - min(ys) == pytest.approx(np.ptp(numbers(scatter, "y1")))


def test_parts_have_their_iou_beside_that_of_the_other_method(evaluation):
  made = classes.parts(evaluation)
  assert row_of(made, "car-wheel") == ["66.7", "100.0"]
  wheel = line_of(made, "car-wheel")
  assert "width:66.7%" in wheel and "left:100.0%" in wheel  # the bar, and the tick of the other
  panoptic = {"per_class": [], "pq": {}}
  without = {**evaluation.scores, "joint": panoptic, "top_down": panoptic}
  assert classes.parts(type(evaluation)(**{**vars(evaluation), "scores": without})) is None


def test_confusions_of_classes_and_parts_are_drawn_and_told(evaluation):
  made = classes.confusion(evaluation)
  assert "car-wheel seen as car-body: 33.3 % of 24 pixels" in made
  assert "<b>car-wheel</b> seen as <b>car-body</b> 0.5\u00a0% (33.3\u00a0% of car-wheel)" in made
  assert "(11.1\u00a0% of person)" in made
  assert small.EVIL not in made and html.escape(small.EVIL) in made


def test_the_colours_of_the_confusion_matrices_have_a_scale(evaluation):
  made = classes.confusion(evaluation)
  (scale,) = re.findall('<div class="scale">(.*?)</div>', made)
  assert re.findall(">([^<>]+)<", scale) == ["0 %", "25 %", "100 %", "right", "wrong"]


def test_the_main_quality_of_a_network_without_parts_is_pq():
  assert classes.quality_of({"part_pq": {}, "pq": {}}) == "part_pq"
  assert classes.quality_of({"pq": {}}) == "pq"
