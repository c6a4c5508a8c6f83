"""`jppf benchmark train`: where the time of a training step goes, and what memory it needs."""

import contextlib
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypedDict

import jax
import numpy as np
from jax.flatten_util import ravel_pytree
from rich.console import Console
from rich.table import Table

from jppf_jax import build
from jppf_jax.benchmarks.programs import Machine, machine, median_seconds, place_text, write_picture
from jppf_jax.benchmarks.roofline import H100_FLOPS
from jppf_jax.evaluation.program_cost import program_cost
from jppf_jax.saving import write_text
from jppf_jax.structs import Batch
from jppf_jax.training import starting
from jppf_jax.training.parallel import AXIS, Runner, Step, make_runner
from jppf_jax.training.prefetch import DevicePrefetch
from jppf_jax.training.step import make_update
from jppf_jax.visualization.chart import bars

REPEATS = 5
FORWARD, REDUCE, UPDATE, STEP = "forward, losses", "all-reduce", "optimizer", "whole step"
BACKWARD = "backward"

Rivals = Mapping[str, Callable[[], object]]


class Row(TypedDict):
  """A part of the step: median seconds; `rival_seconds`: see `run`; None without."""

  part: str
  seconds: float
  rival_seconds: float | None


class Input(TypedDict):
  """Median seconds: to read a batch while nothing else runs, and that a step waits for one."""

  read: float
  wait: float


class Report(Machine):
  """What `run` returns and writes.

  `parts` make up the whole step, which is the last of them; `images_per_second` of the training
  loop, waiting included. Memory and operations are those of a device, as the compiler says.
  `gradient_mb`: what the devices exchange in a step. `share_of_peak`: of an H100's operations per
  second, on an H100 or H200; None elsewhere.
  """

  devices: int
  config: dict[str, Any]
  repeats: int
  rival: str | None
  parts: list[Row]
  input: Input
  images_per_second: float
  compile_seconds: float
  state_and_batch_gb: float
  temporary_gb: float
  gflop: float
  gradient_mb: float
  share_of_peak: float | None


def run(
  out: str | Path | None,
  *,
  config: build.Config,
  repeats: int = REPEATS,
  picture: str | Path | None = None,
  rival: str | None = None,
  rivals: Callable[[Batch], Rivals] | None = None,
) -> Report:
  """Measures the step of a config's first phase, prints tables and writes them as JSON.

  Forward pass, all-reduce and optimizer are programs of their own; the backward pass is what they
  leave of the whole step. One round calls all programs once, so that a change of the machine's load
  meets all of them.

  Args:
    out: a JSON file, or None.
    config: of a run; its dataset is built if it is not there, its weights are loaded.
    repeats: rounds; the medians are reported.
    picture: a PNG file for the parts as bars, or None.
    rival: name of another implementation, measured in the same rounds.
    rivals: makes its programs from a host batch; names: `FORWARD`, `UPDATE`, `STEP`.

  Raises:
    ConfigError: a value of the config is not allowed.
    WeightsError: the pretrained weights do not fit.
    OSError: a file cannot be read or written.
  """
  where = machine()
  training, _ = starting.checked(config)
  examples = build.train_examples(config)
  state = starting.initial_state(config, training)
  with contextlib.closing(build.train_iterator(config, training.spec, examples)) as iterator:
    batch, _ = next(iterator)
    programs = _compile(training, state, batch)
    reading = median_seconds({"read": lambda: next(iterator)}, repeats)["read"]
    others = rivals(batch) if rivals is not None else {}
    measured: dict[Any, Callable[[], object]] = {**programs}
    measured |= {("rival", name): call for name, call in others.items()}
    seconds = median_seconds(measured, repeats)
    whole = programs[STEP]
    waiting, stepping = _loop(whole, DevicePrefetch(iterator, whole.runner.put_batch), repeats)
  cost = program_cost(whole.compiled)
  gradient = ravel_pytree(state.params)[0]
  report: Report = {
    **where,
    "devices": jax.device_count(),
    "config": training.stored,
    "repeats": repeats,
    "rival": rival,
    "parts": _rows(seconds),
    "input": {"read": reading, "wait": waiting},
    "images_per_second": training.batch_size / (waiting + stepping),
    "compile_seconds": whole.compile_seconds,
    "state_and_batch_gb": cost.inputs / 1e9,
    "temporary_gb": cost.temporaries / 1e9,
    "gflop": cost.flops / 1e9,
    "gradient_mb": gradient.nbytes / 1e6,
    "share_of_peak": share_of_peak(
      cost.flops / seconds[STEP], where["device"], training.model.encoder.dtype
    ),
  }
  _show(report, Console())
  if out is not None:
    write_text(out, json.dumps(report, indent=2))
  if picture is not None:
    write_picture(picture, bars(_bars(report), title=f"{_title(report)}, seconds"))
  return report


class _Carried:
  """A state on the devices, which all programs take and give back, and a batch."""

  def __init__(self, runner: Runner, state: Any, batch: Batch):
    self.state, self.batch = runner.put_state(state), runner.put_batch(batch)


class _Program:
  """A compiled step, or a part of it.

  Args:
    name: of the runner, see `parallel.make_runner`.
    step: of one replica.
    carried: what it is called with.
  """

  def __init__(self, name: str, step: Step, carried: _Carried):
    start = time.perf_counter()
    self.runner = make_runner(name, step)
    self.compiled = self.runner.compile(carried.state, carried.batch)
    self.compile_seconds = time.perf_counter() - start
    self._carried = carried

  def __call__(self, batch: Any = None) -> None:
    """Runs it, on another batch that is on the devices if one is given."""
    given = self._carried.batch if batch is None else batch
    self._carried.state, metrics = self.compiled(self._carried.state, given)
    jax.block_until_ready((self._carried.state, metrics))


