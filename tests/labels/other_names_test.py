import re

import pytest

from jppf_jax.labels import own_tables
from jppf_jax.labels.other_names import Meaning, Names

CONTENT = {
  "stuff": {"floor": {"id": 1, "color": [1, 2, 3]}},
  "things": {
    "robot": {"id": 2, "color": [1, 2, 3], "parts": {"arm": [4, 1], "wheel": [3]}},
    "cart": {"id": 3, "color": [1, 2, 3], "parts": {"wheel": [1], "body": [2]}},
  },
}
OTHERS = {
  "bot": "robot",
  "gripper": "robot/arm",
  "wheel": ["robot/wheel", "cart/wheel"],
  "shadow": "void",
  "arm rest": "robot/void",
}
NAMES = Names(own_tables.own_names(CONTENT), OTHERS)


@pytest.mark.parametrize(
  "name, parent, meaning",
  [
    ("floor", "", Meaning(1)),
    ("robot", "", Meaning(2, True)),
    ("robot/arm", "", Meaning(-1, pids={2: 4})),
    ("robot/void", "", Meaning(-1, pids={2: 0})),
    ("void", "", Meaning(0)),
    ("bot", "", Meaning(2, True)),
    ("gripper", "", Meaning(-1, pids={2: 4})),
    ("wheel", "", Meaning(-1, pids={2: 3, 3: 1})),
    ("shadow", "", Meaning(0)),
    ("arm rest", "", Meaning(-1, pids={2: 0})),
    ("body", "cart", Meaning(-1, pids={3: 2})),
    ("cart", "robot", Meaning(3, True)),  # the name itself comes first
    ("body", "robot", None),
    ("arm", "", None),
    ("floor/void", "", None),  # stuff has no parts
    ("", "", None),
  ],
)
def test_a_name_means_a_class_a_part_void_or_nothing(name, parent, meaning):
  assert NAMES.of(name, parent) == meaning


@pytest.mark.parametrize(
  "name, near",
  [("Robot", "robot"), ("flor", "floor"), ("body", "cart/body"), ("zzz", "")],
)
def test_an_unknown_name_has_a_nearest_one(name, near):
  assert NAMES.near(name) == near


def test_ids_have_names_whichever_part_id_of_a_group_it_is():
  assert (NAMES.class_name(3), NAMES.class_name(9)) == ("cart", "void")
  assert NAMES.targets.part_names[2, 1] == NAMES.targets.part_names[2, 4] == "robot/arm"


@pytest.mark.parametrize("meant, fills", [("floor", True), ("void", False)])
def test_pixels_without_label_can_be_a_stuff_class(meant, fills):
  assert Names(NAMES.targets, {"unlabelled": meant}).fills is fills
  assert not NAMES.fills


def test_names_that_no_file_has_are_known():
  names = Names(NAMES.targets, OTHERS | {"unlabelled": "floor", "robot/unlabelled": "robot/arm"})
  assert names.unused({"bot", "robot/gripper", "wheel", "shadow"}) == ["gripper", "arm rest"]


def test_pixels_of_an_object_without_part_can_be_a_part():
  meant = {"robot/unlabelled": "robot/arm", "cart/unlabelled": "cart/void"}
  assert Names(NAMES.targets, meant).rests == {2: 4}
  assert NAMES.rests == {}
  assert own_tables.problems(CONTENT | {"names": meant}) == []


@pytest.mark.parametrize(
  "names, message",
  [
    ({"bot": "robto"}, "names: bot is 'robto', expected a class, class/part or void"),
    ({"bot": "robot/leg"}, "names: bot is 'robot/leg'"),
    ({"w": ["robot/wheel", "cart"]}, "names: w is 'cart', expected parts as class/part"),
    ({"w": ["robot/wheel", "robot/arm"]}, "names: w lists two parts of one class"),
    ({"w": []}, "names: w is \\[\\], expected"),
    ({False: "robot"}, "names: False is no text; put it in quotes"),
    ({"unlabelled": "robot"}, "names: unlabelled is 'robot', expected a stuff class or void"),
    (
      {"robot/unlabelled": "cart/body"},
      "names: robot/unlabelled is 'cart/body', expected robot/arm or robot/wheel",
    ),
    ({"robot/unlabelled": "robot"}, "names: robot/unlabelled is 'robot', expected robot/arm or"),
    (
      {"robot/unlabelled": ["robot/arm"]},
      "names: robot/unlabelled is \\['robot/arm'\\], expected robot/arm",
    ),
    (
      {"floor/unlabelled": "floor"},
      "names: floor/unlabelled but floor has no parts",
    ),
    ({"Robot/unlabelled": "robot/arm"}, "names: Robot/unlabelled but Robot is no class"),
    (
      {"unlabelled": "robot/arm"},
      "names: unlabelled is 'robot/arm', expected a stuff class or void",
    ),
    (["robot"], "names must map names of other files"),
  ],
)
def test_wrong_names_in_the_yaml_are_listed(names, message):
  found = own_tables.problems(CONTENT | {"names": names})
  assert len(found) == 1
  assert re.search(message, found[0])


def test_right_names_are_no_problem():
  assert own_tables.problems(CONTENT | {"names": OTHERS | {"unlabelled": "floor"}}) == []
