"""Data parallelism in one place: the same step under `pmap` or under `shard_map`.

A step is `step(state, batch) -> (state, metrics)` and uses the axis `AXIS` for its reductions. Both
runners keep the state replicated, split the batch over the local devices of every process and
donate the old state. They give the same numbers (`tests/training/parallel_test.py`). `pmap` is the
documented default; upstream keeps it in maintenance mode, and `shard_map` is the way out should it
go.

A runner steps what it has put on the devices itself (`put_state`, `put_batch`), so that a step
moves no data; a copy is started, not waited for (`prefetch.py`).
"""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from flax import jax_utils
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

AXIS = "batch"

Step = Callable[[Any, Any], tuple[Any, Any]]


class PmapRunner:
  """The step under `jax.pmap(axis_name="batch")`: puts a state on the devices, steps it, gets it
  back as NumPy.
  """

  def __init__(self, step: Step):
    self._step = jax.pmap(step, axis_name=AXIS, donate_argnums=0)
    self._split = NamedSharding(
      Mesh(np.array(jax.local_devices()), (AXIS,)), P(AXIS)
    )  # where pmap wants its arguments

  def put_state(self, host: Any) -> Any:
    return jax_utils.replicate(host)

  def get_state(self, state: Any) -> Any:
    return jax.tree.map(lambda x: np.asarray(x.addressable_shards[0].data)[0], state)

  def put_batch(self, host: Any) -> Any:
    devices = jax.local_device_count()
    check_divisible(jax.tree.leaves(host)[0].shape[0], devices)
    return jax.device_put(
      jax.tree.map(lambda x: x.reshape(devices, -1, *x.shape[1:]), host), self._split
    )

  def __call__(self, state: Any, batch: Any) -> tuple[Any, Any]:
    state, metrics = self._step(state, batch)
    return state, jax.tree.map(lambda x: x.addressable_shards[0].data[0], metrics)


class ShardMapRunner:
  """The step under `jit(shard_map(check_vma=False))`, which has the semantics of pmap."""

  def __init__(self, step: Step):
    self._mesh = Mesh(np.array(jax.devices()), (AXIS,))
    sharded = jax.shard_map(
      step, mesh=self._mesh, in_specs=(P(), P(AXIS)), out_specs=(P(), P()), check_vma=False
    )
    self._step = jax.jit(sharded, donate_argnums=0)

  def put_state(self, host: Any) -> Any:
    replicated = NamedSharding(self._mesh, P())
    return jax.tree.map(
      lambda x: jax.make_array_from_process_local_data(replicated, np.array(x)), host
    )

  def get_state(self, state: Any) -> Any:
    return jax.tree.map(lambda x: np.asarray(x.addressable_shards[0].data), state)

  def put_batch(self, host: Any) -> Any:
    check_divisible(jax.tree.leaves(host)[0].shape[0], jax.local_device_count())
    split = NamedSharding(self._mesh, P(AXIS))
    return jax.tree.map(
      lambda x: jax.make_array_from_process_local_data(split, np.asarray(x)), host
    )

  def __call__(self, state: Any, batch: Any) -> tuple[Any, Any]:
    state, metrics = self._step(state, batch)
    return state, jax.tree.map(lambda x: x.addressable_shards[0].data, metrics)


Runner = PmapRunner | ShardMapRunner
RUNNERS = {"pmap": PmapRunner, "shard_map": ShardMapRunner}


def check_divisible(batch_size: int, devices: int) -> None:
  """Raises ValueError where a process's share of the batch does not split evenly over its devices."""
  if batch_size % devices:
    raise ValueError(
      f"A batch of {batch_size} images per process does not divide by its {devices} devices; "
      f"set config.data.batch_size to a multiple of {devices * jax.process_count()}."
    )


def make_runner(name: str, step: Step) -> Runner:
  """Returns the runner called `name`: "pmap" or "shard_map"."""
  if name not in RUNNERS:
    raise ValueError(f"config.parallel must be one of {sorted(RUNNERS)}; got {name!r}.")
  return RUNNERS[name](step)
