import dataclasses
import warnings

import pytest

from jppf_jax.labels.cpp import cpp
from jppf_jax.labels.ppp import ppp
from jppf_jax.labels.sides import (
  SidesWarning,
  exchanged_outputs,
  sided,
  unpaired,
  warn_of,
)
from jppf_jax.labels.spec import LabelSpec


@pytest.mark.parametrize(
  "left, right",
  [
    ("left arm", "right arm"),
    ("Left Arm", "Right Arm"),
    ("left_arm", "right_arm"),
    ("left-arm", "right-arm"),
    ("arm left", "arm right"),
    ("arm.LEFT", "arm.RIGHT"),
    ("leftArm", "rightArm"),
    ("ArmLeft", "ArmRight"),
    ("leftarm", "rightarm"),
    ("armleft", "armright"),
    ("upper left arm 2", "upper right arm 2"),
    ("l-arm", "r-arm"),
    ("arm_l", "arm_r"),
    ("L arm", "R arm"),
    ("arm.L", "arm.R"),
    ("ArmL", "ArmR"),
    ("LArm", "RArm"),
    ("lh", "rh"),
    ("lt_wheel", "rt_wheel"),
    ("leye", "reye"),
    ("face-leye", "face-reye"),
  ],
)
def test_both_names_say_a_side_in_any_usual_spelling(left, right):
  assert sided(["head", left, "torso", right]) == [left, right]


def test_a_word_says_its_side_without_the_other_one_too():
  assert sided(["body", "left wing"]) == ["left wing"]


def test_other_names_say_no_side():
  assert not sided(["leg", "light", "upright", "lace", "leftover", "bright", "wheel", "l", "arm"])


def people(**more):
  parts = {"left arm": [1], "right arm": [2], "torso": [3]}
  person = {"id": 1, "color": [1, 2, 3], "parts": parts}
  return {"things": {"person": person}, **more}


def test_a_spec_with_sides_is_warned_of_and_the_warning_names_them():
  message = r"people: 'person-left arm', 'person-right arm' say left or right.*mirror: "
  with pytest.warns(SidesWarning, match=message):
    LabelSpec.from_dict(people(), name="people")


def test_a_part_of_a_pair_and_a_name_without_side_are_not_unpaired():
  one, more = ["left arm", "right arm"], {"left leg": [4], "right leg": [5]}
  mapping = people(mirror=[one])
  mapping["things"]["person"]["parts"] |= more
  mapping["stuff"] = {"left lane": {"id": 2, "color": [1, 1, 1]}}
  with pytest.warns(SidesWarning):
    spec = LabelSpec.from_dict(mapping, name="people with legs")
  assert unpaired(spec) == ["left lane", "person-left leg", "person-right leg"]


def test_pairs_silence_the_warning():
  with warnings.catch_warnings():
    warnings.simplefilter("error")
    LabelSpec.from_dict(people(mirror=[["left arm", "right arm"]]), name="people")
    for spec in (cpp(), cpp(grouped=False), ppp()):
      warn_of(spec)


@pytest.mark.parametrize("count, more", [(2, False), (3, True)])
def test_a_warning_names_each_of_at_most_four_parts_once(count, more):
  limbs = ("arm", "leg", "eye")[:count]
  sides = [f"{side} {limb}" for limb in limbs for side in ("left", "right")]
  parts = {name: [pid] for pid, name in enumerate(sides, 1)}
  things = {name: {"id": n, "color": [n, n, n], "parts": parts} for n, name in enumerate("ab", 1)}
  shown = ", ".join(map(repr, sides[:4])) + (", ..." if more else "")
  with pytest.warns(SidesWarning, match=f"^two: {shown} say left or right"):
    LabelSpec.from_dict({"things": things, "share_parts": True}, name="two")


def test_classes_with_sides_are_warned_of():
  stuff = {"left lane": {"id": 2, "color": [1, 1, 1]}}
  with pytest.warns(SidesWarning, match="'left lane' says left or right, but keeps its id in"):
    LabelSpec.from_dict({"stuff": stuff}, name="lanes")


def test_python_shows_the_warning_once():
  with warnings.catch_warnings(record=True) as shown:
    warnings.simplefilter("default")
    for _ in range(3):
      LabelSpec.from_dict(people(), name="people of one test")
  assert len(shown) == 1


def test_a_mirrored_part_takes_the_output_of_the_other_side():
  spec = LabelSpec.from_dict(people(mirror=[["left arm", "right arm"]]), name="people")
  names = [spec.part_names[output] for output in exchanged_outputs(spec)]
  assert spec.part_names[1:3] == ("person-left arm", "person-right arm")
  assert names == ["background", "person-right arm", "person-left arm", "person-torso"]


def test_an_output_whose_classes_differ_or_whose_other_side_has_no_label_stays_itself():
  pairs = {"left arm": [1], "right arm": [2], "left leg": [3], "right leg": [4]}
  things = {name: {"id": n, "color": [n, n, n], "parts": pairs} for n, name in enumerate("ab", 1)}
  mirror = [["left arm", "right arm"], ["left leg", "right leg"]]
  both = {"things": things, "mirror": mirror, "share_parts": True}
  spec = LabelSpec.from_dict(both, name="both")
  assert exchanged_outputs(spec) == (0, 2, 1, 4, 3)
  mirrored = spec.mirrored_pid.copy()
  mirrored[2, 1:3] = 1, 2  # the arms of one class are not exchanged
  mirrored[1:3, 3] = 0  # a left leg becomes a pixel without a part label
  mirrored[1:3, 0] = 4  # and such a pixel a right leg
  changed = dataclasses.replace(spec, mirrored_pid=mirrored)
  assert exchanged_outputs(changed) == (0, 1, 2, 3, 3)


def test_without_pairs_each_output_stays_itself():
  for spec in (cpp(), ppp()):
    assert exchanged_outputs(spec) == tuple(range(spec.num_part_outputs))
