"""The images of the page: which ones, and how they are packed into it."""

import base64
import io
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Integer
from PIL import Image

from jppf_jax.labels import resample
from jppf_jax.report import read
from jppf_jax.report.classes import quality_of
from jppf_jax.report.read import Evaluation, ImageRecord, Json
from jppf_jax.report.record import SIDE, TRUTH, jpeg, reduced
from jppf_jax.report.rows import TITLES

MOST_BYTES = 12_000_000  # of all photos and maps of a page, as text; the rest takes up to 3 MB
OTHER = "other"  # the map of the run that is compared
CHANGED = 10  # images that changed most
_SMALLEST = 128  # of the longer side, pixels


def per_image(scores: Json) -> dict[str, float]:
  """Returns the quality of each image: the mean over the classes that occur in it."""
  quality = quality_of(scores)
  found = {}
  for image_id, rows in scores["per_image"].items():
    values = [row[quality][quality] for row in rows["per_class"] if quality in row]
    known = [value for value in values if value is not None]
    if known:
      found[image_id] = sum(known) / len(known)
  return found


def changes(evaluation: Evaluation, other: Evaluation) -> dict[str, float]:
  """Returns by how much the images that both have changed; the largest changes first."""
  own = per_image(evaluation.scores[evaluation.methods[0]])
  before = per_image(other.scores[other.methods[0]])
  both = {image_id: own[image_id] - before[image_id] for image_id in own if image_id in before}
  return dict(sorted(both.items(), key=lambda entry: (-abs(entry[1]), entry[0])))


def chosen(evaluation: Evaluation, count: int, other: Evaluation | None = None) -> list[str]:
  """Returns the images to show, worst first; with `other` also those that changed most."""
  scores = per_image(evaluation.scores[evaluation.methods[0]])
  worst = sorted(scores, key=lambda image_id: (scores[image_id], image_id))
  first = list(changes(evaluation, other))[:CHANGED] if other is not None else []
  kept = set(list(dict.fromkeys([*first, *worst]))[:count])
  return [image_id for image_id in worst if image_id in kept]


def packed(
  evaluation: Evaluation,
  count: int,
  other: Evaluation | None = None,
  *,
  most_bytes: int = MOST_BYTES,
) -> Json:
  """Returns what the gallery shows, as JSON values; pictures are made smaller until they fit.

  Args:
    evaluation: with a record.
    count: of images.
    other: an evaluation of the same images.
    most_bytes: of the images together.
  """
  main = evaluation.methods[0]
  panes = [{"key": method, "title": TITLES[method].capitalize()} for method in evaluation.methods]
  panes.append({"key": TRUTH, "title": "Ground truth"})
  if other is not None:
    title = f"{read.called(evaluation, other)[1]}: {TITLES[other.methods[0]]}"
    panes.append({"key": OTHER, "title": title})
  records = {}
  for image_id in chosen(evaluation, count, other):
    record = read.image(evaluation.folder, image_id)
    if record is not None:
      records[image_id] = _joined(record, image_id, other)
  side = SIDE
  while True:
    images = [_pictures(record, side) for record in records.values()]
    size = sum(map(_size, images))
    if size <= most_bytes or side <= _SMALLEST:
      break
    side = max(_SMALLEST, int(side * 0.95 * (most_bytes / size) ** 0.5))
  scores = per_image(evaluation.scores[main])
  differences = changes(evaluation, other) if other is not None else {}
  for image, (image_id, record) in zip(images, records.items()):
    image |= {"id": image_id, "score": scores.get(image_id), "full": record.about["size"]}
    image["classes"] = _of_classes(evaluation.scores[main], image_id)
    image["change"] = differences.get(image_id)
  quality = {"part_pq": "PartPQ", "pq": "PQ"}[quality_of(evaluation.scores[main])]
  return {
    "main": main,
    "quality": quality,
    "panes": panes,
    "spec": evaluation.analysis["spec"],
    "images": images,
  }


def _joined(record: ImageRecord, image_id: str, other: Evaluation | None) -> ImageRecord:
  """Returns a record with the map of the other run, if that has the image in the same size."""
  found = read.image(other.folder, image_id) if other is not None else None
  if other is None or found is None or found.about["size"] != record.about["size"]:
    return record
  method = other.methods[0]
  maps = {**record.maps, OTHER: found.maps[method]}
  meanings = {**record.about["maps"], OTHER: found.about["maps"][method]}
  return ImageRecord(record.photo, maps, {**record.about, "maps": meanings})


def _pictures(record: ImageRecord, side: int) -> dict[str, Any]:
  """Returns photo and maps of an image as text."""
  height, width = record.maps[TRUTH].shape
  size = reduced(height, width, side)
  photo = record.photo
  if photo is not None and size != (height, width):
    with Image.open(io.BytesIO(photo)) as opened:
      photo = jpeg(opened, size, quality=80)
  maps = {
    name: {**record.about["maps"][name], **_map(numbers, size)}
    for name, numbers in record.maps.items()
  }
  return {"size": list(size), "photo": _text(photo) if photo is not None else None, "maps": maps}


def _map(numbers: Integer[np.ndarray, "_h _w"], size: Sequence[int]) -> dict[str, Any]:
  """Returns a map of region numbers, compressed: rows from the top, little-endian."""
  height, width = size
  small = resample.nearest(numbers, (height, width))
  plain = small.astype(small.dtype.newbyteorder("<"))
  return {"bytes": small.dtype.itemsize, "data": _text(zlib.compress(plain.tobytes(), 6))}


def _text(content: bytes) -> str:
  return base64.b64encode(content).decode()


def _size(image: dict[str, Any]) -> int:
  maps = sum(len(found["data"]) for found in image["maps"].values())
  return maps + len(image["photo"] or "")


def _of_classes(scores: Json, image_id: str) -> dict[int, list[Any]]:
  """Returns quality, TP, FP and FN of each class that occurs in an image, by train id.

  The counts are those of PQ, as the outcomes of the segments. PartPQ leaves out objects without
  labelled parts: a class of which nothing else occurs has no quality.
  """
  quality = quality_of(scores)
  rows = scores["per_image"][image_id]["per_class"]
  return {
    train_id: [row[quality][quality], *(row["pq"][count] for count in ("tp", "fp", "fn"))]
    for train_id, row in enumerate(rows)
    if row["pq"]["pq"] is not None or row[quality][quality] is not None
  }
