"""Data parallelism: the same step under `pmap` or under `shard_map`.

A step is `step(state, batch) -> (state, metrics)` and uses the axis `AXIS` for its reductions. Both
runners replicate the state, split the batch over the local devices of each process and donate the
old state. They give the same numbers (`tests/training/parallel_test.py`). `pmap` is the default;
JAX only maintains it, and `shard_map` replaces it if it is removed.

A runner takes only a state and a batch that it has put on the devices itself (`put_state`,
`put_batch`), so a step moves no data. `put_batch` starts a copy and does not wait for it
(`prefetch.py`).
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import numpy as np
from absl import logging
from jax.experimental.compilation_cache import compilation_cache
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

AXIS = "batch"

Step = Callable[[Any, Any], tuple[Any, Any]]


class PmapRunner:
  """The step under `jax.pmap(axis_name="batch")`.

  Args:
    step: maps the state and the batch of one replica to the new state and metrics.
  """

  def __init__(self, step: Step):
    self._step = jax.pmap(step, axis_name=AXIS, donate_argnums=0)
    mesh = Mesh(np.array(jax.local_devices()), (AXIS,))
    self._split = NamedSharding(mesh, P(AXIS))  # as pmap expects its arguments

  def put_state(self, host: Any) -> Any:
    """Copies a state of host arrays to all devices.

    As the step returns it: a state laid out in another way would make the second step compile anew.
    """
    devices = jax.local_device_count()
    copies = jax.tree.map(lambda x: np.broadcast_to(x, (devices, *np.shape(x))), host)
    return jax.device_put(copies, self._split)

  def get_state(self, state: Any) -> Any:
    """Returns a state on the devices as host arrays."""
    return jax.tree.map(lambda x: np.asarray(_first_shard(x))[0], state)

  def put_batch(self, host: Any) -> Any:
    """Starts to copy a batch of host arrays, split over the devices.

    Raises:
      ValueError: the number of images is no multiple of the number of devices.
    """
    devices = jax.local_device_count()
    check_divisible(_images(host), devices)
    by_device = jax.tree.map(lambda x: x.reshape(devices, -1, *x.shape[1:]), host)
    return jax.device_put(by_device, self._split)

  def compile(self, state: Any, batch: Any) -> jax.stages.Compiled:
    """Returns the compiled step, for arguments like these, which `put_state` and `put_batch` gave.

    It is called as the runner; its state and metrics are laid out as on the devices.
    """
    return self._step.lower(state, batch).compile()

  def __call__(self, state: Any, batch: Any) -> tuple[Any, Any]:
    """Returns the new state on the devices, and metrics on the first device."""
    state, metrics = self._step(state, batch)
    return state, jax.tree.map(lambda x: _first_shard(x)[0], metrics)


class ShardMapRunner:
  """The step under `jit(shard_map(check_vma=False))`, which has the semantics of pmap.

  Args:
    step: maps the state and the batch of one replica to the new state and metrics.
  """

  def __init__(self, step: Step):
    mesh = Mesh(np.array(jax.devices()), (AXIS,))
    self._replicated, self._split = NamedSharding(mesh, P()), NamedSharding(mesh, P(AXIS))
    sharded = jax.shard_map(
      step, mesh=mesh, in_specs=(P(), P(AXIS)), out_specs=(P(), P()), check_vma=False
    )
    self._step = jax.jit(sharded, donate_argnums=0)

  def put_state(self, host: Any) -> Any:
    """Copies a state of host arrays to all devices."""
    copies = jax.tree.map(np.array, host)
    put = partial(jax.make_array_from_process_local_data, self._replicated)
    return jax.tree.map(put, copies)

  def get_state(self, state: Any) -> Any:
    """Returns a state on the devices as host arrays."""
    return jax.tree.map(lambda x: np.asarray(_first_shard(x)), state)

  def put_batch(self, host: Any) -> Any:
    """Starts to copy a batch of host arrays, split over the devices.

    Raises:
      ValueError: the number of images is no multiple of the number of devices.
    """
    check_divisible(_images(host), jax.local_device_count())
    put = partial(jax.make_array_from_process_local_data, self._split)
    return jax.tree.map(lambda x: put(np.asarray(x)), host)

  def compile(self, state: Any, batch: Any) -> jax.stages.Compiled:
    """Returns the compiled step, for arguments like these, which `put_state` and `put_batch` gave.

    It is called as the runner; its state and metrics are laid out as on the devices.
    """
    return self._step.lower(state, batch).compile()

  def __call__(self, state: Any, batch: Any) -> tuple[Any, Any]:
    """Returns the new state on the devices, and metrics on the first device."""
    state, metrics = self._step(state, batch)
    return state, jax.tree.map(_first_shard, metrics)


def _first_shard(array: jax.Array) -> jax.Array:
  """The part of an array that is on the first local device; it stays there."""
  return array.addressable_shards[0].data


def _images(batch: Any) -> int:
  """The number of images in a batch."""
  return len(jax.tree.leaves(batch)[0])


Runner = PmapRunner | ShardMapRunner
RUNNERS: dict[str, type[Runner]] = {"pmap": PmapRunner, "shard_map": ShardMapRunner}


def check_divisible(batch_size: int, devices: int, *, parts: int = 1) -> None:
  """Checks that all devices get equal shares of a batch, and that these have equal parts.

  Args:
    batch_size: number of images, of all processes together or of one.
    devices: that share them.
    parts: of the share of a device, for gradient accumulation.

  Raises:
    ValueError: `batch_size` is no multiple of `devices`, or of `devices * parts`.
  """
  if batch_size % (devices * parts):
    of_parts = f" in {parts} parts (config.train.accumulate)" if parts > 1 else ""
    raise ValueError(
      f"A batch of {batch_size} images does not divide by {devices} devices{of_parts}; "
      f"set config.data.batch_size to a multiple of {jax.device_count() * parts}."
    )


def avoid_unsafe_cache() -> None:
  """Switches JAX's persistent compilation cache off if a step runs on several CPU devices.

  jaxlib 0.10 (0.10.2 at least) loads CPU programs from the cache with one number for all their
  reductions. The devices then mix up the data of different reductions, and memory is corrupted. One
  CPU device and GPUs are not concerned.
  """
  settings = jax.config.values
  cached = settings["jax_compilation_cache_dir"] and settings["jax_enable_compilation_cache"]
  if not cached or jax.default_backend() != "cpu" or jax.device_count() == 1:
    return
  logging.warning("Several CPU devices: the compilation cache is switched off, it is not safe.")
  jax.config.update("jax_enable_compilation_cache", False)
  compilation_cache.reset_cache()  # JAX asks only once whether to use it


def make_runner(name: str, step: Step) -> Runner:
  """Returns the runner called `name`: "pmap" or "shard_map".

  Raises:
    ValueError: there is no such runner.
  """
  avoid_unsafe_cache()
  if name not in RUNNERS:
    raise ValueError(f"config.parallel must be one of {sorted(RUNNERS)}; got {name!r}.")
  return RUNNERS[name](step)
