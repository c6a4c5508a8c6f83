"""From a folder to a dataset and a config that fit each other; docs_own_data_test.py builds it."""

import dataclasses
import json

import numpy as np
import pytest
import yaml
from etils import epath

from jppf_jax import build
from jppf_jax.cli import configs
from jppf_jax.conversion.convert import convert
from jppf_jax.conversion.init import dataset_name, init
from jppf_jax.fusion.config import BEST, FusionConfig
from jppf_jax.input_pipeline import datasets
from jppf_jax.labels.formats import files
from jppf_jax.labels.registry import load_spec
from jppf_jax.labels.sides import SidesWarning
from tests.conversion import scenes, tool_folders

SIZE = (70, 100)


def scene(*, parts=True):
  """A floor with two robots, one of which has an arm and a wheel, as uids."""
  uids = np.ones(SIZE, np.int32)
  uids[10:60, 10:40], uids[10:60, 50:90] = 2_001, 2_002
  if parts:
    uids[10:30, 10:40], uids[40:60, 10:40] = 200_101, 200_103
  return uids


def write_pairs(folder, count=3, *, parts=True, uids=None):
  """Photos, and labels that are all the same: a scene, if no uids are given."""
  uids = scene(parts=parts) if uids is None else uids
  for index in range(count):
    scenes.write_photo(folder / "photos" / f"{index}.jpg", SIZE, seed=index)
    files.write_uids(folder / "labels" / f"{index}.tif", uids)
  return folder


def config_of(result):
  """Returns the config that the printed command trains."""
  (*_, command) = result.commands
  assert command[:2] == ["jppf", "train"]
  return build.completed(configs.load(command[2].removeprefix("--config=")))


def pairs_of(config):
  """Returns the photos and labels that the builder of a config finds, and what is wrong."""
  builder = datasets.builder_class(config.data.name)
  return builder.find(epath.Path(config.data.manual_dir))


def test_a_folder_becomes_a_dataset_that_can_be_trained(tmp_path):
  folder = write_pairs(tmp_path / "Möbel Haus_dataset")
  result = init(folder)
  names = ["mobel_haus.yaml", "mobel_haus_dataset_builder.py", "mobel_haus_config.py"]
  assert [path.name for path in result.written] == names
  text = "\n".join(result.lines)
  assert "Photos with labels: 3, one in ten is for validation." in text
  assert "the median is 70 x 100" in text
  assert "class_2                50.00%        6  2" in text
  config = config_of(result)
  assert tuple(config.data.train_size) == (64, 96)
  assert (config.data.max_objects, config.detection.max_detections) == (4, 8)
  run = build.training(config, axis_name="batch")
  assert run.model.heads == ("semantic", "part", "instance")
  spec = build.label_spec(config)
  assert spec.class_names == ("class_1", "class_2")
  found, problems = pairs_of(config)
  assert not problems
  ids = {split: {pair.image_id for pair in found[split]} for split in found}
  assert ids["train"] | ids["validation"] == {"0", "1", "2"}
  assert (len(ids["train"]), len(ids["validation"])) == (2, 1)
  assert (config.fusion.min_stuff_area, config.model.anchor_scale) == (6, 8.0)
  fusion = FusionConfig(**config.fusion)
  assert dataclasses.replace(fusion, min_stuff_area=BEST.min_stuff_area) == BEST


def test_converted_labels_become_a_dataset_with_the_same_taxonomy(tmp_path):
  spec = scenes.write_spec(tmp_path / "spec")
  for split in ("train", "validation"):
    source = tool_folders.labelme(tmp_path / split)
    convert("labelme", source, spec, tmp_path / "own", split=split)
  result = init(tmp_path / "own")
  assert [path.name for path in result.written] == ["own_dataset_builder.py", "own_config.py"]
  config = config_of(result)
  assert build.label_spec(config).class_names == load_spec(spec).class_names
  found, problems = pairs_of(config)
  assert not problems
  builder = datasets.builder_class(config.data.name)
  for split in ("train", "validation"):
    (pair,) = found[split]
    assert pair.image.parent.name == split
    np.testing.assert_array_equal(builder.read_label(pair.label), tool_folders.expected())


