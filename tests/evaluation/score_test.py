import json
import time

import numpy as np
import pytest
from PIL import Image

from jppf_jax.evaluation import score
from jppf_jax.evaluation.score import score_files, score_folders
from jppf_jax.labels.cpp import cpp
from jppf_jax.labels.formats import files
from jppf_jax.labels.registry import SPECS, load_spec
from jppf_jax.metrics.scores import Scores
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


def test_large_images_score_alike_in_every_form_of_file(tmp_path):
  rng = np.random.default_rng(0)
  small, _ = random_labels.random_uids(cpp(), rng, (12, 16))
  uids = small.repeat(40, 0).repeat(35, 1)  # large enough for the fast reader of PNGs
  predicted = np.roll(uids, (3, 5), (0, 1))
  channels = cpp().uids_to_channels(predicted)
  channels[channels[..., 1] < 0] = 255  # a PNG has no crowd
  predicted = cpp().channels_to_uids(channels)
  write_one(tmp_path, uids, cpp().uids_to_channels(predicted))
  as_channels = report_of(tmp_path)
  (tmp_path / "pred" / "a.png").unlink()
  files.write_uids(tmp_path / "pred" / "a.tif", predicted)
  assert report_of(tmp_path) == as_channels
  scores = Scores(cpp())
  scores.add("a", uids, cpp().uids_to_channels(predicted))
  assert scores.to_json() == as_channels


def test_images_that_wait_are_not_scored_after_an_interruption(tmp_path, monkeypatch):
  write_pairs(tmp_path, cpp(), 12)
  begun = []

  def interrupt(self, image_id, score):
    raise KeyboardInterrupt

  def slowly(spec, label, prediction):
    begun.append(label)
    time.sleep(0.02)

  monkeypatch.setattr(Scores, "add_score", interrupt)
  monkeypatch.setattr(score, "score_files", slowly)
  with pytest.raises(KeyboardInterrupt):
    report_of(tmp_path, workers=1)
  assert len(begun) < 6


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


def write_one(root, uids, channels=None):
  files.write_uids(root / "gt" / "a.tif", uids)
  channels = cpp().uids_to_channels(uids) if channels is None else channels
  files.write_channels(root / "pred" / "a.png", channels)


@pytest.mark.parametrize("form", ["png", "tif"])
def test_scene_ids_that_the_dataset_does_not_have_are_an_error_in_every_form(tmp_path, form):
  uids = np.full((4, 6), 7, np.int32)
  write_one(tmp_path, uids)
  wrong = np.where(np.eye(4, 6, dtype=bool), 77, uids)
  (tmp_path / "pred" / "a.png").unlink()
  if form == "tif":
    files.write_uids(tmp_path / "pred" / "a.tif", wrong)
  else:
    channels = cpp().uids_to_channels(uids)
    channels[..., 0] = wrong
    files.write_channels(tmp_path / "pred" / "a.png", channels)
  message = message_of_failure(tmp_path)
  assert message.startswith("1 of 1 images cannot be scored:")
  assert f"a.{form}: 4 pixels carry" in message and "cpp_grouped does not have" in message
  assert "77" in message


def test_scene_ids_that_are_not_evaluated_and_255_are_void(tmp_path):
  uids = np.full((4, 6), 7, np.int32)
  channels = cpp().uids_to_channels(uids)
  channels[0, :, 0], channels[1, :, 0], channels[2, :, 0] = 0, 4, 255
  write_one(tmp_path, uids, channels)
  assert report_of(tmp_path)["density"]["scene_only"] == 0.25


def test_parts_that_a_class_does_not_have_are_noted(tmp_path, capsys):
  uids = np.full((4, 6), 26_001_01, np.int32)
  channels = cpp().uids_to_channels(uids)
  write_one(tmp_path, uids, channels)
  report_of(tmp_path)
  assert not capsys.readouterr().err
  channels[0, 0, 2] = 9  # a part channel, where the evaluation's part id 5 was meant
  write_one(tmp_path, uids, channels)
  report_of(tmp_path)
  note = capsys.readouterr().err
  assert "1 images have parts that their class does not have in cpp_grouped" in note
  assert "e.g. a: (scene id, part id) = (26, 9)" in note


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32])
@pytest.mark.parametrize("suffix", ["tif", "TIFF", "png", "PNG"])
def test_ground_truth_of_any_integer_width_is_scored(tmp_path, dtype, suffix):
  if dtype == np.int32 and suffix.lower() == "png":
    pytest.skip("PNG has 16 bits at most")
  uids = np.full((4, 6), 7, np.int32)
  write_one(tmp_path, uids)
  (tmp_path / "gt" / "a.tif").unlink()
  kind = "PNG" if suffix.lower() == "png" else "TIFF"
  files.write_image(
    tmp_path / "gt" / f"a.{suffix}", Image.fromarray(uids.astype(dtype)), format=kind
  )
  assert report_of(tmp_path)["pq"]["all"]["pq"] == 1


@pytest.mark.parametrize("folder", ["gt", "pred"])
@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_lossy_files_are_refused_whatever_they_are_called(tmp_path, folder, kind):
  write_one(tmp_path, np.full((8, 8), 7, np.int32))
  path = tmp_path / folder / ("a.tif" if folder == "gt" else "a.png")
  Image.new("RGB", (8, 8), (7, 0, 1)).save(path, format=kind)
  assert f"{path} is a {kind} file, which may change ids" in message_of_failure(tmp_path)


@pytest.mark.parametrize("missing", ["error", "empty"])
@pytest.mark.parametrize("folder, other", [("gt", "pred"), ("pred", "gt")])
def test_a_file_of_another_kind_is_never_dropped_if_it_has_a_counterpart(
  tmp_path, folder, other, missing
):
  write_one(tmp_path, np.full((4, 6), 7, np.int32))
  suffix = {"gt": "tif", "pred": "png"}[other]
  (tmp_path / other / f"a.{suffix}").rename(tmp_path / other / f"b.{suffix}")
  (tmp_path / folder / "b.npy").write_bytes(b"")
  with pytest.raises(ValueError, match=r"1 files are no TIFF or PNG: .*b\.npy"):
    report_of(tmp_path, missing=missing)


def test_other_files_are_left_out_with_a_note(tmp_path, capsys):
  write_one(tmp_path, np.full((4, 6), 7, np.int32))
  for name in ("gt/read.me", "pred/panoptic.json", "gt/.hidden"):
    (tmp_path / name).write_text("")
  report_of(tmp_path)
  note = capsys.readouterr().err
  assert "Left out: 1 files in " in note and "read.me" in note and "panoptic.json" in note
  assert "hidden" not in note


def test_two_files_of_one_image_are_an_error(tmp_path):
  write_one(tmp_path, np.full((4, 6), 7, np.int32))
  files.write_uids(tmp_path / "gt" / "b" / "a.tif", np.full((4, 6), 7, np.int32))
  assert "are both image 'a'" in message_of_failure(tmp_path)
