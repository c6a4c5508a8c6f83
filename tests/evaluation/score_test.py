import numpy as np
import pytest

from jppf_jax.evaluation.score import score_files, score_folders
from jppf_jax.labels.cpp import cpp
from jppf_jax.labels.formats import files
from jppf_jax.metrics.scores import Scores
from tests.oracles import random_labels


@pytest.fixture
def folders(tmp_path):
  """Writes four images with predictions; returns the root and the scores they should get."""
  rng, scores = np.random.default_rng(0), Scores(cpp())
  for image_id in "abcd":
    uids, prediction = random_labels.random_pair(cpp(), rng)
    files.write_uids(tmp_path / "gt" / f"{image_id}.tif", uids)
    files.write_channels(tmp_path / "pred" / f"{image_id}.png", prediction)
    scores.add(image_id, uids, prediction)
  return tmp_path, scores.to_json()


@pytest.mark.parametrize("workers", [1, 3])
def test_the_scores_do_not_depend_on_the_number_of_workers(folders, workers):
  root, expected = folders
  found = score_folders(cpp(), root / "gt", root / "pred", workers=workers, progress=False)
  assert found.to_json() == expected


def test_an_image_without_prediction_is_an_error_or_counts_as_void(folders, capsys):
  root, _ = folders
  (root / "pred" / "b.png").unlink()
  with pytest.raises(ValueError, match="1 of 4 images have no prediction"):
    score_folders(cpp(), root / "gt", root / "pred", progress=False)
  found = score_folders(cpp(), root / "gt", root / "pred", missing="empty", progress=False)
  assert found.to_json()["images"] == 4
  empty = score_files(cpp(), root / "gt" / "b.tif", None)
  assert empty is not None


def test_a_prediction_without_ground_truth_is_left_out_with_a_note(folders, capsys):
  root, expected = folders
  files.write_channels(root / "pred" / "z.png", np.zeros((4, 4, 3), np.uint8))
  found = score_folders(cpp(), root / "gt", root / "pred", progress=False)
  assert found.to_json() == expected
  assert "1 predictions without ground truth, z" in capsys.readouterr().err