def test_it_says_that_views_are_mirrored_and_what_speaks_against_it(tmp_path):
  folder = write_pairs(tmp_path / "own")
  result = init(folder)
  assert config_of(result).data.flip
  line = result.lines[-1]
  assert line.startswith("own_config.py has flip=True: training mirrors half of the views. ")
  assert "left and right, e.g. 'left arm', set flip=False, or name pairs of parts under" in line


def test_names_that_say_left_or_right_are_not_mirrored_unless_they_are_pairs(tmp_path):
  plain, _, _ = scenes.SPEC.partition("names:")
  arms = plain.replace("{arm: [1, 4], wheel: [3]}", "{left arm: [1, 4], right arm: [3]}")
  folder = write_pairs(tmp_path / "own")
  scenes.write_spec(folder, arms)
  with pytest.warns(SidesWarning, match="'left arm', 'right arm' say left or right"):
    result = init(folder)
    assert not config_of(result).data.flip
  line = result.lines[-1]
  assert "own_config.py has flip=False, no view is mirrored" in line
  assert "because of 'left arm', 'right arm': left and right would be exchanged" in line
  paired = write_pairs(tmp_path / "paired")
  scenes.write_spec(paired, f"{arms}mirror: [[left arm, right arm]]\n")
  result = init(paired)
  assert config_of(result).data.flip and "has flip=True" in result.lines[-1]


def test_without_parts_or_objects_the_network_has_no_heads_for_them(tmp_path):
  folder = write_pairs(tmp_path / "plain", count=2, parts=False)
  config = config_of(init(folder))
  assert tuple(config.model.heads) == ("semantic", "instance")
  for path in (tmp_path / "stuff/labels").glob("*"):
    path.unlink()
  stuff = write_pairs(tmp_path / "stuff", count=2)
  for path in (stuff / "labels").iterdir():
    files.write_uids(path, np.ones(SIZE, int))
  config = config_of(init(stuff))
  assert tuple(config.model.heads) == ("semantic",)


@pytest.mark.parametrize("tool", ["labelme", "coco", "cvat"])
def test_the_labels_of_a_tool_get_a_taxonomy_and_the_command_that_converts_them(tmp_path, tool):
  source = getattr(tool_folders, tool)(tmp_path / "src")
  result = init(source)
  spec = source / "src.yaml"
  assert result.written == [spec]
  out = str(tmp_path / "src_dataset")
  convert_command, init_command = result.commands
  assert convert_command == [
    *("jppf", "convert", f"--from={tool}", str(source)),
    *(f"--spec={spec}", f"--out={out}"),
  ]
  assert init_command == ["jppf", "init", out]
  assert "floor: 1 time" in "\n".join(result.lines)
  report = convert(tool, source, str(spec), out)
  assert not report.failures and not report.unknown
  owner = "bot" if tool == "labelme" else "robot"
  assert owner in load_spec(str(spec)).class_names


def test_plain_part_names_and_other_spellings_are_hinted_at_and_change_nothing(tmp_path):
  source = tool_folders.labelme(tmp_path / "src", names=("a", "b"))
  for name, arm, box in (("a", "arm", "box"), ("b", "Arm", "Box ")):
    path = source / f"{name}.json"
    text = path.read_text().replace('"robot/arm"', f'"{arm}"').replace('"box"', f'"{box}"')
    path.write_text(text)
  result = init(source)
  said = "\n".join(result.lines)
  assert "'arm' lies inside 'bot' with 100 % of its pixels; it may be a part of it." in said
  assert "'Box ' differs from 'box' only in capitals" in said
  (spec,) = result.written
  assert f"the lines to write stand at the end of {spec}." in said
  assert load_spec(str(spec)).class_names == ("floor", "bot", "arm", "box", "Arm", "Box ")
  _, _, hint = spec.read_text().partition("\n\n")
  lines = [line.removeprefix("# ") for line in hint.splitlines()]
  assert 'If so, delete above: arm, Arm, "Box ".' in lines
  assert "      arm: [1]" in lines
  assert lines[-3:] == ["  Arm: bot/arm", '  "Box ": box', "  arm: bot/arm"]


