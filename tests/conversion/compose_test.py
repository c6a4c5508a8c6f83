import numpy as np
import pytest

from jppf_jax.conversion import compose
from jppf_jax.labels import spec_names, uids
from jppf_jax.labels.formats.region import Region
from tests.conversion import scenes

SIZE = (7, 11)


@pytest.fixture
def names(tmp_path):
  return spec_names.load(scenes.write_spec(tmp_path))


def region(name, rows=slice(None), columns=slice(None), **options):
  mask = np.zeros(SIZE, bool)
  mask[rows, columns] = True
  return Region(name, lambda: mask, **options)


def kinds(composed):
  return [(one.kind, one.name, one.other, one.pixels, one.area) for one in composed.problems]


def by_hand(regions, names):
  """Returns the uids: pixel by pixel, the last region of each sort that covers it."""
  found = np.zeros(SIZE, np.int32)
  meanings = [names.of(one.name, one.parent) for one in regions]
  masks = [one.draw() for one in regions]
  for y in range(SIZE[0]):
    for x in range(SIZE[1]):
      top = None
      for place, meaning in enumerate(meanings):
        is_part = meaning is not None and meaning.pids is not None
        if masks[place][y, x] and not is_part:
          top = place
      if top is None or meanings[top] is None:
        continue
      meaning, iid, pid = meanings[top], -1, -1
      if meaning.is_thing and not regions[top].crowd:
        iid = regions[top].group
        for place, (one, part) in enumerate(zip(regions, meanings)):
          if not masks[place][y, x] or part is None or part.pids is None:
            continue
          others = [
            other.group
            for other, of_other in zip(regions, meanings)
            if of_other and of_other.is_thing and of_other.sid in part.pids and not other.crowd
          ]
          belongs = one.group is None or one.group == iid or one.group not in others
          if meaning.sid in part.pids and belongs:
            pid = part.pids[meaning.sid]
      found[y, x] = uids.encode(*np.array([[meaning.sid], [iid], [pid]]))[0]
  return found


def test_random_regions_give_what_the_rules_say_pixel_by_pixel(names):
  rng = np.random.default_rng(0)
  called = ["floor", "wall", "robot", "cart", "box", "robot/arm", "robot/wheel", "wheel", "shadow"]
  called += ["robot/void", "ladder", "cart/body"]
  for _ in range(12):
    regions = []
    for number in range(12):
      top, left, rows, columns = rng.integers(0, 7, 4)
      name = str(rng.choice(called))
      group = int(rng.integers(1, 3)) if "/" in name and rng.random() < 0.5 else None
      group = number if "/" not in name and name != "wheel" else group
      crowd = bool(rng.random() < 0.2)
      spot = slice(top, top + rows), slice(left, left + columns)
      regions.append(region(name, *spot, group=group, crowd=crowd))
    composed = compose.compose(SIZE, regions, names)
    np.testing.assert_array_equal(composed.uids, by_hand(regions, names))


def test_objects_keep_their_numbers_or_get_the_next_free_one(names):
  regions = [
    region("box", 0),
    region("box", 1, group=1),
    region("box", 2, group="a"),
    region("box", 3, group="a"),
    region("cart", 4),
    region("box", 5, group=1000),
    region("box", 6, group=999),
  ]
  found = compose.compose(SIZE, regions, names)
  assert found.uids[:, 0].tolist() == [4_002, 4_001, 4_003, 4_003, 3_001, 4_004, 4_999]


def test_hidden_objects_take_no_number(names):
  regions = [region("box", 0), region("box", 0), region("box", 1)]
  found = compose.compose(SIZE, regions, names)
  assert found.uids[:2, 0].tolist() == [4_001, 4_002]
  assert kinds(found) == [(compose.HIDDEN, "box", "box", 11, 11)]


def test_an_unknown_name_is_void_and_located(names):
  found = compose.compose(SIZE, [region("floor"), region("ladder", 2, slice(3, 5))], names)
  assert found.uids[2].tolist() == [1, 1, 1, 0, 0, 1, 1, 1, 1, 1, 1]
  assert kinds(found) == [(compose.UNKNOWN, "ladder", "", 2, 2)]
  assert found.problems[0].box == (3, 2, 5, 3)
  assert np.argwhere(found.places == 1 + compose.KINDS.index(compose.UNKNOWN)).tolist() == [
    [2, 3],
    [2, 4],
  ]


def test_a_name_that_may_be_unknown_is_void_in_silence(names):
  found = compose.compose(SIZE, [region("floor"), region("sky", 2, optional=True)], names)
  assert not found.problems
  assert (found.uids[2] == 0).all()


def test_a_part_outside_its_object_is_left_out_and_counted(names):
  regions = [region("cart", slice(0, 2), slice(0, 4)), region("robot/arm", 1)]
  regions += [region("robot", slice(1, 3), slice(4, 6))]
  found = compose.compose(SIZE, regions, names)
  assert found.uids[1].tolist() == [3_001] * 4 + [200_101] * 2 + [0] * 5
  assert kinds(found) == [(compose.OUTSIDE, "robot/arm", "", 9, 11)]


