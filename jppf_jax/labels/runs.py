"""Runs: neighbouring pixels with equal labels, row after row.

Label maps consist of runs: an image of 1024x2048 pixels has about 50,000. What depends on the label
of a pixel alone is computed once per run, or once per distinct label.
"""

import numpy as np
from jaxtyping import Int64, Integer, Shaped


def starts(*maps: Shaped[np.ndarray, "H W ..."]) -> Int64[np.ndarray, " R"]:
  """Returns the first pixel of each run, as an index into the rows laid end to end.

  A run goes on at the end of a row if the next row begins alike.

  Args:
    *maps: of one image, [H W] or [H W C]. Pixels are equal if they are in all maps.
  """
  pixels = maps[0].shape[0] * maps[0].shape[1]
  begins = np.zeros(pixels, bool)
  begins[:1] = True
  for labels in maps:
    depth = labels.shape[2] if labels.ndim == 3 else 1
    flat = labels.reshape(-1)
    differs = flat[depth:] != flat[:-depth]
    if depth == 1:
      begins[1:] |= differs
    else:
      begins[np.flatnonzero(differs) // depth + 1] = True
  return np.flatnonzero(begins)


def distinct(
  values: Integer[np.ndarray, " R"],
) -> tuple[Integer[np.ndarray, " D"], Int64[np.ndarray, " R"]]:
  """Returns the distinct values, ascending, and the place of each value among them."""
  ordered = np.sort(values)
  is_new = np.ones(len(ordered), bool)
  is_new[1:] = ordered[1:] != ordered[:-1]
  found = ordered[is_new]
  return found, np.searchsorted(found, values)
