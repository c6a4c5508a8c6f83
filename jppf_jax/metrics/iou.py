"""Mean IoU of semantic classes and of part channels: one confusion matrix over all images."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float64, Int, Int64, Shaped

from jppf_jax.labels.spec import LabelSpec
from jppf_jax.metrics.cells import Cells
from jppf_jax.structs import IGNORE


@dataclass
class IoU:
  """Counts of (truth, prediction) pairs; the last column is "nothing predicted". Starts empty.

  Attributes:
    num_labels: labels are 0..num_labels-1; 255 in the truth is left out, 255 in the prediction is a
      miss.
  """

  num_labels: int
  confusion: Int64[np.ndarray, "_N _M"] = field(init=False)

  def __post_init__(self):
    self.confusion = np.zeros((self.num_labels, self.num_labels + 1), np.int64)

  def add(self, truth: Int[np.ndarray, "..."], prediction: Int[np.ndarray, "..."]) -> None:
    """Adds an image (or part of one).

    Raises:
      ValueError: the shapes differ, or there are labels outside 0..num_labels-1 and 255.
    """
    if truth.shape != prediction.shape:
      raise ValueError(
        f"The truth has shape {truth.shape}, the prediction {prediction.shape}; expected the same."
      )
    for name, labels in (("truth", truth), ("prediction", prediction)):
      wrong = ((labels < 0) | (labels >= self.num_labels)) & (labels != IGNORE)
      if wrong.any():
        raise ValueError(
          f"The {name} has {int(wrong.sum())} labels such as {int(labels[wrong][0])}; "
          f"expected 0..{self.num_labels - 1}, or 255 for none."
        )
    self.add_counts(truth.reshape(-1), prediction.reshape(-1), np.ones(truth.size, np.int64))

  def add_counts(
    self,
    truth: Int[np.ndarray, " N"],
    prediction: Int[np.ndarray, " N"],
    count: Shaped[np.ndarray, " N"],
  ) -> None:
    """Adds `count` pixels of each (truth, prediction) pair; labels as in `add`, not checked."""
    there = truth != IGNORE
    columns = self.num_labels + 1
    index = truth[there].astype(np.int64) * columns + np.minimum(prediction[there], self.num_labels)
    self.confusion += (
      np.bincount(index, count[there], self.confusion.size).astype(np.int64).reshape(-1, columns)
    )

  def merge(self, other: "IoU") -> None:
    self.confusion += other.confusion

  def per_label(self) -> Float64[np.ndarray, " N"]:
    """Returns the IoU of each label; NaN where it is neither in the truth nor in the prediction."""
    square = self.confusion[:, :-1]
    union = self.confusion.sum(1) + square.sum(0) - np.diagonal(square)
    return np.where(union > 0, np.diagonal(square) / np.maximum(union, 1), np.nan)

  def mean(self) -> float | None:
    """Returns the mean over the labels that occur; None if none does."""
    ious = self.per_label()
    occurs = ~np.isnan(ious)
    return float(ious[occurs].mean()) if occurs.any() else None


def add_semantic(state: IoU, cells: Cells) -> None:
  """Adds an image's classes: void truth is left out, void predictions are misses."""
  state.add_counts(cells.gt_class, cells.pred_class, cells.count)


def add_parts(state: IoU, cells: Cells, spec: LabelSpec) -> None:
  """Adds an image's part channels, background (every pixel that is no part) among them.

  Left out are void, and pixels of classes with parts that have no part label (or no instance); pid
  5 of CPP persons is such a pixel. As the authors of panoptic_parts advise (issue 20 there); their
  own tool was never completed.

  Differs from that advice: it does not say what happens to void; we leave it out, as in training.
  """
  state.add_counts(
    cells.gt_channel, spec.pid_to_channel[cells.pred_class, cells.pred_pid], cells.count
  )
