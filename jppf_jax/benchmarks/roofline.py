"""What a compiled program computes and moves, and how long that takes an H100 at least."""

from typing import TypedDict

import jax

from jppf_jax.evaluation.program_cost import program_cost

H100_FLOPS = {"float32": 67e12, "bfloat16": 989e12}  # per second: SXM, dense, datasheet
H100_BYTES = 3.35e12  # per second


class Work(TypedDict):
  """The work of one program.

  `bytes` is what the program compiled for this machine reads and writes, `ideal_bytes` its inputs,
  weights and outputs, each once; `temporary_mb` the peak of intermediate results. `h100_ms` is the
  time of the floating-point operations or of the ideal bytes, whichever is longer.
  """

  gflop: float
  bytes: float
  ideal_bytes: float
  temporary_mb: float
  h100_ms: float
  h100_limit: str


def work(compiled: jax.stages.Compiled, dtype: str) -> Work:
  """Returns the work of a compiled program, as XLA counts it.

  XLA counts the body of a loop once, so programs with `ops.winograd`'s strips count too little.

  Args:
    compiled: of `jax.jit(...).lower(...).compile()`.
    dtype: of the products, a key of `H100_FLOPS`.
  """
  cost = program_cost(compiled)
  ideal_bytes = cost.inputs + cost.outputs
  milliseconds, limit = h100(cost.flops, ideal_bytes, dtype)
  return {
    "gflop": cost.flops / 1e9,
    "bytes": cost.moved,
    "ideal_bytes": ideal_bytes,
    "temporary_mb": cost.temporaries / 1e6,
    "h100_ms": milliseconds,
    "h100_limit": limit,
  }


def h100(flops: float, moved: float, dtype: str) -> tuple[float, str]:
  """Returns the shortest possible time on an H100, milliseconds, and what limits it.

  Args:
    flops: floating-point operations.
    moved: bytes.
    dtype: of the products.
  """
  computing, moving = flops / H100_FLOPS[dtype], moved / H100_BYTES
  if computing > moving:
    return 1000 * computing, "compute"
  return 1000 * moving, "memory"
