import json
import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from jppf_jax.evaluation.merge import folder_read, instance_source, merge_folder, panoptic_source
from jppf_jax.labels.cpp import cpp
from jppf_jax.labels.formats import coco, files
from jppf_jax.labels.formats.merge import merge_instances
from jppf_jax.panoptic import Detection
from tests.evaluation.saved_files import (
  IDS,
  PANOPTIC_FORMS,
  SIZE,
  write_image,
  write_panoptic_forms,
  write_parts,
)
from tests.oracles import random_labels

SETTINGS = {"confidence": 0.5, "overlap": 0.5, "min_stuff": 30}


@pytest.fixture
def predictions(tmp_path):
  """The folder of `write_panoptic_forms`, and what merging should give."""
  expected = write_panoptic_forms(tmp_path)
  return tmp_path, expected


def merged(root, panoptic):
  """Merges `root/panoptic` with `root/parts`; returns what was written, by image id."""
  source = panoptic_source(root / panoptic, cpp())
  merge_folder(source, root / "parts", root / "out", cpp())
  return {path.stem: files.read_channels(path) for path in (root / "out").iterdir()}


def message_of_failure(root, panoptic):
  with pytest.raises(ValueError) as caught:
    merged(root, panoptic)
  return str(caught.value)


def assert_same_segments(found, expected):
  """Asserts that two three-channel predictions agree up to the numbers of their instances."""
  np.testing.assert_array_equal(found[..., [0, 2]], expected[..., [0, 2]])
  both = np.concatenate([found[..., :2], expected[..., :2]], -1).reshape(-1, 4)
  pairs = np.unique(both, axis=0)
  assert len(np.unique(pairs[:, :2], axis=0)) == len(pairs)
  assert len(np.unique(pairs[:, 2:], axis=0)) == len(pairs)


def test_a_folder_of_uids_is_merged_with_a_folder_of_parts(tmp_path):
  uids = np.array([[7, 7, 24_003], [7, 24_003, 24_003]])
  files.write_uids(tmp_path / "panoptic" / "a.tif", uids)
  write_image(tmp_path / "parts" / "a.png", [[0, 0, 1], [0, 2, 0]])
  channels = merged(tmp_path, "panoptic")["a"]
  assert channels[..., 0].tolist() == [[7, 7, 24], [7, 24, 24]]
  assert channels[..., 2].tolist() == [[1, 1, 1], [1, 2, 255]]


@pytest.mark.parametrize("form", PANOPTIC_FORMS)
def test_every_form_of_panoptic_prediction_gives_the_same(predictions, form):
  root, expected = predictions
  found = merged(root, form)
  assert sorted(found) == sorted(expected)
  for image_id, channels in expected.items():
    assert_same_segments(found[image_id], channels)


def test_the_index_may_lie_in_the_folder(predictions):
  root, expected = predictions
  (root / "panoptic.json").rename(root / "panoptic" / "all.json")
  found = merged(root, "panoptic")
  for image_id in IDS:
    np.testing.assert_array_equal(found[image_id], expected[image_id])


def test_two_indices_in_the_folder_are_an_error(predictions):
  root, _ = predictions
  (root / "panoptic.json").rename(root / "panoptic" / "all.json")
  (root / "panoptic" / "more.json").write_text("{}")
  with pytest.raises(ValueError, match=r"panoptic holds 2 JSON files; name the panoptic one as"):
    panoptic_source(root / "panoptic", cpp())


def random_detections(rng):
  scores = np.arange(5) / 4
  masks = [random_labels.random_rectangle(rng, SIZE) for _ in scores]
  return [
    Detection(int(rng.choice([24, 26])), float(score), mask) for score, mask in zip(scores, masks)
  ]


def write_cityscapes(folder, image_id, instances):
  lines = []
  for number, instance in enumerate(instances):
    name = f"{image_id}_{number}.png"
    write_image(folder / name, instance.mask * 255)
    lines.append(f"{name} {instance.scene} {instance.score}")
  (folder / f"{image_id}.txt").write_text("\n".join(lines))


@pytest.fixture
def instances(tmp_path):
  """Writes classes and instances; returns the folder and the panoptic predictions they make."""
  rng, results, expected = np.random.default_rng(2), [], {}
  for image_id in IDS:
    semantic = rng.choice([7, 23, 24], SIZE, p=[0.7, 0.2, 0.1]).astype(np.int32)
    detections = random_detections(rng)
    write_image(tmp_path / "semantic" / f"{image_id}.png", semantic)
    write_cityscapes(tmp_path / "instances", image_id, detections)
    name = 42 if image_id == "000042" else image_id  # as COCO's tools write it
    results += [coco.result(image_id, one) | {"image_id": name} for one in detections]
    expected[image_id] = merge_instances(semantic, detections, cpp(), **SETTINGS)
  (tmp_path / "results.json").write_text(json.dumps(results))
  return tmp_path, expected


