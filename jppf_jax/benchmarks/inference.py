"""`jppf benchmark inference`: what each stage of the network costs, and each system of the paper's
Table 5; random weights.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from rich.console import Console
from rich.table import Table

from jppf_jax import build
from jppf_jax.benchmarks import run_times
from jppf_jax.benchmarks.fusion import random_heads
from jppf_jax.benchmarks.network_stages import IMAGE, STAGES, WHOLE, Stage, network
from jppf_jax.benchmarks.programs import (
  Compiled,
  Machine,
  compiled,
  machine,
  median_seconds,
  place_text,
  write_picture,
)
from jppf_jax.benchmarks.roofline import Work, work
from jppf_jax.labels.registry import load_spec
from jppf_jax.model import JPPF
from jppf_jax.saving import write_text
from jppf_jax.visualization.chart import bars

SIZE = (512, 1024)
REPEATS = 5
WORST = 3  # stages that are named for their bytes

Rivals = Mapping[str, Callable[[], object]]


class Row(Work):
  """One stage: medians of seconds, compilation apart. `rival_seconds`: see `run`; None without."""

  stage: str
  seconds: float
  compile_seconds: float
  rival_seconds: float | None


class Report(Machine):
  """What `run` returns and writes.

  `stages`: those of the network, then the programs of `run_times.compile_programs`. `systems`: the
  rows of Table 5. `most_excess_bytes`: the stages whose programs move the most bytes beyond the
  ideal.
  """

  encoder: str
  size: list[int]
  dtype: str
  detections: int
  repeats: int
  rival: str | None
  stages: list[Row]
  systems: list[run_times.Cost]
  most_excess_bytes: list[str]


def run(
  out: str | Path | None,
  *,
  encoder: str = "b5",
  size: tuple[int, int] = SIZE,
  dtype: str = "float32",
  detections: int = 100,
  repeats: int = REPEATS,
  picture: str | Path | None = None,
  rival: str | None = None,
  rivals: Callable[[Mapping[str, Any]], Rivals] | None = None,
) -> Report:
  """Measures each stage of the paper's network and the systems of its Table 5, prints tables and
  writes them as JSON.

  One round calls all programs once, so that a change of the machine's load meets all of them.

  Args:
    out: a JSON file, or None.
    encoder: a variant of EfficientNet.
    size: rows and columns of the image, multiples of 32.
    dtype: compute dtype.
    detections: how many compete.
    repeats: rounds; the medians are reported.
    picture: a PNG file for the systems as bars, or None.
    rival: name of another implementation, measured in the same rounds.
    rivals: makes its stages, by name, from the results of ours, by name.
  """
  where = machine()
  spec = load_spec("cpp_grouped")
  net = network(encoder, spec, jnp.dtype(dtype), detections)
  programs, results = _compile(net, size)
  heads = random_heads(spec, size, detections)
  variables, image = results["variables"], results[IMAGE]
  programs |= run_times.compile_programs(net, variables, image, heads, spec)
  others = rivals(results) if rivals is not None else {}
  ours, theirs = _measure(programs, others, repeats)
  rows = [
    Row(
      stage=name,
      seconds=ours[name],
      compile_seconds=program.seconds,
      rival_seconds=theirs.get(name),
      **work(program.program, dtype),
    )
    for name, program in programs.items()
  ]
  report: Report = {
    **where,
    "encoder": encoder,
    "size": list(size),
    "dtype": dtype,
    "detections": detections,
    "repeats": repeats,
    "rival": rival,
    "stages": rows,
    "systems": run_times.costs(ours, {row["stage"]: row["temporary_mb"] for row in rows}),
    "most_excess_bytes": most_excess_bytes(rows[: len(STAGES)]),
  }
  _show(report, Console())
  if out is not None:
    write_text(out, json.dumps(report, indent=2))
  if picture is not None:
    title = f"{_what(report)}, JPPF's total = 1"
    write_picture(picture, bars(run_times.bars_of(report["systems"]), title=title))
  return report


def most_excess_bytes(rows: list[Row]) -> list[str]:
  """Returns the stages that move the most bytes beyond the ideal, worst first."""
  parts = [row for row in rows if row["stage"] != WHOLE]
  parts.sort(key=lambda row: row["ideal_bytes"] - row["bytes"])
  return [row["stage"] for row in parts[:WORST]]


def _compile(net: JPPF, size: tuple[int, int]) -> tuple[dict[str, Compiled], dict[str, Any]]:
  """Returns the compiled stages, and what each of them computed, by name."""
  variables = jax.device_put(build.init_variables(jax.random.key(0), net))
  pixels = np.random.default_rng(0).integers(0, 256, (1, *size, 3), np.uint8)
  results: dict[str, Any] = {IMAGE: jax.device_put(pixels)}
  programs = {}
  for stage in STAGES:
    inputs = [results[name] for name in stage.inputs]
    programs[stage.name] = compiled(_bound(net, stage), variables, *inputs)
    results[stage.name] = programs[stage.name]()
  return programs, {**results, "variables": variables}


def _bound(net: JPPF, stage: Stage) -> Callable[..., Any]:
  """Returns a function of the variables and the stage's inputs."""

  def call(variables: Any, *inputs: Any) -> Any:
    return net.apply(variables, *inputs, method=stage.function)

  return call


