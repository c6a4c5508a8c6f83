"""Each segment of an image, true or predicted: how well it was met, and by which one.

Segments are matched as in PQ (`metrics.pq.match`), so that what is listed here adds up to its TP,
FP and FN. Those of PartPQ can differ: it takes objects without labelled parts for crowd.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

from jppf_jax.labels.spec import LabelSpec
from jppf_jax.metrics.cells import Cells
from jppf_jax.metrics.pq import Matching, match
from jppf_jax.panoptic import IGNORE

TP, FP, FN, IGNORED = "tp", "fp", "fn", "ignored"


@dataclass(frozen=True)
class Segments:
  """The segments of one label map.

  Attributes:
    classes: train ids.
    instances: as in the map; 0 for most stuff.
    areas: pixels.
    ious: the largest IoU with a segment of the same class in the other map.
    matches: that segment if the two match, else -1.
    outcomes: "tp"; "fp" of predicted, "fn" of true segments; "ignored" is a predicted one of which
      more than half lies on void or crowd.
  """

  classes: Int64[np.ndarray, " S"]
  instances: Int64[np.ndarray, " S"]
  areas: Int64[np.ndarray, " S"]
  ious: Float64[np.ndarray, " S"]
  matches: Int64[np.ndarray, " S"]
  outcomes: list[str]


def compared(cells: Cells, spec: LabelSpec) -> tuple[Segments, Segments]:
  """Returns the true and the predicted segments of an image."""
  matching = match(cells, cells.gt_crowd, spec.num_classes)
  segment, predicted = matching.segment, matching.pred_segment
  count, pred_count = len(matching.segment_class), int(predicted.max(initial=-1)) + 1
  area, pred_area = _pixels(cells, segment, count), _pixels(cells, predicted, pred_count)
  void = cells.gt_class == IGNORE
  own_crowd = cells.gt_crowd & (cells.gt_class == cells.pred_class)
  on_void = _pixels(cells, np.where(void, predicted, -1), pred_count)
  on_crowd = _pixels(cells, np.where(own_crowd, predicted, -1), pred_count)
  best, pred_best = _best_ious(cells, matching, area, pred_area - on_void)

  pred_match = np.full(pred_count, -1)
  matched = np.flatnonzero(matching.segment_match >= 0)
  pred_match[matching.segment_match[matched]] = matched
  is_ignored = 2 * (on_void + on_crowd) > pred_area
  missed = [FN if other < 0 else TP for other in matching.segment_match]
  false = np.where(is_ignored, IGNORED, FP)
  outcomes = np.where(pred_match < 0, false, TP).tolist()
  gt_instance = np.maximum(cells.gt_instance, 0)
  truth = Segments(
    matching.segment_class,
    _of_segments(segment, gt_instance, count),
    area,
    best,
    matching.segment_match,
    missed,
  )
  prediction = Segments(
    _of_segments(predicted, cells.pred_class, pred_count),
    _of_segments(predicted, cells.pred_instance, pred_count),
    pred_area,
    pred_best,
    pred_match,
    outcomes,
  )
  return truth, prediction


def _best_ious(
  cells: Cells, matching: Matching, area: Int64[np.ndarray, " S"], counted: Int64[np.ndarray, " Z"]
) -> tuple[Float64[np.ndarray, " S"], Float64[np.ndarray, " Z"]]:
  """Returns the largest IoU of each true and of each predicted segment within its class.

  Args:
    cells: of the image.
    matching: numbers the segments.
    area: of true segments.
    counted: area of predicted segments, without void.
  """
  best, pred_best = np.zeros(len(area)), np.zeros(len(counted))
  segment, predicted = matching.segment, matching.pred_segment
  overlap = (segment >= 0) & (predicted >= 0) & (cells.gt_class == cells.pred_class)
  pair_key = segment[overlap] * max(len(counted), 1) + predicted[overlap]
  pairs, pair = np.unique(pair_key, return_inverse=True)
  intersection = np.bincount(pair, cells.count[overlap], minlength=len(pairs))
  s, z = np.divmod(pairs, max(len(counted), 1))
  iou = intersection / (area[s] + counted[z] - intersection)
  np.maximum.at(best, s, iou)
  np.maximum.at(pred_best, z, iou)
  return best, pred_best


def _pixels(
  cells: Cells, numbers: Int64[np.ndarray, " N"], length: int
) -> Int64[np.ndarray, " length"]:
  """Returns the pixels of each segment; -1 belongs to none."""
  kept = numbers >= 0
  pixels = np.bincount(numbers[kept], cells.count[kept], minlength=length)
  return pixels.astype(np.int64)


def _of_segments(
  numbers: Int64[np.ndarray, " N"], values: np.ndarray, length: int
) -> Int64[np.ndarray, " length"]:
  """Returns what all cells of a segment have in common."""
  table = np.zeros(length, np.int64)
  kept = numbers >= 0
  table[numbers[kept]] = values[kept]
  return table
