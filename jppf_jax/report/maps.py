"""Label maps of region numbers, made small, and what the numbers mean.

A region is a part of a segment, or all of it: its row is the place of the segment among the
segments of the map, or -1 for void, and the part channel.
"""

from typing import Any

import numpy as np
from jaxtyping import Float, Int, Integer, Shaped

from jppf_jax.labels import resample, runs
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.metrics.cells import Cells
from jppf_jax.panoptic import IGNORE
from jppf_jax.report.segments import Segments

NONE = -1  # the segment of void

Meaning = dict[str, Any]
Row = list[Any]


def of_truth(
  uids: Int[np.ndarray, "H W"],
  size: tuple[int, int],
  truth: Segments,
  cells: Cells,
  spec: LabelSpec,
) -> tuple[Integer[np.ndarray, "h w"], Meaning]:
  """Returns the map of the ground truth, with its regions and its segments: class, instance, area.

  Crowd is a segment of each class that comes behind those that are scored, with instance -1.

  Args:
    uids: as in the label files.
    size: height and width of the map.
    truth: the true segments.
    cells: of the image.
    spec: the taxonomy.
  """
  rows = _rows(truth)
  for train_id in np.unique(cells.gt_class[cells.gt_crowd]).tolist():
    of_class = cells.gt_crowd & (cells.gt_class == train_id)
    pixels = cells.count[of_class].sum()
    rows.append([train_id, -1, int(pixels)])
  small = resample.nearest(uids, size)
  first = runs.starts(small)
  distinct, place = runs.distinct(small.reshape(-1)[first])
  decoded = spec.decode(distinct[None].astype(np.int64))
  classes, parts = decoded.semantic[0], decoded.part[0]
  instances = np.where(decoded.crowd[0], -1, np.maximum(decoded.instance[0], 0))
  regions = _regions(rows, classes, instances, parts)
  return _expanded(place, first, size, len(distinct)), {"regions": regions, "segments": rows}


def of_prediction(
  channels: Integer[np.ndarray, "H W 3"],
  size: tuple[int, int],
  predicted: Segments,
  scores: list[float | None],
  spec: LabelSpec,
) -> tuple[Integer[np.ndarray, "h w"], Meaning]:
  """Returns the map of a prediction, with its regions and its segments: class, instance, area,
  score, outcome, IoU, match.

  Args:
    channels: scene id, instance and evaluation pid.
    size: height and width of the map.
    predicted: the predicted segments.
    scores: of each of them.
    spec: the taxonomy.
  """
  quality = zip(scores, predicted.outcomes, rounded(predicted.ious), predicted.matches.tolist())
  rows = [[*row, *values] for row, values in zip(_rows(predicted), quality, strict=True)]
  height, width = channels.shape[:2]
  lines = resample.nearest_positions(height, size[0])
  columns = resample.nearest_positions(width, size[1])
  small = channels.take(lines, axis=0).take(columns, axis=1)
  first = runs.starts(small)
  scene, instance, pid = small.reshape(-1, 3)[first].astype(np.int64).T
  distinct, place = runs.distinct((instance << 16) | (scene << 8) | pid)
  classes = spec.scene_to_train[(distinct >> 8) & 255]
  parts = spec.pid_to_channel[classes, distinct & 255]
  regions = _regions(rows, classes, distinct >> 16, parts)
  return _expanded(place, first, size, len(distinct)), {"regions": regions, "segments": rows}


def rounded(values: Float[np.ndarray, " N"]) -> list[float]:
  """Returns numbers with four digits, as JSON needs no more."""
  return np.round(np.asarray(values, np.float64), 4).tolist()


def _rows(found: Segments) -> list[Row]:
  """Returns class, instance and area of each segment."""
  columns = (found.classes, found.instances, found.areas)
  return list(map(list, zip(*(column.tolist() for column in columns))))


def _regions(
  rows: list[Row],
  classes: Integer[np.ndarray, " R"],
  instances: Integer[np.ndarray, " R"],
  parts: Integer[np.ndarray, " R"],
) -> list[Row]:
  """Returns segment and part channel of each region; void has no part."""
  place_of = {(row[0], row[1]): place for place, row in enumerate(rows)}
  parts = np.where(classes == IGNORE, 0, parts)
  labels = zip(classes.tolist(), instances.tolist(), parts.tolist())
  return [[place_of.get((train_id, number), NONE), part] for train_id, number, part in labels]


def _expanded(
  place: Shaped[np.ndarray, " R"],
  first: Shaped[np.ndarray, " R"],
  size: tuple[int, int],
  count: int,
) -> Integer[np.ndarray, "h w"]:
  """Returns the map of runs, in as few bytes as `count` different numbers need."""
  height, width = size
  lengths = np.diff(first, append=height * width)
  dtype = np.uint8 if count <= 256 else np.uint16
  return np.repeat(place.astype(dtype), lengths).reshape(height, width)
