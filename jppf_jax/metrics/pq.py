"""Panoptic quality (Kirillov et al., CVPR 2019), and the matching of segments for PartPQ.

Per class: a true positive (TP) is a matched pair of a ground-truth and a predicted segment, a false
positive (FP) a predicted segment without a match, a false negative (FN) a ground-truth segment
without a match. PQ = sum of the IoUs of the TP / (TP + FP / 2 + FN / 2).
"""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float64, Int, Int64, Shaped

from jppf_jax.labels.spec import LabelSpec
from jppf_jax.metrics.cells import Cells, count_cells
from jppf_jax.panoptic import IGNORE

Averages = dict[str, dict[str, float | int | None]]  # {group of classes: {name: value}}


@dataclass(frozen=True)
class Counts:
  """What PQ and PartPQ add up over images, per class: TP, FP, FN, and the IoUs of the TP."""

  tp: Int64[np.ndarray, " K"]
  fp: Int64[np.ndarray, " K"]
  fn: Int64[np.ndarray, " K"]
  iou_sum: Float64[np.ndarray, " K"]

  @classmethod
  def empty(cls, num_classes: int) -> "Counts":
    """Returns the counts of no image."""
    zero = np.zeros(num_classes, np.int64)
    return cls(zero, zero, zero, np.zeros(num_classes))

  def __add__(self, other: "Counts") -> "Counts":
    return Counts(
      tp=self.tp + other.tp,
      fp=self.fp + other.fp,
      fn=self.fn + other.fn,
      iou_sum=self.iou_sum + other.iou_sum,
    )

  @property
  def occurs(self) -> Bool[np.ndarray, " K"]:
    """Classes with at least one TP, FP or FN."""
    return self.tp + self.fp + self.fn > 0

  def qualities(
    self,
  ) -> tuple[Float64[np.ndarray, " K"], Float64[np.ndarray, " K"], Float64[np.ndarray, " K"]]:
    """Returns quality, segmentation quality and recognition quality of each class.

    NaN if a class does not occur. A class that occurs without any TP has segmentation quality 0, as
    in the reference evaluator.
    """
    total = self.tp + 0.5 * self.fp + 0.5 * self.fn
    denominator = np.where(self.occurs, total, np.nan)
    mean_iou = self.iou_sum / np.maximum(self.tp, 1)
    segmentation_quality = np.where(self.occurs, mean_iou, np.nan)
    return self.iou_sum / denominator, segmentation_quality, self.tp / denominator


class Matching(NamedTuple):
  """Segments of one image and which of them match.

  Ground-truth segments are numbered 0..S-1, predicted ones 0..Z-1.

  Attributes:
    segment: of each cell: its ground-truth segment, -1 = none, void or crowd.
    pred_segment: of each cell: its predicted segment, -1 = none.
    segment_class: train ids.
    segment_match: the predicted segment that a ground-truth segment matches, -1 = none.
    segment_iou: IoU of the match, 0 without.
    counts: TP, FP, FN and IoUs.
  """

  segment: Int64[np.ndarray, " N"]
  pred_segment: Int64[np.ndarray, " N"]
  segment_class: Int64[np.ndarray, " S"]
  segment_match: Int64[np.ndarray, " S"]
  segment_iou: Float64[np.ndarray, " S"]
  counts: Counts


def match(cells: Cells, crowd: Bool[np.ndarray, " N"], num_classes: int) -> Matching:
  """Matches predicted with ground-truth segments of the same class.

  The rules, numbered as in docs/metrics.md:

  * 1, 5: segments are the distinct (class, instance) pairs, in one piece or several. Stuff usually
    has instance 0 only.
  * 3, 4: void and crowd pixels belong to no ground-truth segment. A segment of nothing else does
    not exist.
  * 6: two segments match if their IoU is above 0.5, so a segment has at most one match. Void is
    taken out of the union, crowd is not.
  * 8: a prediction without a match is an FP, unless more than half of it lies on void and on crowd
    of its own class.

  Args:
    cells: the image.
    crowd: cells to treat as crowd of their ground-truth class.
    num_classes: K.
  """
  void = cells.gt_class == IGNORE
  gt_instance = np.maximum(cells.gt_instance, 0)
  segment, segment_class = _number(cells.gt_class, gt_instance, ~void & ~crowd)
  predicted = cells.pred_class != IGNORE
  pred_segment, pred_class = _number(cells.pred_class, cells.pred_instance, predicted)
  num_pred = len(pred_class)

  same_class = cells.gt_class == cells.pred_class
  on_void = np.where(void, pred_segment, -1)
  on_own_crowd = np.where(crowd & same_class, pred_segment, -1)
  area = _sum(segment, cells.count, len(segment_class))
  pred_area = _sum(pred_segment, cells.count, num_pred)
  pred_void = _sum(on_void, cells.count, num_pred)
  pred_crowd = _sum(on_own_crowd, cells.count, num_pred)

  overlap = (segment >= 0) & (pred_segment >= 0) & same_class
  pair_key = segment[overlap] * max(num_pred, 1) + pred_segment[overlap]
  pairs, pair = np.unique(pair_key, return_inverse=True)
  intersection = _sum(pair, cells.count[overlap], len(pairs))
  s, z = np.divmod(pairs, max(num_pred, 1))
  union = area[s] + pred_area[z] - intersection - pred_void[z]
  matches = 2 * intersection > union
  iou = intersection[matches] / union[matches]
  s, z = s[matches], z[matches]

  segment_match = np.full(len(segment_class), -1)
  segment_match[s] = z
  segment_iou = np.zeros(len(segment_class))
  segment_iou[s] = iou
  unmatched = np.ones(num_pred, bool)
  unmatched[z] = False
  ignored = pred_void + pred_crowd
  false_positive = unmatched & (2 * ignored <= pred_area)
  tp = np.bincount(segment_class[s], minlength=num_classes)
  segments = np.bincount(segment_class, minlength=num_classes)
  iou_sum = np.bincount(segment_class[s], iou, minlength=num_classes)
  counts = Counts(
    tp=tp,
    fp=np.bincount(pred_class[false_positive], minlength=num_classes),
    fn=segments - tp,
    iou_sum=iou_sum.astype(np.float64),
  )
  return Matching(segment, pred_segment, segment_class, segment_match, segment_iou, counts)


