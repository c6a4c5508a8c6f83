import json

import numpy as np
import pytest

from jppf_jax.evaluation.score import score_files, score_folders
from jppf_jax.labels.cpp import cpp
from jppf_jax.labels.formats import files
from jppf_jax.labels.registry import SPECS, load_spec
from tests.evaluation.saved_files import write_pairs
from tests.oracles import random_labels

FIRST, SECOND, THIRD, FOURTH = (f"aachen_{number:06d}_000019" for number in range(4))


def report_of(root, **options):
  scores = score_folders(cpp(), root / "gt", root / "pred", progress=False, **options)
  return scores.to_json()


ROBOTS = """
stuff:
  floor: {id: 1, color: [110, 110, 110]}
things:
  robot: {id: 2, color: [220, 20, 60], parts: {arm: [1, 2], wheel: [3]}}
  cart: {id: 3, color: [0, 0, 142], parts: {wheel: [1], body: [2]}}
  box: {id: 5, color: [0, 60, 100]}
ignore: [4]
"""


def random_truth(spec, rng):
  """Returns uids; crowd lies beside instances 0 and 256 of a class, with and without parts."""
  uids, _ = random_labels.random_uids(spec, rng, (12, 16))
  ids = [0, *spec.class_ids[rng.integers(spec.num_stuff, spec.num_classes, 2)].tolist()]
  for sid in ids:
    pid = int(rng.choice(np.flatnonzero(spec.legal[sid])))
    with_part = [sid * 100_000 + pid, sid * 100_000 + 25_600 + pid] if pid else []
    for uid in [0] if sid == 0 else [sid, sid * 1000, sid * 1000 + 999, *with_part]:
      uids[random_labels.random_rectangle(rng, uids.shape)] = uid
  return uids


@pytest.mark.parametrize("name", [*SPECS, "robots.yaml"])
def test_truth_scores_100_against_itself(tmp_path, name):
  (tmp_path / "robots.yaml").write_text(ROBOTS)
  is_file = name == "robots.yaml"
  spec = load_spec(str(tmp_path / name) if is_file else name)
  rng = np.random.default_rng(0)
  for number in range(40):
    files.write_uids(tmp_path / "gt" / f"{number}.tif", random_truth(spec, rng))
  scores = score_folders(spec, tmp_path / "gt", tmp_path / "gt", progress=False)
  report = scores.to_json(per_image=False)
  for metric in ("part_pq", "pq"):
    assert all(means[metric] == 1 for means in report[metric].values() if means["classes"])
    assert not any(row[metric]["fp"] or row[metric]["fn"] for row in report["per_class"])
  assert report["semantic_miou"] == report["part_miou"] == 1


def test_crowd_in_a_prediction_is_a_segment_of_its_own(tmp_path):
  uids = np.full((10, 10), 7, np.int32)
  uids[:4] = 26_000
  files.write_uids(tmp_path / "gt" / "a.tif", uids)
  uids[4:7] = 26  # on road: an FP; merged with instance 0 the car would have IoU 4 / 7
  files.write_uids(tmp_path / "pred" / "a.tif", uids)
  rows = report_of(tmp_path)["per_class"]
  car = next(row["pq"] for row in rows if row["name"] == "car")
  assert (car["tp"], car["fp"], car["fn"], car["iou_sum"]) == (1, 1, 0, 1)


@pytest.mark.parametrize("count", [256, 257, 1000])
def test_any_number_of_instances_of_a_class_is_scored(tmp_path, count):
  uids = 26_000 + np.arange(count, dtype=np.int32)[None]
  wrong = np.where(uids < 26_010, 7, uids)
  files.write_uids(tmp_path / "gt" / "a.tif", uids)
  files.write_uids(tmp_path / "pred" / "a.tif", wrong)
  rows = report_of(tmp_path)["per_class"]
  car = next(row["pq"] for row in rows if row["name"] == "car")
  assert (car["tp"], car["fp"], car["fn"], car["iou_sum"]) == (count - 10, 0, 10, count - 10)


