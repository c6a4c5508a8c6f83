"""`jppf benchmark ops`: time and memory of RoIAlign, NMS and masks, each compiled on its own."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from rich.console import Console
from rich.table import Table

from jppf_jax import ops
from jppf_jax.benchmarks.programs import (
  Compiled,
  Cost,
  Machine,
  compiled,
  cost_of,
  machine,
  median_seconds,
  place_text,
)
from jppf_jax.saving import write_text
from jppf_jax.structs import Array

REPEATS = 7
STRIDES = (4, 8, 16, 32)
_MASK = 28  # cells per side


class Report(Machine):
  """What `run` returns and writes."""

  size: list[int]
  operations: dict[str, Cost]


def run(
  out: str | Path | None, *, size: tuple[int, int] = (512, 1024), repeats: int = REPEATS
) -> Report:
  """Measures on random boxes and features, prints a table and writes it as JSON.

  Args:
    out: a JSON file, or None.
    size: rows and columns of the image under the boxes, multiples of 32. Masks have twice as many.
    repeats: calls of each operation, one after the other in turn.
  """
  where, programs = machine(), operations(size)
  seconds = median_seconds(programs, repeats)
  report: Report = {
    **where,
    "size": list(size),
    "operations": {name: cost_of(program, seconds[name]) for name, program in programs.items()},
  }
  if out is not None:
    write_text(out, json.dumps(report, indent=2))
  print_report(report, Console())
  return report


def operations(size: tuple[int, int]) -> dict[str, Compiled]:
  """Returns the operations of the table, compiled, by what they do.

  Args:
    size: as in `run`.
  """
  found: dict[str, Compiled] = {}
  for count in (1000, 2000):
    found[f"nms, {count} boxes"] = _nms(size, count)
  found["nms, 4 x 2000 boxes, vmap"] = _nms(size, 2000, images=4)
  for count, bins, channels in ((512, 7, 64), (512, 7, 256), (100, 14, 256)):
    name = f"roi_align, {count} boxes, {bins} x {bins}, {channels} channels"
    pyramid, boxes = _pyramid(size, channels), _boxes(size, count)
    found[name] = compiled(partial(ops.roi_align, bins=bins), pyramid, boxes)
    found[f"{name}, with gradient"] = compiled(_gradient(bins), pyramid, boxes)
  large = (2 * size[0], 2 * size[1])
  boxes, ids = _boxes(large, 64), jnp.arange(1, 65, dtype=jnp.int32)
  text = f"{large[0]} x {large[1]}"
  found[f"crop_mask_targets, 64 boxes of {text}"] = compiled(
    partial(ops.crop_mask_targets, size=_MASK), _instances(large), ids, boxes
  )
  mask = jnp.asarray(np.random.default_rng(0).normal(size=(_MASK, _MASK)), jnp.float32)
  found[f"paste, one mask into {text}"] = compiled(partial(ops.paste, size=large), mask, boxes[0])
  return found


def _nms(size: tuple[int, int], count: int, *, images: int = 1) -> Compiled:
  """Returns a suppression as that of proposals; of several images at a time if there are more."""
  shape = (count,) if images == 1 else (images, count)
  boxes = _boxes(size, images * count).reshape(*shape, 4)
  scores = jnp.asarray(np.random.default_rng(1).uniform(size=shape), jnp.float32)
  suppress: Callable[..., Array] = partial(ops.nms, threshold=0.7)
  return compiled(suppress if images == 1 else jax.vmap(suppress), boxes, scores, scores > 0)


def _gradient(bins: int) -> Callable[..., dict[int, Array]]:
  """Returns the gradient of a sum of RoI features with respect to the pyramid."""

  def total(pyramid: dict[int, Array], boxes: Array) -> Array:
    return jnp.square(ops.roi_align(pyramid, boxes, bins=bins)).sum()

  return jax.grad(total)


def _boxes(size: tuple[int, int], count: int) -> Float[Array, "{count} 4"]:
  """Returns boxes of all sizes and shapes, inside the image."""
  rng, (height, width) = np.random.default_rng(0), size
  tall = height * np.exp(rng.uniform(np.log(0.02), np.log(0.8), count))
  wide = tall * np.exp(rng.normal(size=count) / 2)
  x, y = rng.uniform(0, width, count), rng.uniform(0, height, count)
  boxes = np.stack([x - wide / 2, y - tall / 2, x + wide / 2, y + tall / 2], axis=1)
  return jnp.asarray(np.clip(boxes, 0, [width, height, width, height]), jnp.float32)


def _pyramid(size: tuple[int, int], channels: int) -> dict[int, Array]:
  rng = np.random.default_rng(2)
  shapes = {stride: (size[0] // stride, size[1] // stride, channels) for stride in STRIDES}
  return {
    stride: jnp.asarray(rng.normal(size=shape), jnp.float32) for stride, shape in shapes.items()
  }


def _instances(size: tuple[int, int]) -> Array:
  """Returns ids 1 to 64 in a grid of 8 x 8 rectangles."""
  rows, columns = np.arange(size[0]) * 8 // size[0], np.arange(size[1]) * 8 // size[1]
  return jnp.asarray(1 + 8 * rows[:, None] + columns, jnp.int32)


def print_report(report: Report, console: Console) -> None:
  """Prints the report as a table."""
  height, width = report["size"]
  table = Table(f"image of {height} x {width}", "ms", "temporary MB", "compile s")
  for name, cost in report["operations"].items():
    table.add_row(
      name,
      f"{1000 * cost['seconds']:.1f}",
      f"{cost['temporary_mb']:.1f}",
      f"{cost['compile_seconds']:.1f}",
    )
  console.print(table)
  console.print(f"medians; {place_text(report)}")
