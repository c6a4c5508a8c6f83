import json

import numpy as np
import pytest

from jppf_jax.evaluation.score import score_files, score_folders
from jppf_jax.labels.cpp import cpp
from jppf_jax.labels.formats import files
from tests.evaluation.saved_files import write_pairs

FIRST, SECOND, THIRD, FOURTH = (f"aachen_{number:06d}_000019" for number in range(4))


def report_of(root, **options):
  scores = score_folders(cpp(), root / "gt", root / "pred", progress=False, **options)
  return scores.to_json()


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
