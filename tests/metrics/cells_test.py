from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jppf_jax.labels.cpp import cpp
from jppf_jax.labels.ppp import ppp
from jppf_jax.metrics.cells import count_cells
from tests.oracles import random_labels


@pytest.mark.parametrize("spec", [cpp(), ppp()], ids=["cpp", "ppp"])
@given(seed=st.integers(0, 2**16))
def test_equals_counting_pixel_by_pixel(spec, seed):
  uids, prediction = random_labels.random_pair(spec, np.random.default_rng(seed))
  gt = spec.decode(uids)
  pixels = Counter()
  for y, x in np.ndindex(*uids.shape):
    scene, instance, pid = prediction[y, x].tolist()
    file_pid = int(uids[y, x]) % 100 if uids[y, x] >= 100_000 else 0
    sid = int(str(uids[y, x]).rjust(8, "0")[1:3]) if uids[y, x] >= 100_000 else 0
    sid = sid or (int(uids[y, x]) // 1000 or int(uids[y, x]))
    pred_class = spec.class_ids.tolist().index(scene) if scene in spec.class_ids else 255
    truth = (gt.semantic, gt.instance, gt.part, gt.crowd)
    key = (
      *[int(ids[y, x]) for ids in truth],
      int(spec.sid_pid_to_pid[sid, file_pid]),
      pred_class,
      instance,
      pid,
    )
    pixels[key] += 1
  cells = count_cells(spec, uids, prediction)
  columns = (cells.gt_class, cells.gt_instance, cells.gt_channel, cells.gt_crowd, cells.gt_pid)
  counted = Counter()
  for *key, count in zip(
    *columns, cells.pred_class, cells.pred_instance, cells.pred_pid, cells.count
  ):
    counted[tuple(int(value) for value in key)] += int(count)
  assert counted == pixels


def test_an_image_without_pixels_has_no_cells():
  cells = count_cells(cpp(), np.zeros((0, 5), np.int32), np.zeros((0, 5, 3), np.uint8))
  assert len(cells.count) == 0


def test_one_pixel_is_one_cell():
  cells = count_cells(cpp(), np.array([[2401002]], np.int32), np.array([[[24, 7, 2]]], np.uint8))
  assert (
    cells.count.tolist() == [1]
    and cells.gt_pid.tolist() == [2]
    and cells.gt_instance.tolist() == [10]
  )


def test_images_of_different_size_are_refused():
  with pytest.raises(ValueError, match=r"shape \(4, 6\), the prediction \(4, 5, 3\)"):
    count_cells(cpp(), np.zeros((4, 6), np.int32), np.zeros((4, 5, 3), np.uint8))
  with pytest.raises(ValueError, match=r"expected \[H W\] and \[H W 3\]"):
    count_cells(
      cpp(), np.zeros((4, 6), np.int32), np.zeros((4, 6, 4), np.uint8)[..., :3].repeat(2, 2)
    )


def test_complaints_about_ids_count_pixels():
  uids = np.full((4, 6), 100, np.int32)
  with pytest.raises(ValueError, match=r"24 of 24 pixels have illegal uids, e\.g\. 100"):
    count_cells(cpp(), uids, np.zeros((4, 6, 3), np.uint8))
