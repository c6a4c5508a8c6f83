from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jppf_jax.labels.cpp import cpp
from jppf_jax.labels.ppp import ppp
from jppf_jax.metrics.cells import count_cells
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
