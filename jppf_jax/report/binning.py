"""Segments in bins: how many have which IoU, which score, and how many of each size are found."""

import itertools
import math
from collections.abc import Iterable, Sequence

from jppf_jax.report.read import Json

SIDES = (0, 16, 32, 64, 128, 256)  # bins of the square root of the area, pixels; the last is open
IOU_BINS = 10


def iou_counts(truth: Json, class_: int | None = None) -> list[int]:
  """Returns how many true segments have an IoU in each tenth.

  Args:
    truth: columns of `record.Recorder`.
    class_: train id; None: all.
  """
  counts = [0] * IOU_BINS
  for place in _rows(truth["class"], class_):
    tenth = int(truth["iou"][place] * IOU_BINS)
    counts[min(tenth, IOU_BINS - 1)] += 1
  return counts


def found_by_size(truth: Json, class_: int | None = None) -> list[tuple[int, int]]:
  """Returns, for each size of `SIDES`, how many true segments were matched, of how many."""
  counts = [[0, 0] for _ in SIDES]
  for place in _rows(truth["class"], class_):
    side = math.sqrt(truth["area"][place])
    size = max(index for index, smallest in enumerate(SIDES) if side >= smallest)
    counts[size][0] += truth["outcome"][place] == "tp"
    counts[size][1] += 1
  return [(found, of_all) for found, of_all in counts]


def scores_and_ious(
  predicted: Json, class_: int | None = None, *, most: int = 300
) -> list[tuple[float, float, str]]:
  """Returns score, IoU and outcome of predicted instances; evenly thinned to `most` of them."""
  rows = [
    place for place in _rows(predicted["class"], class_) if predicted["score"][place] is not None
  ]
  step = max(1, math.ceil(len(rows) / most))
  columns = (predicted["score"], predicted["iou"], predicted["outcome"])
  return [(columns[0][place], columns[1][place], columns[2][place]) for place in rows[::step]]


def size_names() -> list[str]:
  """Returns the names of the bins of `found_by_size`: lengths of a side, pixels."""
  pairs = itertools.pairwise(SIDES)
  return [*(f"{low}–{high}" for low, high in pairs), f"{SIDES[-1]}+"]


def confusions(
  counts: Sequence[Sequence[int]], rows: Sequence[str], columns: Sequence[str], most: int = 10
) -> list[tuple[str, str, float, float]]:
  """Returns what is mistaken for what, and its share of all pixels and of those of the true label;
  large areas first.
  """
  found = []
  of_all = sum(map(sum, counts))
  for name, row in zip(rows, counts, strict=True):
    total = sum(row)
    for other, count in zip(columns, row, strict=True):
      if other != name and count:
        found.append((count, name, other, count / of_all, count / total))
  found.sort(key=lambda entry: (-entry[0], entry[1:3]))
  return [entry[1:] for entry in found[:most]]


def _rows(classes: Sequence[int], class_: int | None) -> Iterable[int]:
  """Returns the places of a class in the columns."""
  places = range(len(classes))
  return places if class_ is None else (place for place in places if classes[place] == class_)
