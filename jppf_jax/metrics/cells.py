"""Cells: the joint histogram of ground truth and prediction that all metrics are computed from.

A *cell* is one combination of ground-truth uid, predicted scene, instance and part, with the number
of its pixels. An image of 1024x2048 pixels has some thousand cells. Labels come in runs along the
rows: the pixels are read once to find the runs, and only those are counted. PartPQ, PQ, IoU and
density are sums over this small table.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int, Int32, Int64, Integer, Shaped

from jppf_jax.labels import runs
from jppf_jax.labels import uids as uid_format
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.panoptic import IGNORE

MOST_INSTANCE_IDS = 2**23  # a key has 64 bits: 24 for the uid, 8 each for scene and part


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
    pred_instance: as predicted, of any size.
    pred_pid: evaluation pid as predicted; 255 = unknown.
  """

  count: Int64[np.ndarray, " N"]
  gt_class: Int32[np.ndarray, " N"]
  gt_instance: Int32[np.ndarray, " N"]
  gt_pid: Int32[np.ndarray, " N"]
  gt_channel: Int32[np.ndarray, " N"]
  gt_crowd: Bool[np.ndarray, " N"]
  pred_class: Int32[np.ndarray, " N"]
  pred_instance: Int64[np.ndarray, " N"]
  pred_pid: Int32[np.ndarray, " N"]


def count_cells(
  spec: LabelSpec, uids: Shaped[np.ndarray, "H W"], prediction: Shaped[np.ndarray, "_H _W _C"]
) -> Cells:
  """Returns the cells of one image.

  Args:
    spec: the taxonomy of both.
    uids: ground truth as in the label files; integers of any type.
    prediction: [H W 3]: scene id, instance id, evaluation pid; 255 = nothing. Integers of any type;
      instance ids of any size, negative ones too.

  Raises:
    ValueError: the sizes differ, or the prediction does not have three channels.
    ValueError: an array is not of an integer type.
    ValueError: the ground truth holds ids that the dataset does not have.
    ValueError: scene ids or pids of the prediction are outside 0..255, or scene ids are none of the
      dataset.
  """
  if uids.shape != prediction.shape[:2] or prediction.shape[2:] != (3,):
    raise ValueError(
      f"The ground truth has shape {uids.shape}, the prediction {prediction.shape}; "
      "expected [H W] and [H W 3] of the same size. "
      "Resize the prediction (nearest neighbour) before it is saved."
    )
  if uids.dtype.kind not in "iu":
    raise ValueError(f"The ground truth has type {uids.dtype}; expected uids, whole numbers.")
  check_prediction(prediction)
  first = runs.starts(uids, prediction)
  channels = prediction.reshape(-1, 3).take(first, axis=0)
  cells = _count(_checked(uids, first), channels, _lengths(first, uids))
  try:
    spec.check_scene_ids(cells.scene)
  except ValueError:
    spec.check_scene_ids(prediction[..., 0])  # the same error, with the number of pixels
    raise
  return _decoded(spec, uids, cells)


def count_uid_cells(
  spec: LabelSpec, uids: Shaped[np.ndarray, "H W"], predicted: Integer[np.ndarray, "_H _W"]
) -> Cells:
  """Returns the cells of one image whose prediction is uids too.

  They equal those of `count_cells` with `spec.uids_to_channels(predicted)`, but each distinct uid
  is converted only once, and no channels are written.

  Raises:
    ValueError: as `count_cells`, and as `LabelSpec.uids_to_channels`.
  """
  if uids.shape != predicted.shape or uids.dtype.kind not in "iu":
    return count_cells(spec, uids, np.zeros((*predicted.shape, 3), np.uint8))  # raises
  first = runs.starts(uids, predicted)
  distinct, place = runs.distinct(predicted.reshape(-1)[first])
  channels = spec.uids_to_channels(distinct.astype(np.int64)[None])[0]
  cells = _count(_checked(uids, first), channels.take(place, axis=0), _lengths(first, uids))
  return _decoded(spec, uids, cells)


def _checked(
  uids: Integer[np.ndarray, "H W"], first: Int64[np.ndarray, " R"]
) -> Integer[np.ndarray, " R"]:
  """Returns the uid of each run.

  Raises:
    ValueError: uids outside the format; larger numbers do not fit in the keys of `_count`.
  """
  uid = uids.reshape(-1)[first]
  if uid.min(initial=0) < 0 or uid.max(initial=0) > uid_format.LARGEST:
    uid_format.check(uids)  # raises
  return uid


def _lengths(
  first: Int64[np.ndarray, " R"], uids: Integer[np.ndarray, "H W"]
) -> Int64[np.ndarray, " R"]:
  """Returns the pixels of each run."""
  return np.diff(first, append=uids.size)


