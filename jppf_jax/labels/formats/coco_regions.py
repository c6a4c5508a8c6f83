"""COCO's annotations as regions: instances (polygons, run lengths, crowds) and panoptic PNGs.

Category ids may be any; names count. A part is a category `class/part`, or one whose
`supercategory` is the class. `obj_ann_id` of a part's annotation names its object, if it is there.
"""

from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Int
from pycocotools import mask as encoder

from jppf_jax.labels.formats import polygons, rle
from jppf_jax.labels.formats.coco import MOST_SEGMENTS, decode_ids, is_whole, read_json
from jppf_jax.labels.formats.files import is_file_name, read_channels
from jppf_jax.labels.formats.region import Labelled, Region
from jppf_jax.labels.quote import quoted

Record = dict[str, Any]


class Image(NamedTuple):
  """An image of the JSON.

  Attributes:
    file_name: of the photo.
    size: height and width.
    annotations: those of this image.
  """

  file_name: str
  size: tuple[int, int]
  annotations: list[Record]


class CocoFile(NamedTuple):
  """A JSON of instances or of panoptic segments.

  Attributes:
    images: in the order of the file.
    categories: name and supercategory, by id.
    is_panoptic: whether the segments are in PNGs beside it.
    lost: annotations of images that are not listed, in words.
  """

  images: list[Image]
  categories: dict[int, tuple[str, str]]
  is_panoptic: bool
  lost: list[str]


def is_coco(content: Any) -> bool:
  """Returns whether the content of a JSON file has the form of COCO's annotations."""
  names = ("images", "annotations", "categories")
  return isinstance(content, dict) and all(isinstance(content.get(name), list) for name in names)


def read(path: Path) -> CocoFile:
  """Returns what a JSON file says.

  Raises:
    FileNotFoundError: there is no such file.
    ValueError: it is no JSON of COCO, or an entry is wrong; says which.
  """
  content = read_json(path)
  if not is_coco(content):
    raise ValueError(
      f'{path} has no annotations of COCO: expected {{"images": [...], "annotations": [...], '
      '"categories": [...]}}.'
    )
  try:
    categories = _categories(content["categories"])
    images = _images(content["images"])
    lost = []
    for number, entry in enumerate(content["annotations"]):
      image_id = entry.get("image_id") if isinstance(entry, dict) else None
      if not isinstance(image_id, (int, str)):
        raise ValueError(f"annotation {number} is of image {quoted(image_id)}, expected an id")
      if image_id in images:
        images[image_id].annotations.append(entry)
      else:
        lost.append(f"annotation {number} of image {quoted(image_id)}")
  except ValueError as error:
    raise ValueError(f"{path}: {error}.") from error
  is_panoptic = any("segments_info" in entry for entry in content["annotations"])
  return CocoFile(list(images.values()), categories, is_panoptic, lost)


def _categories(entries: list[Any]) -> dict[int, tuple[str, str]]:
  found: dict[int, tuple[str, str]] = {}
  for entry in entries:
    number, name = (entry.get("id"), entry.get("name")) if isinstance(entry, dict) else (None, None)
    if type(number) is not int or not isinstance(name, str):
      raise ValueError(f"a category is {quoted(entry)}, expected an id and a name")
    if number in found:
      raise ValueError(f"two categories have the id {number}, {found[number][0]!r} and {name!r}")
    parent = entry.get("supercategory")
    found[number] = name, parent if isinstance(parent, str) else ""
  return found


def _images(entries: list[Any]) -> dict[int | str, Image]:
  found: dict[int | str, Image] = {}
  names: set[str] = set()
  for entry in entries:
    about: Record = entry if isinstance(entry, dict) else {}
    number: Any = about.get("id")
    name: Any = about.get("file_name")
    size: Any = (about.get("height"), about.get("width"))
    if not isinstance(number, (int, str)) or not is_file_name(name):
      raise ValueError(f"an image is {quoted(entry)}, expected id, file_name, height and width")
    if not all(is_whole(length, 1, 2**20) for length in size):
      raise ValueError(f"image {name!r} has height and width {quoted(size)}, expected pixels")
    if number in found or name in names:
      raise ValueError(f"the image {name!r} (id {number!r}) is listed twice")
    found[number] = Image(name, size, [])
    names.add(name)
  return found


