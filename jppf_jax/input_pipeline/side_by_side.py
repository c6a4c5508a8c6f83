"""Several labelled images as one: groups of things, for data that shows one thing per image."""

from collections.abc import Sequence

import numpy as np

from jppf_jax.input_pipeline.augment import Labelled, cut
from jppf_jax.labels import uids as universal

MOST_INSTANCES = 999  # an instance id has three digits


def side_by_side(images: Sequence[tuple[np.ndarray, np.ndarray]]) -> Labelled:
  """Returns images next to each other from left to right, as high as the first.

  The others are scaled to its height, keeping their aspect ratio. Instances stay apart: the ids of
  each image start after those of the images before. An image for whose instances no numbers are
  left ends the row.

  Args:
    images: one or more of any sizes, each RGB [H W 3] as uint8 and its uids [H W] as int32.
  """
  height = images[0][1].shape[0]
  row: list[tuple[np.ndarray, np.ndarray]] = []
  used = 0
  for image, uids in images:
    ids = universal.decode(uids).iid
    count = int(ids.max(initial=-1)) + 1
    if used + count > MOST_INSTANCES + 1:
      break
    row.append(_scaled(image, _renumbered(uids, used), height))
    used += count
  pixels, labels = zip(*row, strict=True)
  return np.concatenate(pixels, axis=1), np.concatenate(labels, axis=1)


def _renumbered(uids: np.ndarray, first: int) -> np.ndarray:
  """Returns uids whose instance ids are `first` larger."""
  step = np.where(uids >= 100_000, 100, np.where(uids >= 1_000, 1, 0))
  return (uids + first * step).astype(np.int32)


def _scaled(image: np.ndarray, uids: np.ndarray, height: int) -> tuple[np.ndarray, np.ndarray]:
  rows, columns = uids.shape
  if rows == height:
    return image, uids
  width = max(1, round(columns * height / rows))
  whole = (height, width)
  return cut(image, uids, whole, (0, 0), whole)
