"""Compiled programs that benchmarks measure by turns, and what they ran on."""

import os
import platform
import statistics
import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict, TypeVar

import jax
import numpy as np
from jaxtyping import UInt8
from PIL import Image

from jppf_jax.evaluation.program_cost import program_cost
from jppf_jax.labels.formats.files import write_image

Name = TypeVar("Name", bound=Hashable)


class Machine(TypedDict):
  """Where a measurement ran.

  `load`: processes that wanted a core at the start, on average; None if the system does not say.
  """

  device: str
  cores: int
  load: float | None
  versions: dict[str, str]


@dataclass(frozen=True)
class Compiled:
  """A compiled program with its inputs.

  Attributes:
    program: of `jax.jit(...).lower(...).compile()`.
    arguments: its inputs.
    seconds: of the compilation.
  """

  program: Any
  arguments: tuple[Any, ...]
  seconds: float

  def __call__(self) -> Any:
    """Returns the results, computed."""
    return jax.block_until_ready(self.program(*self.arguments))

  @property
  def temporary_mb(self) -> float:
    """Megabytes that the program needs beside inputs and outputs, as the compiler says."""
    return program_cost(self.program).temporaries / 1e6


class Cost(TypedDict):
  """Of one call. `temporary_mb` is what the compiled program needs beside inputs and outputs, as
  the compiler says; None: not known.
  """

  seconds: float
  compile_seconds: float | None
  temporary_mb: float | None


def machine() -> Machine:
  """Returns what this process runs on, now."""
  return {
    "device": jax.devices()[0].device_kind,
    "cores": os.cpu_count() or 1,
    "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
    "versions": {"python": platform.python_version(), "jax": jax.__version__},
  }


def place_text(where: Machine) -> str:
  """Returns a machine as a phrase, e.g. "cpu, 2 cores, load 1.5"."""
  load = "unknown" if where["load"] is None else f"{where['load']:.1f}"
  return f"{where['device']}, {where['cores']} cores, load {load}"


def compiled(function: Callable[..., Any], *arguments: Any) -> Compiled:
  """Compiles a function for its arguments, which are on the device before it is called."""
  start = time.perf_counter()
  program = jax.jit(function).lower(*arguments).compile()
  seconds = time.perf_counter() - start
  return Compiled(program, jax.device_put(arguments), seconds)


def cost_of(call: Callable[[], object], seconds: float) -> Cost:
  """Returns what a call costs.

  Args:
    call: a compiled program, or anything else, of which only the time is known.
    seconds: of one call.
  """
  if not isinstance(call, Compiled):
    return {"seconds": seconds, "compile_seconds": None, "temporary_mb": None}
  megabytes = call.temporary_mb
  return {"seconds": seconds, "compile_seconds": call.seconds, "temporary_mb": megabytes}


def median_seconds(calls: Mapping[Name, Callable[[], object]], repeats: int) -> dict[Name, float]:
  """Returns the median seconds of each call, by its name.

  One round calls all once, so that a change of the machine's load meets all of them. A first round
  is not counted.

  Args:
    calls: each returns when its work is done.
    repeats: rounds.
  """
  times: dict[Name, list[float]] = {name: [] for name in calls}
  for counted in (False, *[True] * repeats):
    for name, call in calls.items():
      start = time.perf_counter()
      call()
      if counted:
        times[name].append(time.perf_counter() - start)
  return {name: statistics.median(values) for name, values in times.items()}


def write_picture(path: str | Path, picture: UInt8[np.ndarray, "H W 3"]) -> None:
  """Writes a PNG file."""
  write_image(Path(path), Image.fromarray(picture), format="PNG")
