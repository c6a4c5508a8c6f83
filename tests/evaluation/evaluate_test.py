import dataclasses
import json

import numpy as np
import pytest

import jppf_jax
from jppf_jax import build
from jppf_jax.checkpoints.weights import WeightsError
from jppf_jax.evaluation import evaluate as module
from jppf_jax.evaluation.compare import Comparison, Prediction
from jppf_jax.evaluation.evaluate import evaluate, score_dataset, summary
from jppf_jax.evaluation.instances import stretch
from jppf_jax.evaluation.predict import load_predictor
from jppf_jax.evaluation.together import Source
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
  """A predictor that knows the labels of the images it is asked for; `kept` are its answers."""

  kept = ("joint", "top_down", "joint_filled", "top_down_filled", "semantic", "part", "detections")
  parameters = 1_250_000

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
    answers = dict.fromkeys(("joint", "top_down", "panoptic"), answer)
    if self.config.fill_void:
      answers |= {"joint": unfilled, "joint_filled": answer, "top_down_filled": answer}
    alone = {"semantic": truth.semantic, "part": truth.part, "detections": detections}
    return Prediction(**{k: v for k, v in (answers | alone).items() if k in self.kept})


def test_the_labels_themselves_get_the_best_scores(oracle, tiny_run, tmp_path):
  report = evaluate(tiny_run.config, tmp_path, pictures=0)
  analysis = json.loads((tmp_path / "evaluation/validation/analysis.json").read_text())
  assert set(analysis["methods"]["joint"]["truth"]["outcome"]) == {"tp"}
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


@pytest.fixture
def oracle(tiny_run, monkeypatch):
  """Takes the place of the network: it knows the labels. Some of its answers can be left out."""
  found = Oracle(tiny_run.config, "validation")
  monkeypatch.setattr(module, "load_comparison", lambda *_: found)
  return found


def rows(report):
  """The printed table, {name: values}."""
  table = summary(report, "test")
  names, *columns = (list(column.cells) for column in table.columns)
  return {name: values for name, *values in zip(names, *columns)}


def test_without_a_part_head_the_panoptic_scores_are_printed_and_none_of_parts(
  oracle, tiny_run, tmp_path
):
  oracle.kept = {"panoptic", "semantic", "detections"}
  report = evaluate(tiny_run.config, tmp_path, pictures=1)
  assert "joint" not in report and "top_down" not in report
  printed = rows(report)
  assert printed["PQ"] == printed["SQ"] == printed["RQ"] == ["100.0"]
  assert printed["Density"] == [f"{100 * report['panoptic']['density']['full']:.1f}"]
  assert not [name for name in printed if "art" in name and name != "parameters, M"]
  assert not report["panoptic"].keys() & {"part_pq", "part_miou", "per_part"}
  assert not [row for row in report["panoptic"]["per_class"] if "part_pq" in row]
  assert list(tmp_path.glob("evaluation/validation/*.png"))


@pytest.mark.parametrize(
  "kept, row",
  [("part", "part head mIoU"), ("semantic", "semantic head mIoU"), ("detections", "instance head")],
)
def test_a_single_head_is_scored_alone(oracle, tiny_run, tmp_path, kept, row):
  oracle.kept = {kept}
  report = evaluate(tiny_run.config, tmp_path, pictures=1)
  printed = rows(report)
  (found,) = [values for name, values in printed.items() if name.startswith(row)]
  assert float(found[0]) > 90 or kept == "detections"
  assert printed["parameters, M"] == ["1.25"]
  heads = {"part": 1, "semantic": 1, "detections": 2}  # AP is printed twice
  assert len(printed) == heads[kept] + 2
  assert not list(tmp_path.glob("evaluation/validation/*.png"))
  assert not list(tmp_path.glob("evaluation/validation/report.html"))  # there is no fusion to show


def test_networks_together_have_a_folder_of_their_own(oracle, tiny_run, tmp_path):
  parts = Source(tiny_run.config, tmp_path / "runs/parts/weights.safetensors")
  evaluate(tiny_run.config, tmp_path, pictures=0, others={"part": parts})
  assert (tmp_path / "evaluation/validation_part_parts/scores.json").is_file()
  assert not (tmp_path / "evaluation/validation").exists()


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
  assert saved["made_with"]["jppf_jax"] == jppf_jax.__version__
  content = (folder / "report.html").read_text().partition('id="report-data">')[2]
  shown = json.loads(content.partition("</script>")[0])["images"]
  assert {image["id"] for image in shown} == set(saved["joint"]["per_image"])
  segments = [segment for image in shown for segment in image["maps"]["joint"]["segments"]]
  scores = [score for _, instance, _, score, *_ in segments if instance]
  assert all(0 < score <= 1 for score in scores)
  headers = [column.header for column in summary(report, "test").columns]
  assert headers == ["", "joint fusion", "top-down merge"]


def test_a_folder_without_weights_is_named(tiny_run, tmp_path):
  with pytest.raises(WeightsError, match="no weights file at"):
    load_predictor(tiny_run.config, tmp_path / build.RUN_WEIGHTS)


def test_weights_of_another_network_list_what_differs(tiny_run, tmp_path):
  other = tiny.config(tmp_path, **{"model.fpn_channels": 24})
  with pytest.raises(WeightsError, match=r"(?s)does not fit the model.*fpn"):
    load_predictor(other, tiny_run.workdir / build.RUN_WEIGHTS)
