from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jppf_jax.benchmarks import reference
from jppf_jax.labels.cpp import cpp
from jppf_jax.labels.ppp import ppp
from jppf_jax.labels.registry import load_spec
from jppf_jax.metrics.cells import count_cells
from jppf_jax.metrics.part_pq import PartPQ, part_panoptic_quality
from tests.oracles import part_pq as oracle
from tests.oracles import random_labels

GOLDEN = Path(__file__).parents[1] / "goldens" / "part_pq.npz"
ROAD, PERSON, RIDER = 7, 24, 25
TORSO, LEG = 1, 4


def counts_of(spec, uids, prediction):
  """Returns [K 4]: tp, fp, fn, sum of IoUs."""
  counts = part_panoptic_quality(count_cells(spec, uids, prediction), spec)
  return np.stack([counts.tp, counts.fp, counts.fn, counts.iou_sum], -1)


def counts_of_class(uids, prediction, sid, spec=None):
  spec = spec or cpp()
  tp, fp, fn, iou_sum = counts_of(spec, uids, prediction)[spec.class_ids.tolist().index(sid)]
  return int(tp), int(fp), int(fn), float(iou_sum)


def person(iid=0, torso=TORSO, leg=LEG):
  """Returns a road of 40x60 with a person of 20x20, torso above legs, and the exact prediction."""
  uids = np.full((40, 60), ROAD, np.int32)
  uids[10:20, 20:40] = PERSON * 100_000 + iid * 100 + torso
  uids[20:30, 20:40] = PERSON * 100_000 + iid * 100 + leg
  prediction = np.zeros((40, 60, 3), np.uint8)
  prediction[...] = (ROAD, 0, 1)
  prediction[10:20, 20:40] = (PERSON, 0, TORSO)
  prediction[20:30, 20:40] = (PERSON, 0, LEG)
  return uids, prediction


LEGS = (slice(20, 30), slice(20, 40))
LOWER_LEGS = (slice(25, 30), slice(20, 40))
WHOLE = (slice(10, 30), slice(20, 40))


@pytest.mark.parametrize("name", ["cpp_grouped", "ppp"])
def test_equals_the_released_evaluator_on_its_golden_images(name):
  golden, spec = np.load(GOLDEN), load_spec(name)
  images = zip(golden[f"{name}/uids"], golden[f"{name}/predictions"], golden[f"{name}/part_pq"])
  for uids, prediction, expected in images:
    np.testing.assert_allclose(counts_of(spec, uids, prediction), expected, rtol=0, atol=1e-9)


