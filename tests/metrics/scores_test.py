import json

import numpy as np
import pytest

from jppf_jax.labels.cpp import cpp
from jppf_jax.labels.ppp import ppp
from jppf_jax.metrics.part_pq import PartPQ
from jppf_jax.metrics.pq import PQ
from jppf_jax.metrics.scores import Scores
from tests.oracles import part_pq as oracle
from tests.oracles import random_labels


def random_images(spec, count):
  rng = np.random.default_rng(1)
  return {f"image_{i}": random_labels.random_pair(spec, rng) for i in range(count)}


def score(spec, images):
  scores = Scores(spec)
  for image_id, pair in images.items():
    scores.add(image_id, *pair)
  return scores


@pytest.mark.parametrize("spec", [cpp(), ppp()], ids=["cpp", "ppp"])
def test_the_report_holds_what_the_single_metrics_say(spec):
  images = random_images(spec, 12)
  report = score(spec, images).to_json()
  part_pq, pq = PartPQ(spec), PQ(spec)
  for pair in images.values():
    part_pq.add(*pair)
    pq.add(*pair)
  assert report["part_pq"] == part_pq.results()
  assert report["pq"] == pq.results()
  assert report["spec"] == spec.name and report["images"] == 12
  assert [row["id"] for row in report["per_class"]] == spec.class_ids.tolist()
  assert report["density"]["pixels"] == 12 * 12 * 16
  ious = [row["semantic_iou"] for row in report["per_class"] if row["semantic_iou"] is not None]
  assert report["semantic_miou"] == pytest.approx(np.mean(ious))
  part_ious = [row["iou"] for row in report["per_part"] if row["iou"] is not None]
  assert report["part_miou"] == pytest.approx(np.mean(part_ious))
  assert len(report["per_part"]) == spec.num_parts


def test_each_image_is_reported_as_the_mask_oracle_counts_it():
  images = random_images(cpp(), 5)
  report = score(cpp(), images).to_json()
  for image_id, pair in images.items():
    for row in report["per_image"][image_id]["per_class"]:
      for metric, parts in (("part_pq", True), ("pq", False)):
        tp, fp, fn, iou_sum = oracle.part_pq(cpp(), *pair, parts=parts)[row["id"]]
        counted = row[metric]
        assert (counted["tp"], counted["fp"], counted["fn"]) == (tp, fp, fn)
        assert counted["iou_sum"] == pytest.approx(iou_sum, abs=1e-9)
        if tp + fp + fn:
          assert counted[metric] == pytest.approx(iou_sum / (tp + fp / 2 + fn / 2))
        else:
          assert counted[metric] is None


def test_merging_in_any_order_gives_the_same_report_to_the_last_bit():
  images = random_images(cpp(), 9)
  whole = score(cpp(), images).to_json()
  parts = [score(cpp(), dict(list(images.items())[i::3])) for i in (2, 0, 1)]
  merged = Scores(cpp())
  for part in parts:
    merged.merge(part)
  assert json.dumps(merged.to_json()) == json.dumps(whole)


def test_no_images_give_a_report_of_nulls_that_is_valid_json():
  report = json.loads(json.dumps(Scores(cpp()).to_json(), allow_nan=False))
  assert report["images"] == 0 and report["per_image"] == {}
  assert report["part_pq"]["all"]["part_pq"] is None
  assert report["semantic_miou"] is report["part_miou"] is None
  counts, qualities = ("tp", "fp", "fn", "iou_sum"), ("pq", "sq", "rq")
  assert report["per_class"][0]["pq"] == dict.fromkeys(counts, 0) | dict.fromkeys(qualities)


def test_a_class_that_never_occurs_is_null_and_outside_the_averages():
  uids, prediction = np.full((4, 4), 7, np.int32), np.zeros((4, 4, 3), np.uint8)
  prediction[...] = (7, 0, 1)
  report = score(cpp(), {"a": (uids, prediction)}).to_json(per_image=False)
  assert "per_image" not in report
  assert report["part_pq"]["all"] == {"part_pq": 1, "part_sq": 1, "part_rq": 1, "classes": 1}
  assert report["part_pq"]["parts"]["part_pq"] is None
  assert report["per_class"][11]["part_pq"]["part_pq"] is None


def test_an_image_counts_once():
  images = random_images(cpp(), 2)
  scores = score(cpp(), images)
  with pytest.raises(ValueError, match=r"1 images are scored already, e\.g\. 'image_0'"):
    scores.add("image_0", *images["image_0"])
  with pytest.raises(ValueError, match="2 images are scored already"):
    scores.merge(score(cpp(), images))


def test_scores_of_different_specs_do_not_mix():
  message = "Cannot merge scores of spec 'ppp' into scores of 'cpp_grouped'"
  with pytest.raises(ValueError, match=message):
    Scores(cpp()).merge(Scores(ppp()))
