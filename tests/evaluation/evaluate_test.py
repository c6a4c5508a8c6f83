import json

import numpy as np
import pytest

from jppf_jax import build
from jppf_jax.checkpoints.weights import WeightsError
from jppf_jax.evaluation import evaluate as module
from jppf_jax.evaluation.evaluate import evaluate, instance_ap, summary
from jppf_jax.evaluation.instances import stretch
from jppf_jax.evaluation.predict import Prediction, load_predictor
from jppf_jax.labels.registry import load_spec
from jppf_jax.structs import Detections, PanopticParts, Segments
from tests import tiny


def detections_of(truth, spec):
  """The true instances as an instance head would give them."""
  thing = (truth.semantic >= spec.num_stuff) & (truth.semantic < spec.num_classes) & ~truth.crowd
  keys = [
    key
    for key in np.unique(np.where(thing, truth.semantic * 1000 + truth.instance, -1))
    if key >= 0
  ]
  masks = [thing & (truth.semantic * 1000 + truth.instance == key) for key in keys]
  boxes = [[np.flatnonzero(m.any(0))[0], np.flatnonzero(m.any(1))[0]] for m in masks]
  boxes = [
    [*box, np.flatnonzero(m.any(0))[-1] + 1, np.flatnonzero(m.any(1))[-1] + 1]
    for box, m in zip(boxes, masks)
  ]
  crops = [m[y0:y1, x0:x1].astype(float) for m, (x0, y0, x1, y1) in zip(masks, boxes)]
  return Detections(
    np.array(boxes, np.float32).reshape(-1, 4),
    np.array([key // 1000 - spec.num_stuff + 1 for key in keys], np.int32),
    np.ones(len(keys), np.float32),
    np.array([20 * stretch(crop, (28, 28)) - 10 for crop in crops], np.float32).reshape(-1, 28, 28),
    np.ones(len(keys), bool),
  )


class Oracle:
  """A predictor that knows the labels of the images it is asked for."""

  def __init__(self, config, split):
    self.spec = build.label_spec(config)
    self._examples = list(build.examples(config, split))

  def __call__(self, image):
    uids = next(e["uids"] for e in self._examples if np.array_equal(e["image"], image))
    truth = self.spec.decode(uids)
    thing = (truth.semantic >= self.spec.num_stuff) & (truth.semantic < self.spec.num_classes)
    nothing = Segments(*[np.zeros(1, kind) for kind in (np.int32, np.float32, np.int32, bool)])
    answer = PanopticParts(
      truth.semantic,
      np.where(thing & ~truth.crowd, truth.instance + 1, 0).astype(np.int32),
      truth.part,
      nothing,
    )
    return Prediction(answer, answer, truth.semantic, truth.part, detections_of(truth, self.spec))


def test_the_labels_themselves_score_full_marks(tiny_run, tmp_path, monkeypatch):
  monkeypatch.setattr(
    module, "load_predictor", lambda config, weights: Oracle(config, "validation")
  )
  report = evaluate(tiny_run.config, tmp_path, pictures=0)
  assert report["joint"]["part_pq"]["all"]["part_rq"] == 1
  assert report["joint"]["part_pq"]["all"]["part_pq"] == pytest.approx(1)
  assert report["joint"]["pq"]["all"]["pq"] == pytest.approx(1)
  assert report["heads"]["semantic_miou"] == report["heads"]["part_miou"] == 1
  assert report["heads"]["instance_ap"]["protocol"] == "cityscapes"
  assert report["heads"]["instance_ap"]["ap50"] == 1  # masks of 28 x 28 are coarse, boxes are not


def test_the_protocol_of_average_precision_is_the_customary_one():
  assert instance_ap(load_spec("cpp_default")).results()["protocol"] == "cityscapes"
  assert instance_ap(load_spec("ppp")).results()["protocol"] == "coco"


def test_a_run_gets_scores_and_pictures(tiny_run, tmp_path):
  workdir = tiny_run.copy(tmp_path / "run")
  report = evaluate(tiny_run.config, workdir, pictures=1)
  folder = workdir / "evaluation" / "validation"
  saved = json.loads((folder / "scores.json").read_text())
  for method in ("joint", "top_down"):
    assert saved[method]["part_pq"]["all"].keys() == {"part_pq", "part_sq", "part_rq", "classes"}
    assert saved[method]["images"] == 2 and len(saved[method]["per_image"]) == 2
  assert saved == json.loads(json.dumps(report))
  assert len(list(folder.glob("*.png"))) == 1
  table = summary(report, "test")
  assert [column.header for column in table.columns] == ["", "joint fusion", "top-down merge"]


def test_a_folder_without_weights_is_named(tiny_run, tmp_path):
  with pytest.raises(WeightsError, match="no weights file at"):
    load_predictor(tiny_run.config, tmp_path / build.RUN_WEIGHTS)


def test_weights_of_another_network_list_what_differs(tiny_run, tmp_path):
  other = tiny.config(tmp_path, **{"model.fpn_channels": 24})
  with pytest.raises(WeightsError, match=r"(?s)does not fit the model.*fpn"):
    load_predictor(other, tiny_run.workdir / build.RUN_WEIGHTS)
