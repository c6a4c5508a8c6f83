import dataclasses
import json

import numpy as np
import pytest

from jppf_jax.checkpoints import meaning
from jppf_jax.labels.registry import load_spec
from jppf_jax.structs import IGNORE

NETWORK = {
  "heads": ["semantic", "part", "instance"],
  "encoder": "b0",
  "width": 0.5,
  "depth": 1.0,
  "pixel_mean": [1.0, 2.0, 3.0],
  "pixel_std": [4.0, 5.0, 6.0],
  "anchor_scale": 8.0,
  "anchor_ratios": [0.5, 1.0, 2.0],
  "legacy": True,
  "finest_scale": 56.0,
}
RECORD = {"network": NETWORK, "taxonomy": meaning.taxonomy(load_spec("cpp_grouped"))}
MODULES = {"encoder", "fpn", "semantic_head", "part_head", "rpn_head", "box_head", "mask_head"}
ROI_HEADS = {"box_head", "mask_head"}


def with_setting(name, value):
  return {**RECORD, "network": NETWORK | {name: value}}


def compare(stored, modules=MODULES):
  return meaning.compare(stored, RECORD, modules)


def test_a_record_survives_json_and_is_equal_to_itself():
  stored = json.loads(json.dumps({"meaning": RECORD}))
  assert compare(meaning.of_file(stored)) == ({}, "", [])


@pytest.mark.parametrize(
  "name, value, modules, flag",
  [
    ("encoder", "lite0", {"encoder"}, "--config.model.encoder=lite0"),
    ("width", 0.25, {"encoder"}, "--config.model.width=0.25"),
    ("depth", 0.9, {"encoder"}, "--config.model.depth=0.9"),
    ("pixel_mean", [1, 2, 3.5], {"encoder"}, "--config.model.pixel_mean='(1, 2, 3.5)'"),
    ("pixel_std", [4, 5, 7], {"encoder"}, "--config.model.pixel_std='(4, 5, 7)'"),
    ("anchor_scale", 4.0, {"rpn_head"}, "--config.model.anchor_scale=4.0"),
    ("anchor_ratios", [0.5, 1.0], {"rpn_head"}, "--config.model.anchor_ratios='(0.5, 1.0)'"),
    ("heads", ["semantic", "instance"], {"encoder"}, "--config.model.heads=semantic,instance"),
    ("legacy", False, {"rpn_head", *ROI_HEADS}, "--config.model.legacy=False"),
    ("finest_scale", 28.0, ROI_HEADS, "--config.model.finest_scale=28.0"),
  ],
)
def test_each_setting_is_compared_where_weights_depend_on_it(name, value, modules, flag):
  found = compare(with_setting(name, value))
  assert found.settings.keys() == {name}
  assert found.listed().startswith(f"\n  {name} is ")
  assert found.flags() == flag
  stored = with_setting(name, value)
  assert {module for module in MODULES if compare(stored, {module}).settings} == modules


def test_whole_numbers_and_tuples_are_no_difference():
  assert not compare(with_setting("pixel_mean", (1, 2, 3))).settings


def own(path, *edit):
  """The record of a taxonomy of two stuff classes and two things, with one text replaced."""
  text = OWN.replace(*edit) if edit else OWN
  assert (text != OWN) == bool(edit)
  path = path / "own.yaml"
  path.write_text(text)
  return {"network": NETWORK, "taxonomy": meaning.taxonomy(load_spec(str(path)))}


OWN = """
stuff:
  floor: {id: 1, color: [1, 2, 3]}
  wall: {id: 4, color: [3, 2, 1]}
things:
  robot: {id: 2, color: [4, 5, 6], parts: {arm: [1, 2], wheel: [3]}}
  cart: {id: 3, color: [6, 5, 4], parts: {wheel: [1], body: [2]}}
share_parts: true
ignore: [9]
"""


@pytest.mark.parametrize("edit", [("[1, 2, 3]", "[9, 9, 9]"), ("[9]", "[8, 9]")])
def test_the_name_the_colours_and_further_ids_of_a_taxonomy_do_not_matter(tmp_path, edit):
  assert meaning.compare(own(tmp_path), own(tmp_path, *edit), MODULES) == ({}, "", [])


