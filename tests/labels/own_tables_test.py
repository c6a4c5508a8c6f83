import copy
import itertools
import re

import numpy as np
import pytest
from skimage import color

from jppf_jax.labels.distinct_colors import LEAST
from jppf_jax.labels.own_tables import problems, tables
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.labels.tables import part_colors
from tests.labels import yaml_mutations

ROBOTS = {
  "stuff": {"floor": {"id": 1, "color": [110, 110, 110]}},
  "things": {
    "robot": {
      "id": 2,
      "color": [220, 20, 60],
      "parts": {"left arm": [1, 2], "right arm": [3, 4], "wheel": [5]},
    },
    "crane": {"id": 3, "color": [0, 0, 142], "parts": {"left arm": [7], "right arm": [8, 9]}},
  },
  "share_parts": True,
  "ignore": [4],
  "mirror": [["left arm", "right arm"]],
}


def changed(*path, value):
  content = copy.deepcopy(ROBOTS)
  target = content
  for key in path[:-1]:
    target = target[key]
  target[path[-1]] = value
  return content


def test_a_part_does_not_look_like_a_class():
  as_ever = tables(ROBOTS, "robots").part_colors
  np.testing.assert_array_equal(as_ever, part_colors(4))
  robot = [int(channel) + 3 for channel in as_ever[2]]
  found = tables(changed("things", "robot", "color", value=robot), "robots")
  assert found.colors[1].tolist() == robot
  np.testing.assert_array_equal(found.part_colors[[0, 1, 3]], as_ever[[0, 1, 3]])
  part, of_class = (color.rgb2lab(rows / 255) for rows in (found.part_colors[[2]], found.colors))
  assert color.deltaE_ciede2000(part, of_class).min() >= LEAST


def test_pairs_are_exchanged_group_by_group():
  table = tables(ROBOTS, "robots").mirrored_pid
  assert table[2, :7].tolist() == [0, 3, 4, 1, 2, 5, 6]
  assert table[3, 7:11].tolist() == [8, 7, 7, 10]  # a longer group: the last id stands for the rest
  others = np.delete(table, [2, 3], axis=0)
  assert (others == np.arange(100)).all()


@pytest.mark.parametrize("share", [True, False])
def test_a_mirrored_label_has_the_other_part_and_nothing_else_changes(share):
  spec = LabelSpec.from_dict(ROBOTS | {"share_parts": share}, name="robots")
  uids = np.array([[0, 1, 4, 2, 2_007, 2_007_00, 2_007_05, 2_007_01, 2_007_04, 3_000_09]], np.int32)
  before, after = spec.decode(uids), spec.decode(spec.mirrored(uids))
  names = [spec.part_names[part].split("-")[-1] for part in after.part[0, -3:]]
  assert names == ["right arm", "left arm", "left arm"]
  assert (spec.mirrored(uids) == uids)[0].tolist() == [True] * 7 + [False] * 3
  np.testing.assert_array_equal(before.semantic, after.semantic)
  np.testing.assert_array_equal(before.instance, after.instance)
  again = spec.decode(spec.mirrored(spec.mirrored(uids)))
  np.testing.assert_array_equal(again.part, before.part)
  assert spec.mirrored(uids).dtype == np.int32


@pytest.mark.parametrize(
  "content, message",
  [
    (
      changed("stuff", "robot/wheel", value={"id": 7, "color": [1, 2, 3]}),
      "robot/wheel: so is a part of 'robot' called for `jppf convert`; use another name",
    ),
    (changed("mirror", value="left arm"), "mirror is 'left arm', expected a list"),
    (changed("mirror", value={"left arm": "right arm"}), "expected a list"),
    (changed("mirror", value=["left arm"]), "mirror: 'left arm' is no pair"),
    (changed("mirror", value=[["left arm"]]), "is no pair"),
    (changed("mirror", value=[["wheel", "wheel"]]), "is no pair"),
    (changed("mirror", value=[["left arm", 3]]), "is no pair"),
    (changed("mirror", value=[["left leg", "right arm"]]), "no class has a part 'left leg'"),
    (
      changed("mirror", value=[["left arm", "wheel"]]),
      "mirror: crane has the part 'left arm' but not 'wheel'",
    ),
    (
      changed("mirror", value=[["left arm", "right arm"], ["wheel", "left arm"]]),
      "'left arm' is in two pairs",
    ),
    (changed("share_parts", value="false"), "share_parts is 'false', expected true or false"),
    (changed("share_parts", value=0), "share_parts is 0, expected"),
    (changed("stuff", value=[]), "stuff must map"),
    (changed("stuff", value=False), "stuff must map"),
    (changed("things", value=""), "things must map"),
    (changed("ignore", value={9: 1}), "ignore is {9: 1}, expected a list"),
    (changed("ignore", value=False), "ignore is False, expected a list"),
    (changed("ignore", value=[[1]]), "ignore: [1] is not a scene id"),
    (changed("stuff", False, value={"id": 9, "color": [1, 2, 3]}), "has no name that is text"),
    (changed("things", "robot", "id", value=True), "id is True, expected"),
    (changed("things", "robot", "id", value=2.0), "id is 2.0, expected"),
    (changed("things", "robot", "color", value=[1, 2, True]), "color is [1, 2, True]"),
    (changed("things", "robot", "parts", value=False), "parts must map"),
    (changed("things", "robot", "parts", value={True: [1], "b": [2]}), "part True has no name"),
    (changed("things", "robot", "parts", "wheel", value=[[5]]), "part id [5] is not within"),
  ],
)
def test_every_field_is_held_to_its_type(content, message):
  found = problems(content)
  assert any(message in problem for problem in found), found
  with pytest.raises(ValueError, match=re.escape(message)):
    LabelSpec.from_dict(content, name="robots")


def test_anything_but_a_mapping_is_refused():
  assert problems(None) == ["it is None, expected a mapping with stuff and things"]


def test_python_may_give_tuples():
  assert not problems(changed("stuff", "floor", "color", value=(1, 2, 3)))
  assert not problems(changed("mirror", value=(("left arm", "right arm"),)))


def test_any_wrong_value_at_any_place_is_accepted_or_refused_in_short_sentences():
  refused = 0
  for content in itertools.islice(yaml_mutations.mutations(ROBOTS), 0, None, 3):
    found = problems(content)
    refused += bool(found)
    assert all(len(problem) < 400 for problem in found)
    if not found:
      LabelSpec(**vars(tables(content, "robots")))
  assert refused > 500
