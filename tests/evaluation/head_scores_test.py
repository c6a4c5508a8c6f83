import dataclasses

import numpy as np
import pytest

from jppf_jax.evaluation.compare import Prediction
from jppf_jax.evaluation.head_scores import HeadScores, instance_ap
from jppf_jax.labels.registry import load_spec
from jppf_jax.structs import Detections

SPEC = load_spec("cpp_grouped")
CAR = 26
BOXES = np.float32([[0, 0, 20, 20], [30, 30, 60, 60]])


def picture():
  """Labels of two cars without parts, in road."""
  uids = np.full((64, 64), 7, np.int32)
  for number, (x0, y0, x1, y1) in enumerate(BOXES.astype(int)):
    uids[y0:y1, x0:x1] = CAR * 1000 + number
  return uids


def found(*scores):
  """Both cars, found exactly."""
  label = SPEC.class_names.index("car") - SPEC.num_stuff + 1
  masks = np.full((2, 28, 28), 9, np.float32)
  return Detections(BOXES, np.int32([label] * 2), np.float32(scores), masks, np.array([True] * 2))


def scored(min_score=0.5, spec=SPEC, **fields):
  uids, scores = picture(), HeadScores(spec, min_score=min_score)
  truth = SPEC.decode(uids)
  everything = Prediction(semantic=truth.semantic, part=truth.part, detections=found(0.9, 0.2))
  scores.add("a", uids, truth, dataclasses.replace(everything, **fields))
  return scores.to_json()


def test_ap_of_fused_detections_leaves_out_those_that_a_fusion_does_not_take():
  report = scored()
  assert report["semantic_miou"] == 1
  assert report["instance_ap"]["ap"] == pytest.approx(1)
  assert report["instance_ap_fused"]["ap"] == pytest.approx(0.5)  # one car of two
  assert report["instance_ap_fused"]["min_score"] == 0.5
  assert scored(min_score=0.1)["instance_ap_fused"]["ap"] == pytest.approx(1)


def test_a_detection_with_just_the_least_score_is_not_fused():
  report = scored(min_score=0.25, detections=found(0.75, 0.25))
  assert report["instance_ap"]["ap"] == pytest.approx(1)
  assert report["instance_ap_fused"]["ap"] == pytest.approx(0.5)


def test_parts_are_scored_as_labels_and_not_as_outputs_of_the_head():
  divided = load_spec("cpp_grouped_sembg")  # has an output for the background of each class
  assert divided.num_part_outputs > divided.num_parts == SPEC.num_parts
  part = np.zeros((64, 64), np.int32)
  assert scored(spec=divided, part=part)["part_miou"] == 1
  part[0, 0] = divided.num_parts  # an output, but no part
  with pytest.raises(ValueError, match=f"expected 0..{divided.num_parts - 1},"):
    scored(spec=divided, part=part)


def test_a_head_that_does_not_exist_has_no_score():
  assert scored(semantic=None, detections=None).keys() == {"part_miou"}
  assert scored(part=None).keys() == {"semantic_miou", "instance_ap", "instance_ap_fused"}


@pytest.mark.parametrize("name, protocol", [("cpp_default", "cityscapes"), ("ppp", "coco")])
def test_the_protocol_of_average_precision_is_the_customary_one(name, protocol):
  empty = instance_ap(load_spec(name))
  assert empty.results()["protocol"] == protocol
