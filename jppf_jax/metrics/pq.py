"""Panoptic quality (Kirillov et al., CVPR 2019), and the matching of segments that PartPQ shares
with it.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float64, Int, Int64, UInt8

from jppf_jax.labels.spec import LabelSpec
from jppf_jax.metrics.cells import Cells, count_cells
from jppf_jax.structs import IGNORE


@dataclass(frozen=True)
class Counts:
  """What PQ and PartPQ add up over images: matches, misses and the IoUs of the matches, per class."""

  tp: Int64[np.ndarray, " K"]
  fp: Int64[np.ndarray, " K"]
  fn: Int64[np.ndarray, " K"]
  iou_sum: Float64[np.ndarray, " K"]

  @classmethod
  def empty(cls, num_classes: int) -> "Counts":
    zero = np.zeros(num_classes, np.int64)
    return cls(zero, zero, zero, np.zeros(num_classes))

  def __add__(self, other: "Counts") -> "Counts":
    return Counts(
      self.tp + other.tp, self.fp + other.fp, self.fn + other.fn, self.iou_sum + other.iou_sum
    )

  @property
  def occurs(self) -> Bool[np.ndarray, " K"]:
    """Classes with at least one ground-truth or predicted segment that counts."""
    return self.tp + self.fp + self.fn > 0

  def qualities(
    self,
  ) -> tuple[Float64[np.ndarray, " K"], Float64[np.ndarray, " K"], Float64[np.ndarray, " K"]]:
    """Returns quality, segmentation quality and recognition quality per class; NaN where a class
    does not occur.

    A class that occurs without any match has segmentation quality 0, as in the reference.
    """
    denominator = np.where(self.occurs, self.tp + 0.5 * self.fp + 0.5 * self.fn, np.nan)
    sq = np.where(self.occurs, self.iou_sum / np.maximum(self.tp, 1), np.nan)
    return self.iou_sum / denominator, sq, self.tp / denominator


class Matching(NamedTuple):
  """Segments of one image and which of them match. Ground-truth segments are numbered 0..S-1,
  predicted ones 0..Z-1.

  Attributes:
    segment: of each cell: its ground-truth segment, -1 = none, void or crowd.
    pred_segment: of each cell: its predicted segment, -1 = none.
    segment_class: train ids.
    segment_match: the predicted segment that a ground-truth segment matches, -1 = none.
    segment_iou: IoU of the match, 0 without.
    counts: true and false positives, false negatives, IoUs.
  """

  segment: Int64[np.ndarray, " N"]
  pred_segment: Int64[np.ndarray, " N"]
  segment_class: Int64[np.ndarray, " S"]
  segment_match: Int64[np.ndarray, " S"]
  segment_iou: Float64[np.ndarray, " S"]
  counts: Counts


def match(cells: Cells, crowd: Bool[np.ndarray, " N"], num_classes: int) -> Matching:
  """Matches predicted with ground-truth segments of the same class.

  Rules (numbers as in docs/metrics.md): 1, 5. Segments are the distinct (class, instance) pairs, in
  one piece or several; stuff usually has instance 0 only. 3, 4. Void and crowd pixels belong to no
  ground-truth segment, so segments of nothing else do not exist. 6. They match if IoU > 0.5,
  strictly. Void is taken out of the union, crowd is not. No two can match the same segment. 8. An
  unmatched prediction is a false positive unless more than half of it lies on void and crowd of its
  own class.

  Args:
    cells: the image.
    crowd: cells to treat as crowd of their ground-truth class.
    num_classes: K.
  """
  void = cells.gt_class == IGNORE
  segment, segment_class = _number(cells.gt_class, np.maximum(cells.gt_instance, 0), ~void & ~crowd)
  pred_segment, pred_class = _number(
    cells.pred_class, cells.pred_instance, cells.pred_class != IGNORE
  )

  area = _sum(segment, cells.count, len(segment_class))
  pred_area = _sum(pred_segment, cells.count, len(pred_class))
  pred_void = _sum(np.where(void, pred_segment, -1), cells.count, len(pred_class))
  own_crowd = crowd & (cells.gt_class == cells.pred_class)
  pred_crowd = _sum(np.where(own_crowd, pred_segment, -1), cells.count, len(pred_class))

  together = (segment >= 0) & (pred_segment >= 0) & (cells.gt_class == cells.pred_class)
  pairs, pair = np.unique(
    segment[together] * max(len(pred_class), 1) + pred_segment[together], return_inverse=True
  )
  intersection = _sum(pair, cells.count[together], len(pairs))
  s, z = pairs // max(len(pred_class), 1), pairs % max(len(pred_class), 1)
  union = area[s] + pred_area[z] - intersection - pred_void[z]
  matches = 2 * intersection > union
  s, z, iou = s[matches], z[matches], intersection[matches] / union[matches]

  segment_match = np.full(len(segment_class), -1)
  segment_match[s] = z
  segment_iou = np.zeros(len(segment_class))
  segment_iou[s] = iou
  unmatched = np.ones(len(pred_class), bool)
  unmatched[z] = False
  false_positive = unmatched & (2 * (pred_void + pred_crowd) <= pred_area)
  tp = np.bincount(segment_class[s], minlength=num_classes)
  counts = Counts(
    tp=tp,
    fp=np.bincount(pred_class[false_positive], minlength=num_classes),
    fn=np.bincount(segment_class, minlength=num_classes) - tp,
    iou_sum=np.bincount(segment_class[s], iou, minlength=num_classes).astype(np.float64),
  )
  return Matching(segment, pred_segment, segment_class, segment_match, segment_iou, counts)


def _number(
  classes: Int[np.ndarray, " N"], instances: Int[np.ndarray, " N"], exists: Bool[np.ndarray, " N"]
) -> tuple[Int64[np.ndarray, " N"], Int64[np.ndarray, " S"]]:
  """Returns the segment of each cell (-1 where there is none), and the class of each segment."""
  keys, inverse = np.unique(
    classes[exists].astype(np.int64) * 1000 + instances[exists], return_inverse=True
  )
  segment = np.full(len(classes), -1)
  segment[exists] = inverse
  return segment, keys // 1000


def _sum(
  index: Int64[np.ndarray, " M"], count: Int64[np.ndarray, " M"], length: int
) -> Int64[np.ndarray, " length"]:
  """Returns the pixels per index; -1 is left out. Exact: pixel counts are far below 2**53."""
  there = index >= 0
  return np.bincount(index[there], count[there], minlength=length).astype(np.int64)


def panoptic_quality(cells: Cells, spec: LabelSpec) -> Counts:
  """Returns the PQ counts of one image: every class is one without parts."""
  return match(cells, cells.gt_crowd, spec.num_classes).counts


@dataclass
class PQ:
  """PQ, SQ and RQ of a set of images. Starts empty; `add` takes an image, `merge` another state."""

  spec: LabelSpec
  counts: Counts = field(init=False)

  def __post_init__(self):
    self.counts = Counts.empty(self.spec.num_classes)

  def add(self, uids: Int[np.ndarray, "H W"], prediction: UInt8[np.ndarray, "_H _W _C"]) -> None:
    self.counts += panoptic_quality(count_cells(self.spec, uids, prediction), self.spec)

  def merge(self, other: "PQ") -> None:
    self.counts += other.counts

  def results(self) -> dict[str, dict[str, float | int | None]]:
    """Returns {"all" | "parts" | "no_parts" | "things" | "stuff": {"pq", "sq", "rq", "classes"}}."""
    return averages(self.counts, self.spec, ("pq", "sq", "rq"))


def averages(
  counts: Counts, spec: LabelSpec, names: tuple[str, str, str]
) -> dict[str, dict[str, float | int | None]]:
  """Returns plain means over the classes that occur, per group of classes; None where no class of a
  group occurs.

  Differs from the reference evaluator, which divides by zero there.
  """
  is_thing = np.arange(spec.num_classes) >= spec.num_stuff
  groups = {
    "all": np.ones_like(is_thing),
    "parts": spec.has_parts,
    "no_parts": ~spec.has_parts,
    "things": is_thing,
    "stuff": ~is_thing,
  }
  results = {}
  for group, members in groups.items():
    chosen = members & counts.occurs
    means = [
      float(quality[chosen].mean()) if chosen.any() else None for quality in counts.qualities()
    ]
    results[group] = dict(zip(names, means)) | {"classes": int(chosen.sum())}
  return results
