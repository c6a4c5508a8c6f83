"""Resizes label maps by nearest neighbour, so no new id can appear."""

import numpy as np
from jaxtyping import Int, Integer


def nearest_positions(length: int, scaled: int) -> Int[np.ndarray, "{scaled}"]:
  """Returns the source position of each pixel of an axis that is scaled from `length` to `scaled`.

  The source pixel is the one that contains the centre of the scaled pixel.
  """
  step = length / scaled  # source pixels per scaled pixel
  centres = (np.arange(scaled) + 0.5) * step
  sources = centres.astype(np.intp)
  return np.minimum(sources, length - 1)


def nearest(ids: Integer[np.ndarray, "h w"], size: tuple[int, int]) -> Integer[np.ndarray, "H W"]:
  """Returns an id map scaled to `size` (height, width)."""
  height, width = ids.shape
  rows = nearest_positions(height, size[0])
  columns = nearest_positions(width, size[1])
  return ids.take(rows, axis=0).take(columns, axis=1)
