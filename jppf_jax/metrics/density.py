"""How much of an image is labelled at all: the paper's "density" (Table 2), which it does not
define.

Ours: pixels of the prediction with a complete, non-void label, over all pixels of the set.
"Complete" means a part as well where the class has parts. The scene-only density beside it counts
pixels with a class.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8

from jppf_jax.labels.spec import LabelSpec
from jppf_jax.metrics.cells import Cells
from jppf_jax.structs import IGNORE


@dataclass
class Density:
  """Pixel counts; starts empty."""

  pixels: int = 0
  with_class: int = 0
  complete: int = 0

  def add(self, spec: LabelSpec, prediction: UInt8[np.ndarray, "H W 3"]) -> None:
    """Adds a prediction (scene id, instance id, evaluation pid); no ground truth is needed."""
    classes, pids = (
      spec.scene_to_train[prediction[..., 0]].reshape(-1),
      prediction[..., 2].reshape(-1).astype(np.int32),
    )
    self._add(spec, classes, pids, np.ones(classes.size, np.int64))

  def add_cells(self, spec: LabelSpec, cells: Cells) -> None:
    self._add(spec, cells.pred_class, cells.pred_pid, cells.count)

  def _add(self, spec: LabelSpec, classes: np.ndarray, pids: np.ndarray, count: np.ndarray) -> None:
    has_class = classes != IGNORE
    needs_part = np.append(spec.has_parts, False)[np.minimum(classes, spec.num_classes)]
    complete = has_class & (~needs_part | ((pids != 0) & (pids != IGNORE)))
    self.pixels += int(count.sum())
    self.with_class += int(count[has_class].sum())
    self.complete += int(count[complete].sum())

  def merge(self, other: "Density") -> None:
    self.pixels += other.pixels
    self.with_class += other.with_class
    self.complete += other.complete

  def results(self) -> dict[str, float | int | None]:
    """Returns {"full", "scene_only", "pixels"}: fractions, None without any pixel."""
    share = (lambda count: count / self.pixels) if self.pixels else (lambda count: None)
    return {
      "full": share(self.complete),
      "scene_only": share(self.with_class),
      "pixels": self.pixels,
    }
