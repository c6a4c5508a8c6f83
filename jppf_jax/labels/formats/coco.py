"""COCO's formats: panoptic segmentation (PNG and JSON) and instance results (JSON).

In a panoptic PNG the segment id of a pixel is R + 256 G + 65536 B, 0 = void; the JSON lists the
segments of each image with their category. Instance results contain run-length encoded masks.
Category ids are scene ids.
"""

import hashlib
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int, Int32, UInt8
from PIL import Image
from pycocotools import mask as encoder

from jppf_jax.labels import runs
from jppf_jax.labels.formats import rle
from jppf_jax.labels.formats.files import is_file_name, read_channels, write_image
from jppf_jax.labels.quote import quoted, shortened
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.labels.uids import decode
from jppf_jax.panoptic import IGNORE, Detection, Panoptic
from jppf_jax.saving import write_text

Record = dict[str, Any]
RESULT_FIELDS = {"image_id", "category_id", "segmentation", "score"}
MOST_SEGMENTS = 2**24 - 1  # the largest id that three bytes hold
_DIGITS = 12  # of COCO's file names


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
    "image_id": image_number(path.stem),
    "file_name": path.name,
    "segments_info": _segments(ids, spec),
    "height": height,
    "width": width,
  }


def _segments(ids: Int[np.ndarray, "H W"], spec: LabelSpec) -> list[Record]:
  """Returns the entries of `segments_info` of one image, ascending by segment id."""
  segments = []
  for segment, (rows, columns, area) in runs.regions(ids).items():
    if segment == 0:
      continue
    category = segment if segment <= 99 else segment // 1000
    is_thing = bool(spec.sid_to_train[category] >= spec.num_stuff)
    width, height = columns.stop - columns.start, rows.stop - rows.start
    segments.append(
      {
        "id": segment,
        "category_id": category,
        "area": area,
        "bbox": [columns.start, rows.start, width, height],
        "iscrowd": int(is_thing and segment <= 99),
      }
    )
  return segments


def write_index(path: Path, annotations: list[Record], spec: LabelSpec) -> None:
  """Writes the JSON beside the PNGs of `write_panoptic`.

  The `file_name` of an image keeps its name; its id is `image_number` of it. As in COCO's own files
  it is that of the photo, if an annotation has one as `photo`; that of an annotation is the PNG's.
  """
  images, entries = [], []
  for annotation in annotations:
    photo = annotation.get("photo", annotation["file_name"])
    size = {key: annotation[key] for key in ("height", "width")}
    images.append({"id": annotation["image_id"], "file_name": photo, **size})
    entries.append({key: annotation[key] for key in ("image_id", "file_name", "segments_info")})
  content = {"images": images, "annotations": entries, "categories": categories(spec)}
  write_text(path, json.dumps(content))


def categories(spec: LabelSpec) -> list[Record]:
  """Returns the entries of `categories`, one for each class."""
  return [_category(spec, train_id) for train_id in range(spec.num_classes)]


def _category(spec: LabelSpec, train_id: int) -> Record:
  """Returns the entry of `categories` of a class."""
  return {
    "id": int(spec.class_ids[train_id]),
    "name": spec.class_names[train_id],
    "isthing": int(train_id >= spec.num_stuff),
    "color": spec.colors[train_id].tolist(),
  }


def image_number(name: str) -> int:
  """Returns the `image_id` of an image: a whole number, as readers of COCO's files demand.

  It depends on the name alone, so it is the same in every file. Names of COCO (twelve digits) have
  their number; others a number from 10**12 on, of 49 bits at most, that a hash makes.
  """
  if len(name) == _DIGITS and name.isascii() and name.isdigit():
    return int(name)
  digest = hashlib.sha256(name.encode()).digest()
  return 10**_DIGITS + int.from_bytes(digest[:6], "big")


def read_index(path: Path) -> dict[str, Record]:
  """Returns {image id: entry of `annotations`} of a panoptic JSON; ids are numbers or text.

  Raises:
    FileNotFoundError: there is no such file.
    ValueError: the file is no JSON, or contains no panoptic annotations.
    ValueError: an annotation has no image id, file name or segments, or of wrong types.
    ValueError: two annotations of one image or of one file.
  """
  content = read_json(path)
  if not isinstance(content, dict) or not isinstance(content.get("annotations"), list):
    raise ValueError(f'{path} is no COCO panoptic JSON: expected {{"annotations": [...]}}.')
  entries: dict[str, Record] = {}
  owners: dict[str, str] = {}  # file name -> image id
  for number, entry in enumerate(content["annotations"]):
    try:
      _check_entry(entry)
    except ValueError as error:
      raise ValueError(f"{path}: annotation {number} {error}.") from error
    image_id, name = str(entry["image_id"]), entry["file_name"]
    if image_id in entries:
      raise ValueError(f"{path} has two annotations of image {quoted(entry['image_id'])}.")
    if name in owners:
      raise ValueError(
        f"{path}: the images {quoted(owners[name])} and {quoted(image_id)} have the same file "
        f"{quoted(name)}."
      )
    entries[image_id], owners[name] = entry, image_id
  return entries


