"""Part-aware panoptic quality (PartPQ), counted exactly as the released evaluator does.

de Geus et al., "Part-aware Panoptic Segmentation", CVPR 2021. TP, FP and FN are equal, sums of IoUs
agree to the last digits.
"""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float64, Int64, Shaped

from jppf_jax.labels.spec import LabelSpec
from jppf_jax.metrics.cells import Cells, count_cells, is_scored_by_parts
from jppf_jax.metrics.pq import Averages, Counts, Matching, averages, match
from jppf_jax.panoptic import IGNORE

LABELS = 256  # pids that a prediction can name; 255 = unknown


def part_panoptic_quality(cells: Cells, spec: LabelSpec) -> Counts:
  """Returns the PartPQ counts of one image.

  PQ with two changes in classes with parts: instances without any labelled part become crowd (rule
  2 of docs/metrics.md), and the IoU of a TP is the mean IoU over its part labels (rule 7).
  """
  without_labels = is_scored_by_parts(spec, cells.gt_class) & ~_has_labelled_parts(cells)
  crowd = cells.gt_crowd | without_labels
  matching = match(cells, crowd, spec.num_classes)
  matched = matching.segment_match >= 0
  scored = np.flatnonzero(matched & spec.has_parts[matching.segment_class])
  part_iou = _part_iou(cells, crowd, matching, scored)
  classes = matching.segment_class[scored]
  part_iou_sum = np.bincount(classes, part_iou, minlength=spec.num_classes)
  counts = matching.counts
  iou_sum = np.where(spec.has_parts, part_iou_sum, counts.iou_sum)
  return Counts(counts.tp, counts.fp, counts.fn, iou_sum)


def _has_labelled_parts(cells: Cells) -> Bool[np.ndarray, " N"]:
  """Returns whether the ground-truth (class, instance) of each cell has a known part anywhere.

  Crowd counts as instance 0.
  """
  key = cells.gt_class * 1000 + np.maximum(cells.gt_instance, 0)
  _, instance = np.unique(key, return_inverse=True)
  labelled_cells = np.bincount(instance, cells.gt_pid > 0)
  return (labelled_cells > 0)[instance]


def _part_iou(
  cells: Cells, crowd: Bool[np.ndarray, " N"], matching: Matching, scored: Int64[np.ndarray, " M"]
) -> Float64[np.ndarray, " M"]:
  """Returns the mean IoU over part labels for each of the M matches in `scored` (rule 7).

  Compared are two label maps over a region: the ground-truth part inside the segment, 0 elsewhere;
  and the predicted part inside the matched segment, 0 elsewhere. The region is the image without
  void, crowd of the class, and pixels of the segment whose part is unknown. The mean runs over the
  labels of either map; 0 (everything outside the parts) is one of them, 255 is not.
  """
  num_matches = len(scored)
  gt_match = _match_of_cells(scored, matching.segment)
  pred_match = _match_of_cells(matching.segment_match[scored], matching.pred_segment)
  in_gt, in_pred = gt_match >= 0, pred_match >= 0
  in_both = in_gt & (gt_match == pred_match)
  void = cells.gt_class == IGNORE
  own_crowd = crowd & (cells.gt_class == cells.pred_class)
  unknown = in_gt & (cells.gt_pid == 0)
  left_out = void | own_crowd | (unknown & in_both)

  def histogram(rows, labels, kept):
    """Returns pixels [M, LABELS] of the cells `kept`."""
    index = rows[kept] * LABELS + labels[kept]
    pixels = np.bincount(index, cells.count[kept], minlength=num_matches * LABELS)
    return pixels.reshape(num_matches, LABELS)

  gt = histogram(gt_match, cells.gt_pid, in_gt & ~unknown)
  pred = histogram(pred_match, cells.pred_pid, in_pred & ~left_out)
  both_parts = in_both & (cells.gt_pid > 0) & (cells.pred_pid > 0)
  same_part = both_parts & (cells.gt_pid == cells.pred_pid)
  intersection = histogram(gt_match, cells.gt_pid, same_part)

  # Label 0 is the region without the parts.
  gt_parts = gt[:, 1:].sum(1)
  pred_parts = pred[:, 1:].sum(1)
  either_part = gt_parts + pred_parts - histogram(gt_match, cells.gt_pid, both_parts).sum(1)
  classes = matching.segment_class[scored]
  crowd_area = np.bincount(cells.gt_class[crowd], cells.count[crowd], minlength=LABELS)
  unknown_area = histogram(gt_match, cells.gt_pid, unknown).sum(1)
  region = cells.count[~void].sum() - crowd_area[classes] - unknown_area
  gt[:, 0] = region - gt_parts
  pred[:, 0] = region - pred_parts
  intersection[:, 0] = region - either_part

  union = gt + pred - intersection
  occurs = union > 0
  occurs[:, IGNORE] = False
  label_iou = intersection / np.maximum(union, 1)
  iou_sum = np.where(occurs, label_iou, 0).sum(1)
  return iou_sum / occurs.sum(1)


def _match_of_cells(
  matched: Int64[np.ndarray, " M"], segment: Int64[np.ndarray, " N"]
) -> Int64[np.ndarray, " N"]:
  """Returns the match 0..M-1 that the segment of each cell takes part in, -1 = none.

  Args:
    matched: the segment of each match.
    segment: of each cell, -1 = none.
  """
  num_segments = int(segment.max(initial=-1)) + 1
  match_of_segment = np.full(num_segments + 1, -1)  # the last entry is that of segment -1
  match_of_segment[matched] = np.arange(len(matched))
  return match_of_segment[segment]


@dataclass
class PartPQ:
  """PartPQ, PartSQ and PartRQ of a set of images.

  Starts empty; `add` takes an image, `merge` another state.
  """

  spec: LabelSpec
  counts: Counts = field(init=False)

  def __post_init__(self):
    self.counts = Counts.empty(self.spec.num_classes)

  def add(
    self, uids: Shaped[np.ndarray, "H W"], prediction: Shaped[np.ndarray, "_H _W _C"]
  ) -> None:
    """Adds an image; arguments and errors as `count_cells`."""
    cells = count_cells(self.spec, uids, prediction)
    self.counts += part_panoptic_quality(cells, self.spec)

  def merge(self, other: "PartPQ") -> None:
    """Adds the counts of another state."""
    self.counts += other.counts

  def results(self) -> Averages:
    """Returns the averages with the names "part_pq", "part_sq", "part_rq", see `averages`."""
    return averages(self.counts, self.spec, ("part_pq", "part_sq", "part_rq"))