@pytest.mark.parametrize("form", ["results.json", "instances"])
def test_panoptic_predictions_are_made_of_classes_and_instances(instances, form):
  root, expected = instances
  source = instance_source(root / "semantic", root / form, cpp(), **SETTINGS)
  assert sorted(source) == sorted(expected)
  for image_id, panoptic in expected.items():
    found = source[image_id]()
    np.testing.assert_array_equal(found.scene, panoptic.scene)
    np.testing.assert_array_equal(found.instance, panoptic.instance)


def test_images_without_a_text_file_of_instances_are_an_error(instances):
  root, _ = instances
  (root / "texts").mkdir()
  (root / "texts" / "other.txt").write_text("")
  with pytest.raises(ValueError, match="2 of 2 images have no text file in"):
    instance_source(root / "semantic", root / "texts", cpp(), **SETTINGS)


def test_all_images_that_cannot_be_merged_are_listed(predictions):
  root, _ = predictions
  first, second = IDS
  (root / "parts" / f"{first}.png").write_bytes(b"")
  write_image(root / "parts" / f"{second}.png", np.zeros((3, 3)))
  message = message_of_failure(root, "channels")
  assert message.startswith("2 of 2 images cannot be merged:")
  assert f"{first}.png cannot be read as an image" in message
  assert f"{second}: The panoptic prediction has size (12, 16), the parts (3, 3)" in message


def test_an_image_without_parts_stops_before_anything_is_written(predictions):
  root, _ = predictions
  (root / "parts" / f"{IDS[0]}.png").unlink()
  message = message_of_failure(root, "channels")
  assert message.startswith("1 of 2 images have no file in")
  assert f"parts, e.g. {IDS[0]}" in message
  assert not (root / "out").exists()


def write_crowded(root, count):
  """Writes a panoptic prediction with `count` cars, one pixel each, and their parts."""
  files.write_uids(root / "uids" / "a.tif", 26_000 + np.arange(count, dtype=np.int32)[None])
  parts = np.full((1, count), cpp().part_names.index("vehicle-wheels"))
  write_image(root / "parts" / "a.png", parts)


def test_more_instances_than_a_png_holds_become_a_uid_tiff(tmp_path):
  write_crowded(tmp_path, 257)
  source = panoptic_source(tmp_path / "uids", cpp())
  assert merge_folder(source, tmp_path / "parts", tmp_path / "out", cpp()) == ["a"]
  assert [path.name for path in (tmp_path / "out").iterdir()] == ["a.tif"]
  channels = files.read_prediction(tmp_path / "out" / "a.tif", cpp())
  assert (channels[..., 0] == 26).all() and len(np.unique(channels[..., 1])) == 257
  assert (channels[..., 2] == 2).all()  # the wheels of a car


def test_256_instances_fit_in_a_png(tmp_path):
  write_crowded(tmp_path, 256)
  assert len(np.unique(merged(tmp_path, "uids")["a"][..., 1])) == 256


@pytest.mark.parametrize("count, other", [(256, "a.tif"), (257, "a.png")])
def test_the_other_form_of_an_earlier_merge_is_not_touched(tmp_path, count, other):
  write_crowded(tmp_path, count)
  write_image(tmp_path / "out" / other, np.zeros((1, 1)))
  before = (tmp_path / "out" / other).read_bytes()
  assert f"{other} is there already; remove it" in message_of_failure(tmp_path, "uids")
  assert [path.name for path in (tmp_path / "out").iterdir()] == [other]
  assert (tmp_path / "out" / other).read_bytes() == before


@pytest.mark.parametrize("out", ["uids/../parts", "parts/merged"])
def test_results_never_replace_or_join_the_parts(tmp_path, out):
  write_crowded(tmp_path, 3)
  source = panoptic_source(tmp_path / "uids", cpp())
  with pytest.raises(FileExistsError, match="would join or replace what is in the input .*parts"):
    merge_folder(source, tmp_path / "parts", tmp_path / out, cpp())
  assert not (tmp_path / "parts/merged").exists()