def test_pixels_that_nothing_is_drawn_on_are_drafted_as_background(tmp_path):
  source = tool_folders.labelme(tmp_path / "src")
  path = source / "a.json"
  content = json.loads(path.read_text())
  content["shapes"] = [one for one in content["shapes"] if one["label"] != "floor"]
  content["shapes"] += [{**content["shapes"][0], "label": name} for name in ("void", "unlabelled")]
  path.write_text(json.dumps(content).replace('"robot/arm"', '"arm"'))
  result = init(source)
  said = "\n".join(result.lines)
  (line,) = [line for line in result.lines if line.startswith("Nothing is drawn on ")]
  assert "The draft calls them background, a stuff class; delete it" in line
  (spec,) = result.written
  assert load_spec(str(spec)).class_names == ("background", "bot", "arm", "box")
  assert "'arm' lies inside 'bot'" in said
  text = spec.read_text()
  _, _, hint = text.partition("\n\n")
  assert "# And these at the end, under names:\n#   arm: bot/arm" in hint
  edited = yaml.safe_load(text + "  arm: bot/arm\n")
  assert edited["names"] == {"unlabelled": "background", "arm": "bot/arm"}


def relabelled(folder, names, *, without=()):
  """LabelMe's small scene with other names."""
  path = tool_folders.labelme(folder) / "a.json"
  content = json.loads(path.read_text())
  shapes = [one for one in content["shapes"] if one["label"] not in without]
  for shape in shapes:
    shape["label"] = names.get(shape["label"], shape["label"])
  path.write_text(json.dumps(content | {"shapes": shapes}))
  return folder


def test_names_of_nothing_are_listed_and_not_drafted(tmp_path):
  source = relabelled(tmp_path / "src", {"robot/arm": "bot/void", "box": "Void"})
  result = init(source)
  assert "  bot/void: 1 time" in result.lines
  spec = load_spec(str(result.written[0]))
  assert (spec.class_names, spec.num_parts) == (("floor", "bot"), 1)


def test_parts_without_their_object_are_said(tmp_path):
  source = relabelled(tmp_path / "src", {}, without=("bot", "floor"))
  said = "\n".join(init(source).lines)
  assert "Parts of 'robot' are drawn, but no 'robot': parts lie on objects" in said
  drawn = (3 * 6 + 4 * 5) / 240 * 100  # the arm and the box
  assert f"Nothing is drawn on {100 - drawn:.0f} % of the pixels." in said
  relabelled(tmp_path / "whole", {"bot": "robot"})
  assert "Parts of" not in "\n".join(init(tmp_path / "whole").lines)


def test_a_taxonomy_that_cannot_be_read_is_not_left_behind(tmp_path):
  source = relabelled(tmp_path / "src", {"robot/arm": "robot/"})
  for _ in range(2):
    with pytest.raises(ValueError, match="(?s)Of the names in .*src no taxonomy can be made.*part"):
      init(source)
  assert not list(source.glob("*.yaml"))


def test_annotations_of_unlisted_images_only_are_no_void(tmp_path):
  source = tool_folders.coco(tmp_path / "src")
  path = source / "annotations" / "instances_default.json"
  path.write_text(path.read_text().replace('"image_id": 1', '"image_id": 7'))
  with pytest.raises(ValueError, match="has no class|have no class. Not read: 4 annotations of"):
    init(source)


def test_what_no_network_can_learn_is_said(tmp_path):
  uids = np.zeros(SIZE, np.int32)
  uids[:14] = 2_001
  uids[:14, :60] = 200_101
  folder = write_pairs(tmp_path / "own", uids=uids)
  spec = {"things": {"robot": {"id": 2, "color": [9, 9, 9], "parts": {"arm": [1], "wheel": [3]}}}}
  (folder / "robots.yaml").write_text(yaml.safe_dump(spec))
  said = "\n".join(init(folder).lines)
  assert "Much is void, 80 % of the pixels: neither trained nor scored" in said
  assert "There is one class, so each pixel will be called robot." in said
  assert "robot: 40 % of the pixels of its objects have no part" in said
  assert "names: {robot/unlabelled: robot/rest}" in said


