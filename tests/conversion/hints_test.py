"""Hints change nothing by themselves; their lines, written into the draft, give what they say."""

from collections import Counter

import pytest
import yaml

from jppf_jax.conversion import draft, hints
from jppf_jax.conversion.nesting import Inside
from jppf_jax.labels import own_tables

PEOPLE = Counter({("person", ""): 3, ("hair", ""): 3, ("left shoe", ""): 2, ("floor", ""): 1})
IN_PERSON = {"hair": Inside("person", 0.987), "leftshoe": Inside("person", 1.0)}


def edited(counts, inside, stuff=frozenset()):
  """Returns the hints, and the draft after their lines were written into it, as a user does."""
  found = hints.of_names(counts, stuff, inside)
  content = yaml.safe_load(draft.taxonomy(draft.classes_of_names(counts, stuff), from_names=True))
  sentences = [line for line in found.edits if not line.startswith(" ") and line != "names:"]
  if sentences[0].startswith("If so, delete above: "):
    for name in yaml.safe_load(f"[{sentences[0].partition(': ')[2][:-1]}]"):
      content["things"].pop(name)
  start = found.edits.index("names:")
  entries = [line for line in found.edits[:start] if line.startswith(" ")]
  content["things"] |= yaml.safe_load("\n".join(entries)) or {}
  content |= yaml.safe_load("\n".join(found.edits[start:]))
  assert own_tables.problems(content) == []
  return found, content


def test_labels_inside_another_one_become_its_parts():
  found, content = edited(PEOPLE, IN_PERSON, {"floor"})
  assert found.lines == [
    "'hair' lies inside 'person' with 98 % of its pixels; it may be a part of it.",
    "'left shoe' lies inside 'person' with 100 % of its pixels; it may be a part of it.",
  ]
  assert list(content["things"]) == ["person"]
  assert content["things"]["person"]["parts"] == {"hair": [1], "left shoe": [2]}
  assert content["names"] == {"hair": "person/hair", "left shoe": "person/left shoe"}
  rest = "If the rest of person is a part, too: `rest: [3]` in its parts, and "
  assert rest + "`person/unlabelled: person/rest` under names." in found.edits


def test_a_class_keeps_its_id_and_colour():
  counts = Counter({("hair", ""): 3, ("left shoe", ""): 2, ("person", ""): 3})
  _, content = edited(counts, IN_PERSON)
  (drafted,) = [one for one in draft.classes_of_names(counts, set()) if one.name == "person"]
  person = content["things"]["person"]
  assert (person["id"], tuple(person["color"])) == (3, drafted.color)


def test_a_single_part_gets_a_second_one():
  _, content = edited(PEOPLE, {"hair": Inside("person", 1.0)}, {"floor"})
  assert content["things"]["person"]["parts"] == {"hair": [1], "rest": [2]}
  assert "left shoe" in content["things"]


@pytest.mark.parametrize("part, other", [("hair", "rest"), ("rest", "other")])
def test_the_rest_of_an_object_with_one_part_is_named_once(part, other):
  counts = Counter({("person", ""): 3, (part, ""): 3})
  found, content = edited(counts, {part: Inside("person", 1.0)})
  assert content["things"]["person"]["parts"] == {part: [1], other: [2]}
  said = "If no other part is drawn on the rest of person: `person/unlabelled: person/rest` under"
  assert f"{said} names." in found.edits


def test_one_letter_in_two_forms_of_unicode_is_alike():
  counts = Counter({("caf\u00e9", ""): 3, ("cafe\u0301", ""): 1})
  assert edited(counts, {})[1]["names"] == {"cafe\u0301": "caf\u00e9"}


@pytest.mark.parametrize("name", ["void", "Void", "unlabelled", "person/void", "person/Unlabelled"])
def test_names_of_nothing_are_known(name):
  assert hints.is_nothing(name)
  assert not hints.is_nothing(f"{name}s")


def test_parts_that_are_known_keep_their_numbers():
  counts = PEOPLE | Counter({("person/hat", ""): 1, ("person/Hair", ""): 1})
  _, content = edited(counts, IN_PERSON, {"floor"})
  assert set(content["things"]["person"]["parts"]) == {"hat", "Hair", "left shoe"}
  assert content["names"]["hair"] == "person/Hair"


def test_spellings_of_one_name_become_the_most_frequent_one():
  counts = Counter({("Person", ""): 1, ("person", ""): 3, ("cup ", ""): 1, ("tea-cup", ""): 1})
  counts |= Counter({("tea cup", ""): 2, ("Person/arm", ""): 1, ("person/leg", ""): 1})
  found, content = edited(counts, {})
  assert "'Person' differs from 'person' only in capitals, spaces, hyphens or underscores." in (
    found.lines
  )
  assert list(content["things"]) == ["person", "cup ", "tea cup"]
  assert content["names"] == {
    "Person": "person",
    "tea-cup": "tea cup",
    "Person/arm": "person/arm",
  }
  assert set(content["things"]["person"]["parts"]) == {"arm", "leg"}


def test_a_part_in_two_spellings_is_one_part():
  counts = PEOPLE | Counter({("Hair", ""): 1})
  _, content = edited(counts, IN_PERSON, {"floor"})
  assert content["names"]["Hair"] == content["names"]["hair"] == "person/hair"


def test_names_with_a_parent_are_parts_already():
  counts = Counter({("robot", "machine"): 2, ("arm", "robot"): 2, ("Arm", "robot"): 1})
  inside = {"arm": Inside("robot", 1.0)}
  assert hints.of_names(counts, set(), inside) == hints.Hints([], [])


@pytest.mark.parametrize(
  "one, other", [("Person", " person"), ("left_arm", "Left Arm"), ("-", "_")]
)
def test_names_that_look_alike_are_alike(one, other):
  is_alike = hints.folded(one) == hints.folded(other)
  assert is_alike == (one != "-")
