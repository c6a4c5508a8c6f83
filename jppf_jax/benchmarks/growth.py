"""`jppf benchmark inference --growth`: how time and memory grow with pixels, classes, parts and
detections. One of them changes at a time.
"""

import json
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple, TypedDict

import jax
import jax.numpy as jnp
import numpy as np
from rich.console import Console
from rich.table import Table
from tqdm import tqdm

from jppf_jax import build
from jppf_jax.benchmarks.fusion import random_heads, top_down
from jppf_jax.benchmarks.network_stages import network
from jppf_jax.benchmarks.programs import (
  Compiled,
  Cost,
  Machine,
  compiled,
  cost_of,
  machine,
  median_seconds,
  place_text,
  write_picture,
)
from jppf_jax.evaluation.predict import Predictor
from jppf_jax.fusion.config import FusionConfig
from jppf_jax.fusion.joint import joint_fusion
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.saving import write_text
from jppf_jax.visualization.chart import Panel, panels

SIZE = (512, 1024)
SCALES = (0.5, 1.0, 2.0)  # of both sides
CLASSES = (19, 80, 200)
PARTS = (10, 80, 200)
DETECTIONS = (0, 100, 300)
REPEATS = 3

JOINT, TOP_DOWN, WHOLE = "joint fusion", "EfficientPS + merge", "whole program"
PIXELS = "megapixels"


class Point(NamedTuple):
  """What is measured: rows and columns of the image, and the numbers of channels and detections."""

  size: tuple[int, int]
  classes: int
  parts: int
  detections: int


class Measured(TypedDict):
  """One point on one of the axes. `costs`: of each program, by its name."""

  axis: str
  value: float
  point: dict[str, Any]
  costs: dict[str, Cost]


class Report(Machine):
  """What `run` returns and writes. `encoder` and `dtype` are those of the whole program."""

  encoder: str
  dtype: str
  repeats: int
  points: list[Measured]


