"""COCO's formats: panoptic segmentation (PNG + JSON) and instance results (JSON with run-length
encoded masks).

In a panoptic PNG a pixel's segment is R + 256 G + 65536 B, 0 = void; the JSON lists the segments of
each image with their category. Category ids are scene ids.
"""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int, Int32, UInt8
from PIL import Image
from pycocotools import mask as rle

from jppf_jax.labels.formats.files import read_channels, write_image
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.labels.uids import decode
from jppf_jax.saving import write_text
from jppf_jax.structs import IGNORE, Detection, Panoptic

Record = dict[str, Any]


def encode_ids(ids: Int[np.ndarray, "H W"]) -> UInt8[np.ndarray, "H W 3"]:
  """Returns segment ids below 2**24 as colours."""
  return np.stack([ids & 255, (ids >> 8) & 255, (ids >> 16) & 255], -1).astype(np.uint8)


def decode_ids(colors: UInt8[np.ndarray, "H W 3"]) -> Int32[np.ndarray, "H W"]:
  """Returns the segment ids that colours stand for."""
  red, green, blue = np.moveaxis(colors.astype(np.int32), -1, 0)
  return red + (green << 8) + (blue << 16)


def write_panoptic(path: Path, uids: Int[np.ndarray, "H W"], spec: LabelSpec) -> Record:
  """Writes one image as a panoptic PNG and returns its entry of `annotations`, for `write_index`.

  Segments are the evaluated (class, instance) pairs, with the id scene * 1000 + instance, or the
  scene id alone; things without instance are crowd. Parts are dropped.
  """
  sid, iid, _ = decode(uids)
  ids = np.where(spec.sid_to_train[sid] == IGNORE, 0, np.where(iid < 0, sid, sid * 1000 + iid))
  segments = []
  for segment in np.unique(ids[ids > 0]).tolist():
    mask = ids == segment
    y, x = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    box = [int(x[0]), int(y[0]), int(x[-1] - x[0]) + 1, int(y[-1] - y[0]) + 1]
    category = segment if segment <= 99 else segment // 1000
    crowd = segment <= 99 and bool(spec.sid_to_train[category] >= spec.num_stuff)
    segments.append(
      {
        "id": segment,
        "category_id": category,
        "area": int(mask.sum()),
        "bbox": box,
        "iscrowd": int(crowd),
      }
    )
  write_image(path, Image.fromarray(encode_ids(ids)), format="PNG", compress_level=3)
  size = {"height": uids.shape[0], "width": uids.shape[1]}
  return {"image_id": path.stem, "file_name": path.name, "segments_info": segments} | size


def write_index(path: Path, annotations: list[Record], spec: LabelSpec) -> None:
  """Writes the JSON beside the PNGs of `write_panoptic`."""
  images = [
    {"id": a["image_id"], "file_name": a["file_name"], "height": a["height"], "width": a["width"]}
    for a in annotations
  ]
  entries = [
    {key: a[key] for key in ("image_id", "file_name", "segments_info")} for a in annotations
  ]
  categories = [
    {
      "id": int(sid),
      "name": name,
      "isthing": int(k >= spec.num_stuff),
      "color": spec.colors[k].tolist(),
    }
    for k, (sid, name) in enumerate(zip(spec.class_ids, spec.class_names))
  ]
  content = {"images": images, "annotations": entries, "categories": categories}
  write_text(path, json.dumps(content))


def read_index(path: Path) -> dict[str, Record]:
  """Returns {image id: entry of `annotations`} of a panoptic JSON.

  Raises:
    FileNotFoundError: there is no such file.
    ValueError: no JSON, no panoptic annotations, or two entries for one image.
  """
  content = _read_json(path)
  if not isinstance(content, dict) or not isinstance(content.get("annotations"), list):
    raise ValueError(f'{path} is no COCO panoptic JSON: expected {{"annotations": [...]}}.')
  entries: dict[str, Record] = {}
  for entry in content["annotations"]:
    missing = {"image_id", "file_name", "segments_info"} - set(entry)
    if missing:
      raise ValueError(
        f"{path}: the annotation of image {entry.get('image_id')!r} has no {sorted(missing)[0]!r}."
      )
    if str(entry["image_id"]) in entries:
      raise ValueError(f"{path} has two annotations of image {entry['image_id']!r}.")
    entries[str(entry["image_id"])] = entry
  return entries


def read_panoptic(path: Path, entry: Record) -> Panoptic:
  """Returns the panoptic PNG that an entry of `read_index` describes; instances count in the
  entry's order.

  Raises:
    ValueError: the PNG cannot be read, or has a segment that the entry does not list.
  """
  ids = decode_ids(read_channels(path))
  table, count = [(0, IGNORE, 0)], Counter()  # (segment, scene id, instance id)
  for segment in entry["segments_info"]:
    category = int(segment["category_id"])
    count[category] += 1
    table.append((int(segment["id"]), category, count[category]))
  segments, scene, instance = np.array(sorted(table), np.int32).T
  row = np.searchsorted(segments, ids).clip(max=len(segments) - 1)
  unlisted = segments[row] != ids
  if unlisted.any():
    raise ValueError(f"{path} has segments that its JSON does not list, e.g. {ids[unlisted][0]}.")
  return Panoptic(scene[row], instance[row])


def read_results(path: Path) -> dict[str, list[Record]]:
  """Returns {image id: instances} of a COCO results JSON; `detection` decodes one of them.

  Raises:
    FileNotFoundError: there is no such file.
    ValueError: no JSON, or not a list of instance results.
  """
  content = _read_json(path)
  fields = {"image_id", "category_id", "segmentation", "score"}
  if not isinstance(content, list) or not all(
    isinstance(r, dict) and fields <= set(r) for r in content
  ):
    raise ValueError(
      f"{path} is no COCO results JSON: expected a list of entries with {', '.join(sorted(fields))}."
    )
  images: dict[str, list[Record]] = {}
  for entry in content:
    images.setdefault(str(entry["image_id"]), []).append(entry)
  return images


def detection(entry: Record) -> Detection:
  """Returns an entry of `read_results` with its mask decoded (run-length encoding, compressed or
  not).
  """
  segmentation = entry["segmentation"]
  if isinstance(segmentation["counts"], list):
    segmentation = rle.frPyObjects(segmentation, *segmentation["size"])
  return Detection(
    int(entry["category_id"]), float(entry["score"]), rle.decode(segmentation).astype(bool)
  )


def result(image_id: str, instance: Detection) -> Record:
  """Returns an instance as an entry of a COCO results JSON."""
  encoded = rle.encode(np.asfortranarray(instance.mask, np.uint8))
  segmentation = {"size": list(instance.mask.shape), "counts": encoded["counts"].decode("ascii")}
  return {
    "image_id": image_id,
    "category_id": instance.scene,
    "score": instance.score,
    "segmentation": segmentation,
  }


def _read_json(path: Path) -> Any:
  try:
    return json.loads(path.read_text())
  except (json.JSONDecodeError, UnicodeDecodeError) as error:
    raise ValueError(f"{path} is not a JSON file: {error}") from error
