from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jppf_jax.labels.cpp import cpp
from jppf_jax.labels.registry import load_spec
from jppf_jax.metrics.cells import count_cells
from jppf_jax.metrics.part_pq import part_panoptic_quality
from jppf_jax.metrics.pq import PQ, Counts, averages, panoptic_quality
from tests.oracles import part_pq as oracle
from tests.oracles import random_labels

GOLDEN = Path(__file__).parents[1] / "goldens" / "part_pq.npz"
ROAD, CAR, BICYCLE = 7, 26, 33


def counts_of(spec, uids, prediction):
  """Returns [K 4]: tp, fp, fn, sum of IoUs."""
  counts = panoptic_quality(count_cells(spec, uids, prediction), spec)
  return np.stack([counts.tp, counts.fp, counts.fn, counts.iou_sum], -1)


def scene(size=(10, 20)):
  """Returns a road and its perfect prediction."""
  prediction = np.zeros((*size, 3), np.uint8)
  prediction[...] = (ROAD, 0, 1)
  return np.full(size, ROAD, np.int32), prediction


def counts_of_class(uids, prediction, sid, spec=None):
  spec = spec or cpp()
  tp, fp, fn, iou_sum = counts_of(spec, uids, prediction)[spec.class_ids.tolist().index(sid)]
  return int(tp), int(fp), int(fn), float(iou_sum)


@pytest.mark.parametrize("name", ["cpp_grouped", "ppp"])
def test_equals_the_released_evaluator_on_its_golden_images(name):
  golden, spec = np.load(GOLDEN), load_spec(name)
  images = zip(golden[f"{name}/uids"], golden[f"{name}/predictions"], golden[f"{name}/pq"])
  for uids, prediction, expected in images:
    np.testing.assert_allclose(counts_of(spec, uids, prediction), expected, rtol=0, atol=1e-9)


@given(seed=st.integers(0, 2**20))
def test_equals_the_mask_oracle(seed):
  uids, prediction = random_labels.random_pair(cpp(), np.random.default_rng(seed), (9, 7))
  expected = list(oracle.part_pq(cpp(), uids, prediction, parts=False).values())
  np.testing.assert_allclose(counts_of(cpp(), uids, prediction), expected, rtol=0, atol=1e-9)


def test_half_an_overlap_is_no_match_and_a_pixel_more_is():
  uids, prediction = scene()
  uids[:4, :10] = CAR * 1000 + 3
  prediction[:4, :5] = (CAR, 9, 5)
  assert counts_of_class(uids, prediction, CAR) == (0, 1, 1, 0)
  prediction[0, 5] = (CAR, 9, 5)
  assert counts_of_class(uids, prediction, CAR) == (1, 0, 0, pytest.approx(21 / 40))


def test_void_is_taken_out_of_the_union():
  uids, prediction = scene()
  uids[:4, :10] = CAR * 1000
  uids[4:, :10] = 0
  prediction[:, :10] = (CAR, 0, 5)
  assert counts_of_class(uids, prediction, CAR) == (1, 0, 0, 1)


def test_crowd_stays_in_the_union():
  uids, prediction = scene()
  uids[:4, :10] = CAR * 1000 + 1
  uids[4:, :10] = CAR
  prediction[:, :10] = (CAR, 0, 5)
  # IoU 0.4; more than half of the prediction is on crowd
  assert counts_of_class(uids, prediction, CAR) == (0, 0, 1, 0)


def test_a_prediction_on_crowd_of_another_class_is_a_false_positive():
  uids, prediction = scene()
  uids[:4, :10] = CAR
  prediction[:4, :10] = (BICYCLE, 0, 1)
  assert counts_of_class(uids, prediction, BICYCLE) == (0, 1, 0, 0)
  assert counts_of_class(uids, prediction, CAR) == (0, 0, 0, 0)


@pytest.mark.parametrize("void_rows, false_positives", [(2, 1), (3, 0)])
def test_a_prediction_of_which_more_than_half_is_void_is_no_false_positive(
  void_rows, false_positives
):
  uids, prediction = scene()
  uids[:void_rows, :10] = 0
  prediction[:4, :10] = (CAR, 0, 5)
  assert counts_of_class(uids, prediction, CAR) == (0, false_positives, 0, 0)


