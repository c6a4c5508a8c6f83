"""Mean IoU of semantic classes and of part channels: one confusion matrix over all images."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float64, Int, Int64, Shaped

from jppf_jax.labels.spec import LabelSpec
from jppf_jax.metrics.cells import Cells
from jppf_jax.panoptic import IGNORE


@dataclass
class IoU:
  """Counts of (truth, prediction) pairs. Starts empty.

  Attributes:
    num_labels: labels are 0..num_labels-1. Pixels with 255 in the truth are left out; 255 in the
      prediction is a false negative of the true label, and no false positive of any.
    confusion: pixels by truth (row) and prediction (column); the last column is "nothing
      predicted".
  """

  num_labels: int
  confusion: Int64[np.ndarray, "_N _M"] = field(init=False)

  def __post_init__(self):
    self.confusion = np.zeros((self.num_labels, self.num_labels + 1), np.int64)

  def add(self, truth: Int[np.ndarray, "..."], prediction: Int[np.ndarray, "..."]) -> None:
    """Adds an image (or part of one).

    Raises:
      ValueError: the shapes differ.
      ValueError: an array is not of an integer type.
      ValueError: labels outside 0..num_labels-1 that are not 255.
    """
    if truth.shape != prediction.shape:
      raise ValueError(
        f"The truth has shape {truth.shape}, the prediction {prediction.shape}; expected the same."
      )
    self._check("truth", truth)
    self._check("prediction", prediction)
    self.add_counts(truth.reshape(-1), prediction.reshape(-1), np.ones(truth.size, np.int64))

  def _check(self, name: str, labels: Int[np.ndarray, "..."]) -> None:
    if labels.dtype.kind not in "iu":
      raise ValueError(f"The {name} has type {labels.dtype}; expected whole numbers.")
    outside = (labels < 0) | (labels >= self.num_labels)
    wrong = labels[outside & (labels != IGNORE)]
    if wrong.size:
      raise ValueError(
        f"The {name} has {wrong.size} labels such as {int(wrong[0])}; "
        f"expected 0..{self.num_labels - 1}, or 255 for none."
      )

  def add_counts(
    self,
    truth: Int[np.ndarray, " N"],
    prediction: Int[np.ndarray, " N"],
    count: Shaped[np.ndarray, " N"],
  ) -> None:
    """Adds `count` pixels of each (truth, prediction) pair; labels as in `add`, not checked."""
    labelled = truth != IGNORE
    rows, columns = self.confusion.shape
    row = truth[labelled].astype(np.int64)
    column = np.minimum(prediction[labelled], self.num_labels)
    pixels = np.bincount(row * columns + column, count[labelled], rows * columns)
    self.confusion += pixels.astype(np.int64).reshape(rows, columns)

  def merge(self, other: "IoU") -> None:
    """Adds the counts of another state."""
    self.confusion += other.confusion

  def per_label(self) -> Float64[np.ndarray, " N"]:
    """Returns the IoU of each label; NaN if it is neither in the truth nor in the prediction."""
    square = self.confusion[:, :-1]
    intersection = np.diagonal(square)
    union = self.confusion.sum(1) + square.sum(0) - intersection
    iou = intersection / np.maximum(union, 1)
    return np.where(union > 0, iou, np.nan)

  def mean(self) -> float | None:
    """Returns the mean over the labels that occur; None if none does."""
    ious = self.per_label()
    known = ious[~np.isnan(ious)]
    return float(known.mean()) if known.size else None


def add_semantic(state: IoU, cells: Cells) -> None:
  """Adds the classes of an image: void truth is left out, void predictions are false negatives."""
  state.add_counts(cells.gt_class, cells.pred_class, cells.count)


def add_parts(state: IoU, cells: Cells, spec: LabelSpec) -> None:
  """Adds the part channels of an image; background (every pixel that is no part) is one of them.

  Left out are void, and pixels of classes with part channels that have no part label, or no
  instance if the class is scored by parts. Pid 5 of CPP persons has no part label. As the authors
  of panoptic_parts advise (issue 20 there); their own tool was never completed.

  Differs from that advice: it does not say what happens to void; we leave it out.
  """
  predicted = spec.pid_to_channel[cells.pred_class, cells.pred_pid]
  void = cells.gt_class == IGNORE
  has_channels = np.append(spec.part_matrix.any(1), False)  # the last entry is that of void
  needs_part = has_channels[np.minimum(cells.gt_class, spec.num_classes)]
  no_part_label = needs_part & (cells.gt_channel == 0)
  truth = np.where(void | no_part_label, IGNORE, cells.gt_channel)
  state.add_counts(truth, predicted, cells.count)