def _check_entry(entry: Any) -> None:
  """Checks the types of an entry of `annotations`; the message follows "annotation N"."""
  if not isinstance(entry, dict):
    raise ValueError(f"is {quoted(entry)}, expected image_id, file_name and segments_info")
  image_id = entry.get("image_id")
  missing = sorted({"image_id", "file_name", "segments_info"} - set(entry))
  if missing:
    raise ValueError(f"(image {quoted(image_id)}) has no {missing[0]!r}")
  if not isinstance(image_id, (int, str)) or isinstance(image_id, bool):
    raise ValueError(f"has the image_id {quoted(image_id)}, expected a whole number")
  name = entry["file_name"]
  if not is_file_name(name):
    raise ValueError(f"(image {quoted(image_id)}) has the file_name {quoted(name)}")
  _check_segments(image_id, entry["segments_info"])


def _check_segments(image_id: int | str, segments: Any) -> None:
  """Checks ids and categories of segments; id 0 is void, and each id occurs once."""
  of_image = f"(image {quoted(image_id)})"
  if not isinstance(segments, list) or not all(isinstance(one, dict) for one in segments):
    raise ValueError(f"{of_image} has the segments_info {quoted(segments)}, expected a list")
  seen = set()
  for segment in segments:
    number, category = segment.get("id"), segment.get("category_id")
    if not is_whole(number, 1, MOST_SEGMENTS):
      expected = f"expected a whole number 1..{MOST_SEGMENTS}; 0 is void"
      raise ValueError(f"{of_image} has a segment with the id {quoted(number)}, {expected}")
    if not is_whole(category, 1, 99):
      raise ValueError(
        f"{of_image} has a segment of category_id {quoted(category)}, expected a scene id 1..99"
      )
    if number in seen:
      raise ValueError(f"{of_image} lists the segment {number} twice")
    seen.add(number)


def is_whole(value: Any, low: int, high: int) -> bool:
  """Returns whether a value of a JSON file is a whole number within limits."""
  return type(value) is int and low <= value <= high


def read_panoptic(path: Path, entry: Record) -> Panoptic:
  """Returns the panoptic PNG that an entry of `read_index` describes.

  Instances of a class are numbered from 1, in the order of the entry.

  Raises:
    FileNotFoundError: the PNG does not exist.
    ValueError: the PNG cannot be read.
    ValueError: PNG and entry differ in their segments.
  """
  ids = decode_ids(read_channels(path))
  table = [(0, IGNORE, 0)]  # (segment, scene id, instance id)
  count: Counter[int] = Counter()
  for segment in entry["segments_info"]:
    category = segment["category_id"]
    count[category] += 1
    table.append((segment["id"], category, count[category]))
  segments, scene, instance = np.array(sorted(table), np.int32).T
  last_row = len(segments) - 1
  row = np.searchsorted(segments, ids).clip(max=last_row)
  unlisted = segments[row] != ids
  if unlisted.any():
    raise ValueError(f"{path} has segments that its JSON does not list, e.g. {ids[unlisted][0]}.")
  absent = np.setdiff1d(segments[1:], ids)
  if len(absent):
    raise ValueError(f"{path} lacks segments that its JSON lists, e.g. {absent[0]}.")
  return Panoptic(scene[row], instance[row])


def read_results(path: Path) -> dict[str, list[Record]]:
  """Returns {image id: instances} of a COCO results JSON; `detection` decodes one of them.

  Raises:
    FileNotFoundError: there is no such file.
    ValueError: the file is no JSON, or contains no list of instance results.
  """
  content = read_json(path)
  entries = content if isinstance(content, list) else [None]
  images: dict[str, list[Record]] = {}
  for entry in entries:
    if not isinstance(entry, dict) or not entry.keys() >= RESULT_FIELDS:
      names = ", ".join(sorted(RESULT_FIELDS))
      raise ValueError(f"{path} is no COCO results JSON: expected a list of entries with {names}.")
    image_id = entry["image_id"]
    if type(image_id) not in (int, str):
      raise ValueError(f"{path} has the image_id {quoted(image_id)}, expected a whole number.")
    images.setdefault(str(image_id), []).append(entry)
  return images


def detection(entry: Record, size: tuple[int, int]) -> Detection:
  """Returns an entry of `read_results` with its mask decoded.

  Args:
    entry: its run-length encoding may be compressed or not.
    size: height and width of the image.

  Raises:
    ValueError: class, score or mask is wrong, or the mask has another size.
  """
  category, score = entry["category_id"], entry["score"]
  if not is_whole(category, 1, 99):
    raise ValueError(f"An instance has category_id {quoted(category)}, expected a scene id 1..99.")
  if type(score) not in (int, float) or not abs(score) <= sys.float_info.max:
    raise ValueError(f"An instance has the score {quoted(score)}, expected a finite number.")
  try:
    mask = rle.decode(entry["segmentation"], size)
  except ValueError as error:
    raise ValueError(f"An instance of category_id {category}: {error}.") from error
  return Detection(category, float(score), mask)


def result(image_id: str, instance: Detection) -> Record:
  """Returns an instance as an entry of a COCO results JSON."""
  mask = np.asfortranarray(instance.mask, np.uint8)
  counts = encoder.encode(mask)["counts"].decode("ascii")
  segmentation = {"size": list(mask.shape), "counts": counts}
  return {
    "image_id": image_id,
    "category_id": instance.scene,
    "score": instance.score,
    "segmentation": segmentation,
  }


def read_json(path: Path) -> Any:
  """Returns what a JSON file contains.

  Raises:
    FileNotFoundError: there is no such file.
    ValueError: the file is no JSON.
  """
  try:
    return json.loads(path.read_text(encoding="utf-8-sig"))  # some tools write a mark before it
  except (ValueError, RecursionError) as error:
    raise ValueError(f"{path} is not a JSON file: {shortened(error)}") from error
