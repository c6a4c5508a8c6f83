"""Cityscapes' labels as regions: the polygons of annotators, or an `instanceIds` PNG made of them.

A later polygon lies on the earlier ones. Labels that Cityscapes itself does not score, such as "ego
vehicle", are void, if the taxonomy does not have them. "license plate" is part of the car below it.
"""

from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Int

from jppf_jax.labels.formats import polygons
from jppf_jax.labels.formats.coco import is_whole, read_json
from jppf_jax.labels.formats.files import read_instance_ids
from jppf_jax.labels.formats.region import Labelled, Region
from jppf_jax.labels.quote import quoted

NAMES = (
  *("unlabeled", "ego vehicle", "rectification border", "out of roi", "static", "dynamic"),
  *("ground", "road", "sidewalk", "parking", "rail track", "building", "wall", "fence"),
  *("guard rail", "bridge", "tunnel", "pole", "polegroup", "traffic light", "traffic sign"),
  *("vegetation", "terrain", "sky", "person", "rider", "car", "truck", "bus", "caravan", "trailer"),
  *("train", "motorcycle", "bicycle"),
)
"""The official names, by label id."""
NOT_SCORED = frozenset((*NAMES[:7], *NAMES[9:11], *NAMES[14:17], "polegroup", *NAMES[29:31]))
_NOT_DRAWN = "license plate"
_GROUP = "group"


def is_cityscapes(content: Any) -> bool:
  """Returns whether the content of a JSON file has the form of Cityscapes' polygons."""
  return isinstance(content, dict) and {"imgHeight", "imgWidth", "objects"} <= content.keys()


def read_polygons(path: Path) -> Labelled:
  """Returns the polygons of a `*_polygons.json` as regions.

  Instances are numbered from 0 in each class, as in `instanceIds`.

  Raises:
    FileNotFoundError: there is no such file.
    ValueError: it is no JSON of Cityscapes.
  """
  content = read_json(path)
  if not is_cityscapes(content) or not isinstance(content["objects"], list):
    raise ValueError(f'{path} has no polygons: expected {{"imgHeight", "imgWidth", "objects"}}.')
  size = content["imgHeight"], content["imgWidth"]
  if not all(is_whole(length, 1, 2**20) for length in size):
    raise ValueError(f"{path}: imgHeight and imgWidth are {quoted(size)}, expected pixels.")
  regions = []
  count: Counter[str] = Counter()
  for number, entry in enumerate(content["objects"]):
    try:
      label, corners = _checked(entry)
    except ValueError as error:
      raise ValueError(f"{path}: object {number}: {error}.") from error
    if entry.get("deleted") or label == _NOT_DRAWN:
      continue
    crowd = label not in NAMES and label.endswith(_GROUP)
    name = label.removesuffix(_GROUP) if crowd else label
    group = None if crowd else count[name]
    count[name] += not crowd
    draw = partial(polygons.filled_polygon, corners, size)
    optional, outside = name in NOT_SCORED, polygons.reach_outside(corners, size)
    regions.append(Region(name, draw, group=group, crowd=crowd, optional=optional, outside=outside))
  return Labelled(size, regions)


def _checked(entry: Any) -> tuple[str, list[polygons.Point]]:
  if not isinstance(entry, dict) or not isinstance(entry.get("label"), str):
    raise ValueError(f"found {quoted(entry)}, expected a label and a polygon")
  return entry["label"], polygons.points(entry.get("polygon"))


def read_instances(path: Path) -> Labelled:
  """Returns the segments of an `instanceIds` PNG as regions; their ids have Cityscapes' meaning.

  Raises:
    FileNotFoundError: there is no such file.
    ValueError: it cannot be read, or has ids that Cityscapes does not have.
  """
  ids = read_instance_ids(path)
  regions = []
  for number in np.unique(ids).tolist():
    label, group = (number, None) if number < 100 else divmod(number, 1000)
    if label >= len(NAMES):
      raise ValueError(f"{path} has label ids that Cityscapes does not have, e.g. {label}.")
    name = NAMES[label]
    draw = partial(_equal, ids, number)
    optional = name in NOT_SCORED
    regions.append(Region(name, draw, group=group, crowd=group is None, optional=optional))
  return Labelled(ids.shape, regions)


def _equal(ids: Int[np.ndarray, "H W"], number: int) -> Bool[np.ndarray, "H W"]:
  return ids == number
