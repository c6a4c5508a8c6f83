"""From uids to what the network is trained with, and from single examples to batches of static shapes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float32, Int, Int32, UInt8

from jppf_jax.labels.spec import LabelSpec
from jppf_jax.structs import Batch

FIELDS = ("image", "semantic", "part", "instance", "boxes", "labels", "valid")


def targets(
  image: UInt8[np.ndarray, "H W 3"],
  uids: Int32[np.ndarray, "H W"],
  spec: LabelSpec,
  *,
  max_objects: int,
  min_area: int = 1,
) -> dict[str, np.ndarray]:
  """Returns the fields of a `Batch` for one image, cropped and scaled as it will be seen.

  Objects are found in the visible labels, so boxes are tight on what is left of them. An object of fewer than
  `min_area` visible pixels, one beyond the `max_objects` largest, and a crowd (a thing without an instance) are no
  objects: their pixels keep class and part, with instance 0. Rows are ordered by (class, instance id); the rest is
  padding.

  Args:
    image: passed through.
    uids: its labels; 0 is void.
    spec: what the ids mean.
    max_objects: rows G of the padded table.
    min_area: in pixels.

  Raises:
    ValueError: ids that the spec does not know.
  """
  if max_objects < 1:
    raise ValueError(f"max_objects must be at least 1; got {max_objects}.")
  decoded = spec.decode(uids)
  instance, boxes, train_ids = _objects(decoded.semantic, decoded.instance, spec, max_objects, min_area)
  count = len(boxes)
  padded = np.zeros((max_objects, 4), np.float32)
  padded[:count] = boxes
  labels = np.zeros(max_objects, np.int32)
  labels[:count] = train_ids - spec.num_stuff + 1
  return {
    "image": image,
    "semantic": decoded.semantic,
    "part": decoded.part,
    "instance": instance,
    "boxes": padded,
    "labels": labels,
    "valid": np.arange(max_objects) < count,
  }


def _objects(
  semantic: Int[np.ndarray, "H W"],
  iid: Int[np.ndarray, "H W"],
  spec: LabelSpec,
  max_objects: int,
  min_area: int,
) -> tuple[Int32[np.ndarray, "H W"], Float32[np.ndarray, "n 4"], Int32[np.ndarray, " n"]]:
  """Returns the instance map (0, or 1 + the row), boxes and train ids of the kept objects."""
  is_thing = (semantic >= spec.num_stuff) & (semantic < spec.num_classes) & (iid >= 0)
  ys, xs = np.nonzero(is_thing)
  keys, row = np.unique(semantic[ys, xs] * 1000 + iid[ys, xs], return_inverse=True)  # instance ids end at 999
  areas = np.bincount(row, minlength=len(keys))
  kept = areas >= min_area
  kept[np.argsort(-areas, kind="stable")[max_objects:]] = False
  new_row = np.where(kept, np.cumsum(kept), 0)  # 1-based position among the kept ones
  instance = np.zeros(semantic.shape, np.int32)
  instance[ys, xs] = new_row[row]
  return instance, _boxes(ys, xs, row, len(keys))[kept], (keys[kept] // 1000).astype(np.int32)


def _boxes(
  ys: Int[np.ndarray, " n"], xs: Int[np.ndarray, " n"], row: Int[np.ndarray, " n"], count: int
) -> Float32[np.ndarray, "m 4"]:
  """Returns the box of the pixels of each row, continuous: x1 and y1 are the far edges of the last pixels."""
  boxes = np.full((4, count), np.iinfo(np.int64).max)
  for side, values in enumerate((xs, ys, -1 - xs, -1 - ys)):
    np.minimum.at(boxes[side], row, values)
  boxes[2:] *= -1
  return boxes.T.astype(np.float32)


def stack(examples: Sequence[dict[str, Any]]) -> tuple[Batch, list[str]]:
  """Returns the batch of some examples (from `targets`, with an `image_id` each) and their ids."""
  batch = Batch(**{name: np.stack([example[name] for example in examples]) for name in FIELDS})
  return batch, [example["image_id"] for example in examples]


def blank(size: tuple[int, int], max_objects: int) -> dict[str, Any]:
  """Returns an example that fills up an incomplete batch: black, ignored everywhere, no object, id ""."""
  return {
    "image_id": "",
    "image": np.zeros((*size, 3), np.uint8),
    "semantic": np.full(size, 255, np.int32),
    "part": np.full(size, 255, np.int32),
    "instance": np.zeros(size, np.int32),
    "boxes": np.zeros((max_objects, 4), np.float32),
    "labels": np.zeros(max_objects, np.int32),
    "valid": np.zeros(max_objects, bool),
  }