@pytest.mark.parametrize(
  "edit, phrase",
  [
    (("floor", "street"), "classes[0] is 'floor' for the weights, 'street' in the config"),
    (("id: 4", "id: 5"), "class_ids[1] is 4 for the weights, 5 in the config"),
    (("body", "hull"), "part_outputs[3] is 'body' for the weights, 'hull' in the config"),
    (("arm: [1, 2], wheel: [3]", "arm: [1], wheel: [2, 3]"), "it gives ids of the label files"),
    (("share_parts: true", ""), "part_outputs: 4 entries for the weights, 5 entries"),
    (("  wall: {id: 4, color: [3, 2, 1]}\n", ""), "classes: 4 entries for the weights, 3 entries"),
  ],
)
def test_a_taxonomy_is_compared_by_what_it_holds(tmp_path, edit, phrase):
  found = meaning.compare(own(tmp_path), own(tmp_path, *edit), {"semantic_head"})
  assert phrase in found.taxonomy
  assert phrase in found.listed()
  assert not meaning.compare(own(tmp_path), own(tmp_path, *edit), {"encoder"}).taxonomy


def test_a_taxonomy_is_compared_for_each_head_with_outputs_per_class():
  stored = {**RECORD, "taxonomy": RECORD["taxonomy"] | {"tables": 1}}
  compared = {module for module in MODULES if compare(stored, {module}).taxonomy}
  assert compared == {"semantic_head", "part_head", *ROI_HEADS}


@pytest.mark.parametrize(
  "table, place, value",
  [
    ("sid_to_train", 99, 0),  # a scene id that was ignored
    ("sid_pid_to_channel", (24, 1), 2),
    ("sid_pid_to_pid", (24, 1), 2),
    ("class_background", 11, IGNORE),
  ],
)
def test_each_table_of_the_ids_in_label_files_is_compared(table, place, value):
  spec = load_spec("cpp_grouped")
  changed = np.array(getattr(spec, table))
  assert changed[place] != value
  changed[place] = value
  value = tuple(changed.tolist()) if table == "class_background" else changed
  stored = meaning.taxonomy(dataclasses.replace(spec, **{table: value}))
  differs = {name for name in stored if stored[name] != RECORD["taxonomy"][name]}
  assert differs == {"tables"}
  found = compare({**RECORD, "taxonomy": stored})
  assert found.taxonomy == "it gives ids of the label files to other classes or parts"


THINGS = {"box_head/classes", "box_head/deltas", "mask_head/logits"}


@pytest.mark.parametrize(
  "edit, outputs",
  [
    ((), set()),
    (("floor", "street"), {"semantic_head/logits"}),
    (("robot", "drone"), {"semantic_head/logits", *THINGS}),
    (("body", "hull"), {"part_head/logits"}),
    (("id: 4", "id: 5"), set()),
  ],
)
def test_output_layers_of_other_classes_are_found_by_the_names(tmp_path, edit, outputs):
  assert meaning.other_outputs(own(tmp_path), own(tmp_path, *edit)) == outputs


def test_backgrounds_of_classes_are_part_outputs():
  outputs = meaning.taxonomy(load_spec("cpp_grouped_sembg"))["part_outputs"]
  assert len(outputs) == 23
  assert outputs[0] == "background of road"
  assert outputs[-1] == "background of bicycle"


@pytest.mark.parametrize("about", [{}, {"meaning": None}, {"meaning": 3}, {"config": []}])
def test_a_file_without_a_record_leaves_everything_unknown(about):
  found = compare(meaning.of_file(about))
  assert found == ({}, "", [*NETWORK, "taxonomy"][1:])  # the heads are seen by the tensors
  assert not meaning.other_outputs(meaning.of_file(about), RECORD)


def test_an_older_file_is_compared_as_far_as_its_config_goes():
  about = {"config": {"model": {"encoder": "b0", "anchor_scale": 4.0, "fpn_channels": 9}}}
  found = compare(meaning.of_file(about))
  assert found.settings == {"anchor_scale": (4.0, 8.0)}
  assert found.unknown == [
    *(name for name in NETWORK if name not in ("heads", "encoder", "anchor_scale")),
    "taxonomy",
  ]
  assert meaning.of_file({"encoder": "lite0"})["network"] == {"encoder": "lite0"}
