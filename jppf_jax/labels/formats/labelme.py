"""LabelMe's JSON files, one per photo: polygons, rectangles, circles and masks.

A later shape lies on the earlier ones. Shapes of one class with the same `group_id` are one object;
a part with the `group_id` of an object belongs to it. The flag `crowd` says that a shape is no
single object, the flag `holes` that later shapes lie in holes of it. Lines and points have no area.
"""

import base64
import binascii
import io
import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Int, Shaped

from jppf_jax.labels import runs, small_pieces
from jppf_jax.labels import uids as uid_format
from jppf_jax.labels.formats import lossless, polygons
from jppf_jax.labels.formats.coco import read_json
from jppf_jax.labels.formats.region import Region
from jppf_jax.labels.other_names import VOID, Names
from jppf_jax.labels.quote import quoted
from jppf_jax.saving import write_text

VERSION = "5.5.0"  # of the form that is written
CROWD = "crowd"  # a flag of a shape: several objects that nobody told apart
HOLES = "holes"  # a flag of a shape: it covers what later shapes are drawn on, on purpose
_CORNERS = {"rectangle": 2, "circle": 2, "mask": 2}
_NO_AREA = ("line", "linestrip", "point", "points")
Record = dict[str, Any]


class LabelMeFile(NamedTuple):
  """What a file says.

  Attributes:
    size: height and width; None if it does not say them.
    image_path: of the photo, relative to the file, with slashes.
    image_data: the bytes of the photo; empty if they are not in the file.
    shapes: as in the file.
  """

  size: tuple[int, int] | None
  image_path: str
  image_data: bytes
  shapes: list[Record]

  def regions(self, size: tuple[int, int]) -> list[Region]:
    """Returns the shapes as regions of an image of this height and width.

    Raises:
      ValueError: a shape is not as LabelMe writes it.
    """
    found = []
    for number, shape in enumerate(self.shapes):
      try:
        found.append(_region(shape, size))
      except ValueError as error:
        raise ValueError(f"shape {number}: {error}") from error
    return found


def is_labelme(content: Any) -> bool:
  """Returns whether the content of a JSON file has the form of LabelMe."""
  return isinstance(content, dict) and isinstance(content.get("shapes"), list)


def read(path: Path) -> LabelMeFile:
  """Returns what a LabelMe file says.

  Raises:
    FileNotFoundError: there is no such file.
    ValueError: it is no JSON, or not of LabelMe.
  """
  content = read_json(path)
  if not is_labelme(content):
    raise ValueError(f'{path} is no LabelMe file: expected {{"shapes": [...], "imagePath": ...}}.')
  shapes = content["shapes"]
  if not all(isinstance(shape, dict) for shape in shapes):
    raise ValueError(f"{path}: a shape is {quoted(shapes)}, expected label, points, shape_type.")
  image_path = content.get("imagePath") or ""
  if not isinstance(image_path, str):
    raise ValueError(f"{path}: imagePath is {quoted(image_path)}, expected the name of a file.")
  image_path = image_path.replace("\\", "/")  # written on Windows
  return LabelMeFile(_size(path, content), image_path, _image_data(path, content), shapes)


def _size(path: Path, content: Record) -> tuple[int, int] | None:
  size = content.get("imageHeight"), content.get("imageWidth")
  if size == (None, None):
    return None
  height, width = size
  if type(height) is not int or type(width) is not int or min(height, width) < 1:
    raise ValueError(f"{path}: imageHeight and imageWidth are {quoted(size)}, expected pixels.")
  return height, width


def _image_data(path: Path, content: Record) -> bytes:
  data = content.get("imageData")
  if data is None:
    return b""
  try:
    return _bytes_of(data)
  except ValueError as error:
    raise ValueError(f"{path}: imageData {error}") from error


def _bytes_of(text: Any) -> bytes:
  if not isinstance(text, str):
    raise ValueError(f"is {quoted(text)}, expected base64 text.")
  try:
    return base64.b64decode(text, validate=True)
  except (binascii.Error, ValueError) as error:
    raise ValueError(f"is no base64 text ({error}).") from error


def _region(shape: Record, size: tuple[int, int]) -> Region:
  label, group, kind = shape.get("label"), shape.get("group_id"), shape.get("shape_type")
  if not isinstance(label, str):
    raise ValueError(f"its label is {quoted(label)}, expected text")
  if group is not None and not isinstance(group, (int, str)):
    raise ValueError(f"its group_id is {quoted(group)}, expected a whole number")
  corners = polygons.points(shape.get("points"))
  kind = kind or "polygon"
  if kind in _CORNERS and len(corners) != _CORNERS[kind]:
    raise ValueError(f"a {kind} with {len(corners)} points, expected {_CORNERS[kind]}")
  if kind == "polygon":
    draw = partial(polygons.polygon, corners, size)
  elif kind == "rectangle":
    draw = partial(polygons.rectangle, corners[0], corners[1], size)
  elif kind == "circle":
    draw = partial(polygons.circle, corners[0], corners[1], size)
  elif kind == "mask":
    draw = partial(_pasted, _stamp(shape.get("mask"), corners[0]), corners[0], size)
  elif kind in _NO_AREA:
    draw = partial(np.zeros, size, bool)
  else:
    raise ValueError(f"its shape_type is {quoted(kind)}, expected polygon, rectangle, circle, mask")
  given = shape.get("flags")
  flags = given if isinstance(given, dict) else {}
  crowd, holes = (flags.get(name) is True for name in (CROWD, HOLES))
  outside = polygons.reach_outside(corners, size)
  return Region(label, draw, group=group, crowd=crowd, holes=holes, outside=outside)