def _measure(
  programs: dict[str, Compiled], rivals: Rivals, repeats: int
) -> tuple[dict[str, float], dict[str, float]]:
  """Returns median seconds of our stages and of the rival's."""
  calls: dict[Any, Callable[[], object]] = {}
  for name, program in programs.items():
    calls[name] = program
    if name in rivals:
      calls["rival", name] = rivals[name]
  seconds = median_seconds(calls, repeats)
  ours = {name: seconds[name] for name in programs}
  return ours, {name: seconds["rival", name] for name in rivals if name in programs}


def _what(report: Report) -> str:
  rows, columns = report["size"]
  size = f"{rows} x {columns}"
  return (
    f"{report['encoder'].upper()}, {size}, {report['dtype']}, {report['detections']} detections"
  )


def _show(report: Report, console: Console) -> None:
  """Prints the report as four tables and a line."""
  rival = report["rival"]
  headings = ["stage", "seconds", *([rival, "ratio"] if rival else []), "compile s", "temp. MB"]
  table = Table(*headings, title=f"{_what(report)}\n{place_text(report)}")
  for row in report["stages"]:
    cells = [row["stage"], f"{row['seconds']:.3f}"]
    if rival:
      theirs = row["rival_seconds"]
      cells += ["", ""] if theirs is None else [f"{theirs:.3f}", f"{theirs / row['seconds']:.2f}"]
    table.add_row(*cells, f"{row['compile_seconds']:.1f}", f"{row['temporary_mb']:.0f}")
  console.print(table)
  one_program = next(r["seconds"] for r in report["stages"] if r["stage"] == run_times.ONE_PROGRAM)
  for of_systems in run_times.tables(report["systems"], one_program):
    console.print(of_systems)
  _show_work(report, console)


def _show_work(report: Report, console: Console) -> None:
  """Prints what the stages compute and move, and the shortest time on an H100."""
  table = Table("stage", "GFLOP", "MB", "ideal MB", "H100 ms", "limit", title="Work")
  for row in report["stages"]:
    table.add_row(
      row["stage"],
      f"{row['gflop']:.2f}",
      f"{row['bytes'] / 1e6:.0f}",
      f"{row['ideal_bytes'] / 1e6:.0f}",
      f"{row['h100_ms']:.3f}",
      row["h100_limit"],
    )
  console.print(table)
  worst = ", ".join(report["most_excess_bytes"])
  console.print(f"Most bytes beyond the ideal: {worst}.", soft_wrap=True)
