import dataclasses
import json

import numpy as np
import pytest

from jppf_jax import build
from jppf_jax.checkpoints.weights import WeightsError
from jppf_jax.evaluation import evaluate as module
from jppf_jax.evaluation.compare import Comparison, Prediction
from jppf_jax.evaluation.evaluate import evaluate, instance_ap, score_dataset, summary
from jppf_jax.evaluation.instances import stretch
from jppf_jax.evaluation.predict import load_predictor
from jppf_jax.labels.registry import load_spec
from jppf_jax.structs import IGNORE, Detections, PanopticParts
from tests import tiny
from tests.evaluation import empty


def things_of(truth, spec):
  """Which pixels belong to an instance."""
  known = truth.semantic < spec.num_classes
  return known & (truth.semantic >= spec.num_stuff) & ~truth.crowd


def box_around(mask):
  rows, columns = np.nonzero(mask)
  height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
  left, top = columns.min(), rows.min()
  return left, top, left + width, top + height


def logits_of(mask):
  """The mask inside its box, as the mask head would give it."""
  x0, y0, x1, y1 = box_around(mask)
  crop = mask[y0:y1, x0:x1].astype(float)
  cells = np.arange(28)
  return 20 * stretch(crop, (28, 28), cells, cells) - 10


def detections_of(truth, spec):
  """The true instances as an instance head would give them."""
  numbers = truth.semantic * 1000 + truth.instance
  key_map = np.where(things_of(truth, spec), numbers, -1)
  keys = np.setdiff1d(key_map, [-1])
  labels = keys // 1000 - spec.num_stuff + 1
  masks = [key_map == key for key in keys]
  boxes = np.array([box_around(mask) for mask in masks], np.float32)
  mask_logits = np.array([logits_of(mask) for mask in masks], np.float32)
  return Detections(
    boxes=boxes.reshape(-1, 4),
    labels=labels.astype(np.int32),
    scores=np.ones(len(keys), np.float32),
    mask_logits=mask_logits.reshape(-1, 28, 28),
    valid=np.ones(len(keys), bool),
  )


class Oracle(Comparison):
  """A predictor that knows the labels of the images it is asked for."""

  def __init__(self, config, split):
    self.spec, self.config = build.label_spec(config), build.fusion(config)
    self.testing = build.testing(config)
    self._examples = list(build.examples(config, split))

  def __call__(self, image):
    matches = [e["uids"] for e in self._examples if np.array_equal(e["image"], image)]
    truth = self.spec.decode(matches[0])
    instance = np.where(things_of(truth, self.spec), truth.instance + 1, 0)
    answer = PanopticParts(truth.semantic, instance.astype(np.int32), truth.part, empty.SEGMENTS)
    detections = detections_of(truth, self.spec)
    unfilled = dataclasses.replace(answer, semantic=np.full_like(truth.semantic, IGNORE))
    filled = (answer, answer) if self.config.fill_void else ()
    one = unfilled if filled else answer
    return Prediction(one, answer, truth.semantic, truth.part, detections, *filled)


def test_the_labels_themselves_get_the_best_scores(tiny_run, tmp_path, monkeypatch):
  oracle = Oracle(tiny_run.config, "validation")
  monkeypatch.setattr(module, "load_comparison", lambda config, weights: oracle)
  report = evaluate(tiny_run.config, tmp_path, pictures=0)
  part_pq, pq = report["joint"]["part_pq"]["all"], report["joint"]["pq"]["all"]
  assert part_pq["part_rq"] == 1
  assert part_pq["part_pq"] == pytest.approx(1)
  assert pq["pq"] == pytest.approx(1)
  heads = report["heads"]
  assert heads["semantic_miou"] == heads["part_miou"] == 1
  ap = heads["instance_ap"]
  assert ap["protocol"] == "cityscapes"
  assert ap["ap50"] == 1  # masks of 28 x 28 are coarse, boxes are not


def test_scores_with_and_without_void_stand_side_by_side_if_asked(tiny_run, tmp_path):
  config = build.completed(tiny_run.config).unlock()
  config.fusion.fill_void, config.testing.scales = True, (0.5, 1.0)
  report = score_dataset(
    Oracle(config, "validation"), build.examples(config, "validation"), tmp_path
  )
  assert report["joint"]["part_pq"]["all"]["part_pq"] == 0
  assert report["joint_filled"]["part_pq"]["all"]["part_pq"] == pytest.approx(1)
  assert report["testing"] == {"scales": (0.5, 1.0), "flip": False}
  headers = [column.header for column in summary(report, "test").columns]
  assert headers == ["", "joint fusion", "joint, filled", "top-down merge", "top-down, filled"]


@pytest.mark.parametrize("name, protocol", [("cpp_default", "cityscapes"), ("ppp", "coco")])
def test_the_protocol_of_average_precision_is_the_customary_one(name, protocol):
  empty = instance_ap(load_spec(name))
  assert empty.results()["protocol"] == protocol


def test_a_run_gets_scores_and_pictures(tiny_run, tmp_path):
  workdir = tiny_run.copy(tmp_path / "run")
  report = evaluate(tiny_run.config, workdir, pictures=1)
  folder = workdir / "evaluation" / "validation"
  text = (folder / "scores.json").read_text()
  saved = json.loads(text)
  assert text == json.dumps(report, indent=1)
  for method in ("joint", "top_down"):
    scores = saved[method]
    assert scores["part_pq"]["all"].keys() == {"part_pq", "part_sq", "part_rq", "classes"}
    assert scores["images"] == len(scores["per_image"]) == 2
  assert len(list(folder.glob("*.png"))) == 1
  headers = [column.header for column in summary(report, "test").columns]
  assert headers == ["", "joint fusion", "top-down merge"]


def test_a_folder_without_weights_is_named(tiny_run, tmp_path):
  with pytest.raises(WeightsError, match="no weights file at"):
    load_predictor(tiny_run.config, tmp_path / build.RUN_WEIGHTS)


def test_weights_of_another_network_list_what_differs(tiny_run, tmp_path):
  other = tiny.config(tmp_path, **{"model.fpn_channels": 24})
  with pytest.raises(WeightsError, match=r"(?s)does not fit the model.*fpn"):
    load_predictor(other, tiny_run.workdir / build.RUN_WEIGHTS)