def _compile(training: build.Training, state: Any, batch: Batch) -> dict[str, _Program]:
  """Returns the programs, by name; without `REDUCE` on a single device."""
  frozen = training.phases[0].freeze_norm
  step = starting.step_of(training, freeze_norm=frozen)
  update = make_update(training.optimizer, freeze_norm=frozen, ema_decay=training.ema_decay)
  steps: dict[str, Step] = {
    FORWARD: lambda state, batch: (state, step(state, batch)[1]["loss"]),  # XLA drops the rest
    UPDATE: lambda state, batch: (update(state, state.batch_stats, state.params), state.step),
    STEP: step,
  }
  if jax.device_count() > 1:
    steps[REDUCE] = lambda state, batch: (state, _reduced(state.params).sum())
  name = training.parallel
  carried = _Carried(make_runner(name, step), state, batch)
  return {part: _Program(name, of_part, carried) for part, of_part in steps.items()}


def _reduced(params: Any) -> jax.Array:
  """Returns the mean over the devices of a vector with as many values as the gradient."""
  return jax.lax.pmean(ravel_pytree(params)[0], AXIS)


def _loop(step: _Program, batches: DevicePrefetch, repeats: int) -> tuple[float, float]:
  """Returns the median seconds that the training loop waits for a batch, and those of the rest."""
  waiting, stepping = [], []
  for _ in range(repeats + 1):
    start = time.perf_counter()
    batch, _, _ = next(batches)
    ready = time.perf_counter()
    step(batch)
    waiting.append(ready - start)
    stepping.append(time.perf_counter() - ready)
  return float(np.median(waiting[1:])), float(np.median(stepping[1:]))


def _rows(seconds: Mapping[Any, float]) -> list[Row]:
  """Returns the parts of the step, in their order; the backward pass as what is left."""
  ours = {name: value for name, value in seconds.items() if isinstance(name, str)}
  theirs = {name[1]: value for name, value in seconds.items() if isinstance(name, tuple)}
  for parts in filter(None, (ours, theirs)):
    if parts.keys() >= {FORWARD, UPDATE, STEP}:
      others = parts[FORWARD] + parts[UPDATE] + parts.get(REDUCE, 0.0)
      parts[BACKWARD] = max(0.0, parts[STEP] - others)
  return [
    {"part": name, "seconds": ours[name], "rival_seconds": theirs.get(name)}
    for name in (FORWARD, BACKWARD, REDUCE, UPDATE, STEP)
    if name in ours
  ]


def share_of_peak(rate: float, device: str, dtype: Any) -> float | None:
  """Returns the share of an H100's floating-point operations per second, on such a device."""
  if "H100" not in device and "H200" not in device:
    return None
  return rate / H100_FLOPS[np.dtype(dtype).name]


def _title(report: Report) -> str:
  model, data = report["config"]["model"], report["config"]["data"]
  rows, columns = data["train_size"]
  what = f"{model['encoder'].upper()}, {rows} x {columns}, {data['batch_size']} images"
  remat = ", remat" if model["remat"] else ""
  return f"A step of {what}, {model['dtype']}{remat}"


def _bars(report: Report) -> dict[str, dict[str, float]]:
  """Returns the parts that are known, ours and the rival's."""
  parts = [row for row in report["parts"] if row["part"] != STEP]
  found = {"jppf_jax": {row["part"]: row["seconds"] for row in parts}}
  if report["rival"] is not None:
    theirs = {row["part"]: row["rival_seconds"] for row in parts}
    found[report["rival"]] = {part: value for part, value in theirs.items() if value is not None}
  return found


def _show(report: Report, console: Console) -> None:
  """Prints the report as two tables."""
  rival = report["rival"]
  headings = ["part", "ms", *([f"{rival}, ms", "ratio"] if rival else [])]
  place = f"{place_text(report)}, {report['devices']} devices"
  table = Table(title=f"{_title(report)}\n{place}")
  for number, heading in enumerate(headings):
    table.add_column(heading, justify="right" if number else "left")
  for row in report["parts"]:
    if row["part"] == STEP:
      table.add_section()
    cells = [row["part"], f"{1000 * row['seconds']:.0f}"]
    theirs = row["rival_seconds"]
    if rival and theirs is not None:
      cells += [f"{1000 * theirs:.0f}", f"{theirs / row['seconds']:.2f}"]
    table.add_row(*cells)
  console.print(table)
  facts = {
    "reading a batch, ms": f"{1000 * report['input']['read']:.0f}",
    "waiting for it in a step, ms": f"{1000 * report['input']['wait']:.0f}",
    "images per second": f"{report['images_per_second']:.2f}",
    "compiling the step, s": f"{report['compile_seconds']:.0f}",
    "state and batch, GB": f"{report['state_and_batch_gb']:.2f}",
    "temporaries, GB": f"{report['temporary_gb']:.2f}",
    "operations, GFLOP": f"{report['gflop']:.0f}",
    "gradient, MB": f"{report['gradient_mb']:.1f}",
  }
  if report["share_of_peak"] is not None:
    facts["share of an H100's peak"] = f"{100 * report['share_of_peak']:.0f} %"
  table = Table("per device", "", title="Input, memory, work")
  for name, value in facts.items():
    table.add_row(name, value)
  console.print(table)
