import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jppf_jax.labels.cpp import cpp
from jppf_jax.labels.ppp import ppp
from jppf_jax.metrics.instance_ap import OVERLAPS, CityscapesAP, CocoAP
from jppf_jax.panoptic import Detection
from tests.oracles import cityscapes_ap, random_labels

CAR, PERSON, ROAD = 26, 24, 7
SIZE = (30, 40)


def random_image(rng):
  """Returns uids and detections near and far from their instances.

  The uids hold things, groups, void and small instances.
  """
  uids, detections = np.full(SIZE, ROAD, np.int32), []
  for number in range(rng.integers(1, 6)):
    mask = random_labels.random_rectangle(rng, SIZE)
    sid = int(rng.choice([CAR, PERSON]))
    instance = sid * 1000 + number
    uids[mask] = rng.choice([instance, instance, instance, sid, 0, 29_001])
    for _ in range(rng.integers(0, 3)):
      shifted = np.roll(mask, rng.integers(-3, 4, 2), (0, 1))
      detections.append(Detection(sid, float(rng.choice([0.2, 0.5, 0.5, 0.8, 0.9])), shifted))
  return uids, detections


def box(y0, x0, y1, x1):
  mask = np.zeros(SIZE, bool)
  mask[y0:y1, x0:x1] = True
  return mask


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**20))
def test_cityscapes_equals_the_oracle(seed):
  rng = np.random.default_rng(seed)
  images = [random_image(rng) for _ in range(3)]
  state = CityscapesAP(cpp())
  for i, image in enumerate(images):
    state.add(f"{i}", *image)
  for row in state.results()["per_class"]:
    expected = cityscapes_ap.average_precision(cpp(), images, row["id"], OVERLAPS)
    if np.isnan(expected).any():
      assert row["ap"] is row["ap50"] is None
    else:
      assert row["ap"] == pytest.approx(expected.mean())
      assert row["ap50"] == pytest.approx(expected[0])


def two_cars():
  """Returns uids and the masks of the two cars."""
  uids, first, second = np.full(SIZE, ROAD, np.int32), box(0, 0, 10, 20), box(15, 0, 25, 20)
  uids[first], uids[second] = CAR * 1000, CAR * 1000 + 1
  return uids, first, second


def ap_of(metric, uids, detections):
  """Returns the results of one image."""
  state = metric(cpp())
  state.add("a", uids, detections)
  return state.results()


@pytest.mark.parametrize("metric", [CityscapesAP, CocoAP])
def test_perfect_instances_have_ap_1_and_none_have_ap_0(metric):
  uids, first, second = two_cars()
  results = ap_of(metric, uids, [Detection(CAR, 0.9, first), Detection(CAR, 0.8, second)])
  assert results["ap"] == pytest.approx(1) and results["ap50"] == pytest.approx(1)
  rows = {row["name"]: row["ap"] for row in results["per_class"]}
  assert rows["car"] == pytest.approx(1) and rows["person"] is None
  assert ap_of(metric, uids, [])["ap"] == 0


@pytest.mark.parametrize("metric, expected", [(CityscapesAP, 0.5), (CocoAP, 51 / 101)])
def test_finding_one_of_two_has_half_the_area(metric, expected):
  uids, first, _ = two_cars()
  results = ap_of(metric, uids, [Detection(CAR, 0.9, first)])
  assert results["ap"] == pytest.approx(expected)


@pytest.mark.parametrize(
  "scores, expected",
  [
    pytest.param([0.5, 0.5], 0.75, id="equal scores: one point, (1 + 1/2) / 2"),
    pytest.param([0.9, 0.5], 1, id="the true positive first"),
    pytest.param([0.5, 0.9], 0.25, id="the false positive first: 0 and 1/2, (0 + 1/2) / 2"),
  ],
)
def test_the_cityscapes_curve_starts_with_precision_1(scores, expected):
  uids = np.full(SIZE, ROAD, np.int32)
  car, nothing = box(0, 0, 10, 20), box(15, 0, 25, 20)
  uids[car] = CAR * 1000
  detections = [Detection(CAR, scores[0], car), Detection(CAR, scores[1], nothing)]
  assert ap_of(CityscapesAP, uids, detections)["ap"] == pytest.approx(expected)


