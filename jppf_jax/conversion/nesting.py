"""Which labels of a tool lie inside another one, as the parts of an object do."""

from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool

from jppf_jax.labels.formats.region import Labelled

MOST_PHOTOS = 300  # that are looked at: drawing all shapes takes time
INSIDE = 0.9  # share of the pixels of a label that lie in the other one
_EVERYWHERE = 0.8  # share of a photo; what covers more has everything in it, and says nothing
_LONGEST = 1024  # pixels of a side; of larger photos, each second or third pixel is counted


class Inside(NamedTuple):
  """A label that lies inside another one.

  Attributes:
    owner: the other one.
    share: of its pixels that lie there.
  """

  owner: str
  share: float


class Nesting:
  """Counts, over photos, how many pixels of each label lie in each other one, and in none.

  Args:
    label_of: returns what a region's name counts as; "" if it is not counted.
  """

  def __init__(self, label_of: Callable[[str], str] = str):
    self._label_of = label_of
    self._areas: Counter[str] = Counter()
    self._canvas: Counter[str] = Counter()  # pixels of the photos that have the label
    self._shared: Counter[tuple[str, str]] = Counter()
    self._pixels = self._bare = 0

  def add(self, labelled: Labelled) -> None:
    """Counts the regions of a photo.

    Raises:
      ValueError: a region cannot be drawn.
    """
    step = -(-max(labelled.size) // _LONGEST)
    masks: dict[str, Bool[np.ndarray, "h w"]] = {}
    drawn = np.zeros(labelled.size, bool)[::step, ::step]
    for region in labelled.regions:
      mask = region.draw()[::step, ::step]
      drawn |= mask
      if label := self._label_of(region.name):
        masks[label] = masks[label] | mask if label in masks else mask
    self._pixels += drawn.size
    self._bare += int((~drawn).sum())
    for label, mask in masks.items():
      self._areas[label] += int(mask.sum())
      self._canvas[label] += mask.size
      rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
      if not rows.size:
        continue
      box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
      for other, of_other in masks.items():
        if other != label:
          self._shared[label, other] += int((mask[box] & of_other[box]).sum())

  @property
  def bare(self) -> float:
    """Share of all pixels that lie in no region, 0..1; 0 without photos."""
    return self._bare / max(1, self._pixels)

  def found(self) -> dict[str, Inside]:
    """Returns the labels that lie inside a larger one, which lies inside none itself.

    A label that covers most of each photo is none that others lie in.
    """
    inside: dict[str, list[Inside]] = {}
    for (label, other), pixels in self._shared.items():
      area = self._areas[label]
      is_larger = self._areas[other] > area
      is_everywhere = self._areas[other] > _EVERYWHERE * self._canvas[other]
      if is_larger and not is_everywhere and pixels >= INSIDE * area:
        inside.setdefault(label, []).append(Inside(other, pixels / area))
    return {
      label: max(owners, key=lambda one: self._areas[one.owner]) for label, owners in inside.items()
    }