def _stamp(text: Any, corner: polygons.Point) -> Shaped[np.ndarray, "h w"]:
  """Returns a mask of the tool's brush, a PNG as text, which has this corner."""
  try:
    stamp = lossless.read(io.BytesIO(_bytes_of(text)))
  except ValueError as error:
    raise ValueError(f"its mask {error}") from error
  if min(map(int, corner)) < 0 or stamp.ndim != 2:
    raise ValueError(f"its mask has shape {stamp.shape} and lies at {corner}, outside the photo")
  return stamp


def _pasted(
  stamp: Shaped[np.ndarray, "h w"], corner: polygons.Point, size: tuple[int, int]
) -> Bool[np.ndarray, "H W"]:
  """Returns a mask that has a smaller one at its first column and row."""
  mask = np.zeros(size, bool)
  left, top = (int(place) for place in corner)
  room = mask[top:, left:]
  height, width = (min(pair) for pair in zip(stamp.shape, room.shape))
  room[:height, :width] = stamp[:height, :width] > 0
  return mask


def write(
  path: Path,
  uids: Int[np.ndarray, "H W"],
  names: Names,
  image_path: str,
  *,
  min_area: int = 0,
) -> None:
  """Writes the labels of an image as polygons, to be corrected by hand.

  Drawn in their order, the polygons restore each pixel. A hole with nothing in it is a polygon
  called void; other void is drawn only if the taxonomy says that unlabelled pixels are a class, or
  a part of their object. The instance id is the group.

  Args:
    path: of the JSON.
    uids: the labels.
    names: what ids are called.
    image_path: of the photo, relative to the file.
    min_area: pixels; connected pieces with fewer are left out, and filled from around.
  """
  uids = small_pieces.without_small(uids, min_area)
  height, width = uids.shape
  content = {
    "version": VERSION,
    "flags": {},
    "shapes": [*_objects(uids, names), *_parts(uids, names)],
    "imagePath": image_path,
    "imageData": None,
    "imageHeight": height,
    "imageWidth": width,
  }
  write_text(path, json.dumps(content, ensure_ascii=False, indent=2))


class _Outline(NamedTuple):
  """A polygon with its name."""

  piece: polygons.Piece
  name: str
  group: int | None = None
  crowd: bool = False


def _objects(uids: Int[np.ndarray, "H W"], names: Names) -> list[Record]:
  """Returns polygons of classes, objects and, where something would cover it, of void."""
  sid, iid, _ = uid_format.decode(uids)
  segments = np.where(iid < 0, sid, sid * 1000 + iid)
  found = []
  for segment, (rows, columns, _) in runs.regions(segments).items():
    scene, group = (segment, None) if segment < 100 else divmod(segment, 1000)
    name = names.class_name(scene)
    crowd = group is None and name in names.targets.things
    group = None if name == VOID else group
    mask = segments[rows, columns] == segment
    for piece in polygons.pieces(mask, (columns.start, rows.start)):
      found.append(_Outline(piece, name, group, crowd))
  return _shapes(found, VOID, all_voids=names.fills)


def _parts(uids: Int[np.ndarray, "H W"], names: Names) -> Iterator[Record]:
  """Yields polygons of the parts of each object, and of pixels without part inside of parts."""
  objects = np.where(uids >= 100_000, uids // 100, uids)
  with_parts = set(np.unique(uids[uids >= 100_000] // 100).tolist())
  rests = names.rests
  for object_uid, (rows, columns, _) in runs.regions(objects).items():
    scene, group = divmod(object_uid, 1000)
    if object_uid not in with_parts and scene not in rests:
      continue
    nothing = f"{names.class_name(scene)}/{VOID}"
    of_object = objects[rows, columns] == object_uid
    pids = np.where(of_object & (uids[rows, columns] >= 100_000), uids[rows, columns] % 100, 0)
    masks: dict[str, np.ndarray] = {}
    for pid in np.unique(pids[of_object]).tolist():
      name = names.targets.part_names.get((scene, pid), nothing)
      mask = of_object & (pids == pid)
      masks[name] = masks.get(name, False) | mask
    found = []
    for name, mask in masks.items():
      for piece in polygons.pieces(mask, (columns.start, rows.start)):
        found.append(_Outline(piece, name, group))
    yield from _shapes(found, nothing, all_voids=scene in rests)


def _shapes(found: list[_Outline], void: str, *, all_voids: bool) -> list[Record]:
  """Returns polygons in the order in which they are drawn, without needless ones of void.

  Void is needed in a hole of something else, whose polygon covers it.
  """
  found = sorted(found, key=lambda outline: -outline.piece.extent)
  named = [outline.piece for outline in found if outline.name != void]
  covers = [polygons.Cover(piece) for piece in named if piece.hole]
  return [
    _shape(outline)
    for outline in found
    if outline.name != void or all_voids or any(cover.has(outline.piece) for cover in covers)
  ]


def _shape(outline: _Outline) -> Record:
  flags = {CROWD: outline.crowd, HOLES: outline.piece.hole}
  return {
    "label": outline.name,
    "points": outline.piece.corners,
    "group_id": outline.group,
    "description": "",
    "shape_type": "polygon",
    "flags": {name: True for name, is_set in flags.items() if is_set},
    "mask": None,
  }