def said_of(folder, uids):
  spec = {
    "stuff": {"floor": {"id": 1, "color": [9, 9, 99]}},
    "things": {
      "robot": {"id": 2, "color": [9, 9, 9], "parts": {"arm": [1], "wheel": [3]}},
      "box": {"id": 4, "color": [99, 9, 9]},
    },
  }
  write_pairs(folder, uids=uids)
  (folder / "robots.yaml").write_text(yaml.safe_dump(spec))
  return "\n".join(init(folder).lines)


def test_shares_that_nobody_knows_are_said_above_a_fifth(tmp_path):
  uids = np.full(SIZE, 4_001, np.int32)  # boxes have no parts
  uids[:10], uids[:10, :78] = 2_001, 200_101
  uids[10:20] = 2  # a crowd has no parts, and does not count
  uids[20:35] = 0
  said = said_of(tmp_path / "more", uids)
  assert "Much is void, 21 % of the pixels" in said
  assert "robot: 22 % of the pixels of its objects have no part" in said
  assert "box:" not in said and "one class" not in said
  uids[:10, :82], uids[34] = 200_101, 4_001
  uids[33, :10] = 4_001
  said = said_of(tmp_path / "less", uids)
  assert "void, " not in said and "no part" not in said


def test_labels_that_say_nearly_everything_get_no_warning(tmp_path):
  uids = scene()
  uids[uids == 2_002], uids[uids == 2_001], uids[60:] = 200_203, 200_101, 0
  uids[10:60, 50:57] = 2_002
  said = "\n".join(init(write_pairs(tmp_path / "own", uids=uids)).lines)
  assert "void, " not in said and "one class" not in said and "no part" not in said


def test_a_spec_that_is_given_gets_no_hints(tmp_path):
  source = tool_folders.labelme(tmp_path / "src")
  path = source / "a.json"
  path.write_text(path.read_text().replace('"robot/arm"', '"arm"'))
  result = init(source, spec=scenes.write_spec(tmp_path / "spec"))
  assert "inside" not in "\n".join(result.lines)


def test_labels_of_a_tool_that_cannot_be_used_are_listed(tmp_path):
  source = tool_folders.labelme(tmp_path / "src", names=("a", "b"))
  (source / "a.jpg").unlink()
  assert "1 of them cannot be used:\n  - " in "\n".join(init(source).lines)
  (source / "b.jpg").unlink()
  (source / "src.yaml").unlink()
  with pytest.raises(ValueError, match="(?s)labelme in .* cannot be used:.*a.json.*b.json"):
    init(source)


def test_nothing_is_replaced(tmp_path):
  folder = write_pairs(tmp_path / "own", count=2)
  init(folder)
  with pytest.raises(FileExistsError, match="own_config.py exist already and are not replaced"):
    init(folder)
  source = tool_folders.labelme(tmp_path / "src")
  (source / "src.yaml").write_text("a: b")
  with pytest.raises(FileExistsError, match="src.yaml exist already"):
    init(source)


def test_ids_that_the_taxonomy_does_not_have_are_listed(tmp_path):
  folder = write_pairs(tmp_path / "own", count=2)
  spec = scenes.write_spec(tmp_path, scenes.SPEC.replace("[1, 4]", "[4]"))
  with pytest.raises(ValueError, match="does not have ids that are in the labels.*\n  - part 1 of"):
    init(folder, spec=spec)
  assert not list(folder.glob("*.py"))


def test_two_taxonomies_in_the_folder_and_one_photo_are_refused(tmp_path):
  folder = write_pairs(tmp_path / "own", count=1)
  with pytest.raises(ValueError, match="has one photo with a label"):
    init(folder)
  scenes.write_spec(folder)
  (folder / "b.yaml").write_text(scenes.SPEC)
  with pytest.raises(ValueError, match="several taxonomies, b.yaml, warehouse.yaml; choose one"):
    init(folder)
  with pytest.raises(FileNotFoundError, match="There is no folder"):
    init(tmp_path / "nowhere")


@pytest.mark.parametrize(
  "folder, name",
  [
    ("Robots", "robots"),
    ("2024 photos", "dataset_2024_photos"),
    ("写真", "dataset"),
    ("a-b.c", "a_b_c"),
  ],
)
def test_a_dataset_is_called_after_its_folder(tmp_path, folder, name):
  assert dataset_name(tmp_path / folder) == name
