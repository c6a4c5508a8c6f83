from collections import Counter

import pytest
import yaml

from jppf_jax.conversion import draft, look
from jppf_jax.labels.registry import load_spec


def spec_of(tmp_path, classes, *, from_names=False):
  path = tmp_path / "a.yaml"
  path.write_text(draft.taxonomy(classes, from_names=from_names), encoding="utf-8")
  return load_spec(str(path))


def test_ids_become_classes_with_their_shares(tmp_path):
  found = look.Survey(
    pixels=Counter({0: 25, 1: 50, 7: 20, 9: 5}),
    objects=Counter({7: 3}),
    crowds=Counter({1: 50, 7: 4}),
    parts=Counter({(7, 2): 3, (7, 5): 4}),
  )
  classes = draft.classes_of_ids(found)
  spec = spec_of(tmp_path, classes)
  assert spec.class_names == ("class_1", "class_9", "class_7")
  assert (spec.class_ids.tolist(), spec.num_stuff) == ([1, 9, 7], 2)
  assert spec.part_names == ("background", "part_2", "part_5")
  text = (tmp_path / "a.yaml").read_text()
  assert "class_1:  # 50.00 % of all pixels\n" in text
  assert "class_7:  # 20.00 % of all pixels, 3 objects; 4 pixels are of no object (crowd)\n" in text


def test_names_of_a_tool_become_classes_with_parts(tmp_path):
  names = Counter({("floor", ""): 2, ("robot", ""): 3, ("robot/arm", ""): 1, ("leg", "robot"): 4})
  names["door/handle", ""] = 1
  classes = draft.classes_of_names(names, {"floor", "robot"})
  spec = spec_of(tmp_path, classes, from_names=True)
  assert spec.class_names == ("floor", "robot", "door")
  assert spec.num_stuff == 1  # a class with parts is a thing
  assert spec.part_names == ("background", "arm", "leg", "handle", "rest")


def test_a_single_part_has_a_second_one_that_no_label_has(tmp_path):
  for pid in (1, 99):
    classes = [draft.Class("a", 1, True, {"b": pid}, "")]
    spec = spec_of(tmp_path, classes)
    assert spec.part_names == ("background", "b", "rest")


@pytest.mark.parametrize(
  "name", ["no", "null", "2", "a: b", 'say "x"', "back\\slash", "Möbel", "# x"]
)
def test_every_name_comes_back_as_text(tmp_path, name):
  text = draft.taxonomy([draft.Class(name, 1, True, {name: 1, "x": 2}, "note")], from_names=True)
  entry = yaml.safe_load(text)["things"]
  assert list(entry) == [name]
  assert list(entry[name]["parts"]) == [name, "x"]


def test_neighbouring_classes_have_different_colours():
  colors = {draft._color(sid) for sid in range(1, 100)}
  assert len(colors) == 99
