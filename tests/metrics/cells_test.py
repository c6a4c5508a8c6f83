from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jppf_jax.labels.cpp import cpp
from jppf_jax.labels.ppp import ppp
from jppf_jax.metrics.cells import count_cells, count_uid_cells, foreign_parts
from tests.oracles import random_labels


def sid_and_pid(uid):
  """Returns scene id and part id of one uid; 0 = no part."""
  if uid >= 100_000:
    return uid // 100_000, uid % 100
  return (uid // 1000 if uid >= 1000 else uid), 0


@pytest.mark.parametrize("spec", [cpp(), ppp()], ids=["cpp", "ppp"])
@given(seed=st.integers(0, 2**16))
def test_equals_counting_pixel_by_pixel(spec, seed):
  uids, prediction = random_labels.random_pair(spec, np.random.default_rng(seed))
  gt, class_ids = spec.decode(uids), spec.class_ids.tolist()
  pixels = Counter()
  for y, x in np.ndindex(*uids.shape):
    scene, instance, pid = prediction[y, x].tolist()
    sid, file_pid = sid_and_pid(int(uids[y, x]))
    gt_pid = int(spec.sid_pid_to_pid[sid, file_pid])
    truth = [int(ids[y, x]) for ids in (gt.semantic, gt.instance, gt.part, gt.crowd)]
    pred_class = class_ids.index(scene) if scene in class_ids else 255
    pixels[(*truth, gt_pid, pred_class, instance, pid)] += 1
  cells = count_cells(spec, uids, prediction)
  truth = (cells.gt_class, cells.gt_instance, cells.gt_channel, cells.gt_crowd, cells.gt_pid)
  predicted = (cells.pred_class, cells.pred_instance, cells.pred_pid)
  counted = Counter()
  for *key, count in zip(*truth, *predicted, cells.count):
    counted[tuple(int(value) for value in key)] += int(count)
  assert counted == pixels


def test_an_image_without_pixels_has_no_cells():
  cells = count_cells(cpp(), np.zeros((0, 5), np.int32), np.zeros((0, 5, 3), np.uint8))
  assert len(cells.count) == 0


def test_one_pixel_is_one_cell():
  uids, prediction = np.array([[2401002]], np.int32), np.array([[[24, 7, 2]]], np.uint8)
  cells = count_cells(cpp(), uids, prediction)
  assert cells.count.tolist() == [1]
  assert cells.gt_pid.tolist() == [2]
  assert cells.gt_instance.tolist() == [10]


def test_images_of_different_size_are_refused():
  uids = np.zeros((4, 6), np.int32)
  with pytest.raises(ValueError, match=r"shape \(4, 6\), the prediction \(4, 5, 3\)"):
    count_cells(cpp(), uids, np.zeros((4, 5, 3), np.uint8))
  with pytest.raises(ValueError, match=r"expected \[H W\] and \[H W 3\]"):
    count_cells(cpp(), uids, np.zeros((4, 6, 6), np.uint8))


def test_errors_about_ids_count_pixels():
  uids = np.full((4, 6), 100, np.int32)
  with pytest.raises(ValueError, match=r"24 of 24 pixels have illegal uids, e\.g\. 100"):
    count_cells(cpp(), uids, np.zeros((4, 6, 3), np.uint8))


def test_predictions_of_other_types_than_integers_are_refused():
  uids, prediction = np.full((2, 2), 7, np.int32), np.full((2, 2, 3), 7.0)
  for wrong in (prediction, prediction * np.nan, prediction > 0):
    message = rf"The prediction has type {wrong.dtype}; expected whole numbers"
    with pytest.raises(ValueError, match=message):
      count_cells(cpp(), uids, wrong)
  with pytest.raises(ValueError, match="The ground truth has type float64; expected uids"):
    count_cells(cpp(), uids.astype(float), prediction.astype(np.uint8))


@pytest.mark.parametrize("channel, name", [(0, "scene ids"), (2, "part ids")])
@pytest.mark.parametrize("value", [-1, 256])
def test_scenes_and_parts_outside_8_bits_are_refused(channel, name, value):
  prediction = np.full((2, 2, 3), 7)
  prediction[0, 0, channel] = value
  with pytest.raises(ValueError, match=rf"has {name} such as {value}; expected 0\.\.255"):
    count_cells(cpp(), np.full((2, 2), 7, np.int32), prediction)


def test_ground_truth_too_large_for_a_uid_is_refused():
  uids = np.full((4, 6), 24_001 + 2**40)
  with pytest.raises(ValueError, match="24 of 24 pixels have illegal uids"):
    count_cells(cpp(), uids, np.zeros((4, 6, 3), np.uint8))


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.uint16, np.int32, np.int64, np.uint64])
def test_any_integer_type_gives_the_same_cells(dtype):
  uids, prediction = random_labels.random_pair(cpp(), np.random.default_rng(5))
  prediction = np.minimum(prediction, 127)  # the largest int8
  expected = count_cells(cpp(), uids, prediction)
  counted = count_cells(cpp(), uids.astype(np.uint64), prediction.astype(dtype))
  for name, values in vars(expected).items():
    np.testing.assert_array_equal(getattr(counted, name), values)


