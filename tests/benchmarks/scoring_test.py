import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from jppf_jax.benchmarks import metrics, scoring
from jppf_jax.evaluation.score import score_folders
from jppf_jax.labels.cpp import cpp
from jppf_jax.labels.formats import coco


@pytest.fixture(scope="module")
def root(tmp_path_factory):
  pairs = [metrics.make_pair(cpp(), seed, (64, 128)) for seed in range(2)]
  folder = tmp_path_factory.mktemp("scoring")
  scoring.write(folder, cpp(), pairs, 5)
  return folder


def pq_of(root, form):
  scores = score_folders(cpp(), root / "gt", root / form, progress=False)
  return scores.to_json()["pq"]["all"]["pq"]


def fake(monkeypatch, pq):
  """Installs a package in the place of hotcoco; returns the calls of it."""
  calls = []

  class PanopticEval:
    def __init__(self, *paths, **folders):
      calls.append((paths, folders))

    def evaluate(self):
      self.found = {"All": {"pq": pq}}

    def results(self):
      return self.found

  monkeypatch.setitem(sys.modules, "hotcoco", SimpleNamespace(__version__="1.2.3"))
  monkeypatch.setitem(sys.modules, "hotcoco.panoptic", SimpleNamespace(PanopticEval=PanopticEval))
  return calls


def test_all_forms_hold_the_same_segments(root):
  assert pq_of(root, "channels") == pq_of(root, "uids") > 0.1
  truth, predicted = (
    coco.read_index(root / f"{name}.json") for name in ("coco_gt", "coco_channels")
  )
  assert truth.keys() == predicted.keys() and len(truth) == 5
  for name, index in (("coco_gt", truth), ("coco_channels", predicted)):
    for entry in index.values():
      coco.read_panoptic(root / name / entry["file_name"], entry)  # raises if the two differ
  sizes = [[(root / "gt" / f"{i:04d}.tif").stat().st_size for i in range(k, 5, 2)] for k in (0, 1)]
  assert all(len(set(one)) == 1 for one in sizes)  # images 0, 2, 4 are the same, and so are 1, 3


def test_hotcoco_is_compared_if_it_is_there(root, monkeypatch):
  calls = fake(monkeypatch, pq_of(root, "channels"))
  report = scoring.compare(root, 5)
  assert report["hotcoco"] == "1.2.3" and report["hotcoco_same_pq"]
  assert len(calls) == scoring.ROUNDS
  (truth, predicted), folders = calls[0]
  assert json.loads(Path(truth).read_text())["annotations"] != []
  assert truth.startswith(folders["gt_folder"]) and predicted.startswith(folders["pred_folder"])
  assert report["hotcoco_images_per_second"] > 0 and report["score_ratio_to_hotcoco"] > 0


def test_another_pq_is_noticed(root, monkeypatch):
  fake(monkeypatch, pq_of(root, "channels") + 1e-9)
  assert scoring.compare(root, 5)["hotcoco_same_pq"] is False


def test_without_hotcoco_only_ours_is_measured(root, monkeypatch):
  monkeypatch.setitem(sys.modules, "hotcoco", None)
  report = scoring.compare(root, 5)
  assert report["hotcoco"] is report["hotcoco_images_per_second"] is None
  assert report["score_images_per_second"] > 0 and report["score_uids_images_per_second"] > 0
