"""Density: the share of pixels with a complete label, the "density" of the paper's Table 2.

The paper does not define it. Ours: pixels of the prediction with a complete, non-void label,
divided by all pixels of the set. A label is complete if it has a class and, in classes with parts,
a part. The scene-only density beside it counts the pixels with a class.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int, Shaped

from jppf_jax.labels.spec import LabelSpec
from jppf_jax.metrics.cells import Cells, check_prediction, is_scored_by_parts
from jppf_jax.panoptic import IGNORE


@dataclass
class Density:
  """Pixel counts; starts empty."""

  pixels: int = 0
  with_class: int = 0
  complete: int = 0

  def add(self, spec: LabelSpec, prediction: Shaped[np.ndarray, "H W 3"]) -> None:
    """Adds a prediction (scene id, instance id, evaluation pid); no ground truth is needed.

    Raises:
      ValueError: as `check_prediction`.
      ValueError: scene ids that the dataset does not have.
    """
    check_prediction(prediction)
    spec.check_scene_ids(prediction[..., 0])
    classes = spec.scene_to_train[prediction[..., 0]].reshape(-1)
    pids = prediction[..., 2].reshape(-1).astype(np.int32)
    self._add(spec, classes, pids, np.ones(classes.size, np.int64))

  def add_cells(self, spec: LabelSpec, cells: Cells) -> None:
    """Adds the prediction of an image whose cells are counted."""
    self._add(spec, cells.pred_class, cells.pred_pid, cells.count)

  def _add(
    self,
    spec: LabelSpec,
    classes: Int[np.ndarray, " N"],
    pids: Int[np.ndarray, " N"],
    count: Int[np.ndarray, " N"],
  ) -> None:
    has_class = classes != IGNORE
    has_part = (pids != 0) & (pids != IGNORE)
    needs_part = is_scored_by_parts(spec, classes)
    complete = has_class & (~needs_part | has_part)
    self.pixels += int(count.sum())
    self.with_class += int(count[has_class].sum())
    self.complete += int(count[complete].sum())

  def merge(self, other: "Density") -> None:
    """Adds the pixels of another state."""
    self.pixels += other.pixels
    self.with_class += other.with_class
    self.complete += other.complete

  def results(self) -> dict[str, float | int | None]:
    """Returns {"full", "scene_only", "pixels"}: two fractions (None without any pixel), a count."""
    if self.pixels == 0:
      return {"full": None, "scene_only": None, "pixels": 0}
    return {
      "full": self.complete / self.pixels,
      "scene_only": self.with_class / self.pixels,
      "pixels": self.pixels,
    }
