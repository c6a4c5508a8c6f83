"""Cells: the joint histogram of ground truth and prediction that all metrics are computed from.

A *cell* is one combination of ground-truth uid, predicted scene, instance and part, with the number
of its pixels. An image of 1024x2048 pixels has some thousand cells. The pixels are read once;
PartPQ, PQ, IoU and density are sums over this small table.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int, Int32, Int64, UInt8

from jppf_jax.labels import uids as uid_format
from jppf_jax.labels.spec import LabelSpec


@dataclass(frozen=True)
class Cells:
  """One row per cell; ids as in `LabelSpec`.

  Attributes:
    count: pixels.
    gt_class: train id, 255 = void.
    gt_instance: the file's instance id, -1 = none.
    gt_pid: evaluation pid, 0 = unknown.
    gt_channel: part channel, 0 = background, 255 = ignored.
    gt_crowd: a thing without an instance.
    pred_class: train id, 255 = a scene id that is not evaluated.
    pred_instance: 0..255.
    pred_pid: evaluation pid as predicted; 255 = unknown.
  """

  count: Int64[np.ndarray, " N"]
  gt_class: Int32[np.ndarray, " N"]
  gt_instance: Int32[np.ndarray, " N"]
  gt_pid: Int32[np.ndarray, " N"]
  gt_channel: Int32[np.ndarray, " N"]
  gt_crowd: Bool[np.ndarray, " N"]
  pred_class: Int32[np.ndarray, " N"]
  pred_instance: Int32[np.ndarray, " N"]
  pred_pid: Int32[np.ndarray, " N"]


def count_cells(
  spec: LabelSpec, uids: Int[np.ndarray, "H W"], prediction: UInt8[np.ndarray, "_H _W _C"]
) -> Cells:
  """Returns the cells of one image.

  Args:
    spec: the taxonomy of both.
    uids: ground truth as in the label files.
    prediction: [H W 3]: scene id, instance id, evaluation pid; 255 = nothing.

  Raises:
    ValueError: the sizes differ, or the prediction does not have three channels.
    ValueError: the ground truth holds ids that the dataset does not have.
  """
  if uids.shape != prediction.shape[:2] or prediction.shape[2:] != (3,):
    raise ValueError(
      f"The ground truth has shape {uids.shape}, the prediction {prediction.shape}; "
      "expected [H W] and [H W 3] of the same size. "
      "Resize the prediction (nearest neighbour) before it is saved."
    )
  keys, count = _count(uids, prediction)
  uid = keys >> 24
  scene = (keys >> 16) & 255
  instance = (keys >> 8) & 255
  pid = keys & 255
  try:
    gt = spec.decode(uid[None])
  except ValueError:
    spec.decode(uids)  # raises the same error, with the number of pixels instead of cells
    raise
  ids = uid_format.decode(uid)
  file_pid = np.maximum(ids.pid, 0)
  return Cells(
    count=count,
    gt_class=gt.semantic[0],
    gt_instance=gt.instance[0],
    gt_pid=spec.sid_pid_to_pid[ids.sid, file_pid],
    gt_channel=gt.part[0],
    gt_crowd=gt.crowd[0],
    pred_class=spec.scene_to_train[scene],
    pred_instance=instance.astype(np.int32),
    pred_pid=pid.astype(np.int32),
  )


def _count(
  uids: Int[np.ndarray, "H W"], prediction: UInt8[np.ndarray, "H W 3"]
) -> tuple[Int64[np.ndarray, " N"], Int64[np.ndarray, " N"]]:
  """Returns the distinct keys `uid << 24 | scene << 16 | instance << 8 | pid`, and their pixels.

  Labels come in runs along the rows. Only one key per run is sorted, about a tenth of the pixels.
  """
  if uids.size == 0:
    return np.zeros(0, np.int64), np.zeros(0, np.int64)
  uid = uids.reshape(-1)
  predicted = _packed(prediction)
  changes = uid[1:] != uid[:-1]
  changes |= predicted[1:] != predicted[:-1]
  starts = np.append(0, np.flatnonzero(changes) + 1)
  lengths = np.diff(starts, append=uid.size)
  run_uid = uid[starts].astype(np.int64)
  run_key = run_uid << 24 | predicted[starts]
  keys, cell = np.unique(run_key, return_inverse=True)
  count = np.bincount(cell, lengths)
  return keys, count.astype(np.int64)


def _packed(prediction: UInt8[np.ndarray, "H W 3"]) -> Int32[np.ndarray, " H*W"]:
  """Returns the three channels of each pixel as one number."""
  channels = prediction.reshape(-1, 3)
  packed = channels[:, 0].astype(np.int32)
  for channel in (1, 2):
    packed <<= 8
    packed |= channels[:, channel]
  return packed


def is_scored_by_parts(spec: LabelSpec, classes: Int[np.ndarray, " N"]) -> Bool[np.ndarray, " N"]:
  """Returns whether PartPQ scores each train id by parts; False for void (255)."""
  has_parts = np.append(spec.has_parts, False)  # the last entry is that of void
  return has_parts[np.minimum(classes, spec.num_classes)]
