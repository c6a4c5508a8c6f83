import json

import numpy as np
import pytest
from absl import app, flags
from absl.testing import flagsaver
from PIL import Image

from jppf_jax.cli import file_flags, merge
from jppf_jax.labels.cpp import cpp
from jppf_jax.labels.formats import coco, files
from jppf_jax.labels.formats.merge import merge_instances, merge_parts
from jppf_jax.structs import Detection
from tests.oracles import random_labels

IDS = ("aachen_000001_000019", "000042")
NOTHING = {"panoptic": None, "semantic": None, "instances": None, "parts": None}


def run(root, **changes):
  """Runs the verb in this process and returns what it wrote, by image id."""
  values = (
    NOTHING | {"parts": str(root / "parts")} | {key: str(value) for key, value in changes.items()}
  )
  holders = [(getattr(merge, f"_{name.upper()}"), value) for name, value in values.items()]
  flags.FLAGS.mark_as_parsed()
  with flagsaver.flagsaver(*holders, (file_flags.SPEC, "cpp"), (file_flags.OUT, str(root / "out"))):
    merge.main(["merge"])
  return {path.stem: files.read_channels(path) for path in (root / "out").iterdir()}


def write_parts(root, rng, size=(12, 16)):
  parts = {image_id: rng.integers(0, cpp().num_parts, size, np.int32) for image_id in IDS}
  for image_id, channels in parts.items():
    files.write_image(
      root / "parts" / f"{image_id}.png", Image.fromarray(channels.astype(np.uint8)), format="PNG"
    )
  return parts


def same_segments(a, b):
  """Whether two three-channel predictions agree up to the numbers of their instances."""
  pairs = {
    tuple(map(int, pair))
    for pair in zip(a[..., 0].flat, a[..., 1].flat, b[..., 0].flat, b[..., 1].flat)
  }
  one_to_one = len({p[:2] for p in pairs}) == len({p[2:] for p in pairs}) == len(pairs)
  return one_to_one and np.array_equal(a[..., [0, 2]], b[..., [0, 2]])


