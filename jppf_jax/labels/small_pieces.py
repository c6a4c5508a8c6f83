"""Labels without small pieces, which nobody wants to correct by hand."""

import numpy as np
from jaxtyping import Bool, Int, Int32, Integer
from scipy import ndimage
from skimage import measure

from jppf_jax.labels import runs

_PASSES = 8  # filling may leave a piece of few pixels cut off, seldom


def without_small(uids: Int[np.ndarray, "H W"], min_area: int) -> Int[np.ndarray, "H W"]:
  """Returns uids with small pieces filled from around.

  A piece is a connected region (edges touch, not corners alone) of one object, of stuff or of void,
  and then, inside of these, one of a part. Its pixels become as the nearest that stay; those of a
  part as the nearest of their object, or of no part if all parts of it are small.

  Args:
    uids: the labels.
    min_area: pixels; pieces with fewer are small.
  """
  if min_area <= 1:
    return uids
  for _ in range(_PASSES):
    small = _small(_pieces(_objects(uids)), min_area)
    if not small.any():
      break
    uids = np.zeros_like(uids) if small.all() else _filled(uids, small)
  for _ in range(_PASSES):
    small = _small(_pieces(uids), min_area) & (uids > 0)
    if not small.any():
      break
    uids = _with_filled_parts(uids, small)
  return uids


def _objects(uids: Int[np.ndarray, "H W"]) -> Int[np.ndarray, "H W"]:
  return np.where(uids >= 100_000, uids // 100, uids)


def _pieces(labels: Int[np.ndarray, "H W"]) -> Integer[np.ndarray, "H W"]:
  """Returns numbers of the connected regions with one label each."""
  return measure.label(labels, background=-1, connectivity=1)


def _small(pieces: Integer[np.ndarray, "H W"], min_area: int) -> Bool[np.ndarray, "H W"]:
  areas = np.bincount(pieces.ravel())
  return areas[pieces] < min_area


def _filled(
  labels: Int[np.ndarray, "H W"], unknown: Bool[np.ndarray, "H W"]
) -> Int[np.ndarray, "H W"]:
  """Returns labels where those that are unknown are as the nearest one."""
  rows, columns = _nearest(unknown)
  return labels[rows, columns]


def _nearest(unknown: Bool[np.ndarray, "H W"]) -> Int32[np.ndarray, "2 H W"]:
  return ndimage.distance_transform_edt(unknown, return_distances=False, return_indices=True)


def _with_filled_parts(
  uids: Int[np.ndarray, "H W"], small: Bool[np.ndarray, "H W"]
) -> Int[np.ndarray, "H W"]:
  """Returns uids where small pieces of parts are filled from the same piece of their object."""
  filled, objects = uids.copy(), _objects(uids)
  pieces = _pieces(objects)
  concerned = set(np.unique(pieces[small]).tolist())
  for piece, (rows, columns, _) in runs.regions(pieces).items():
    if piece not in concerned:
      continue
    place = rows, columns
    of_object = pieces[place] == piece
    kept = of_object & ~small[place]
    around = _filled(uids[place], ~kept) if kept.any() else objects[place]
    filled[place] = np.where(of_object & small[place], around, filled[place])
  return filled