def test_a_part_belongs_to_the_object_of_its_group_if_there_is_one(names):
  robots = [region("robot", slice(0, 3), group=1), region("robot", slice(3, 7), group=2)]
  of_first = compose.compose(SIZE, [*robots, region("robot/arm", group=1)], names)
  assert of_first.uids[:, 0].tolist() == [200_101] * 3 + [2_002] * 4
  assert kinds(of_first) == [(compose.OUTSIDE, "robot/arm", "", 44, 77)]
  of_both = compose.compose(SIZE, [*robots, region("robot/arm", group=3)], names)
  assert of_both.uids[:, 0].tolist() == [200_101] * 3 + [200_201] * 4


def test_a_part_of_a_crowd_is_outside(names):
  found = compose.compose(SIZE, [region("robot", crowd=True), region("robot/arm", 1)], names)
  assert (found.uids == 2).all()
  assert kinds(found) == [(compose.OUTSIDE, "robot/arm", "", 11, 11)]


def test_the_later_of_two_parts_counts_and_that_is_said(names):
  regions = [region("robot"), region("robot/arm", 0), region("robot/wheel", slice(0, 2), 0)]
  found = compose.compose(SIZE, regions, names)
  assert found.uids[:2, :2].tolist() == [[200_103, 200_101], [200_103, 2_001]]
  assert kinds(found) == [(compose.TWO_PARTS, "robot/wheel", "robot/arm", 1, 2)]


def test_two_shapes_of_one_part_on_a_pixel_are_no_problem(names):
  regions = [region("robot"), region("robot/arm", slice(0, 2)), region("robot/arm", slice(1, 3))]
  found = compose.compose(SIZE, regions, names)
  assert found.uids[:4, 0].tolist() == [200_101] * 3 + [2_001]
  assert not found.problems and not found.places.any()


def test_an_object_below_another_is_counted_unless_a_later_shape_of_it_is_on_top(names):
  regions = [
    region("box", 0, group=1),
    region("cart", 0, slice(2, 6)),
    region("box", 0, slice(5, 6), group=1),
  ]
  found = compose.compose(SIZE, regions, names)
  assert kinds(found) == [
    (compose.COVERED, "box", "cart", 3, 11),
    (compose.COVERED, "cart", "box", 1, 4),
  ]
  assert found.uids[0, :7].tolist() == [4_001, 4_001, 3_001, 3_001, 3_001, 4_001, 4_001]


def test_stuff_below_objects_is_no_problem_and_a_shape_without_pixels_is(names):
  regions = [region("floor"), region("box", 0), region("box", slice(0, 0))]
  regions += [region("robot/arm", slice(0, 0))]
  found = compose.compose(SIZE, regions, names)
  assert kinds(found) == [
    (compose.NO_PIXEL, "box", "", 0, 0),
    (compose.NO_PIXEL, "robot/arm", "", 0, 0),
  ]


def test_pixels_without_label_can_be_stuff(tmp_path):
  filled = scenes.write_spec(tmp_path, scenes.FILLS)
  found = compose.compose(SIZE, [region("void", 1), region("box", 0)], spec_names.load(filled))
  assert found.uids[:3, 0].tolist() == [4_001, 0, 1]


def test_pixels_of_an_object_without_part_can_be_a_part(tmp_path):
  rests = spec_names.load(scenes.write_spec(tmp_path, scenes.RESTS))
  regions = [
    region("floor"),
    *(region("robot", 1, group=5), region("robot", 2, crowd=True), region("cart", 3)),
    *(region("robot/arm", 1, 0, group=5), region("robot/void", 1, 1, group=5)),
  ]
  found = compose.compose(SIZE, regions, rests)
  assert not found.problems
  assert found.uids[1, :4].tolist() == [200_501, 2_005, 200_503, 200_503]
  assert found.uids[[0, 2, 3], 5].tolist() == [1, 2, 3_001]


def test_more_objects_than_uids_can_tell_are_refused(names):
  regions = [region("box", number // 11 % 7, number % 11) for number in range(77)]
  few = compose.compose(SIZE, regions, names)
  assert len(np.unique(few.uids)) == 77
  canvas = compose._Canvas(SIZE, names)
  taken = set(range(1, 1000))
  assert canvas._free(taken, "box") == 0
  with pytest.raises(ValueError, match="more than 1000 objects 'box'"):
    canvas._free(taken, "box")


def test_what_lies_in_the_holes_of_a_shape_is_no_problem(names):
  box = region("box", slice(2, 5), slice(2, 9))
  robot = region("robot", holes=True)
  arm = region("robot/arm", slice(0, 6), holes=True)
  wheel = region("robot/wheel", slice(5, 7))
  on_arm = region("robot/wheel", slice(0, 1))
  for regions, problems in (
    ([robot, box], 0),
    ([robot._replace(holes=False), box], 1),
    ([robot, box, arm, on_arm], 0),
    ([robot, box, arm._replace(holes=False)], 1),  # on the box
    ([robot, wheel, on_arm, arm], 2),  # the arm on the wheels, which have no holes
  ):
    assert len(compose.compose(SIZE, regions, names).problems) == problems
