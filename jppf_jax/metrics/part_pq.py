"""Part-aware panoptic quality (de Geus et al., "Part-aware Panoptic Segmentation", CVPR 2021),
exactly as the released evaluator counts it: tp, fp and fn are equal, sums of IoUs to the last
digits."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float64, Int, Int64, UInt8

from jppf_jax.labels.spec import LabelSpec
from jppf_jax.metrics.cells import Cells, count_cells
from jppf_jax.metrics.pq import Counts, Matching, averages, match
from jppf_jax.structs import IGNORE

LABELS = 256  # pids that a prediction can name; 255 = unknown


def part_panoptic_quality(cells: Cells, spec: LabelSpec) -> Counts:
  """Returns the PartPQ counts of one image.

  PQ with two changes: instances of classes with parts that have no labelled part become crowd (rule
  2), and the IoU of a match of such a class is the mean IoU over its part labels (rule 7).
  """
  with_parts = np.append(spec.has_parts, False)[np.minimum(cells.gt_class, spec.num_classes)]
  crowd = cells.gt_crowd | (with_parts & ~_has_labelled_parts(cells))
  matching = match(cells, crowd, spec.num_classes)
  scored = np.flatnonzero((matching.segment_match >= 0) & spec.has_parts[matching.segment_class])
  classes = matching.segment_class[scored]
  part_iou = _part_iou(cells, crowd, matching, scored)
  iou_sum = np.where(
    spec.has_parts,
    np.bincount(classes, part_iou, minlength=spec.num_classes),
    matching.counts.iou_sum,
  )
  return Counts(matching.counts.tp, matching.counts.fp, matching.counts.fn, iou_sum)


def _has_labelled_parts(cells: Cells) -> Bool[np.ndarray, " N"]:
  """Returns whether a cell's ground-truth (class, instance) has a known part anywhere; crowd counts
  as instance 0.
  """
  _, instance = np.unique(
    cells.gt_class * 1000 + np.maximum(cells.gt_instance, 0), return_inverse=True
  )
  return (
    (np.bincount(instance, cells.gt_pid > 0) > 0)[instance] if len(instance) else np.zeros(0, bool)
  )


def _part_iou(
  cells: Cells, crowd: Bool[np.ndarray, " N"], matching: Matching, scored: Int64[np.ndarray, " M"]
) -> Float64[np.ndarray, " M"]:
  """Returns the mean IoU over part labels for each match (rule 7).

  Compared are two maps over the evaluated region E: the ground-truth part inside the segment, 0
  elsewhere; the predicted part inside the matched segment, 0 elsewhere. E is the image without
  void, crowd of the class, and pixels of the segment whose part is unknown. The mean runs over the
  labels of either map, 0 (everything outside) among them, 255 not.
  """
  m = len(scored)
  row_of_segment = np.full(len(matching.segment_class) + 1, -1)  # the last entry answers -1
  row_of_segment[scored] = np.arange(m)
  row_of_pred = np.full(int(matching.pred_segment.max(initial=-1)) + 2, -1)
  row_of_pred[matching.segment_match[scored]] = np.arange(m)
  row, pred_row = row_of_segment[matching.segment], row_of_pred[matching.pred_segment]

  void = cells.gt_class == IGNORE
  unknown = (row >= 0) & (cells.gt_pid == 0)
  own_crowd = crowd & (cells.gt_class == cells.pred_class)
  left_out = void | own_crowd | (unknown & (row == pred_row))
  both = (row >= 0) & (row == pred_row)

  def histogram(rows, labels, where):
    index = rows[where] * LABELS + labels[where]
    return np.bincount(index, cells.count[where], minlength=m * LABELS).reshape(m, LABELS)

  gt = histogram(row, cells.gt_pid, (row >= 0) & ~unknown)
  pred = histogram(pred_row, cells.pred_pid, (pred_row >= 0) & ~left_out)
  inside = (cells.gt_pid > 0) & (cells.pred_pid > 0)
  intersection = histogram(row, cells.gt_pid, both & inside & (cells.gt_pid == cells.pred_pid))
  either_part = (
    gt[:, 1:].sum(1) + pred[:, 1:].sum(1) - histogram(row, cells.gt_pid, both & inside).sum(1)
  )

  classes = matching.segment_class[scored]
  crowd_area = np.bincount(cells.gt_class[crowd], cells.count[crowd], minlength=LABELS)[classes]
  evaluated = cells.count[~void].sum() - crowd_area - histogram(row, cells.gt_pid, unknown).sum(1)
  gt[:, 0] = evaluated - gt[:, 1:].sum(1)
  pred[:, 0] = evaluated - pred[:, 1:].sum(1)
  intersection[:, 0] = evaluated - either_part
  union = gt + pred - intersection
  counted = union > 0
  counted[:, IGNORE] = False
  iou = np.where(counted, intersection / np.maximum(union, 1), 0)
  return iou.sum(1) / counted.sum(1)


@dataclass
class PartPQ:
  """PartPQ, PartSQ and PartRQ of a set of images. Starts empty; `add` takes an image, `merge`
  another state.
  """

  spec: LabelSpec
  counts: Counts = field(init=False)

  def __post_init__(self):
    self.counts = Counts.empty(self.spec.num_classes)

  def add(self, uids: Int[np.ndarray, "H W"], prediction: UInt8[np.ndarray, "_H _W _C"]) -> None:
    self.counts += part_panoptic_quality(count_cells(self.spec, uids, prediction), self.spec)

  def merge(self, other: "PartPQ") -> None:
    self.counts += other.counts

  def results(self) -> dict[str, dict[str, float | int | None]]:
    """Returns {"all" | "parts" | "no_parts" | "things" | "stuff": {"part_pq", "part_sq", "part_rq",
    "classes"}}.
    """
    return averages(self.counts, self.spec, ("part_pq", "part_sq", "part_rq"))
