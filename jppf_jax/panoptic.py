"""Panoptic labels as they are saved. In NumPy alone: scoring and merging start without JAX."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int32

IGNORE = 255  # semantic and part train ids that no loss and no metric counts


class Panoptic(NamedTuple):
  """A panoptic prediction.

  Attributes:
    scene: scene ids, 255 = void.
    instance: ids that count from 1 inside each class, stuff too.
  """

  scene: Int32[np.ndarray, "H W"]
  instance: Int32[np.ndarray, "H W"]


class Detection(NamedTuple):
  """An instance as a detector saves it.

  Attributes:
    scene: scene id.
    score: larger is better.
    mask: its pixels.
  """

  scene: int
  score: float
  mask: Bool[np.ndarray, "H W"]