def _decoded(spec: LabelSpec, uids: Integer[np.ndarray, "H W"], cells: "_Counted") -> Cells:
  """Returns cells with the ids of both label maps.

  Raises:
    ValueError: the ground truth holds ids that the dataset does not have.
  """
  try:
    gt = spec.decode(cells.uid[None])
  except ValueError:
    spec.decode(uids.astype(np.int64))  # the same error, with the number of pixels, not of cells
    raise
  ids = uid_format.decode(cells.uid)
  file_pid = np.maximum(ids.pid, 0)
  return Cells(
    count=cells.pixels,
    gt_class=gt.semantic[0],
    gt_instance=gt.instance[0],
    gt_pid=spec.sid_pid_to_pid[ids.sid, file_pid],
    gt_channel=gt.part[0],
    gt_crowd=gt.crowd[0],
    pred_class=spec.scene_to_train[cells.scene],
    pred_instance=cells.instance,
    pred_pid=cells.pid.astype(np.int32),
  )


def check_prediction(prediction: Shaped[np.ndarray, "H W 3"]) -> None:
  """Checks the types and ranges of a prediction in the three-channel form.

  Raises:
    ValueError: the array is not of an integer type.
    ValueError: scene ids or pids are outside 0..255.
  """
  if prediction.dtype.kind not in "iu":
    raise ValueError(
      f"The prediction has type {prediction.dtype}; "
      "expected whole numbers: scene id, instance id, evaluation pid."
    )
  if prediction.dtype == np.uint8:
    return
  for name, channel in (("scene ids", 0), ("part ids", 2)):
    ids = prediction[..., channel]
    for extreme in (ids.min(initial=0), ids.max(initial=0)):
      if not 0 <= extreme <= 255:
        raise ValueError(
          f"The prediction has {name} such as {extreme}; expected 0..255, 255 = nothing."
        )


class _Counted(NamedTuple):
  """The distinct combinations of ids in an image, and the pixels of each."""

  uid: Int64[np.ndarray, " N"]
  scene: Int64[np.ndarray, " N"]
  instance: Int64[np.ndarray, " N"]
  pid: Int64[np.ndarray, " N"]
  pixels: Int64[np.ndarray, " N"]


def _count(
  uid: Integer[np.ndarray, " R"],
  channels: Integer[np.ndarray, "R 3"],
  lengths: Int64[np.ndarray, " R"],
) -> _Counted:
  """Returns the distinct combinations, sorted, from keys of uid, scene, instance and pid.

  Args:
    uid: ground truth of each run.
    channels: prediction of each run.
    lengths: its pixels.
  """
  if uid.size == 0:
    none = np.zeros(0, np.int64)
    return _Counted(none, none, none, none, none)
  scene, instance, pid = channels.T
  number, instance_ids = _numbered(instance)
  bits = max(8, (len(instance_ids) - 1).bit_length())
  key = uid.astype(np.int64) << 8
  key |= scene.astype(np.int64)
  key <<= bits
  key |= number
  key <<= 8
  key |= pid.astype(np.int64)
  keys, cell = runs.distinct(key)
  pixels = np.bincount(cell, lengths)
  return _Counted(
    uid=keys >> (16 + bits),
    scene=(keys >> (8 + bits)) & 255,
    instance=instance_ids[(keys >> 8) & ((1 << bits) - 1)],
    pid=keys & 255,
    pixels=pixels.astype(np.int64),
  )


def _numbered(
  instance: Integer[np.ndarray, " N"],
) -> tuple[Integer[np.ndarray, " N"], Int64[np.ndarray, " I"]]:
  """Returns small numbers from 0 in place of the instance ids, and the id of each number.

  Raises:
    ValueError: so many different ids that the keys of `_count` have no room for their numbers.
  """
  if instance.dtype == np.uint8:
    return instance, np.arange(256)
  lowest, highest = int(instance.min()), int(instance.max())
  if highest - lowest < MOST_INSTANCE_IDS and abs(lowest) <= MOST_INSTANCE_IDS:
    from_zero = instance.astype(np.int32) - lowest
    return from_zero, np.arange(lowest, highest + 1)
  ids, number = np.unique(instance, return_inverse=True)
  if len(ids) > MOST_INSTANCE_IDS:
    raise ValueError(
      f"The prediction has {len(ids)} different instance ids; at most {MOST_INSTANCE_IDS} can be "
      "scored. Number the instances within their class."
    )
  return number.astype(np.int32), ids.astype(np.int64)


def foreign_parts(cells: Cells, spec: LabelSpec) -> set[tuple[int, int]]:
  """Returns the predicted (scene id, part id) that the evaluation does not have.

  They count as wrong parts, as in the reference.
  """
  by_parts = is_scored_by_parts(spec, cells.pred_class)
  named = by_parts & (cells.pred_pid != 0) & (cells.pred_pid != IGNORE)
  classes, pids = cells.pred_class[named], cells.pred_pid[named]
  is_foreign = spec.pid_to_channel[classes, pids] == IGNORE
  sids = spec.class_ids[classes[is_foreign]]
  return set(zip(sids.tolist(), pids[is_foreign].tolist()))


def is_scored_by_parts(spec: LabelSpec, classes: Int[np.ndarray, " N"]) -> Bool[np.ndarray, " N"]:
  """Returns whether PartPQ scores each train id by parts; False for void (255)."""
  has_parts = np.append(spec.has_parts, False)  # the last entry is that of void
  return has_parts[np.minimum(classes, spec.num_classes)]