@pytest.fixture
def predictions(tmp_path):
  """Writes the same panoptic predictions in every form; returns the folder and what merging should
  give.
  """
  rng, expected, annotations = np.random.default_rng(1), {}, []
  parts = write_parts(tmp_path, rng)
  for image_id in IDS:
    uids, _ = random_labels.random_pair(cpp(), rng)
    sid_iid = np.where(uids > 99_999, uids // 100, uids)
    things = np.isin(sid_iid, cpp().class_ids[cpp().num_stuff :])
    sid_iid = np.where(
      things | ((sid_iid > 999) & (sid_iid < 24_000)), 7, sid_iid
    )  # crowd is for ground truth
    files.write_instance_ids(tmp_path / "ids" / f"{image_id}_instanceIds.png", sid_iid)
    files.write_uids(tmp_path / "uids" / f"{image_id}.tif", sid_iid)
    files.write_channels(tmp_path / "channels" / f"{image_id}.png", cpp().uids_to_channels(sid_iid))
    annotations.append(
      coco.write_panoptic(tmp_path / "panoptic" / f"{image_id}.png", sid_iid, cpp())
    )
    panoptic = coco.read_panoptic(tmp_path / "panoptic" / f"{image_id}.png", annotations[-1])
    expected[image_id] = merge_parts(panoptic, parts[image_id], cpp())
  coco.write_index(tmp_path / "panoptic.json", annotations, cpp())
  return tmp_path, expected


@pytest.mark.parametrize("form", ["panoptic", "panoptic.json", "channels", "uids", "ids"])
def test_every_form_of_panoptic_prediction_gives_the_same(predictions, form):
  root, expected = predictions
  merged = run(root, panoptic=root / form)
  assert sorted(merged) == sorted(expected)
  for image_id, channels in expected.items():
    assert same_segments(merged[image_id], channels)


def test_the_index_may_lie_in_the_folder(predictions):
  root, expected = predictions
  (root / "panoptic.json").rename(root / "panoptic" / "all.json")
  merged = run(root, panoptic=root / "panoptic")
  np.testing.assert_array_equal(merged[IDS[0]], expected[IDS[0]])
  (root / "panoptic" / "more.json").write_text("{}")
  with pytest.raises(
    SystemExit, match=r"panoptic holds 2 JSON files; name the panoptic one as --panoptic=FILE\.json"
  ):
    run(root, panoptic=root / "panoptic")


@pytest.mark.parametrize("form", ["coco", "cityscapes"])
def test_panoptic_predictions_are_made_of_classes_and_instances(tmp_path, form):
  rng, results, expected = np.random.default_rng(2), [], {}
  parts = write_parts(tmp_path, rng)
  for image_id in IDS:
    semantic = rng.choice([7, 23, 24], (12, 16), p=[0.7, 0.2, 0.1]).astype(np.int32)
    files.write_image(
      tmp_path / "semantic" / f"{image_id}.png",
      Image.fromarray(semantic.astype(np.uint8)),
      format="PNG",
    )
    found = [
      Detection(int(rng.choice([24, 26])), i / 4, random_labels.random_rectangle(rng, (12, 16)))
      for i in range(5)
    ]
    results += [coco.result(image_id, instance) for instance in found]
    lines = []
    for i, instance in enumerate(found):
      name = f"{image_id}_{i}.png"
      mask = Image.fromarray(instance.mask.astype(np.uint8) * 255)
      files.write_image(tmp_path / "instances" / name, mask, format="PNG")
      lines.append(f"{name} {instance.scene} {instance.score}")
    (tmp_path / "instances" / f"{image_id}.txt").write_text("\n".join(lines))
    expected[image_id] = merge_parts(
      merge_instances(semantic, found, cpp(), min_stuff=30), parts[image_id], cpp()
    )
  for entry in results:
    entry["image_id"] = (
      42 if entry["image_id"] == "000042" else entry["image_id"]
    )  # as tools of COCO write it
  (tmp_path / "results.json").write_text(json.dumps(results))
  instances = tmp_path / ("results.json" if form == "coco" else "instances")
  with flagsaver.flagsaver((merge._MIN_STUFF, 30)):
    merged = run(tmp_path, semantic=tmp_path / "semantic", instances=instances)
  for image_id, channels in expected.items():
    np.testing.assert_array_equal(merged[image_id], channels)


def test_every_image_that_cannot_be_merged_is_listed(predictions):
  root, _ = predictions
  (root / "parts" / f"{IDS[0]}.png").write_bytes(b"")
  files.write_image(root / "parts" / f"{IDS[1]}.png", Image.new("L", (3, 3)), format="PNG")
  with pytest.raises(SystemExit) as stopped:
    run(root, panoptic=root / "channels")
  message = str(stopped.value)
  assert message.startswith("jppf merge: 2 of 2 images cannot be merged:")
  assert f"{IDS[0]}.png cannot be read as an image" in message
  assert f"{IDS[1]}: The panoptic prediction has size (12, 16), the parts (3, 3)" in message


def test_images_without_parts_or_instances_are_named(predictions):
  root, _ = predictions
  (root / "parts" / f"{IDS[0]}.png").unlink()
  with pytest.raises(SystemExit, match=f"1 of 2 images have no file in .*parts, e.g. {IDS[0]}"):
    run(root, panoptic=root / "channels")
  (root / "texts").mkdir()
  (root / "texts" / "other.txt").write_text("")
  with pytest.raises(SystemExit, match="2 of 2 images have no text file in"):
    run(root, semantic=root / "channels", instances=root / "texts")


@pytest.mark.parametrize(
  "given", [{}, {"panoptic": "a", "semantic": "b"}, {"semantic": "b"}, {"instances": "c"}]
)
def test_one_way_to_give_the_panoptic_prediction_is_needed(tmp_path, given):
  with pytest.raises(app.UsageError, match="either --panoptic, or --semantic and --instances"):
    run(tmp_path, **given)
