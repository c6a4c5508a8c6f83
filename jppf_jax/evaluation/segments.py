"""The segments of a prediction as records that a person can read, and as rows for a table."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int

from jppf_jax.labels import runs
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.saving import write_text
from jppf_jax.structs import IGNORE, PanopticParts

Record = dict[str, Any]
Row = dict[str, Any]
COLUMNS = ("image", "segment", "class", "part", "score", "x0", "y0", "x1", "y1", "area")


class SegmentTable(list[Record]):
  """Records of segments, from `segment_table`; printed as a table with one line for each."""

  def __str__(self) -> str:
    lines = [("id", "class", "score", "box", "area", "parts"), *map(_line, self)]
    widths = [max(map(len, column)) for column in zip(*lines)]
    padded = (map(str.ljust, line, widths) for line in lines)
    return "\n".join("  ".join(line).rstrip() for line in padded)


def _line(record: Record) -> tuple[str, ...]:
  score = "" if record["score"] is None else f"{record['score']:.2f}"
  box = " ".join(map(str, record["box"]))
  parts = ", ".join(f"{name} {area}" for name, area in record["parts"].items())
  return str(record["id"]), record["class"], score, box, str(record["area"]), parts


def segment_table(answer: PanopticParts, spec: LabelSpec) -> SegmentTable:
  """Returns a record for each segment of an image: instances best first, then stuff by train id.

  A record has

  - `id`: of the segment in COCO panoptic files and in uids: scene id * 1000 + instance, or for
    stuff the scene id alone;
  - `class`: its name; `train_id`, `scene_id`: its numbers in the network and in label files;
  - `is_thing`; `instance`: its value in the map `answer.instance`, 0 for stuff;
  - `score`: 0 to 1, of the detection; None for stuff;
  - `box`: `[x0, y0, x1, y1]`, whole pixels of the image; `x1` and `y1` are just outside;
  - `area`: pixels; `parts`: pixels of each of its parts, by name. Pixels whose part is unknown, and
    those of classes without parts, count in `area` only.

  Args:
    answer: for one image, at its own size.
    spec: the taxonomy.
  """
  semantic, instance = np.asarray(answer.semantic), np.asarray(answer.instance)
  # 0 = void, 1..K = a class without instance, K + n = instance n
  numbers = np.where(instance > 0, spec.num_classes + instance, semantic + 1)
  numbers[semantic == IGNORE] = 0
  areas = np.bincount(numbers.ravel())
  classes = np.zeros(len(areas), int)
  classes[numbers] = semantic
  part_areas = _part_areas(numbers, np.asarray(answer.part), spec.num_parts)
  regions = runs.regions(numbers)
  scores = np.asarray(answer.segments.scores)
  table = SegmentTable()
  for number in _in_order(areas, spec.num_classes):
    train_id, of_instance = int(classes[number]), max(0, number - spec.num_classes)
    scene_id = int(spec.class_ids[train_id])
    rows, columns, area = regions[number]
    found = np.flatnonzero(part_areas[number])
    table.append(
      {
        "id": scene_id * 1000 + of_instance if of_instance else scene_id,
        "class": spec.class_names[train_id],
        "train_id": train_id,
        "scene_id": scene_id,
        "is_thing": train_id >= spec.num_stuff,
        "instance": of_instance,
        "score": round(float(scores[of_instance - 1]), 4) if of_instance else None,
        "box": [columns.start, rows.start, columns.stop, rows.stop],
        "area": area,
        "parts": {spec.part_names[part]: int(part_areas[number, part]) for part in found},
      }
    )
  return table


def _in_order(areas: Int[np.ndarray, " N"], num_classes: int) -> list[int]:
  """Returns the numbers of segments that have pixels: instances, then classes."""
  numbers = np.flatnonzero(areas).tolist()
  instances = [number for number in numbers if number > num_classes]
  return instances + [number for number in numbers if 0 < number <= num_classes]


def _part_areas(
  numbers: Int[np.ndarray, "H W"], part: Int[np.ndarray, "H W"], num_parts: int
) -> Int[np.ndarray, "N P"]:
  """Returns the pixels of each known part in each segment; 0 for the background channel."""
  count = int(numbers.max()) + 1
  channels = np.where(part < num_parts, part, 0)  # unknown counts as none
  pairs = numbers.astype(np.int64) * num_parts + channels
  areas = np.bincount(pairs.ravel(), minlength=count * num_parts).reshape(count, num_parts)
  areas[:, 0] = 0
  return areas


def rows_of(image: str, table: Sequence[Record]) -> Iterator[Row]:
  """Yields rows for `write_rows`: one for each segment, with the part left empty, and behind it one
  for each of its parts, with the score of the segment and its own area, but no box.
  """
  for record in table:
    of_segment = {"image": image, "segment": record["id"], "class": record["class"]}
    of_segment["score"] = record["score"]
    box = dict(zip(("x0", "y0", "x1", "y1"), record["box"]))
    yield {**of_segment, **box, "area": record["area"]}
    for part, area in record["parts"].items():
      yield {**of_segment, "part": part, "area": area}


def write_rows(path: Path, rows: Mapping[str, Sequence[Row]]) -> None:
  """Writes rows as CSV, by the image that they belong to; empty cells for what a row lacks."""
  text = io.StringIO()
  writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
  writer.writeheader()
  for of_image in rows.values():
    writer.writerows(of_image)
  write_text(path, text.getvalue())


def read_rows(path: Path) -> dict[str, list[Row]]:
  """Returns the rows that `write_rows` wrote, as text, by image.

  Raises:
    ValueError: the file has other columns, or is no CSV.
  """
  images: dict[str, list[Row]] = {}
  try:
    with path.open(encoding="utf-8", newline="") as file:
      reader = csv.DictReader(file)
      if tuple(reader.fieldnames or ()) != COLUMNS:
        raise ValueError(f"{path} has other columns than {', '.join(COLUMNS)}.")
      for row in reader:
        images.setdefault(row["image"], []).append(row)
  except csv.Error as error:
    raise ValueError(f"{path} is no CSV: {error}.") from error
  return images
