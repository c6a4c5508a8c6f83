import re
from pathlib import Path

import numpy as np
import pytest
import yaml

from jppf_jax.input_pipeline import datasets
from jppf_jax.labels import own_spec
from jppf_jax.labels.registry import load_spec
from jppf_jax.structs import IGNORE

EXAMPLE = yaml.safe_load(re.search(r"```yaml\n(.*?)```", own_spec.__doc__, re.DOTALL)[1])


def spec_of(tmp_path, content):
  path = tmp_path / "robots.yaml"
  path.write_text(yaml.safe_dump(content, sort_keys=False))
  return load_spec(str(path))


def test_the_example_of_the_docstring_gives_the_tables_that_it_describes(tmp_path):
  spec = spec_of(tmp_path, EXAMPLE)
  assert spec.name == "robots"
  assert spec.class_names == ("floor", "robot", "cart") and spec.num_stuff == 1
  assert spec.part_names == ("background", "arm", "wheel", "body")
  assert spec.class_parts == ((), (1, 2), (2, 3)) and spec.class_pids == ((), (1, 2), (1, 2))
  decoded = spec.decode(np.array([[0, 1, 4, 2, 2000, 200_002, 200_003, 300_001]], np.int32))
  assert decoded.semantic.tolist() == [[IGNORE, 0, IGNORE, 1, 1, 1, 1, 2]]
  assert decoded.part.tolist() == [[IGNORE, 0, IGNORE, IGNORE, IGNORE, 1, 2, 2]]
  assert decoded.crowd.tolist() == [[False, False, False, True, False, False, False, False]]


def test_without_sharing_each_class_has_its_own_channels(tmp_path):
  spec = spec_of(tmp_path, EXAMPLE | {"share_parts": False})
  assert spec.part_names == ("background", "robot-arm", "robot-wheel", "cart-wheel", "cart-body")


@pytest.mark.parametrize("uid", [5, 3_000_01 + 8, 1001_01])
def test_an_id_that_the_file_does_not_mention_is_refused(tmp_path, uid):
  with pytest.raises(ValueError, match="ids that robots does not have"):
    spec_of(tmp_path, EXAMPLE).decode(np.array([[uid]], np.int32))


def test_what_is_written_is_read_back_as_the_same_part(tmp_path):
  spec = spec_of(tmp_path, EXAMPLE)
  semantic, instance, part = np.array([[1, 2, 0]]), np.array([[1, 2, 0]]), np.array([[2, 3, 0]])
  decoded = spec.decode(spec.to_uids(semantic, instance, part))
  np.testing.assert_array_equal(decoded.semantic, semantic)
  np.testing.assert_array_equal(decoded.part, part)


def test_one_message_lists_every_mistake(tmp_path):
  wrong = {
    "stuff": {
      "floor": {"id": 0, "color": [1, 2]},
      "wall": {"id": 3, "color": [1, 2, 3], "parts": {"a": [1], "b": [2]}},
    },
    "things": {"robot": {"id": 2, "colour": 1, "parts": {"arm": [1, 1]}}, "cart": 5},
  }
  with pytest.raises(ValueError) as caught:
    spec_of(tmp_path, wrong)
  for expected in (
    "floor: id is 0, expected a scene id 1..99",
    "floor: color is [1, 2], expected [red, green, blue]",
    "wall: stuff cannot have parts",
    "robot: unknown entry 'colour'; known are color, id, parts",
    "robot: has one part; give two or more, or none",
    "robot: part id 1 occurs more than once",
    "cart: must have an id and a color",
  ):
    assert f"  - {expected}" in str(caught.value)


@pytest.mark.parametrize(
  "content, message",
  [
    (EXAMPLE | {"classes": 1}, "unknown entry 'classes'"),
    (EXAMPLE | {"ignore": [2]}, "id 2 occurs more than once"),
    (EXAMPLE | {"ignore": [100]}, "ignore: 100 is not a scene id"),
    ({"stuff": {}, "things": {}}, "there is no class"),
    ({"stuff": ["floor"]}, "stuff must map names to classes"),
    ({"stuff": EXAMPLE["stuff"], "things": EXAMPLE["stuff"]}, "'floor' is both stuff and thing"),
  ],
)
def test_contradictions_are_named(tmp_path, content, message):
  with pytest.raises(ValueError, match=re.escape(message)):
    spec_of(tmp_path, content)


def test_the_clothing_example_groups_46_of_58_labels_into_7_parts():
  folder = Path(__file__).parents[2] / "data" / "clothing_co_parsing"
  spec = load_spec(str(folder / "clothing_co_parsing.yaml"))
  assert spec.class_names == ("background", "person") and spec.num_parts == 8
  module = datasets.module("clothing_co_parsing")
  grouped = np.flatnonzero(spec.sid_pid_to_pid[2, 1:59] > 0) + 1
  assert sorted([*grouped, *module.NO_PART]) == list(range(1, 59))
