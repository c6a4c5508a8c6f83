import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jppf_jax.labels.cpp import cpp
from jppf_jax.labels.ppp import ppp
from jppf_jax.labels.registry import load_spec
from jppf_jax.metrics.cells import count_cells
from jppf_jax.metrics.iou import IoU, add_parts, add_semantic
from tests.oracles import random_labels


def iou_by_masks(truth, prediction, num_labels):
  """Oracle: one pair of masks per label; 255 in the truth is left out."""
  labelled = truth != 255
  ious = []
  for label in range(num_labels):
    a, b = (truth == label) & labelled, (prediction == label) & labelled
    ious.append((a & b).sum() / (a | b).sum() if (a | b).any() else np.nan)
  return ious


@given(seed=st.integers(0, 2**20))
def test_equals_the_mask_oracle(seed):
  rng = np.random.default_rng(seed)
  truth, prediction = rng.choice([0, 1, 2, 4, 255], (2, 5, 6))
  state = IoU(5)
  state.add(truth, prediction)
  expected = iou_by_masks(truth, prediction, 5)
  np.testing.assert_allclose(state.per_label(), expected)
  assert state.mean() == (None if np.isnan(expected).all() else pytest.approx(np.nanmean(expected)))


@pytest.mark.parametrize(
  "spec", [cpp(), cpp(grouped=False), ppp()], ids=["cpp", "cpp_default", "ppp"]
)
@given(seed=st.integers(0, 2**20))
def test_adding_cells_equals_adding_pixels(spec, seed):
  uids, prediction = random_labels.random_pair(spec, np.random.default_rng(seed), (9, 7))
  decoded = spec.decode(uids)
  classes, channels = classes_and_channels(spec, prediction)
  classes_by_pixel, parts_by_pixel = IoU(spec.num_classes), IoU(spec.num_parts)
  classes_by_pixel.add(decoded.semantic, classes)
  unlabelled_train = (uids // 1000 == 19) | (uids == 19) if spec.name == "ppp" else False
  parts_by_pixel.add(np.where(unlabelled_train, 255, decoded.part), channels)
  cells = count_cells(spec, uids, prediction)
  classes_by_cell, parts_by_cell = IoU(spec.num_classes), IoU(spec.num_parts)
  add_semantic(classes_by_cell, cells)
  add_parts(parts_by_cell, cells, spec)
  np.testing.assert_array_equal(classes_by_pixel.confusion, classes_by_cell.confusion)
  np.testing.assert_array_equal(parts_by_pixel.confusion, parts_by_cell.confusion)


@pytest.mark.parametrize("name", ["ppp", "ppp_void_background", "cpp_grouped_void_background"])
def test_void_and_missing_part_labels_are_left_out_of_the_parts(name):
  spec = load_spec(name)
  train = np.array([[19_001, 19_001, 1_900_102, 7_001]])  # train: no part twice, a part; a car
  uids = train if name.startswith("ppp") else np.array([[2_400_101, 24_001]])
  uids = np.append(uids, np.zeros((1, 3), int), axis=1)
  state = IoU(spec.num_parts)
  add_parts(state, count_cells(spec, uids, spec.uids_to_channels(uids)), spec)
  assert state.confusion.sum() == 1 and state.mean() == 1


def classes_and_channels(spec, prediction):
  """Oracle: train ids and part channels of a prediction, class by class."""
  classes = np.full(prediction.shape[:2], 255)
  channels = classes.copy()
  for k, (parts, pids) in enumerate(zip(spec.class_parts, spec.class_pids)):
    is_class = prediction[..., 0] == spec.class_ids[k]
    classes[is_class] = k
    if len(parts) < 2:
      channels[is_class] = parts[0] if parts else 0
      continue
    for channel, pid in zip(parts, pids):
      channels[is_class & (prediction[..., 2] == pid)] = channel
  return classes, channels


def test_nothing_predicted_is_a_false_negative_and_no_false_positive():
  state = IoU(2)
  state.add(np.array([0, 0, 0, 1]), np.array([0, 255, 1, 1]))
  np.testing.assert_allclose(state.per_label(), [1 / 3, 1 / 2])


def test_states_add_up():
  rng = np.random.default_rng(0)
  truth, prediction = rng.choice([0, 1, 2, 255], (2, 40))
  one, first, second = IoU(3), IoU(3), IoU(3)
  one.add(truth, prediction)
  first.add(truth[:11], prediction[:11])
  second.add(truth[11:], prediction[11:])
  first.merge(second)
  np.testing.assert_array_equal(one.confusion, first.confusion)


def test_nothing_counted_gives_no_mean():
  state = IoU(3)
  state.add(np.full(4, 255), np.zeros(4, int))
  assert state.mean() is None


def test_labels_outside_the_range_are_refused():
  message = r"The prediction has 2 labels such as 3; expected 0\.\.2, or 255"
  with pytest.raises(ValueError, match=message):
    IoU(3).add(np.zeros(4, int), np.array([0, 3, 3, 2]))
  with pytest.raises(ValueError, match=r"The truth has 1 labels such as -1"):
    IoU(3).add(np.array([-1, 0]), np.zeros(2, int))
  with pytest.raises(ValueError, match=r"truth has shape \(4,\), the prediction \(2, 2\)"):
    IoU(3).add(np.zeros(4, int), np.zeros((2, 2), int))