def message_of_failure(root):
  with pytest.raises(ValueError) as caught:
    report_of(root)
  return str(caught.value)


@pytest.mark.parametrize("images, workers", [(1, 1), (1, 8), (3, 8), (5, 1)])
def test_any_number_of_workers_gives_the_same_bytes(tmp_path, images, workers):
  expected = write_pairs(tmp_path, cpp(), images)
  report = report_of(tmp_path, workers=workers)
  assert json.dumps(report) == json.dumps(expected)


def test_official_folders_and_uid_predictions_are_understood(tmp_path):
  expected = write_pairs(tmp_path, cpp(), 3, official=True, uid_predictions=True)
  assert report_of(tmp_path) == expected


def test_missing_predictions_are_listed(tmp_path):
  write_pairs(tmp_path, cpp(), 3)
  (tmp_path / "pred" / f"{SECOND}.png").unlink()
  message = message_of_failure(tmp_path)
  assert message.startswith("1 of 3 images have no prediction in ")
  assert f"pred: {SECOND}. " in message
  assert "--missing=empty" in message


def test_an_image_without_prediction_can_be_scored_as_void(tmp_path):
  write_pairs(tmp_path, cpp(), 3)
  (tmp_path / "pred" / f"{SECOND}.png").unlink()
  report = report_of(tmp_path, missing="empty")
  counts = [row["pq"] for row in report["per_image"][SECOND]["per_class"]]
  assert report["images"] == 3
  assert any(count["fn"] for count in counts)
  assert not any(count["tp"] or count["fp"] for count in counts)


def test_no_prediction_counts_as_one_that_is_all_void(tmp_path):
  write_pairs(tmp_path, cpp(), 1)
  label = tmp_path / "gt" / f"{FIRST}.tif"
  void = tmp_path / "void.png"
  files.write_channels(void, np.full((12, 16, 3), 255, np.uint8))
  nothing, all_void = score_files(cpp(), label, None), score_files(cpp(), label, void)
  np.testing.assert_array_equal(nothing.pq.fn, all_void.pq.fn)
  assert nothing.pq.fn.sum() > 0


def test_ids_that_contain_each_other_are_told_apart(tmp_path):
  write_pairs(tmp_path, cpp(), 1)
  prediction = tmp_path / "pred" / f"{FIRST}.png"
  prediction.rename(prediction.with_name(f"{FIRST}1.png"))
  assert "1 of 1 images have no prediction" in message_of_failure(tmp_path)


def test_predictions_without_ground_truth_are_left_out_with_a_note(tmp_path, capsys):
  expected = write_pairs(tmp_path, cpp(), 2)
  files.write_channels(tmp_path / "pred" / "berlin.png", np.zeros((3, 3, 3), np.uint8))
  assert report_of(tmp_path) == expected
  note = capsys.readouterr().err
  assert "Left out: 1 predictions without ground truth, berlin." in note


def test_every_file_that_cannot_be_scored_is_listed(tmp_path):
  write_pairs(tmp_path, cpp(), 4)
  (tmp_path / "pred" / f"{FIRST}.png").write_bytes(b"not a picture")
  small = np.zeros((3, 3, 3), np.uint8)
  files.write_channels(tmp_path / "pred" / f"{THIRD}.png", small)
  unknown = np.full((12, 16), 80, np.int32)
  files.write_uids(tmp_path / "gt" / f"{FOURTH}.tif", unknown)
  message = message_of_failure(tmp_path)
  assert message.startswith("3 of 4 images cannot be scored:")
  assert f"{FIRST}.png cannot be read as an image" in message
  assert f"{THIRD}: The ground truth has shape (12, 16), the prediction (3, 3, 3)" in message
  assert f"{FOURTH}: 192 pixels carry ids that cpp_grouped does not have" in message


def test_a_folder_without_images_is_an_error(tmp_path):
  (tmp_path / "gt").mkdir()
  with pytest.raises(FileNotFoundError, match=r"gt and its folders .* no \*\.tif or \*\.tiff"):
    report_of(tmp_path)
