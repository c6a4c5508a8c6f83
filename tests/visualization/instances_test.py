"""Numbering, shades, outlines and names of instances."""

import numpy as np
import pytest

from jppf_jax.labels.cpp import cpp
from jppf_jax.visualization import instances
from jppf_jax.visualization.palette import instance_color

SPEC = cpp()
ROAD, PERSON, CAR = (SPEC.class_names.index(name) for name in ("road", "person", "car"))


def scene(boxes, size=(40, 60)):
  """Returns classes and instance numbers of a road with (class, number, box `y0 x0 y1 x1`)."""
  semantic, instance = np.full(size, ROAD), np.zeros(size, int)
  for k, number, (y0, x0, y1, x1) in boxes:
    semantic[y0:y1, x0:x1], instance[y0:y1, x0:x1] = k, number
  return semantic, instance


def test_instances_are_ordered_by_class_and_number():
  maps = scene([(CAR, 7, (0, 0, 9, 9)), (PERSON, 9, (0, 10, 9, 19)), (CAR, 2, (20, 0, 29, 9))])
  found = instances.find_instances(*maps, SPEC)
  assert found.classes.tolist() == [PERSON, CAR, CAR]
  assert [found.labels[y, x] for y, x in ((0, 10), (20, 0), (0, 0), (39, 59))] == [1, 2, 3, 0]


def test_equal_numbers_in_two_classes_are_two_instances():
  maps = scene([(CAR, 1, (0, 0, 40, 30)), (PERSON, 1, (0, 30, 40, 60))])
  assert instances.find_instances(*maps, SPEC).classes.tolist() == [PERSON, CAR]


def test_large_numbers_do_not_run_into_the_next_class():
  cars = [(CAR, number, (0, x, 9, x + 9)) for x, number in ((0, 12), (10, 999))]
  maps = scene([*cars, (CAR + 1, 2, (20, 0, 29, 9))])
  assert instances.find_instances(*maps, SPEC).classes.tolist() == [CAR, CAR, CAR + 1]


def test_stuff_void_and_things_without_a_number_are_no_instances():
  maps = scene([(ROAD, 3, (0, 0, 9, 9)), (255, 3, (0, 10, 9, 19)), (CAR, 0, (20, 0, 29, 9))])
  found = instances.find_instances(*maps, SPEC)
  assert not found.labels.any() and len(found.classes) == 0
  photo = np.full((40, 60, 3), 77, np.uint8)
  assert (instances.painted(photo, found, SPEC) == 77).all()
  assert (instances.named(photo, found, SPEC) == 77).all()


def test_shades_count_inside_each_class_and_the_input_stays_as_it_is():
  maps = scene([(PERSON, 1, (0, 0, 9, 9)), (CAR, 1, (0, 10, 9, 19)), (CAR, 2, (0, 20, 9, 29))])
  photo = np.full((40, 60, 3), 77, np.uint8)
  picture = instances.painted(photo, instances.find_instances(*maps, SPEC), SPEC)
  for x, k, index in ((0, PERSON, 0), (10, CAR, 0), (20, CAR, 1)):
    assert (picture[0, x] == instance_color(SPEC.colors[k], index)).all()
  assert (picture[9:] == 77).all() and (photo == 77).all()


def edges_by_neighbours(labels):
  """Oracle: pixels with another label among their four neighbours."""
  edges = np.zeros(labels.shape, bool)
  for y, x in np.ndindex(*labels.shape):
    for dy, dx in ((-1, 0), (1, 0), (0, -1), (0, 1)):
      inside = 0 <= y + dy < labels.shape[0] and 0 <= x + dx < labels.shape[1]
      if inside and labels[y, x] != labels[y + dy, x + dx]:
        edges[y, x] = True
  return edges & (labels > 0)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (12, 7)])
def test_outlines_are_the_pixels_of_a_label_beside_another(seed, size):
  labels = np.random.default_rng(seed).choice([0, 0, 1, 1, 1, 2, 255], size)
  np.testing.assert_array_equal(instances.outlines(labels), edges_by_neighbours(labels))


def named_pixels(boxes):
  """Returns the pixels that names cover on a black picture of 200x400."""
  black = np.zeros((200, 400, 3), np.uint8)
  found = instances.find_instances(*scene(boxes, (200, 400)), SPEC)
  return instances.named(black, found, SPEC).any(-1)


def test_names_are_written_on_large_instances_only():
  written = named_pixels([(CAR, 1, (20, 20, 180, 220)), (CAR, 2, (100, 300, 112, 312))])
  assert written[40:160, 60:180].sum() > 50
  assert written.sum() == written[40:160, 60:180].sum()


def test_a_name_that_would_touch_that_of_a_larger_instance_is_left_out():
  outer, inner = (CAR, 1, (0, 0, 200, 400)), (PERSON, 1, (70, 130, 130, 270))
  alone = named_pixels([outer])
  np.testing.assert_array_equal(named_pixels([outer, inner]), alone)
  assert named_pixels([inner]).any()


def test_a_name_stands_in_the_middle_of_its_instance():
  y, x = np.nonzero(named_pixels([(CAR, 1, (10, 210, 70, 390))]))
  assert abs(y.mean() - 40) < 4 and abs(x.mean() - 300) < 4


@pytest.mark.parametrize(
  "width, height, fits", [(20, 4, True), (28, 4, True), (29, 4, False), (20, 5, False)]
)
def test_a_name_fits_if_it_is_narrower_and_less_than_half_as_high(width, height, fits):
  region = (100, 200, 110, 230)  # top left bottom right: 10 high, 30 wide
  assert instances._fits((0.0, 0.0, float(width), float(height)), region) is fits


def test_captions_say_number_and_score_and_the_short_form_comes_second():
  captions = instances.Captions(numbers=True, scores=np.array([0.5, 0.876], np.float32))
  assert instances._texts("car", 2, captions) == ["car 2 · 88%", "2 · 88%"]
  assert instances._texts("car", 3, captions) == ["car 3", "3"]  # no row for its score
  assert instances._texts("car", 3, instances.Captions()) == ["car"]
  only_scores = instances.Captions(scores=np.array([0.5], np.float32))
  assert instances._texts("car", 1, only_scores) == ["car 50%", "50%"]


def test_captions_stand_beside_instances_that_are_too_small():
  black = np.zeros((200, 400, 3), np.uint8)
  found = instances.find_instances(*scene([(CAR, 1, (100, 190, 106, 196))], (200, 400)), SPEC)
  assert not instances.named(black, found, SPEC).any()
  captioned = instances.named(black, found, SPEC, instances.Captions(numbers=True))
  y, x = np.nonzero(captioned.any(-1))
  assert len(y) > 20 and abs(y.mean() - 103) < 25 and abs(x.mean() - 193) < 25


def test_captions_of_neighbours_stand_above_and_below():
  boxes = [(CAR, n, (100, 7 * n, 106, 7 * n + 5)) for n in range(1, 12)]
  found = instances.find_instances(*scene(boxes, (200, 400)), SPEC)
  black = np.zeros((200, 400, 3), np.uint8)
  captioned = instances.named(black, found, SPEC, instances.Captions(numbers=True))
  y, _ = np.nonzero(captioned.any(-1))
  assert y.min() < 92 and y.max() > 112


def test_soft_lines_keep_their_pixels_and_fade_beside_them():
  lines = np.zeros((9, 9), bool)
  lines[4] = True
  picture = instances.outlined(np.zeros((9, 9, 3), np.uint8), lines)
  assert (picture[4] == 255).all() and not picture[:3].any() and not picture[6:].any()
  assert 50 < picture[3, 4, 0] < 150