def test_the_golden_images_hold_every_special_case():
  golden = np.load(GOLDEN)
  uids, ppp_uids = golden["cpp_grouped/uids"], golden["ppp/uids"]
  predicted_pids = golden["cpp_grouped/predictions"][..., 2]
  decoded = [cpp().decode(image) for image in uids]

  def images(condition):
    return int(condition.reshape(len(condition), -1).any(1).sum())

  assert len(uids) + len(ppp_uids) >= 500
  assert images(np.stack([image.semantic == 255 for image in decoded])) > 20  # void
  assert images(np.stack([image.crowd for image in decoded])) > 20
  crowd_classes = [set(image.semantic[image.crowd]) for image in decoded]
  instance_0_classes = [set(image.semantic[image.instance == 0]) for image in decoded]
  beside = [a & b for a, b in zip(crowd_classes, instance_0_classes)]
  assert sum(map(bool, beside)) > 10  # crowd beside a true instance 0
  assert images((uids >= 100_000) & (uids % 100 == 0)) > 20  # SS_III_00
  assert images(np.isin(uids // 100_000, [24, 25]) & (uids % 100 == 5)) > 20  # pid 5 on persons
  assert images((uids >= 7000) & (uids < 24_000)) > 20  # stuff with instance ids
  assert images(predicted_pids == 77) > 20  # invalid
  assert images(predicted_pids == 255) > 20  # unknown
  assert images((ppp_uids >= 100_000) & (ppp_uids % 100 > 24)) > 20  # parts numbered per occurrence


@given(seed=st.integers(0, 2**20))
@pytest.mark.parametrize("spec", [cpp(), ppp()], ids=["cpp", "ppp"])
def test_equals_the_mask_oracle(spec, seed):
  uids, prediction = random_labels.random_pair(spec, np.random.default_rng(seed), (9, 7))
  expected = list(oracle.part_pq(spec, uids, prediction).values())
  np.testing.assert_allclose(counts_of(spec, uids, prediction), expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", ["cpp_grouped", "cpp_default", "ppp"])
def test_equals_the_released_evaluator_run_now(name):
  pytest.importorskip("sklearn")
  spec = load_spec(name)
  for seed in range(10_000, 10_015):
    uids, prediction = random_labels.random_pair(spec, np.random.default_rng(seed))
    counts = reference.part_pq(name, uids, prediction)
    expected = [counts[sid] for sid in spec.class_ids.tolist()]
    np.testing.assert_allclose(counts_of(spec, uids, prediction), expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize(
  "region, pid, expected",
  [
    pytest.param(LEGS, LEG, 1, id="exact"),
    pytest.param(LEGS, TORSO, 0.5, id="all torso"),
    pytest.param(LEGS, 255, 2 / 3, id="legs 255"),
    pytest.param(LEGS, 0, (2000 / 2200 + 1 + 0) / 3, id="legs 0"),
    pytest.param(WHOLE, 255, 1 / 3, id="everything 255"),
    pytest.param(LOWER_LEGS, 77, 0.625, id="half of the legs an invalid pid"),
  ],
)
def test_the_worked_table(region, pid, expected):
  uids, prediction = person()
  prediction[(*region, 2)] = pid
  assert counts_of_class(uids, prediction, PERSON) == (1, 0, 0, pytest.approx(expected, abs=1e-12))


@pytest.mark.parametrize(
  "unlabelled", [PERSON * 1000, PERSON * 100_000], ids=["SS_III", "SS_III_00"]
)
@pytest.mark.parametrize("predicted", [TORSO, LEG, 0, 77, 255])
def test_nothing_predicted_on_unlabelled_parts_counts(unlabelled, predicted):
  uids, prediction = person()
  uids[LEGS] = unlabelled
  prediction[(*LEGS, 2)] = predicted
  assert counts_of_class(uids, prediction, PERSON) == (1, 0, 0, 1)


def test_an_instance_without_parts_is_neither_a_true_positive_nor_a_false_negative():
  uids, prediction = person()
  uids[WHOLE] = PERSON * 1000 + 4
  assert counts_of_class(uids, prediction, PERSON) == (0, 0, 0, 0)
  prediction[WHOLE] = (ROAD, 0, 1)
  assert counts_of_class(uids, prediction, PERSON) == (0, 0, 0, 0)


def test_another_class_on_an_instance_without_parts_is_a_false_positive():
  uids, prediction = person()
  uids[WHOLE] = PERSON * 1000 + 4
  prediction[(*WHOLE, 0)] = RIDER
  assert counts_of_class(uids, prediction, RIDER) == (0, 1, 0, 0)


def test_an_instance_without_parts_stays_in_the_union_like_crowd():
  uids, prediction = person()
  uids[:10, 20:40] = PERSON * 1000 + 4
  uids[30:, 20:40] = PERSON * 1000 + 4
  prediction[:, 20:40] = (PERSON, 0, TORSO)
  # IoU 400 / 800; exactly half is crowd
  assert counts_of_class(uids, prediction, PERSON) == (0, 1, 1, 0)


def test_crowd_beside_instance_0_shares_its_parts_but_is_no_part_of_it():
  uids, prediction = person(iid=0)
  uids[35:, :] = PERSON
  prediction[(*LEGS, 2)] = TORSO
  alone = (1 + 200 / 400 + 0) / 3
  assert counts_of_class(uids, prediction, PERSON) == (1, 0, 0, pytest.approx(alone))
  uids[WHOLE] = PERSON * 1000  # now no part is labelled
  assert counts_of_class(uids, prediction, PERSON) == (0, 0, 0, 0)


def test_part_pixels_on_void_and_crowd_are_not_compared():
  uids, prediction = person()
  prediction[30:32, 20:40] = (PERSON, 0, LEG)
  uids[30:31, 20:40] = 0
  uids[31:32, 20:40] = PERSON
  assert counts_of_class(uids, prediction, PERSON) == (1, 0, 0, 1)


def test_a_part_predicted_on_another_segment_is_compared():
  uids, prediction = person()
  uids[30:32, 20:40] = PERSON * 100_000 + 700 + LEG
  prediction[30:32, 20:40] = (PERSON, 0, LEG)
  background = (2400 - 400 - 40) / (2400 - 400)
  expected = (background + 1 + 200 / 240) / 3
  assert counts_of_class(uids, prediction, PERSON) == (1, 0, 1, pytest.approx(expected))


def test_unlabelled_pixels_of_another_instance_are_compared():
  uids, prediction = person()
  uids[30:32, 20:40] = PERSON * 1000 + 7
  uids[32:34, 20:40] = PERSON * 100_000 + 700 + LEG  # instance 7 has a part, so it is no crowd
  prediction[30:32, 20:40] = (PERSON, 0, LEG)
  expected = ((2400 - 400 - 40) / (2400 - 400) + 1 + 200 / 240) / 3
  assert counts_of_class(uids, prediction, PERSON) == (1, 0, 1, pytest.approx(expected))


def test_unlabelled_pixels_of_another_matched_instance_are_compared():
  uids, prediction = person()
  uids[30:32, 20:40], uids[32:40, 20:40] = PERSON * 1000 + 7, PERSON * 100_000 + 700 + LEG
  prediction[30:32, 20:40], prediction[32:40, 20:40] = (PERSON, 0, LEG), (PERSON, 7, LEG)
  first = ((2400 - 400 - 40) / (2400 - 400) + 1 + 200 / 240) / 3
  assert counts_of_class(uids, prediction, PERSON) == (2, 0, 0, pytest.approx(first + 1))


def test_void_and_crowd_are_no_background():
  uids, prediction = person()
  uids[35:37], uids[37:40] = 0, PERSON
  prediction[30:31, 20:40] = (PERSON, 0, LEG)
  background = (2400 - 300 - 400 - 20) / (2400 - 300 - 400)
  expected = (background + 1 + 200 / 220) / 3
  assert counts_of_class(uids, prediction, PERSON) == (1, 0, 0, pytest.approx(expected))


def test_background_is_no_label_where_the_person_fills_the_image():
  uids, prediction = person()
  tp, _, _, iou_sum = counts_of_class(uids[WHOLE], prediction[WHOLE], PERSON)
  assert (tp, iou_sum) == (1, 1)
  prediction[(*LEGS, 2)] = TORSO
  assert counts_of_class(uids[WHOLE], prediction[WHOLE], PERSON)[3] == pytest.approx((0.5 + 0) / 2)


def test_pid_5_of_a_person_is_a_part_that_predictions_can_never_hit():
  uids, prediction = person(leg=5)
  assert counts_of_class(uids, prediction, PERSON) == (1, 0, 0, pytest.approx((1 + 1 + 0 + 0) / 4))


def test_parts_numbered_per_occurrence_are_one_part():
  spec = ppp()
  uids = np.full((10, 10), 74, np.int32)
  uids[2:8, 2:5] = 1_000_00 + 7 * 100 + 16  # aeroplane wheels
  uids[2:8, 5:8] = 1_000_00 + 7 * 100 + 25
  prediction = np.zeros((10, 10, 3), np.uint8)
  prediction[...] = (74, 0, 1)
  prediction[2:8, 2:8] = (1, 0, 5)
  assert counts_of_class(uids, prediction, 1, spec) == (1, 0, 0, 1)


def test_a_ppp_class_with_one_part_is_scored_as_a_mask():
  uids = np.full((10, 10), 74, np.int32)
  uids[:, :4] = 19_001  # train
  prediction = np.zeros((10, 10, 3), np.uint8)
  prediction[...] = (74, 0, 1)
  prediction[:, :3] = (19, 0, 99)
  assert counts_of_class(uids, prediction, 19, ppp()) == (1, 0, 0, 0.75)


def test_the_grouping_of_channels_does_not_matter():
  uids, prediction = random_labels.random_pair(cpp(), np.random.default_rng(3))
  grouped, ungrouped = (counts_of(spec, uids, prediction) for spec in (cpp(), cpp(grouped=False)))
  np.testing.assert_array_equal(grouped, ungrouped)


def test_states_start_empty_and_add_up():
  uids, prediction = person()
  empty, one, two = PartPQ(cpp()), PartPQ(cpp()), PartPQ(cpp())
  assert empty.results()["all"] == {"part_pq": None, "part_sq": None, "part_rq": None, "classes": 0}
  one.add(uids, prediction)
  prediction[(*LEGS, 2)] = TORSO
  two.add(uids, prediction)
  one.merge(two)
  one.merge(empty)
  assert one.results()["parts"] == {"part_pq": 0.75, "part_sq": 0.75, "part_rq": 1, "classes": 1}
  assert one.results()["no_parts"] == {"part_pq": 1, "part_sq": 1, "part_rq": 1, "classes": 1}
