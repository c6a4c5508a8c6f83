import re

import yaml

from jppf_jax.checkpoints.card import Card
from jppf_jax.labels.spec import LabelSpec

GREY = [9, 9, 9]
ROBOT = {"id": 2, "color": GREY, "parts": {"arm": [1], "wheel": [2]}}
ROBOTS = LabelSpec.from_dict(
  {"stuff": {"floor": {"id": 1, "color": GREY}}, "things": {"robot": ROBOT}}, name="robots"
)


def robots(*, has_parts):
  origin = "trained 5 steps on robots"
  return Card("robots", "other", ROBOTS, "b0", 1_824_000, (192, 384), has_parts, origin)


def test_the_card_of_a_network_without_a_part_head_promises_no_parts():
  with_parts, without = str(robots(has_parts=True)), str(robots(has_parts=False))
  assert "class, part and instance" in with_parts and "class and instance" in without
  assert "| parts | none: there is no part head |" in without
  assert "joint fusion" not in without


def test_a_card_has_the_metadata_of_the_hub_and_says_what_the_model_knows():
  card = robots(has_parts=True)
  nothing, front, text = str(card).split("---\n", 2)
  assert nothing == ""
  about = yaml.safe_load(front)
  assert about["license"] == "other"
  assert about["library_name"] == "jppf_jax"
  assert about["pipeline_tag"] == "image-segmentation"
  assert {"jax", "panoptic-segmentation"} <= set(about["tags"])
  rows = dict(re.findall(r"^\| (\w+) \| (.*) \|$", text, re.MULTILINE))
  assert rows["weights"] == "trained 5 steps on robots"
  assert rows["network"] == "EfficientNet b0, 1.82 M parameters"
  assert "192 x 384" in rows["images"]
  assert (rows["things"], rows["stuff"], rows["parts"]) == (
    *("robot", "floor", "robot-arm, robot-wheel"),
  )
