"""Label maps at another size, by nearest neighbour: no id appears that was not there."""

import numpy as np
from jaxtyping import Int


def nearest_positions(length: int, scaled: int) -> Int[np.ndarray, "{scaled}"]:
  """Returns, for each pixel of an axis scaled from `length` to `scaled`, the pixel it is taken from.

  The one whose area the centre of the scaled pixel falls into.
  """
  step = length / scaled  # source pixels per scaled pixel
  centres = (np.arange(scaled) + 0.5) * step
  return np.minimum(centres.astype(np.intp), length - 1)


def nearest(ids: Int[np.ndarray, "h w"], size: tuple[int, int]) -> Int[np.ndarray, "H W"]:
  """Returns an id map scaled to `size` (height, width)."""
  rows = nearest_positions(ids.shape[0], size[0])
  columns = nearest_positions(ids.shape[1], size[1])
  return ids[rows[:, None], columns]
