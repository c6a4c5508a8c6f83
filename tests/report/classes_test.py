import html
import re

import pytest

from jppf_jax.report import classes
from jppf_jax.report.read import read
from tests.report import small


@pytest.fixture(scope="module")
def evaluation(tmp_path_factory):
  return read(small.write(tmp_path_factory.mktemp("runs") / "run"))


def row_of(made, name):
  """The cells of a row of the first table, without their tags."""
  rows = re.findall("<tr>(.*?)</tr>", made.partition("</table>")[0])
  (row,) = [row for row in rows if f">{html.escape(name)}</th>" in row]
  cells = re.findall("<td.*?>(.*?)</td>", row)
  return [re.sub("<.*?>", "", cell) for cell in cells]


def test_a_row_has_the_qualities_and_counts_of_its_class(evaluation):
  made = classes.classes(evaluation)
  person = row_of(made, "person")
  assert person[:8] == ["80.0", "100.0", "80.0", "80.0", "66.7", "2", "0", "1"]
  assert person[8] == "+80.0"  # top-down merging misses it in each image
  car = row_of(made, "car")
  assert car[5:8] == ["3", "1", "0"]
  assert float(car[0]) < float(car[3])  # one has wrong wheels: PartPQ is below PQ


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


def test_parts_have_their_iou_beside_that_of_the_other_method(evaluation):
  made = classes.parts(evaluation)
  assert row_of(made, "car-wheel") == ["66.7", "100.0"]
  panoptic = {"per_class": [], "pq": {}}
  without = {**evaluation.scores, "joint": panoptic, "top_down": panoptic}
  assert classes.parts(type(evaluation)(**{**vars(evaluation), "scores": without})) is None


def test_confusions_of_classes_and_parts_are_drawn_and_told(evaluation):
  made = classes.confusion(evaluation)
  assert "car-wheel seen as car-body: 33.3 % of 24 pixels" in made
  assert "<b>car-wheel</b> seen as <b>car-body</b> 0.5\u00a0% (33.3\u00a0% of car-wheel)" in made
  assert "(11.1\u00a0% of person)" in made
  assert small.EVIL not in made and html.escape(small.EVIL) in made


def test_the_main_quality_of_a_network_without_parts_is_pq():
  assert classes.quality_of({"part_pq": {}, "pq": {}}) == "part_pq"
  assert classes.quality_of({"pq": {}}) == "pq"