def instances(image: Image, coco: CocoFile, *, crowds: bool = True) -> Labelled:
  """Returns the instances of an image as regions.

  Args:
    image: one of the file.
    coco: the file.
    crowds: whether `iscrowd` means a crowd. CVAT also sets it for each object that was drawn with a
      brush.

  Raises:
    ValueError: an annotation is not as COCO writes it.
  """
  regions = []
  for number, entry in enumerate(image.annotations):
    name, parent = _category(entry, coco)
    group = entry.get("instance_id")
    if not is_whole(group, 0, 999):
      of_object = entry.get("obj_ann_id", entry.get("id", f"number {number}"))
      group = ("annotation", str(of_object))
    crowd = crowds and entry.get("iscrowd") in (1, True)
    segmentation = entry.get("segmentation")
    corners = [] if isinstance(segmentation, dict) else _corners(segmentation)
    outside = polygons.reach_outside(corners, image.size)
    draw = partial(_mask, segmentation, image.size)
    regions.append(Region(name, draw, parent=parent, group=group, crowd=crowd, outside=outside))
  return Labelled(image.size, regions)


def _category(entry: Record, coco: CocoFile) -> tuple[str, str]:
  number = entry.get("category_id")
  if type(number) is not int or number not in coco.categories:
    raise ValueError(f"an annotation has category_id {quoted(number)}, which is not listed")
  return coco.categories[number]


def _mask(segmentation: Any, size: tuple[int, int]) -> Bool[np.ndarray, "H W"]:
  """Returns the pixels of a `segmentation` that `_corners` accepts; an empty list has none."""
  if isinstance(segmentation, dict):
    return rle.decode(segmentation, size)
  if not segmentation:
    return np.zeros(size, bool)
  coded = encoder.frPyObjects([[float(one) for one in outline] for outline in segmentation], *size)
  return rle.decode(encoder.merge(coded), size)


def _corners(segmentation: Any) -> list[polygons.Point]:
  """Returns the corners of all polygons of a `segmentation`.

  Raises:
    ValueError: it is no list of polygons.
  """
  found: list[polygons.Point] = []
  outlines: list[Any] = segmentation if isinstance(segmentation, list) else [segmentation]
  for outline in outlines if segmentation else []:
    numbers: list[Any] = outline if isinstance(outline, list) else [None]
    if len(numbers) < 6 or len(numbers) % 2 or not all(map(polygons.is_place, numbers)):
      raise ValueError(f"a polygon is {quoted(outline)}, expected [x, y, x, y, x, y, ...]")
    found += zip(numbers[::2], numbers[1::2])
  return found


def segments(image: Image, coco: CocoFile, folder: Path) -> Labelled:
  """Returns the panoptic segments of an image as regions.

  If the ids of segments are category * 1000 + instance, as Cityscapes and we write them, instances
  keep their numbers.

  Args:
    image: one of the file, with one annotation or none.
    coco: the file.
    folder: of the PNGs.

  Raises:
    FileNotFoundError, ValueError: the PNG is missing, or it and the JSON differ.
  """
  if not image.annotations:
    return Labelled(image.size, [])
  if len(image.annotations) != 1 or not is_file_name(image.annotations[0].get("file_name")):
    raise ValueError(f"{image.file_name} needs one annotation with the file_name of a PNG")
  (entry,) = image.annotations
  path = folder / entry["file_name"]
  ids = decode_ids(read_channels(path))
  if ids.shape != image.size:
    raise ValueError(f"{path} has shape {ids.shape}, the JSON says {image.size}")
  listed = entry.get("segments_info")
  regions = []
  for segment in listed if isinstance(listed, list) else []:
    number: Any = segment.get("id") if isinstance(segment, dict) else None
    if not is_whole(number, 1, MOST_SEGMENTS):
      raise ValueError(f"a segment is {quoted(segment)}, expected an id above 0 and category_id")
    name, parent = _category(segment, coco)
    group: Any = ("segment", number)
    if number // 1000 == segment["category_id"]:
      group = number % 1000
    crowd = segment.get("iscrowd") in (1, True)
    draw = partial(_equal, ids, number)
    regions.append(Region(name, draw, parent=parent, group=group, crowd=crowd))
  known = [0, *(segment["id"] for segment in listed or [])]
  unlisted = np.setdiff1d(ids, known)
  if unlisted.size:
    raise ValueError(f"{path} has segments that the JSON does not list, e.g. {unlisted[0]}")
  return Labelled(image.size, regions)


def _equal(ids: Int[np.ndarray, "H W"], number: int) -> Bool[np.ndarray, "H W"]:
  return ids == number