def _number(
  classes: Int[np.ndarray, " N"], instances: Int[np.ndarray, " N"], exists: Bool[np.ndarray, " N"]
) -> tuple[Int64[np.ndarray, " N"], Int64[np.ndarray, " S"]]:
  """Returns the segment of each cell (-1 = none), and the class of each segment."""
  ids, instance = np.unique(instances[exists], return_inverse=True)
  num_ids = max(len(ids), 1)
  class_part = classes[exists].astype(np.int64) * num_ids
  keys, number = np.unique(class_part + instance, return_inverse=True)
  segment = np.full(len(classes), -1)
  segment[exists] = number
  return segment, keys // num_ids


def _sum(
  index: Int64[np.ndarray, " M"], count: Int64[np.ndarray, " M"], length: int
) -> Int64[np.ndarray, " length"]:
  """Returns the pixels per index; -1 is left out. Exact: pixel counts are far below 2**53."""
  kept = index >= 0
  pixels = np.bincount(index[kept], count[kept], minlength=length)
  return pixels.astype(np.int64)


def panoptic_quality(cells: Cells, spec: LabelSpec) -> Counts:
  """Returns the PQ counts of one image: every class is scored without its parts."""
  return match(cells, cells.gt_crowd, spec.num_classes).counts


@dataclass
class PQ:
  """PQ, SQ and RQ of a set of images. Starts empty; `add` takes an image, `merge` another state."""

  spec: LabelSpec
  counts: Counts = field(init=False)

  def __post_init__(self):
    self.counts = Counts.empty(self.spec.num_classes)

  def add(
    self, uids: Shaped[np.ndarray, "H W"], prediction: Shaped[np.ndarray, "_H _W _C"]
  ) -> None:
    """Adds an image; arguments and errors as `count_cells`."""
    cells = count_cells(self.spec, uids, prediction)
    self.counts += panoptic_quality(cells, self.spec)

  def merge(self, other: "PQ") -> None:
    """Adds the counts of another state."""
    self.counts += other.counts

  def results(self) -> Averages:
    """Returns the averages with the names "pq", "sq", "rq", see `averages`."""
    return averages(self.counts, self.spec, ("pq", "sq", "rq"))


def averages(counts: Counts, spec: LabelSpec, names: tuple[str, str, str]) -> Averages:
  """Returns plain means over the classes that occur, per group of classes.

  Differs from the reference evaluator, which divides by zero if no class of a group occurs; ours
  are None then.

  Args:
    counts: of the whole set.
    spec: the taxonomy.
    names: of quality, segmentation quality and recognition quality in the result.

  Returns:
    {"all" | "parts" | "no_parts" | "things" | "stuff": {each name, "classes"}}; "classes" is the
    number of classes that occur.
  """
  is_thing = np.arange(spec.num_classes) >= spec.num_stuff
  groups = {
    "all": np.ones_like(is_thing),
    "parts": spec.has_parts,
    "no_parts": ~spec.has_parts,
    "things": is_thing,
    "stuff": ~is_thing,
  }
  qualities = dict(zip(names, counts.qualities()))
  results: Averages = {}
  for group, members in groups.items():
    chosen = members & counts.occurs
    results[group] = {name: _mean(quality[chosen]) for name, quality in qualities.items()}
    results[group]["classes"] = int(chosen.sum())
  return results


def _mean(values: Float64[np.ndarray, " N"]) -> float | None:
  return float(values.mean()) if values.size else None
