"""What the compiler says of a program: its memory, its operations."""

import math
from dataclasses import dataclass

import jax


@dataclass(frozen=True)
class ProgramCost:
  """Of one call, per device. XLA counts the body of a loop once.

  Attributes:
    flops: floating-point operations; 0 if they are not counted.
    moved: bytes that are read and written; 0 if they are not counted.
    inputs: bytes of the arguments; NaN if the compiler does not say, as the next two.
    outputs: bytes of the results.
    temporaries: bytes that are needed beside these.
  """

  flops: float
  moved: float
  inputs: float
  outputs: float
  temporaries: float


def program_cost(compiled: jax.stages.Compiled) -> ProgramCost:
  """Returns what a call of a program costs.

  Args:
    compiled: of `jax.jit(...).lower(...).compile()`.
  """
  counted, memory = compiled.cost_analysis() or {}, compiled.memory_analysis()

  def size(name: str) -> float:
    return float(getattr(memory, f"{name}_size_in_bytes", math.nan))

  return ProgramCost(
    flops=float(counted.get("flops", 0.0)),
    moved=float(counted.get("bytes accessed", 0.0)),
    inputs=size("argument"),
    outputs=size("output"),
    temporaries=size("temp"),
  )
