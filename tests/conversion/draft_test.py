from collections import Counter

import numpy as np
import pytest
import yaml
from skimage import color

from jppf_jax.conversion import draft, look
from jppf_jax.labels import spec_names
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


def test_what_follows_the_first_slash_is_the_part(tmp_path):
  names = Counter({("robot/arm/upper", ""): 1, ("robot/arm/lower", ""): 1})
  spec = spec_of(tmp_path, draft.classes_of_names(names, set()), from_names=True)
  assert spec.class_names == ("robot",)  # a class with a slash is refused
  assert spec.part_names == ("background", "arm/upper", "arm/lower")
  known = spec_names.load(str(tmp_path / "a.yaml"))
  assert known.of("robot/arm/lower").pids == {1: 2}


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


def test_pixels_that_nothing_is_drawn_on_are_background_if_they_are_many(tmp_path):
  classes = draft.classes_of_names(Counter({("box", ""): 2, ("Floor", ""): 1}), {"Floor"})
  assert draft.background(classes, 0.04) == []
  (added,) = draft.background(classes, 0.624)
  assert (added.name, added.sid, added.is_thing) == ("background", 3, False)
  path = tmp_path / "a.yaml"
  path.write_text(draft.taxonomy([*classes, added], from_names=True, unlabelled=added.name))
  assert "nothing is drawn on them: 62 % of all pixels" in path.read_text()
  names = spec_names.load(str(path))
  assert names.fills and names.of("unlabelled").sid == 3
  assert (
    draft.background(draft.classes_of_names(Counter({("_background_", ""): 1}), set()), 1.0) == []
  )
  full = [draft.Class(f"c{sid}", sid, False, {}, "") for sid in range(1, 100)]
  assert draft.background(full, 1.0) == []


@pytest.mark.parametrize(
  "classes, parts, difference", [(1, 27, 16), (2, 3, 16), (3, 8, 16), (20, 10, 16), (50, 48, 7)]
)
def test_all_colours_of_a_draft_are_told_apart(tmp_path, classes, parts, difference):
  """`difference` is CIEDE2000, of scikit-image; a draft has at most 99 classes."""
  names = Counter({(f"class {number}", ""): 1 for number in range(classes)})
  names.update({(f"class 0/part {number}", ""): 1 for number in range(parts)})
  drafted = draft.classes_of_names(names, set())
  spec = spec_of(tmp_path, drafted, from_names=True)
  assert (len(spec.colors), len(spec.part_colors)) == (classes, parts + 1)
  colors = np.concatenate([spec.colors, spec.part_colors])
  lab = color.rgb2lab(colors[None])[0]
  differences = color.deltaE_ciede2000(lab[:, None], lab[None])
  assert differences[np.triu_indices(len(colors), 1)].min() >= difference
