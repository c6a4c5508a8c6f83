"""`jppf benchmark fusion`: time and memory of both fusions, without the network.

Beside them the same joint fusion as one would first write it, in JAX and, if it is installed, in
PyTorch.
"""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jaxtyping import Float
from rich.console import Console
from rich.table import Table

from jppf_jax.benchmarks.dense_fusion import scan_fusion
from jppf_jax.benchmarks.programs import (
  Cost,
  Machine,
  compiled,
  cost_of,
  machine,
  median_seconds,
  place_text,
)
from jppf_jax.benchmarks.torch_fusion import torch_fusion
from jppf_jax.fusion.efficientps import efficientps_fusion
from jppf_jax.fusion.joint import joint_fusion
from jppf_jax.fusion.top_down import part_map, top_down_merge
from jppf_jax.labels.cpp import cpp
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.saving import write_text
from jppf_jax.structs import Array, Detections, PanopticParts

REPEATS = 7
JOINT = "joint fusion"

Heads = tuple[Array, Array, Detections]


class Report(Machine):
  """What `run` returns and writes."""

  size: list[int]
  detections: int
  fusions: dict[str, Cost]


def run(
  out: str | Path | None,
  *,
  size: tuple[int, int] = (1024, 2048),
  detections: int = 100,
  repeats: int = REPEATS,
) -> Report:
  """Measures on random heads, prints a table and writes it as JSON.

  Args:
    out: a JSON file, or None.
    size: rows and columns of the image, multiples of 4.
    detections: how many compete; a third of them have parts.
    repeats: calls of each fusion, one after the other in turn.
  """
  where, spec = machine(), cpp()
  heads = random_heads(spec, size, detections)
  programs: dict[str, Callable[[], object]] = {
    JOINT: compiled(partial(joint_fusion, spec=spec, size=size), *heads),
    "the same, dense lax.scan": compiled(partial(scan_fusion, spec=spec), *heads),
    "EfficientPS + merge": compiled(partial(top_down, spec=spec, size=size), *heads),
  }
  if (in_torch := _in_torch(heads, spec)) is not None:
    on = "" if jax.default_backend() == "cpu" else " on the CPU"
    programs[f"joint fusion, PyTorch{on}"] = in_torch
  seconds = median_seconds(programs, repeats)
  report: Report = {
    **where,
    "size": list(size),
    "detections": detections,
    "fusions": {name: cost_of(call, seconds[name]) for name, call in programs.items()},
  }
  if out is not None:
    write_text(out, json.dumps(report, indent=2))
  print_report(report, Console())
  return report


def random_heads(spec: LabelSpec, size: tuple[int, int], detections: int) -> Heads:
  """Returns smooth random logits of both heads, and detections of many sizes with round masks.

  If there are to be no detections, they are one row of padding.
  """
  rng = np.random.default_rng(0)
  height, width = size
  count, detections = detections, max(detections, 1)
  tall = height * np.exp(rng.uniform(np.log(0.02), np.log(0.4), detections))
  wide = tall * np.exp(rng.normal(size=detections) / 2)
  x, y = rng.uniform(0, width, detections), rng.uniform(height / 4, height, detections)
  boxes = np.stack([x - wide / 2, y - tall / 2, x + wide / 2, y + tall / 2], axis=1)
  ends = np.tile([width, height], 2)
  side = np.linspace(-1, 1, 28)
  disc = 6 - 6 * (side[:, None] ** 2 + side**2)
  scores = np.sort(rng.uniform(0.5, 1, detections))[::-1]
  found = Detections(
    boxes=np.clip(boxes, 0, ends).astype(np.float32),
    labels=rng.integers(1, spec.num_classes - spec.num_stuff + 1, detections, dtype=np.int32),
    scores=scores.astype(np.float32),
    mask_logits=(disc + rng.normal(size=(detections, 28, 28))).astype(np.float32),
    valid=np.arange(detections) < count,
  )
  semantic = _smooth(rng, size, spec.num_classes)
  part = _smooth(rng, size, spec.num_part_outputs)
  return jax.tree.map(jax.numpy.asarray, (semantic, part, found))


def _smooth(
  rng: np.random.Generator, size: tuple[int, int], channels: int
) -> Float[np.ndarray, "_h _w {channels}"]:
  """Random logits at stride 4 that change every 8 cells."""
  rows, columns = size[0] // 4, size[1] // 4
  coarse = 4 * rng.normal(size=(-(-rows // 8), -(-columns // 8), channels))
  cells = coarse.repeat(8, 0).repeat(8, 1)[:rows, :columns]
  return (cells + rng.normal(size=cells.shape)).astype(np.float32)


def top_down(
  semantic: Array, part: Array, found: Detections, *, spec: LabelSpec, **frame: Any
) -> PanopticParts:
  """Returns the baseline: EfficientPS fusion, then the merge with the part map.

  Args:
    semantic: raw logits, stride 4.
    part: raw logits, stride 4.
    found: detections.
    spec: the taxonomy.
    frame: `size`, and `covered` and `zoom` if wanted, as in `joint_fusion`.
  """
  panoptic = efficientps_fusion(semantic, found, spec=spec, **frame)
  return top_down_merge(panoptic, part_map(part, spec=spec, **frame), spec=spec)


def _in_torch(heads: Heads, spec: LabelSpec) -> Callable[[], object] | None:
  """The fusion in PyTorch, None if that is not installed."""
  try:
    return torch_fusion(*heads, spec=spec)
  except ModuleNotFoundError as missing:
    if missing.name != "torch":
      raise
    return None


def print_report(report: Report, console: Console) -> None:
  """Prints the report as a table."""
  height, width = report["size"]
  title = f"{height}x{width}, {report['detections']} detections"
  table = Table(title, "ms", "x joint", "temporary MB", "compile s")
  fastest = report["fusions"][JOINT]["seconds"]
  for name, cost in report["fusions"].items():
    compile_seconds, megabytes = cost["compile_seconds"], cost["temporary_mb"]
    table.add_row(
      name,
      f"{1000 * cost['seconds']:.0f}",
      f"{cost['seconds'] / fastest:.1f}",
      "" if megabytes is None else f"{megabytes:.0f}",
      "" if compile_seconds is None else f"{compile_seconds:.1f}",
    )
  console.print(table)
  console.print(f"medians; {place_text(report)}")
