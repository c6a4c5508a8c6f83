"""COCO's formats: panoptic segmentation (PNG and JSON) and instance results (JSON).

In a panoptic PNG the segment id of a pixel is R + 256 G + 65536 B, 0 = void; the JSON lists the
segments of each image with their category. Instance results contain run-length encoded masks.
Category ids are scene ids.
"""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import skimage.measure
from jaxtyping import Int, Int32, UInt8
from PIL import Image
from pycocotools import mask as rle

from jppf_jax.labels.formats.files import read_channels, write_image
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.labels.uids import decode
from jppf_jax.saving import write_text
from jppf_jax.structs import IGNORE, Detection, Panoptic

Record = dict[str, Any]
RESULT_FIELDS = {"image_id", "category_id", "segmentation", "score"}


def encode_ids(ids: Int[np.ndarray, "H W"]) -> UInt8[np.ndarray, "H W 3"]:
  """Returns segment ids below 2**24 as colours."""
  bytes_of_id = [ids >> shift & 255 for shift in (0, 8, 16)]
  return np.stack(bytes_of_id, -1).astype(np.uint8)


def decode_ids(colors: UInt8[np.ndarray, "H W 3"]) -> Int32[np.ndarray, "H W"]:
  """Returns the segment ids of colours; the inverse of `encode_ids`."""
  channels = colors.astype(np.int32)
  red, green, blue = np.moveaxis(channels, -1, 0)
  return red + (green << 8) + (blue << 16)


def write_panoptic(path: Path, uids: Int[np.ndarray, "H W"], spec: LabelSpec) -> Record:
  """Writes one image as a panoptic PNG and returns its entry of `annotations`, for `write_index`.

  Segments are the evaluated (class, instance) pairs. Their id is scene * 1000 + instance, or the
  scene id alone if there is no instance; things without an instance are crowds. Parts are dropped.
  """
  sid, iid, _ = decode(uids)
  is_void = spec.sid_to_train[sid] == IGNORE
  ids = np.where(iid < 0, sid, sid * 1000 + iid)
  ids[is_void] = 0
  image = Image.fromarray(encode_ids(ids))
  write_image(path, image, format="PNG", compress_level=3)
  height, width = uids.shape
  return {
    "image_id": path.stem,
    "file_name": path.name,
    "segments_info": _segments(ids, spec),
    "height": height,
    "width": width,
  }


def _segments(ids: Int[np.ndarray, "H W"], spec: LabelSpec) -> list[Record]:
  """Returns the entries of `segments_info` of one image, ascending by segment id."""
  segments = []
  for region in skimage.measure.regionprops(ids):  # 0 is no region
    segment = region.label
    category = segment if segment <= 99 else segment // 1000
    is_thing = bool(spec.sid_to_train[category] >= spec.num_stuff)
    y0, x0, y1, x1 = region.bbox
    segments.append(
      {
        "id": segment,
        "category_id": category,
        "area": int(region.area),
        "bbox": [x0, y0, x1 - x0, y1 - y0],
        "iscrowd": int(is_thing and segment <= 99),
      }
    )
  return segments


def write_index(path: Path, annotations: list[Record], spec: LabelSpec) -> None:
  """Writes the JSON beside the PNGs of `write_panoptic`."""
  images, entries = [], []
  for annotation in annotations:
    image = {key: annotation[key] for key in ("file_name", "height", "width")}
    images.append({"id": annotation["image_id"], **image})
    entries.append({key: annotation[key] for key in ("image_id", "file_name", "segments_info")})
  categories = [_category(spec, train_id) for train_id in range(spec.num_classes)]
  content = {"images": images, "annotations": entries, "categories": categories}
  write_text(path, json.dumps(content))


def _category(spec: LabelSpec, train_id: int) -> Record:
  """Returns the entry of `categories` of a class."""
  return {
    "id": int(spec.class_ids[train_id]),
    "name": spec.class_names[train_id],
    "isthing": int(train_id >= spec.num_stuff),
    "color": spec.colors[train_id].tolist(),
  }


def read_index(path: Path) -> dict[str, Record]:
  """Returns {image id: entry of `annotations`} of a panoptic JSON.

  Raises:
    FileNotFoundError: there is no such file.
    ValueError: the file is no JSON, or contains no panoptic annotations.
    ValueError: an annotation has no image id, file name or segments.
    ValueError: two annotations of one image.
  """
  content = _read_json(path)
  if not isinstance(content, dict) or not isinstance(content.get("annotations"), list):
    raise ValueError(f'{path} is no COCO panoptic JSON: expected {{"annotations": [...]}}.')
  entries: dict[str, Record] = {}
  for entry in content["annotations"]:
    image_id = entry.get("image_id")
    missing = sorted({"image_id", "file_name", "segments_info"} - set(entry))
    if missing:
      raise ValueError(f"{path}: the annotation of image {image_id!r} has no {missing[0]!r}.")
    if str(image_id) in entries:
      raise ValueError(f"{path} has two annotations of image {image_id!r}.")
    entries[str(image_id)] = entry
  return entries


def read_panoptic(path: Path, entry: Record) -> Panoptic:
  """Returns the panoptic PNG that an entry of `read_index` describes.

  Instances of a class are numbered from 1, in the order of the entry.

  Raises:
    FileNotFoundError: the PNG does not exist.
    ValueError: the PNG cannot be read.
    ValueError: the PNG has a segment that the entry does not list.
  """
  ids = decode_ids(read_channels(path))
  table = [(0, IGNORE, 0)]  # (segment, scene id, instance id)
  count: Counter[int] = Counter()
  for segment in entry["segments_info"]:
    category = int(segment["category_id"])
    count[category] += 1
    table.append((int(segment["id"]), category, count[category]))
  segments, scene, instance = np.array(sorted(table), np.int32).T
  last_row = len(segments) - 1
  row = np.searchsorted(segments, ids).clip(max=last_row)
  unlisted = segments[row] != ids
  if unlisted.any():
    raise ValueError(f"{path} has segments that its JSON does not list, e.g. {ids[unlisted][0]}.")
  return Panoptic(scene[row], instance[row])


def read_results(path: Path) -> dict[str, list[Record]]:
  """Returns {image id: instances} of a COCO results JSON; `detection` decodes one of them.

  Raises:
    FileNotFoundError: there is no such file.
    ValueError: the file is no JSON, or contains no list of instance results.
  """
  content = _read_json(path)
  entries = content if isinstance(content, list) else [None]
  images: dict[str, list[Record]] = {}
  for entry in entries:
    if not isinstance(entry, dict) or not entry.keys() >= RESULT_FIELDS:
      names = ", ".join(sorted(RESULT_FIELDS))
      raise ValueError(f"{path} is no COCO results JSON: expected a list of entries with {names}.")
    image_id = str(entry["image_id"])
    images.setdefault(image_id, []).append(entry)
  return images


def detection(entry: Record) -> Detection:
  """Returns an entry of `read_results` with its mask decoded.

  The run-length encoding may be compressed or not.
  """
  segmentation = entry["segmentation"]
  if isinstance(segmentation["counts"], list):
    segmentation = rle.frPyObjects(segmentation, *segmentation["size"])
  mask = rle.decode(segmentation).astype(bool)
  return Detection(int(entry["category_id"]), float(entry["score"]), mask)


def result(image_id: str, instance: Detection) -> Record:
  """Returns an instance as an entry of a COCO results JSON."""
  mask = np.asfortranarray(instance.mask, np.uint8)
  counts = rle.encode(mask)["counts"].decode("ascii")
  segmentation = {"size": list(mask.shape), "counts": counts}
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
