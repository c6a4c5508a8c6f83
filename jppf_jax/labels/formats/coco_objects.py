"""Writes labels as COCO instances: each class and each part of a class is a category.

An object has an annotation with all its pixels, and one for each of its parts, which name it in
`obj_ann_id`. Stuff and crowds have annotations too, so that nothing is lost. `coco_regions.py`
reads all of it back.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Int
from pycocotools import mask as encoder

from jppf_jax.labels import runs
from jppf_jax.labels import uids as uid_format
from jppf_jax.labels.other_names import VOID, Names
from jppf_jax.saving import write_text

Record = dict[str, Any]


_VOID = 10_000  # category of void; those of classes and parts are smaller


def categories(names: Names) -> list[Record]:
  """Returns the entries of `categories`: scene ids, and scene id * 100 + part id.

  Void is one if the names say what pixels are that nothing is drawn on.
  """
  targets = names.targets
  found: list[Record] = [
    {"id": sid, "name": name, "supercategory": "thing" if name in targets.things else "stuff"}
    for name, sid in targets.classes.items()
  ]
  for name, (sid, pid) in targets.parts.items():
    found.append({"id": sid * 100 + pid, "name": name, "supercategory": names.class_name(sid)})
  if names.fills:
    found.append({"id": _VOID, "name": VOID, "supercategory": "stuff"})
  for sid in names.rests:
    owner = names.class_name(sid)
    found.append({"id": sid * 100, "name": f"{owner}/{VOID}", "supercategory": owner})
  return found


def annotations(uids: Int[np.ndarray, "H W"], names: Names) -> Iterator[Record]:
  """Yields the entries of `annotations` of an image, without `id` and `image_id`.

  An entry of a part has "object", the position of its object among these entries.
  """
  sid, iid, _ = uid_format.decode(uids)
  segments = np.where(iid < 0, sid, sid * 1000 + iid)
  position = 0
  for segment, (rows, columns, _) in runs.regions(segments).items():
    scene, number = (segment, None) if segment < 100 else divmod(segment, 1000)
    name = names.class_name(scene)
    of_object = segments[rows, columns] == segment
    corner = rows.start, columns.start
    if name == VOID:
      if names.fills:
        yield _annotation(_VOID, of_object, corner, uids.shape, 0)
        position += 1
      continue
    cut = uids[rows, columns]
    about: Record = {} if number is None else {"instance_id": number}
    crowd = int(number is None and name in names.targets.things)
    yield _annotation(scene, of_object, corner, uids.shape, crowd) | about
    parts = _parts(cut, of_object, scene, names) if number is not None else {}
    for category, mask in parts.items():
      yield _annotation(category, mask, corner, uids.shape, 0) | about | {"object": position}
    position += 1 + len(parts)


def _parts(
  uids: Int[np.ndarray, "h w"], of_object: Bool[np.ndarray, "h w"], scene: int, names: Names
) -> dict[int, Bool[np.ndarray, "h w"]]:
  """Returns the pixels of each part of an object, by category.

  Those without a part, too, if the names say what pixels are that no part is drawn on.
  """
  pids = np.where(of_object & (uids >= 100_000), uids % 100, 0)
  found: dict[int, np.ndarray] = {}
  without = of_object & (pids == 0)
  if scene in names.rests and without.any():
    found[scene * 100] = without
  for pid in np.unique(pids[pids > 0]).tolist():
    name = names.targets.part_names.get((scene, pid))
    if name is not None:
      first_pid = names.targets.parts[name][1]
      category = scene * 100 + first_pid
      found[category] = found.get(category, False) | (pids == pid)
  return found


def _annotation(
  category: int,
  mask: Bool[np.ndarray, "h w"],
  corner: tuple[int, int],
  size: tuple[int, int],
  crowd: int,
) -> Record:
  """Returns the entry of a mask, which is a cut-out of the image."""
  top, left = corner
  whole = np.zeros(size, np.uint8, order="F")
  whole[top : top + mask.shape[0], left : left + mask.shape[1]] = mask
  coded = encoder.encode(whole)
  return {
    "category_id": category,
    "segmentation": {"size": list(size), "counts": coded["counts"].decode("ascii")},
    "area": int(encoder.area(coded)),
    "bbox": [float(number) for number in encoder.toBbox(coded)],
    "iscrowd": crowd,
  }


def write(path: Path, images: list[Record], entries: list[list[Record]], names: Names) -> None:
  """Writes the JSON.

  Args:
    path: of the JSON.
    images: the entries of `images`.
    entries: the `annotations` of each image.
    names: of the taxonomy.
  """
  all_entries: list[Record] = []
  for image, of_image in zip(images, entries, strict=True):
    first = len(all_entries) + 1
    for entry in of_image:
      number = len(all_entries) + 1
      numbered = {"id": number, "image_id": image["id"], **entry}
      if "object" in numbered:
        numbered["obj_ann_id"] = first + numbered.pop("object")
      all_entries.append(numbered)
  content = {"images": images, "annotations": all_entries, "categories": categories(names)}
  write_text(path, json.dumps(content, ensure_ascii=False))