def run(
  out: str | Path | None,
  *,
  encoder: str = "lite0",
  size: tuple[int, int] = SIZE,
  dtype: str = "float32",
  detections: int = 100,
  repeats: int = REPEATS,
  picture: str | Path | None = None,
) -> Report:
  """Measures both fusions, for other numbers of pixels the whole program too; prints a table.

  Args:
    out: a JSON file, or None.
    encoder: of the whole program.
    size: rows and columns of the image where something else changes, multiples of 32.
    dtype: compute dtype of the network.
    detections: how many compete where something else changes.
    repeats: rounds; the medians are reported.
    picture: a PNG file for the diagrams, or None.
  """
  where = machine()
  axes = points_of_axes(Point(size, CLASSES[0], PARTS[0], detections))
  programs: dict[tuple[Point, str], Compiled] = {}
  pairs = [(axis, point) for axis, points in axes.items() for point in points.values()]
  with tqdm(pairs, desc="compile", unit="point") as bar:
    for axis, point in bar:
      if (point, JOINT) not in programs:
        programs |= _fusions(point)
      if axis == PIXELS:
        programs[point, WHOLE] = whole_program(point, encoder, dtype)
  seconds = median_seconds(programs, repeats)
  costs = {key: cost_of(program, seconds[key]) for key, program in programs.items()}
  report: Report = {
    **where,
    "encoder": encoder,
    "dtype": dtype,
    "repeats": repeats,
    "points": [
      {
        "axis": axis,
        "value": value,
        "point": {**point._asdict(), "size": list(point.size)},
        "costs": {name: its for (at, name), its in costs.items() if at == point},
      }
      for axis, points in axes.items()
      for value, point in points.items()
    ],
  }
  _show(report, Console())
  if out is not None:
    write_text(out, json.dumps(report, indent=2))
  if picture is not None:
    diagrams = diagrams_of(report["points"])
    write_picture(picture, panels(diagrams, columns=len(diagrams) // 2))
  return report


def points_of_axes(base: Point) -> dict[str, dict[float, Point]]:
  """Returns what is measured: {axis: {value: point}}; all points but one value are `base`."""
  sizes = [_scaled(base.size, scale) for scale in SCALES]
  return {
    PIXELS: {size[0] * size[1] / 1e6: base._replace(size=size) for size in sizes},
    "classes": {number: base._replace(classes=number) for number in CLASSES},
    "parts": {number: base._replace(parts=number) for number in PARTS},
    "detections": {number: base._replace(detections=number) for number in DETECTIONS},
  }


def _scaled(size: tuple[int, int], scale: float) -> tuple[int, int]:
  """A size that a network can have."""
  height, width = (32 * max(int(scale * side) // 32, 1) for side in size)
  return height, width


class _AnySpec(LabelSpec):
  """A taxonomy of any number of classes, unchecked: those of label files have at most 99."""

  def __post_init__(self) -> None:
    pass


def taxonomy(classes: int, parts: int) -> LabelSpec:
  """Returns a taxonomy that divides classes and parts as CPP does.

  11 of 19 classes are stuff. Of 8 things, 2 share 4 of 9 parts, 3 share the other 5.

  Args:
    classes: their number.
    parts: number of part channels, background included.
  """
  num_stuff = round(classes * 11 / 19)
  channels = tuple(range(1, parts))
  first = round(len(channels) * 4 / 9)
  of_eight = (channels[:first],) * 2 + (channels[first:],) * 3 + ((),) * 3
  things = tuple(of_eight[n % 8] for n in range(classes - num_stuff))
  class_parts = ((),) * num_stuff + things
  none = np.zeros((100, 100), np.int32)
  return _AnySpec(
    name=f"{classes} classes, {parts} parts",
    class_names=tuple(f"class {k}" for k in range(classes)),
    class_ids=np.arange(classes, dtype=np.int32),
    num_stuff=num_stuff,
    part_names=("background", *(f"part {p}" for p in channels)),
    class_parts=class_parts,
    class_pids=class_parts,
    class_background=(0,) * classes,
    colors=np.zeros((classes, 3), np.uint8),
    part_colors=np.zeros((parts, 3), np.uint8),
    sid_to_train=none[0],
    sid_pid_to_channel=none,
    sid_pid_to_pid=none,
    legal=none > 0,
  )


def _fusions(point: Point) -> dict[tuple[Point, str], Compiled]:
  """Both fusions, compiled."""
  spec = taxonomy(point.classes, point.parts)
  heads = random_heads(spec, point.size, point.detections)
  fusions: dict[str, Callable[..., Any]] = {JOINT: joint_fusion, TOP_DOWN: top_down}
  return {
    (point, name): compiled(partial(fuse, spec=spec, size=point.size), *heads)
    for name, fuse in fusions.items()
  }


def whole_program(point: Point, encoder: str, dtype: str) -> Compiled:
  """Returns what `jppf predict` runs for an image, with random weights and all its detections.

  Args:
    point: of the measurement.
    encoder: a variant of EfficientNet.
    dtype: compute dtype.
  """
  spec = taxonomy(point.classes, point.parts)
  net = network(encoder, spec, jnp.dtype(dtype), point.detections)
  variables = _variables(encoder, dtype, point.classes, point.parts)
  config = FusionConfig(score_threshold=0.0)
  predictor = Predictor(net, variables, spec, size=point.size, config=config)
  image = np.random.default_rng(0).integers(0, 256, (1, *point.size, 3), np.uint8)
  covered = np.array([point.size], np.int32)
  return compiled(predictor.compute, predictor.variables, *jax.device_put((image, covered)))


@cache
def _variables(encoder: str, dtype: str, classes: int, parts: int) -> Any:
  """Random parameters of the network; they are those for images of all sizes."""
  net = network(encoder, taxonomy(classes, parts), jnp.dtype(dtype), 1)
  return build.init_variables(jax.random.key(0), net)


def diagrams_of(points: list[Measured]) -> list[Panel]:
  """Returns diagrams of seconds, and then of megabytes, by each axis; the whole program's last."""
  axes = list(dict.fromkeys(point["axis"] for point in points))
  values: dict[str, Callable[[Cost], float | None]] = {
    "seconds": lambda cost: cost["seconds"],
    "temporary MB": lambda cost: cost["temporary_mb"],
  }
  found = []
  for unit, value_of in values.items():
    for axis, names in [*((axis, (JOINT, TOP_DOWN)) for axis in axes), (PIXELS, (WHOLE,))]:
      own = [point for point in points if point["axis"] == axis]
      lines = {
        name: [(at["value"], value_of(at["costs"][name]) or 0) for at in own] for name in names
      }
      what = f", {WHOLE}" if WHOLE in names else ""
      found.append(Panel(f"{unit} by {axis}{what}", lines))
  return found


def _show(report: Report, console: Console) -> None:
  """Prints the report as a table and a line."""
  names = (JOINT, TOP_DOWN, WHOLE)
  table = Table("by", "", *(heading for name in names for heading in (f"{name}, s", "MB")))
  for point in report["points"]:
    cells = []
    for name in names:
      its = point["costs"].get(name) if name != WHOLE or point["axis"] == PIXELS else None
      cells += ["", ""] if its is None else [f"{its['seconds']:.3f}", f"{its['temporary_mb']:.0f}"]
    table.add_row(point["axis"], f"{point['value']:.3g}", *cells)
  console.print(table)
  whole = f"{report['encoder'].upper()}, {report['dtype']}"
  console.print(f"MB: temporary memory. Whole program: {whole}. {place_text(report)}.")