@pytest.mark.parametrize("metric", [CityscapesAP, CocoAP])
def test_an_overlap_of_seven_tenths_is_a_match_at_some_thresholds_only(metric):
  uids, first, second = two_cars()
  seven_tenths = box(0, 0, 10, 14)
  other = Detection(CAR, 0.8, second)
  results = ap_of(metric, uids, [Detection(CAR, 0.9, seven_tenths), other])
  perfect = ap_of(metric, uids, [Detection(CAR, 0.9, first), other])
  assert results["ap50"] == pytest.approx(1)
  assert 0 < results["ap"] < perfect["ap"]


def test_cityscapes_ignores_small_instances_void_and_groups():
  uids, first, second = two_cars()
  small, void, group = box(0, 30, 5, 35), box(10, 30, 20, 40), box(22, 30, 30, 40)
  uids[small], uids[void], uids[group] = CAR * 1000 + 2, 0, CAR
  true_positives = [Detection(CAR, 0.8, first), Detection(CAR, 0.8, second)]
  ignored = [Detection(CAR, 0.9, mask) for mask in (small, void, group)]
  false_positive = Detection(CAR, 0.9, box(0, 22, 8, 28))
  assert ap_of(CityscapesAP, uids, true_positives + ignored)["ap"] == pytest.approx(1)
  assert ap_of(CityscapesAP, uids, [*true_positives, false_positive])["ap"] < 1


def test_coco_ignores_crowd_but_not_void():
  uids, first, second = two_cars()
  crowd, void = box(0, 30, 10, 40), box(12, 30, 22, 40)
  uids[crowd], uids[void] = CAR, 0
  true_positives = [Detection(CAR, 0.8, first), Detection(CAR, 0.8, second)]
  on_crowd = ap_of(CocoAP, uids, [*true_positives, Detection(CAR, 0.9, crowd)])
  on_void = ap_of(CocoAP, uids, [*true_positives, Detection(CAR, 0.9, void)])
  assert on_crowd["ap"] == pytest.approx(1) and on_void["ap"] < 0.8


@pytest.mark.parametrize("metric", [CityscapesAP, CocoAP])
def test_states_add_up_and_an_image_counts_once(metric):
  rng = np.random.default_rng(4)
  images = {str(i): random_image(rng) for i in range(4)}
  one, first, second = metric(cpp()), metric(cpp()), metric(cpp())
  for image_id, image in images.items():
    one.add(image_id, *image)
    (first if int(image_id) % 2 else second).add(image_id, *image)
  first.merge(second)
  assert first.results() == one.results()
  with pytest.raises(ValueError, match=r"2 images are in both states, e\.g\. '0'"):
    first.merge(second)
  with pytest.raises(ValueError, match="Image '1' was added before"):
    first.add("1", *images["1"])


@pytest.mark.parametrize("metric, protocol", [(CityscapesAP, "cityscapes"), (CocoAP, "coco")])
def test_without_images_there_is_no_ap(metric, protocol):
  results = metric(ppp()).results()
  assert results["ap"] is results["ap50"] is None and results["protocol"] == protocol
  assert len(results["per_class"]) == 20


@pytest.mark.parametrize("metric", [CityscapesAP, CocoAP])
def test_detections_of_stuff_are_left_out_and_of_other_sizes_refused(metric):
  uids, first, second = two_cars()
  cars = [Detection(CAR, 0.5, first), Detection(CAR, 0.5, second)]
  assert ap_of(metric, uids, [Detection(ROAD, 1.0, ~first), *cars])["ap"] == pytest.approx(1)
  message = r"An instance of 'a' has a mask of \(3, 4\), the labels have \(30, 40\)"
  with pytest.raises(ValueError, match=message):
    ap_of(metric, uids, [Detection(CAR, 1.0, np.ones((3, 4), bool))])


@pytest.mark.parametrize("metric", [CityscapesAP, CocoAP])
@pytest.mark.parametrize(
  "changes, message",
  [
    ({"score": np.nan}, "has the score nan"),
    ({"score": -np.inf}, "has the score -inf"),
    ({"scene": 77}, "class 77, which cpp_grouped does not have"),
    ({"scene": -1}, "class -1, which"),
  ],
)
def test_nonsense_is_refused(metric, changes, message):
  uids = np.full((30, 30), ROAD, np.int32)
  found = Detection(CAR, 0.5, np.ones((30, 30), bool))._replace(**changes)
  with pytest.raises(ValueError, match=message):
    ap_of(metric, uids, [found])


@pytest.mark.parametrize("metric", [CityscapesAP, CocoAP])
def test_ground_truth_is_held_to_the_spec(metric):
  with pytest.raises(ValueError, match="ids that cpp_grouped does not have"):
    ap_of(metric, np.full((30, 30), 77, np.int32), [])
