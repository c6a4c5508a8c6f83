"""Compiles a training step for an H200 on a machine without one: memory and time of compilation.

`python -m tests.stress.gpu_memory CONFIG [PATH=VALUE ...]`, for example `cpp data.batch_size=2
model.dtype=bfloat16 model.remat=True`. Needs `jax[cuda12]`, no GPU and no driver. The target is
XLA's description of the card, read off one; kernels are not tuned, which takes the card itself.
"""

import ast
import functools
import importlib
import os
import sys
import time
from typing import Any

os.environ["JAX_PLATFORMS"] = "cpu"  # the plugin is asked for a description, not for devices

import jax
import ml_collections
import numpy as np
from jax.experimental import topologies
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from jppf_jax import build
from jppf_jax.evaluation.program_cost import program_cost
from jppf_jax.structs import Batch
from jppf_jax.training import starting
from jppf_jax.training.parallel import AXIS
from jppf_jax.training.state import create_state

H200 = """
gpu_device_info {
  threads_per_block_limit: 1024 threads_per_warp: 32 shared_memory_per_block: 49152
  shared_memory_per_core: 233472 threads_per_core_limit: 2048 core_count: 132 fpus_per_core: 128
  block_dim_limit_x: 2147483647 block_dim_limit_y: 65535 block_dim_limit_z: 65535
  memory_bandwidth: 4800000000000 l2_cache_size: 62914560 clock_rate_ghz: 1.98
  device_memory_size: 150000000000 shared_memory_per_block_optin: 232448
  cuda_compute_capability { major: 9 }
  registers_per_core_limit: 65536 registers_per_block_limit: 65536
}
platform_name: "CUDA"
dnn_version_info { major: 9 minor: 10 }
device_description_str: "NVIDIA H200"
"""


def changed(name: str, changes: list[str]) -> ml_collections.ConfigDict:
  """Returns a config that starts from random weights, with `PATH=VALUE` changes."""
  config = importlib.import_module(f"jppf_jax_configs.{name}").get_config().unlock()
  config.model.update(pretrained="", imagenet="")
  for change in changes:
    path, text = change.split("=", 1)
    *sections, value = path.split(".")
    section = functools.reduce(lambda inner, key: inner[key], sections, config)
    try:
      section[value] = ast.literal_eval(text)
    except ValueError:
      section[value] = text  # a word
  return config.lock()


def shapes(config: ml_collections.ConfigDict, run: build.Training) -> tuple[Any, Batch]:
  """Returns the shapes of the state and of a batch."""
  of = jax.ShapeDtypeStruct
  images, objects = config.data.batch_size, config.data.max_objects
  size = (images, *config.data.train_size)
  labels = [of(size, np.uint8) for _ in range(3)]
  boxes, ids = of((images, objects, 4), np.float32), of((images, objects), np.int32)
  valid, covered = of((images, objects), bool), of((images, 2), np.int32)
  batch = Batch(of((*size, 3), np.uint8), *labels, boxes, ids, valid, covered)
  make = functools.partial(create_state, optimizer=run.optimizer, ema=run.ema_decay > 0)
  return jax.eval_shape(make, build.variable_shapes(run.model)), batch


def main(name: str, *changes: str) -> None:
  config = changed(name, list(changes))
  run = build.training(config, axis_name=AXIS)
  card = topologies.get_topology_desc(
    platform="cuda", topology_name="h200", topology="1x1x1", target_config=H200
  )
  mesh = Mesh(np.array(card.devices).reshape(1), (AXIS,))
  step = starting.step_of(run, freeze_norm=False)
  specs = {"in_specs": (P(), P(AXIS)), "out_specs": (P(), P())}
  mapped = jax.shard_map(step, mesh=mesh, check_vma=False, **specs)
  places = (NamedSharding(mesh, P()), NamedSharding(mesh, P(AXIS)))
  program = jax.jit(mapped, donate_argnums=0, in_shardings=places)
  start = time.monotonic()
  lowered = program.lower(*shapes(config, run))
  tracing = time.monotonic() - start
  compiled = lowered.compile()
  compiling = time.monotonic() - start - tracing
  cost = program_cost(compiled)
  print(
    f"{name} {' '.join(changes)}: temporaries {cost.temporaries / 1e9:.2f} GB, "
    f"state and batch {cost.inputs / 1e9:.2f} GB; "
    f"traced in {tracing:.0f} s, compiled in {compiling:.0f} s"
  )


if __name__ == "__main__":
  main(*sys.argv[1:])
