"""Measures whole training steps beside PyTorch, in both dtypes: `python -m
tests.torch_reference.step_speed [ENCODER [SIZE [BATCH [REPEATS]]]]`.

One round calls our step and PyTorch's (see `training_speed`) in float32 and in bfloat16, so that
their ratios belong to one run. XLA compiles both dtypes at the same time while PyTorch tries its
convolutions. The scenes are generated and lie on the device.
"""

import contextlib
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import ml_collections
from rich.console import Console
from rich.table import Table

from jppf_jax import build
from jppf_jax.benchmarks.programs import machine, median_seconds, place_text
from jppf_jax.benchmarks.train import share_of_peak
from jppf_jax.evaluation.program_cost import program_cost
from jppf_jax.structs import Batch
from jppf_jax.training import starting
from jppf_jax.training.parallel import make_runner
from tests.torch_reference import training_speed
from tests.torch_reference.speed import waiting

DTYPES = ("float32", "bfloat16")


class Ours:
  """Our step on one batch, compiled; its state goes from call to call."""

  def __init__(self, config: ml_collections.ConfigDict, batch: Batch):
    run, _ = starting.checked(config)
    step = starting.step_of(run, freeze_norm=run.phases[0].freeze_norm)
    runner = make_runner(run.parallel, step)
    self.state = runner.put_state(starting.initial_state(config, run))
    self.batch = runner.put_batch(batch)
    self.compiled = runner.compile(self.state, self.batch)

  def __call__(self) -> None:
    self.state, metrics = self.compiled(self.state, self.batch)
    jax.block_until_ready((self.state, metrics))

  def facts(self, dtype: str, seconds: float) -> tuple[str, str]:
    """Temporaries, and the share of an H100's peak on such a card."""
    cost = program_cost(self.compiled)
    share = share_of_peak(cost.flops / seconds, machine()["device"], dtype)
    text = "" if share is None else f"{100 * share:.1f} %"
    return f"{cost.temporaries / 1e9:.2f}", text


def steps(encoder: str, size: tuple[int, int], batch_size: int) -> dict[str, tuple[Ours, Any]]:
  """Our step and PyTorch's of each dtype, ready to be timed."""
  configs = {d: training_speed.config_of(encoder, size, batch_size, d) for d in DTYPES}
  first = configs[DTYPES[0]]
  run, _ = starting.checked(first)
  examples = build.train_examples(first)
  with contextlib.closing(build.train_iterator(first, run.spec, examples)) as iterator:
    batch, _ = next(iterator)
  with ThreadPoolExecutor() as pool:
    compiling = {d: pool.submit(Ours, config, batch) for d, config in configs.items()}
    training_speed.prepare()
    theirs: dict[str, Callable[[], object]] = {}
    for dtype, config in configs.items():
      theirs[dtype] = waiting(training_speed.Step(training_speed.SIZES[encoder], batch, config))
      theirs[dtype]()
    return {d: (future.result(), theirs[d]) for d, future in compiling.items()}


def main(
  encoder: str = "b5", size: str = "1024x2048", batch: str = "2", repeats: str = "10"
) -> None:
  rows, columns = (int(side) for side in size.split("x"))
  found = steps(encoder, (rows, columns), int(batch))
  calls = {(d, who): call for d, pair in found.items() for who, call in enumerate(pair)}
  seconds = median_seconds(calls, int(repeats))
  table = Table(
    "dtype", "ms", "PyTorch, ms", "PyTorch / ours", "images/s", "temporaries, GB", "H100's peak",
    title=f"A step of {encoder.upper()}, {size}, {batch} images\n{place_text(machine())}",
  )  # fmt: skip
  for dtype in DTYPES:
    ours, theirs = seconds[dtype, 0], seconds[dtype, 1]
    times = (f"{1000 * ours:.0f}", f"{1000 * theirs:.0f}", f"{theirs / ours:.2f}")
    facts = found[dtype][0].facts(dtype, ours)
    table.add_row(dtype, *times, f"{int(batch) / ours:.1f}", *facts)
  Console(width=100).print(table)


if __name__ == "__main__":
  main(*sys.argv[1:])
