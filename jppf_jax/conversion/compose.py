"""Regions of an image become uids; what uids cannot express is counted and located."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int32, UInt8

from jppf_jax.labels import uids as uid_format
from jppf_jax.labels.formats.region import Region
from jppf_jax.labels.other_names import UNLABELLED, Meaning, Names

UNKNOWN = "unknown name"
OUTSIDE = "part outside its object"
TWO_PARTS = "two parts on one pixel"
HIDDEN = "object hidden by others"
COVERED = "object partly below others"
NO_PIXEL = "shape without a pixel, such as a box or a line"
KINDS = (UNKNOWN, OUTSIDE, TWO_PARTS, HIDDEN, COVERED, NO_PIXEL)
"""What can be wrong, the worst first."""
MOST_OBJECTS = 1000  # of a class; instance ids are 0..999

Box = tuple[int, int, int, int]


class Problem(NamedTuple):
  """Something that uids cannot express.

  Attributes:
    kind: one of `KINDS`.
    name: of the region, as its file calls it.
    other: of the region that is in the way; empty if there is none.
    pixels: how many are concerned.
    area: pixels of the whole region.
    box: around the pixels: first column and row, and those behind the last.
  """

  kind: str
  name: str
  other: str
  pixels: int
  area: int
  box: Box


class Composed(NamedTuple):
  """The labels of an image.

  Attributes:
    uids: as in label files.
    problems: what they do not express.
    places: where: 1 + the position of the kind in `KINDS`; 0 = nowhere.
  """

  uids: Int32[np.ndarray, "H W"]
  problems: list[Problem]
  places: UInt8[np.ndarray, "H W"]


class _Spot(NamedTuple):
  """Pixels of an image, as a cut-out.

  Attributes:
    rows: of the cut-out.
    columns: as `rows`.
    mask: the pixels in it.
  """

  rows: slice
  columns: slice
  mask: Bool[np.ndarray, "h w"]

  @property
  def place(self) -> tuple[slice, slice]:
    """The cut-out, as an index."""
    return self.rows, self.columns

  @property
  def box(self) -> Box:
    """Around the pixels, as in `Problem`."""
    rows, columns = _extent(self.mask, 1), _extent(self.mask, 0)
    x, y = self.columns.start, self.rows.start
    return x + columns.start, y + rows.start, x + columns.stop, y + rows.stop


@dataclass(eq=False)
class _Object:
  """A class or an object that regions are drawn for."""

  name: str
  sid: int
  group: Hashable = None
  has_instance: bool = False
  has_holes: bool = False  # others lie in them on purpose
  iid: int = -1
  lost: list[tuple[str, _Spot]] = field(default_factory=list)  # what covers it, and where


def compose(size: tuple[int, int], regions: Sequence[Region], names: Names) -> Composed:
  """Returns the uids of an image.

  A later region lies on the earlier ones. Parts are drawn after all objects, each on objects of its
  class only (those of its group, if an object has that group); of two parts on one pixel the later
  one counts. What is left of an object is the part that `names.rests` says. A region with an
  unknown name is void.

  Args:
    size: height and width.
    regions: of the image.
    names: what they are called, and mean.

  Raises:
    ValueError: a region cannot be drawn, or a class has more objects than uids can tell apart.
  """
  return _Canvas(size, names).composed(regions)


class _Canvas:
  """An image while its regions are drawn."""

  def __init__(self, size: tuple[int, int], names: Names):
    self._names = names
    self._objects = [_Object(UNLABELLED, 0)]
    if names.fills:
      meaning = names.of(UNLABELLED)
      self._objects[0].sid = 0 if meaning is None else meaning.sid
    self._by_key: dict[tuple[int, Hashable], int] = {}
    self._owner = np.zeros(size, np.int32)  # the object on top
    self._problems: list[Problem] = []
    self._places = np.zeros(size, np.uint8)

  def composed(self, regions: Sequence[Region]) -> Composed:
    parts: list[tuple[Region, Meaning]] = []
    for region in regions:
      meaning = self._names.of(region.name, region.parent)
      if meaning is not None and meaning.pids is not None:
        parts.append((region, meaning))
      else:
        self._draw(region, meaning)
    self._report_covered()
    self._number()
    pids = np.zeros(self._owner.shape, np.int32)
    drawn_as: list[Region] = []
    last = np.zeros(self._owner.shape, np.int32)  # number of the part on top
    for region, meaning in parts:
      self._draw_part(region, meaning, pids, last, drawn_as)
    self._fill_rests(pids, last)
    sids = np.array([one.sid for one in self._objects])
    iids = np.array([one.iid for one in self._objects])
    uids = uid_format.encode(sids[self._owner], iids[self._owner], pids)
    return Composed(uids, self._problems, self._places)

  def _draw(self, region: Region, meaning: Meaning | None) -> None:
    spot = _spot(region.draw())
    if spot is None:
      self._problems.append(Problem(NO_PIXEL, region.name, "", 0, 0, (0, 0, 0, 0)))
      return
    if meaning is None and not region.optional:
      self._report(UNKNOWN, region.name, spot)
    number = self._object_of(region, meaning or Meaning(0))
    self._objects[number].has_holes |= region.holes
    owner = self._owner[spot.place]
    for below in np.unique(owner[spot.mask]).tolist():
      is_object = self._objects[below].has_instance and not self._objects[below].has_holes
      if below != number and is_object:
        lost = spot._replace(mask=spot.mask & (owner == below))
        self._objects[below].lost.append((region.name, lost))
    owner[spot.mask] = number

  def _object_of(self, region: Region, meaning: Meaning) -> int:
    """Returns the number of the object that a region belongs to; new if it is the first of it."""
    has_instance = meaning.is_thing and not region.crowd
    group = region.group if has_instance and region.group is not None else object()
    key = (meaning.sid, group)
    if key not in self._by_key:
      self._by_key[key] = len(self._objects)
      one = _Object(region.name, meaning.sid, region.group, has_instance)
      self._objects.append(one)
    return self._by_key[key]

  def _report_covered(self) -> None:
    for number, one in enumerate(self._objects):
      if not one.lost:
        continue
      visible = self._owner == number
      whole, lost_to = visible.copy(), {name: np.zeros_like(visible) for name, _ in one.lost}
      for name, lost in one.lost:  # a later region of the object may lie on top again
        whole[lost.place] |= lost.mask
        lost_to[name][lost.place] |= lost.mask & ~visible[lost.place]
      kind = COVERED if visible.any() else HIDDEN
      for name, mask in lost_to.items():
        self._report(kind, one.name, _spot(mask), other=name, area=int(whole.sum()))

  def _number(self) -> None:
    """Gives each visible object an instance id: its group if that is a free number, or the next."""
    visible = np.bincount(self._owner.ravel(), minlength=len(self._objects)) > 0
    shown = [one for one, seen in zip(self._objects, visible) if seen and one.has_instance]
    taken: dict[int, set[int]] = {}
    for one in shown:
      numbers = taken.setdefault(one.sid, set())
      if type(one.group) is int and 0 <= one.group < MOST_OBJECTS:
        one.iid = one.group  # groups of a class differ
        numbers.add(one.group)
    for one in shown:
      if one.iid < 0:
        one.iid = self._free(taken[one.sid], one.name)

  def _free(self, taken: set[int], name: str) -> int:
    numbers = (*range(1, MOST_OBJECTS), 0)
    free = next((number for number in numbers if number not in taken), None)
    if free is None:
      raise ValueError(f"it has more than {MOST_OBJECTS} objects {name!r}, the most of a class")
    taken.add(free)
    return free

  def _draw_part(
    self,
    region: Region,
    meaning: Meaning,
    pids: Int32[np.ndarray, "H W"],
    last: Int32[np.ndarray, "H W"],
    drawn_as: list[Region],
  ) -> None:
    spot = _spot(region.draw())
    if spot is None:
      self._problems.append(Problem(NO_PIXEL, region.name, "", 0, 0, (0, 0, 0, 0)))
      return
    pid_of = np.full(len(self._objects), -1)
    for number in self._owners_of(region, meaning):
      pid_of[number] = (meaning.pids or {})[self._objects[number].sid]
    new = np.where(spot.mask, pid_of[self._owner[spot.place]], -1)
    area = int(spot.mask.sum())
    if not region.holes:
      self._report(OUTSIDE, region.name, spot._replace(mask=spot.mask & (new < 0)), area=area)
    pids, last = pids[spot.place], last[spot.place]
    inside = new >= 0
    both = inside & (last > 0) & (pids != new)
    for number in np.unique(last[both]).tolist():
      below = drawn_as[number - 1]
      if not below.holes:
        here = spot._replace(mask=both & (last == number))
        self._report(TWO_PARTS, region.name, here, other=below.name, area=area)
    pids[inside] = new[inside]
    drawn_as.append(region)
    last[inside] = len(drawn_as)

  def _fill_rests(self, pids: Int32[np.ndarray, "H W"], last: Int32[np.ndarray, "H W"]) -> None:
    """Gives the pixels of objects that no part is drawn on the part that the names say, if any."""
    rests = self._names.rests
    pid_of = [rests.get(one.sid, 0) if one.has_instance else 0 for one in self._objects]
    if any(pid_of):
      np.copyto(pids, np.array(pid_of, np.int32)[self._owner], where=last == 0)

  def _owners_of(self, region: Region, meaning: Meaning) -> list[int]:
    """Returns the objects that a part may lie on."""
    candidates = [
      number
      for number, one in enumerate(self._objects)
      if one.has_instance and one.sid in (meaning.pids or {})
    ]
    if region.group is None:
      return candidates
    named = [number for number in candidates if self._objects[number].group == region.group]
    return named or candidates

  def _report(
    self, kind: str, name: str, spot: _Spot | None, *, other: str = "", area: int | None = None
  ) -> None:
    """Notes a problem and its place; nothing if there is no such pixel."""
    pixels = 0 if spot is None else int(spot.mask.sum())
    if spot is None or not pixels:
      return
    whole = pixels if area is None else area
    self._problems.append(Problem(kind, name, other, pixels, whole, spot.box))
    self._places[spot.place][spot.mask] = 1 + KINDS.index(kind)


def _spot(mask: Bool[np.ndarray, "H W"]) -> _Spot | None:
  """Returns the smallest cut-out with all pixels of a mask; None if it has none."""
  rows = _extent(mask, 1)
  if rows.start == rows.stop:
    return None
  columns = _extent(mask[rows], 0)
  return _Spot(rows, columns, mask[rows, columns])


def _extent(mask: Bool[np.ndarray, "h w"], axis: int) -> slice:
  """Returns where a mask has pixels, along the other axis."""
  found = np.flatnonzero(mask.any(axis))
  return slice(int(found[0]), int(found[-1]) + 1) if found.size else slice(0, 0)