def test_the_folder_that_is_read_is_that_of_the_index_s_name_or_the_one_it_lies_in(tmp_path):
  assert folder_read(tmp_path / "a") == tmp_path / "a"
  assert folder_read(tmp_path / "a.v1.json") == tmp_path
  (tmp_path / "a.v1").mkdir()
  assert folder_read(tmp_path / "a.v1.json") == tmp_path / "a.v1"


def test_folders_with_dots_in_their_names_keep_to_their_own_index(predictions):
  root, expected = predictions
  (root / "panoptic").rename(root / "pred.v1.2")
  (root / "panoptic.json").rename(root / "pred.v1.2.json")
  (root / "pred.v1.json").write_text("[]")  # of another folder
  for panoptic in ("pred.v1.2", "pred.v1.2.json"):
    found = merged(root, panoptic)
    for image_id in IDS:
      np.testing.assert_array_equal(found[image_id], expected[image_id])


def test_the_current_folder_is_a_folder_too(predictions, monkeypatch):
  root, expected = predictions
  monkeypatch.chdir(root / "panoptic")
  assert sorted(panoptic_source(Path(), cpp())) == sorted(expected)


def test_two_files_that_would_have_one_result_stop_before_anything_is_written(predictions):
  root, _ = predictions
  content = json.loads((root / "panoptic.json").read_text())
  first, second = content["annotations"]
  first["file_name"], second["file_name"] = "x/a.png", "y/a.png"
  (root / "panoptic.json").write_text(json.dumps(content))
  with pytest.raises(ValueError, match=r"x/a\.png and .*y/a\.png are both image 'a'"):
    merged(root, "panoptic")
  assert not (root / "out").exists()


def test_foreign_scene_ids_and_part_channels_are_listed(predictions):
  root, _ = predictions
  first, second = IDS
  channels = files.read_channels(root / "channels" / f"{first}.png").copy()
  channels[0, 0, 0] = 77
  files.write_channels(root / "channels" / f"{first}.png", channels)
  write_image(root / "parts" / f"{second}.png", np.full(SIZE, 10))
  message = message_of_failure(root, "channels")
  assert "1 pixels carry scene ids that cpp_grouped does not have: 77" in message
  assert f"{second}: The parts have channel 10; cpp_grouped has part channels 0 to 9" in message


def test_lossy_parts_are_refused(predictions):
  root, _ = predictions
  path = root / "parts" / f"{IDS[0]}.png"
  Image.new("L", SIZE[::-1]).save(path, format="JPEG")
  assert f"{path} is a JPEG file" in message_of_failure(root, "channels")


def test_an_output_that_cannot_be_written_stops_before_the_work(predictions):
  root, _ = predictions
  (root / "out").write_text("")
  with pytest.raises(NotADirectoryError, match="out is no folder"):
    merge_folder({}, root / "parts", root / "out", cpp())


def test_results_of_other_images_are_noted_and_results_of_no_image_are_an_error(instances, capsys):
  root, _ = instances
  results = json.loads((root / "results.json").read_text())
  stranger = results[0] | {"image_id": 7}
  (root / "more.json").write_text(json.dumps([*results, stranger]))
  instance_source(root / "semantic", root / "more.json", cpp(), **SETTINGS)
  assert "Left out: results of 1 other images, e.g. '7'." in capsys.readouterr().err
  (root / "none.json").write_text(json.dumps([stranger]))
  with pytest.raises(ValueError, match=r"none\.json has no results of these images, but of '7'"):
    instance_source(root / "semantic", root / "none.json", cpp(), **SETTINGS)


@pytest.mark.parametrize(
  "changes, message",
  [
    ({"score": math.nan}, "the score nan"),
    ({"category_id": 50}, "class 50, which cpp_grouped does not have"),
    ({"segmentation": [[0, 0, 4, 0, 4, 4]]}, "polygons"),
    ({"segmentation": {"size": [10**6, 10**6], "counts": [10**12]}}, "the image has"),
    ({"segmentation": {"size": list(SIZE), "counts": "14"}}, "do not fill"),
  ],
)
def test_results_of_wrong_form_are_listed_by_image(instances, changes, message):
  root, _ = instances
  write_parts(root, np.random.default_rng(0))
  results = json.loads((root / "results.json").read_text())
  results[0] |= changes
  (root / "results.json").write_text(json.dumps(results))
  source = instance_source(root / "semantic", root / "results.json", cpp(), **SETTINGS)
  with pytest.raises(ValueError, match="1 of 2 images cannot be merged") as caught:
    merge_folder(source, root / "parts", root / "out", cpp())
  assert f"{IDS[0]}: " in str(caught.value) and message in str(caught.value)
