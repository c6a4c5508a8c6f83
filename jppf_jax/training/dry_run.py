"""All that can be known of a run before it trains: sizes, memory, speed, the first batch."""

import contextlib
import dataclasses
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import jax
import numpy as np
from jaxtyping import UInt8
from rich.table import Table

from jppf_jax import build
from jppf_jax.evaluation.program_cost import program_cost
from jppf_jax.evaluation.save import save_picture
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.structs import IGNORE, Batch
from jppf_jax.training import starting
from jppf_jax.training.evaluations import Evaluations
from jppf_jax.training.logs import say
from jppf_jax.visualization import chart, render, sheet

TIMED = 3  # steps, after a first one
SHOWN = 8  # images of the first batch


def dry_run(config: build.Config, workdir: str | Path) -> Table:
  """Does all that training a config begins with, and `TIMED` + 1 steps, which are thrown away.

  The dataset is built if it is not there, weights to start from are loaded, and the step of the
  first phase is compiled. The first batch as the network gets it, with its labels, and the learning
  rate by step are drawn into `dry_run` in the folder of the run; nothing else is written there. Of
  several processes the first one draws, its share of the batch.

  Args:
    config: of the run.
    workdir: the folder of the run.

  Returns:
    A table: parameters by module, memory per device, operations, time of a step, hours.

  Raises:
    ConfigError: a value of the config is not allowed.
    ValueError: the run would be evaluated on a split that there is not.
    WeightsError: the pretrained weights do not fit.
    OSError: a file cannot be read or written.
  """
  run, shapes = starting.checked(config)
  state = starting.initial_state(config, run)
  examples = build.train_examples(config)
  Evaluations(config, Path(workdir), starting.schedule(run), until=0)  # finds a missing split
  sizes = {name: starting.size(tree) for name, tree in shapes["params"].items()}
  for line in build.describe(config, run.spec, len(examples), sum(sizes.values())):
    say(line)
  say(starting.plan(run))
  with contextlib.closing(build.train_iterator(config, run.spec, examples)) as iterator:
    batch, ids = next(iterator)
    reading = _seconds(lambda: next(iterator))
  folder = Path(workdir) / "dry_run"
  if jax.process_index() == 0:
    save_picture(folder / "first_batch.png", draw_batch(batch, ids, run.spec))
    save_picture(folder / "learning_rate.png", draw_schedule(run))
  if jax.process_count() > 1:  # what pmap compiles cannot be called there (jax 0.10)
    run = dataclasses.replace(run, parallel="shard_map")
  runner = starting.Runners().get(run, freeze_norm=run.phases[0].freeze_norm)
  on_devices = runner.put_batch(batch)
  carried = runner.put_state(state)
  start = time.monotonic()
  compiled = runner.compile(carried, on_devices)
  compiling = time.monotonic() - start

  def step() -> None:
    nonlocal carried
    carried, metrics = compiled(carried, on_devices)
    jax.block_until_ready(metrics)

  step()  # the first one is slower
  stepping = _seconds(step)
  say(f"Pictures of the first batch and of the learning rate: {folder}/")
  steps = sum(phase.steps for phase in run.phases)
  table = Table(title=f"A step of {run.batch_size} images on {jax.device_count()} devices")
  table.add_column("")
  table.add_column("", justify="right")
  for name, size in sizes.items():
    table.add_row(f"parameters of {name}, M", f"{size / 1e6:.2f}")
  table.add_section()
  for name, value in measured(compiled).items():
    table.add_row(name, value)
  table.add_section()
  table.add_row("compiling, s", f"{compiling:.0f}")
  table.add_row("step, ms", f"{1000 * stepping:.0f}")
  table.add_row("reading a batch, ms", f"{1000 * reading:.0f}")
  hours = steps * max(stepping, reading) / 3600
  table.add_row(f"{steps} steps, hours, without saving", f"{hours:.2f}")
  return table


def _seconds(work: Callable[[], object]) -> float:
  """Returns the median time of `TIMED` calls."""
  seconds = []
  for _ in range(TIMED):
    start = time.monotonic()
    work()
    seconds.append(time.monotonic() - start)
  return float(np.median(seconds))


def measured(compiled: jax.stages.Compiled) -> dict[str, str]:
  """Returns what the compiler says of a step, per device; what it does not say is left out."""
  found = {}
  cost = program_cost(compiled)
  if not math.isnan(cost.temporaries):
    found["state and batch, GB"] = f"{cost.inputs / 1e9:.3f}"
    found["temporaries, GB"] = f"{cost.temporaries / 1e9:.3f}"
  if cost.flops:
    found["operations, GFLOP"] = f"{cost.flops / 1e9:.1f}"
  return found


def draw_batch(batch: Batch, ids: Sequence[str], spec: LabelSpec) -> UInt8[np.ndarray, "H W 3"]:
  """Returns the images of a batch as the network gets them, each beside its labels.

  Args:
    batch: host arrays; at most the first `SHOWN` images are drawn.
    ids: of the images.
    spec: the taxonomy.
  """
  pictures = {}
  for number, image_id in enumerate(ids[:SHOWN]):
    image, semantic, part, instance = (
      np.asarray(x[number]) for x in (batch.image, batch.semantic, batch.part, batch.instance)
    )
    channels = np.where(part < spec.num_parts, part, 0)  # a background of its own is no part
    channels = np.where((part == IGNORE) & (semantic == IGNORE), IGNORE, channels)
    maps = render.LabelMaps(*(x.astype(np.int32) for x in (semantic, instance, channels)))
    labels = render.overlay(image, maps, spec, opacity=0.8)
    pictures[f"{number + 1}: {image_id}"] = np.concatenate([image, labels], 1)
  return sheet.grid(pictures, columns=2)


def draw_schedule(run: build.Training) -> UInt8[np.ndarray, "H W 3"]:
  """Returns the learning rate by step, over all phases."""
  steps = sum(phase.steps for phase in run.phases)
  positions = np.unique(np.linspace(0, steps - 1, min(steps, 400)).round().astype(int))
  rates = [float(run.learning_rate(int(step))) for step in positions]
  power = math.floor(math.log10(max(rates)) + 1e-6)  # 1e-4 is slightly less in float32
  points: list[chart.Point] = [
    (step, rate / 10**power) for step, rate in zip(positions.tolist(), rates)
  ]
  return chart.panels([chart.Panel("learning rate by step", {f"x 1e{power}": points})], columns=1)