@pytest.mark.parametrize(
  "scale, shift", [(1, -3), (1, 250), (40, 0), (10**6, -(10**8)), (2**50, 7)]
)
def test_instance_ids_may_have_any_size(scale, shift):
  uids, prediction = random_labels.random_pair(cpp(), np.random.default_rng(6))
  expected = count_cells(cpp(), uids, prediction)
  wide = prediction.astype(np.int64)
  wide[..., 1] = wide[..., 1] * scale + shift
  counted = count_cells(cpp(), uids, wide)
  np.testing.assert_array_equal(counted.pred_instance, expected.pred_instance * scale + shift)
  for name, values in vars(expected).items():
    if name != "pred_instance":
      np.testing.assert_array_equal(getattr(counted, name), values)


@pytest.mark.parametrize("scene", [35, 77, 99, 100, 254])
@pytest.mark.parametrize("dtype", [np.uint8, np.int64])
def test_a_scene_id_that_the_dataset_does_not_have_is_refused(scene, dtype):
  uids, prediction = np.full((4, 6), 7, np.int32), np.zeros((4, 6, 3), dtype)
  prediction[0, :2, 0] = scene
  with pytest.raises(ValueError, match=f"2 pixels carry scene ids .* not have: {scene}"):
    count_cells(cpp(), uids, prediction)


def test_parts_that_a_class_does_not_have_are_named():
  prediction = np.array([[(26, 1, 9), (26, 1, 255), (26, 1, 0), (24, 0, 5), (7, 0, 77)]], np.uint8)
  cells = count_cells(cpp(), np.full((1, 5), 7, np.int32), prediction)
  assert foreign_parts(cells, cpp()) == {(26, 9), (24, 5)}


@pytest.mark.parametrize("spec", [cpp(), ppp()], ids=["cpp", "ppp"])
@given(seed=st.integers(0, 2**16))
def test_predicted_uids_are_counted_as_their_channels(spec, seed):
  rng = np.random.default_rng(seed)
  uids, _ = random_labels.random_uids(spec, rng, (12, 17))
  predicted = np.roll(uids, rng.integers(-2, 3, 2), (0, 1))
  expected = count_cells(spec, uids, spec.uids_to_channels(predicted))
  counted = count_uid_cells(spec, uids, predicted.astype(np.uint32))
  for name, values in vars(expected).items():
    np.testing.assert_array_equal(getattr(counted, name), values)


def test_predicted_uids_are_held_to_size_and_form():
  uids = np.full((4, 6), 7, np.int32)
  with pytest.raises(ValueError, match=r"shape \(4, 6\), the prediction \(6, 4, 3\)"):
    count_uid_cells(cpp(), uids, uids.T)
  for wrong in (-1, 100, 10_000_000, 77):
    with pytest.raises(ValueError, match="illegal uids|does not have"):
      count_uid_cells(cpp(), uids, np.where(np.eye(4, 6, dtype=bool), wrong, uids))
    with pytest.raises(ValueError, match="4 (of 24 )?pixels .*(illegal uids|does not have)"):
      count_uid_cells(cpp(), np.where(np.eye(4, 6, dtype=bool), wrong, uids), uids)
