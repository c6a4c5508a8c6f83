import json

import numpy as np
import pytest

from jppf_jax.evaluation.merge import instance_source, merge_folder, panoptic_source
from jppf_jax.labels.cpp import cpp
from jppf_jax.labels.formats import coco, files
from jppf_jax.labels.formats.merge import merge_instances
from jppf_jax.structs import Detection
from tests.evaluation.saved_files import (
  IDS,
  PANOPTIC_FORMS,
  SIZE,
  write_image,
  write_panoptic_forms,
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