def test_crowd_is_not_part_of_a_true_instance_0():
  uids, prediction = scene()
  uids[:4, :10] = CAR * 1000
  uids[6:, :10] = CAR
  prediction[:4, :10] = (CAR, 0, 5)
  assert counts_of_class(uids, prediction, CAR) == (1, 0, 0, 1)


def test_stuff_is_one_segment_also_in_pieces_but_not_across_instance_ids():
  uids, prediction = scene()
  uids[4:6] = BICYCLE * 1000
  assert counts_of_class(uids, prediction, ROAD) == (1, 0, 0, pytest.approx(0.8))
  uids[6:] = ROAD * 1000 + 1
  assert counts_of_class(uids, prediction, ROAD) == (0, 1, 2, 0)


def test_predicted_ids_outside_the_taxonomy_are_no_segments():
  uids, prediction = scene()
  prediction[:2] = 255
  prediction[2:4] = (29, 0, 1)  # caravan, not evaluated
  counts = counts_of(cpp(), uids, prediction)
  np.testing.assert_allclose(counts.sum(0), [1, 0, 0, 0.6])


def test_states_add_up_in_any_grouping():
  rng = np.random.default_rng(0)
  pairs = [random_labels.random_pair(cpp(), rng) for _ in range(6)]
  one, first, second = PQ(cpp()), PQ(cpp()), PQ(cpp())
  for i, pair in enumerate(pairs):
    one.add(*pair)
    (first if i % 2 else second).add(*pair)
  first.merge(second)
  np.testing.assert_array_equal(one.counts.tp, first.counts.tp)
  np.testing.assert_allclose(one.counts.iou_sum, first.counts.iou_sum)


def test_without_images_every_average_is_none():
  assert PQ(cpp()).results()["things"] == {"pq": None, "sq": None, "rq": None, "classes": 0}


def test_averages_are_over_the_classes_that_occur():
  spec, zero = cpp(), np.zeros(19, np.int64)
  tp, fp, fn, iou_sum = zero.copy(), zero.copy(), zero.copy(), np.zeros(19)
  tp[13], fp[13], iou_sum[13] = 3, 2, 1.5  # car: 1.5 / (3 + 2 / 2)
  fn[0] = 1  # road: all zero
  results = averages(Counts(tp, fp, fn, iou_sum), spec, ("pq", "sq", "rq"))
  assert results["parts"] == results["things"] == {"pq": 0.375, "sq": 0.5, "rq": 0.75, "classes": 1}
  assert results["stuff"] == results["no_parts"] == {"pq": 0, "sq": 0, "rq": 0, "classes": 1}
  assert results["all"] == {"pq": 0.1875, "sq": 0.25, "rq": 0.375, "classes": 2}


def test_predicted_instances_are_told_apart_and_none_is_too_small():
  uids, prediction = scene()
  uids[:4, :10], uids[5:9, :10] = CAR * 1000, CAR * 1000 + 1
  prediction[:4, :10], prediction[5:9, :10] = (CAR, 0, 5), (CAR, 1, 5)
  prediction[9, 19] = (CAR, 2, 5)
  assert counts_of_class(uids, prediction, CAR) == (2, 1, 0, 2)


@pytest.mark.parametrize("parts", [False, True], ids=["PQ", "PartPQ"])
@pytest.mark.parametrize("scale, shift", [(1, -1), (1, 250), (7, 0), (1000, 24), (10**12, -1)])
@given(seed=st.integers(0, 2**20))
def test_instance_ids_of_any_size_give_the_counts_of_the_mask_oracle(parts, scale, shift, seed):
  uids, prediction = random_labels.random_pair(cpp(), np.random.default_rng(seed), (9, 7))
  wide = prediction.astype(np.int64)
  wide[..., 1] = wide[..., 1] * scale + shift
  cells = count_cells(cpp(), uids, wide)
  counts = (part_panoptic_quality if parts else panoptic_quality)(cells, cpp())
  expected = list(oracle.part_pq(cpp(), uids, wide, parts=parts).values())
  counted = np.stack([counts.tp, counts.fp, counts.fn, counts.iou_sum], -1)
  np.testing.assert_allclose(counted, expected, rtol=0, atol=1e-9)
