import csv

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jppf_jax.evaluation.segments import (
  COLUMNS,
  SegmentTable,
  read_rows,
  rows_of,
  segment_table,
  write_rows,
)
from jppf_jax.labels.cpp import cpp
from jppf_jax.structs import IGNORE, PanopticParts, Segments

SPEC = cpp()
ROAD, SKY, CAR = (SPEC.class_names.index(name) for name in ("road", "sky", "car"))
WINDOW = SPEC.class_parts[CAR][0]
DETECTIONS = 4


def answer_of(semantic, instance, part, scores=(0.9, 0.8, 0.7, 0.6)):
  count = len(scores)
  zero = np.zeros(count, np.int32)
  segments = Segments(zero, np.float32(scores), zero, np.zeros(count, bool))
  return PanopticParts(*np.int32([semantic, instance, part]), segments)


def one_car():
  """11 x 7 pixels of road, in them a car of 3 x 2 with two pixels of window; a void corner."""
  semantic, instance, part = np.full((3, 7, 11), ROAD)
  instance[:], part[:] = 0, 0
  semantic[2:5, 6:8], instance[2:5, 6:8], part[2:5, 6:8] = CAR, 2, IGNORE
  part[2, 6:8] = WINDOW
  semantic[0, 0] = IGNORE
  return answer_of(semantic, instance, part, scores=(0.9, 0.81239))


def test_a_car_on_a_road_is_two_records():
  car, road = segment_table(one_car(), SPEC)
  assert car == {
    "id": 26_002,
    "class": "car",
    "train_id": CAR,
    "scene_id": 26,
    "is_thing": True,
    "instance": 2,
    "score": 0.8124,
    "box": [6, 2, 8, 5],
    "area": 6,
    "parts": {SPEC.part_names[WINDOW]: 2},
  }
  assert (road["id"], road["class"], road["score"], road["is_thing"]) == (7, "road", None, False)
  assert (road["box"], road["area"], road["parts"]) == ([0, 0, 11, 7], 7 * 11 - 6 - 1, {})


def test_an_image_of_void_has_no_segments():
  void = np.full((3, 4), IGNORE)
  assert segment_table(answer_of(void, 0 * void, 0 * void), SPEC) == []


@st.composite
def random_answers(draw):
  """Maps in which each instance has one class; parts as they come, unknown ones too."""
  rng = np.random.default_rng(draw(st.integers(0, 1000)))
  size = draw(st.tuples(st.integers(1, 9), st.integers(1, 9)))
  instance = rng.integers(0, DETECTIONS + 1, size)
  thing = rng.integers(SPEC.num_stuff, SPEC.num_classes, DETECTIONS + 1)
  stuff = rng.choice([ROAD, SKY, IGNORE], size)
  semantic = np.where(instance > 0, thing[instance], stuff)
  part = rng.choice([0, IGNORE, *range(1, SPEC.num_parts)], size)
  return answer_of(semantic, instance, np.where(instance > 0, part, 0))


@given(random_answers())
def test_records_equal_a_count_pixel_by_pixel(answer):
  records = segment_table(answer, SPEC)
  expected = {}
  for (y, x), train_id in np.ndenumerate(answer.semantic):
    if train_id == IGNORE:
      continue
    number = int(answer.instance[y, x])
    key = int(SPEC.class_ids[train_id]) * (1000 if number else 1) + number
    area, parts, box = expected.get(key, (0, {}, [99, 99, 0, 0]))
    box = [min(box[0], x), min(box[1], y), max(box[2], x + 1), max(box[3], y + 1)]
    channel = answer.part[y, x]
    if 0 < channel < SPEC.num_parts:
      name = SPEC.part_names[channel]
      parts = {**parts, name: parts.get(name, 0) + 1}
    expected[key] = (area + 1, parts, box)
  found = {record["id"]: (record["area"], record["parts"], record["box"]) for record in records}
  assert found == expected
  instances = [record["instance"] for record in records if record["instance"]]
  assert instances == sorted(instances)  # best first
  assert [record["is_thing"] for record in records] == sorted(
    (record["is_thing"] for record in records), reverse=True
  )


def test_a_table_is_printed_with_one_line_for_each_segment():
  lines = str(segment_table(one_car(), SPEC)).splitlines()
  assert lines[0].split() == ["id", "class", "score", "box", "area", "parts"]
  window = SPEC.part_names[WINDOW]
  assert lines[1].split() == ["26002", "car", "0.81", "6", "2", "8", "5", "6", window, "2"]
  assert lines[2].split() == ["7", "road", "0", "0", "11", "7", "70"]
  assert lines[2].index("0 0 11 7") == lines[0].index("box")
  assert str(SegmentTable()).split() == lines[0].split()


def test_a_csv_has_a_row_for_each_segment_and_each_part(tmp_path):
  path = tmp_path / "segments.csv"
  write_rows(path, {'a, "b"': list(rows_of('a, "b"', segment_table(one_car(), SPEC)))})
  with path.open(newline="") as file:
    car, window, road = csv.DictReader(file)
  assert tuple(car) == COLUMNS
  assert list(car.values()) == ['a, "b"', "26002", "car", "", "0.8124", "6", "2", "8", "5", "6"]
  part = SPEC.part_names[WINDOW]
  of_part = ['a, "b"', "26002", "car", part, "0.8124", "", "", "", "", "2"]
  assert list(window.values()) == of_part
  assert (road["class"], road["score"], road["area"]) == ("road", "", "70")


def test_what_was_written_is_read_back_as_text(tmp_path):
  rows = {name: list(rows_of(name, segment_table(one_car(), SPEC))) for name in "ba"}
  write_rows(tmp_path / "a.csv", rows)
  read = read_rows(tmp_path / "a.csv")
  assert list(read) == ["b", "a"]
  write_rows(tmp_path / "b.csv", read)
  assert (tmp_path / "a.csv").read_text() == (tmp_path / "b.csv").read_text()


@pytest.mark.parametrize("content", ["", "x,y\n1,2\n", "image,segment\n"])
def test_another_table_is_refused(tmp_path, content):
  (tmp_path / "a.csv").write_text(content)
  with pytest.raises(ValueError, match="other columns than image, segment"):
    read_rows(tmp_path / "a.csv")
