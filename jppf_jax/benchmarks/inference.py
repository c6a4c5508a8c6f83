"""`jppf benchmark inference`: what each stage of the network costs, random weights."""

import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypedDict

import jax
import jax.numpy as jnp
import numpy as np
from rich.console import Console
from rich.table import Table

from jppf_jax import build
from jppf_jax.benchmarks.network_stages import IMAGE, STAGES, WHOLE, Stage, network
from jppf_jax.benchmarks.roofline import Work, work
from jppf_jax.labels.registry import load_spec
from jppf_jax.model import JPPF
from jppf_jax.saving import write_text

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


class Report(TypedDict):
  """What `run` returns and writes. `load`: processes that wanted a core at the start, on average.

  `most_excess_bytes`: the stages whose programs move the most bytes beyond the ideal.
  """

  encoder: str
  size: list[int]
  dtype: str
  repeats: int
  device: str
  cores: int
  load: float | None
  versions: dict[str, str]
  rival: str | None
  stages: list[Row]
  most_excess_bytes: list[str]


class _Program(NamedTuple):
  """A compiled stage with its inputs, and the seconds that compilation took."""

  stage: Stage
  compiled: Any
  arguments: tuple[Any, ...]
  compile_seconds: float


def run(
  out: str | Path | None,
  *,
  encoder: str = "b5",
  size: tuple[int, int] = SIZE,
  dtype: str = "float32",
  repeats: int = REPEATS,
  rival: str | None = None,
  rivals: Callable[[Mapping[str, Any]], Rivals] | None = None,
) -> Report:
  """Measures each stage of the paper's network, prints two tables and writes them as JSON.

  One round calls all stages once, so that a change of the machine's load meets all of them.

  Args:
    out: a JSON file, or None.
    encoder: a variant of EfficientNet.
    size: rows and columns of the image, multiples of 32.
    dtype: compute dtype.
    repeats: rounds; the medians are reported.
    rival: name of another implementation, measured in the same rounds.
    rivals: makes its stages, by name, from the results of ours, by name.
  """
  load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
  net = network(encoder, load_spec("cpp_grouped"), jnp.dtype(dtype))
  programs, results = _compile(net, size)
  others = rivals(results) if rivals is not None else {}
  ours, theirs = _measure(programs, others, repeats)
  rows = [
    Row(
      stage=program.stage.name,
      seconds=ours[program.stage.name],
      compile_seconds=program.compile_seconds,
      rival_seconds=theirs.get(program.stage.name),
      **work(program.compiled, dtype),
    )
    for program in programs
  ]
  report: Report = {
    "encoder": encoder,
    "size": list(size),
    "dtype": dtype,
    "repeats": repeats,
    "device": jax.devices()[0].device_kind,
    "cores": os.cpu_count() or 1,
    "load": load,
    "versions": {"python": platform.python_version(), "jax": jax.__version__},
    "rival": rival,
    "stages": rows,
    "most_excess_bytes": most_excess_bytes(rows),
  }
  _show(report, Console())
  if out is not None:
    write_text(out, json.dumps(report, indent=2))
  return report


def most_excess_bytes(rows: list[Row]) -> list[str]:
  """Returns the stages that move the most bytes beyond the ideal, worst first."""
  parts = [row for row in rows if row["stage"] != WHOLE]
  parts.sort(key=lambda row: row["ideal_bytes"] - row["bytes"])
  return [row["stage"] for row in parts[:WORST]]


def _compile(net: JPPF, size: tuple[int, int]) -> tuple[list[_Program], dict[str, Any]]:
  """Returns the compiled stages, and what each of them computed, by name."""
  variables = jax.device_put(build.init_variables(jax.random.key(0), net))
  pixels = np.random.default_rng(0).integers(0, 256, (1, *size, 3), np.uint8)
  results: dict[str, Any] = {IMAGE: jax.device_put(pixels)}
  programs = []
  for stage in STAGES:
    arguments = (variables, *(results[name] for name in stage.inputs))
    start = time.perf_counter()
    compiled = jax.jit(_bound(net, stage)).lower(*arguments).compile()
    programs.append(_Program(stage, compiled, arguments, time.perf_counter() - start))
    results[stage.name] = jax.block_until_ready(compiled(*arguments))
  return programs, {**results, "variables": variables}


def _bound(net: JPPF, stage: Stage) -> Callable[..., Any]:
  """Returns a function of the variables and the stage's inputs."""

  def call(variables: Any, *inputs: Any) -> Any:
    return net.apply(variables, *inputs, method=stage.function)

  return call


def _measure(
  programs: list[_Program], rivals: Rivals, repeats: int
) -> tuple[dict[str, float], dict[str, float]]:
  """Returns median seconds of our stages and of the rival's."""
  for call in rivals.values():
    call()  # the first call may prepare something
  ours: dict[str, list[float]] = {program.stage.name: [] for program in programs}
  theirs: dict[str, list[float]] = {name: [] for name in rivals}
  for _ in range(repeats):
    for program in programs:
      name = program.stage.name
      ours[name].append(_seconds(partial(program.compiled, *program.arguments)))
      if name in rivals:
        theirs[name].append(_seconds(rivals[name]))
  return _medians(ours), _medians(theirs)


def _medians(times: dict[str, list[float]]) -> dict[str, float]:
  return {name: statistics.median(values) for name, values in times.items()}


def _seconds(call: Callable[[], object]) -> float:
  start = time.perf_counter()
  jax.block_until_ready(call())
  return time.perf_counter() - start


def _show(report: Report, console: Console) -> None:
  """Prints the report as two tables and a line."""
  rows, columns = report["size"]
  load = "unknown" if report["load"] is None else f"{report['load']:.1f}"
  what = f"{report['encoder'].upper()}, {rows} x {columns}, {report['dtype']}"
  where = f"{report['device']}, {report['cores']} cores, load {load}"
  rival = report["rival"]
  headings = ["stage", "seconds", *([rival, "ratio"] if rival else []), "compile s", "temp. MB"]
  table = Table(*headings, title=f"Inference, {what}, {where}")
  for row in report["stages"]:
    cells = [row["stage"], f"{row['seconds']:.3f}"]
    if rival:
      theirs = row["rival_seconds"]
      cells += ["", ""] if theirs is None else [f"{theirs:.3f}", f"{theirs / row['seconds']:.2f}"]
    table.add_row(*cells, f"{row['compile_seconds']:.1f}", f"{row['temporary_mb']:.0f}")
  console.print(table)
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
