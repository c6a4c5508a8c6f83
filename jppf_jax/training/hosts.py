"""Training on several hosts, or in several processes: each runs the same command."""

import contextlib
import pickle
import re
import sys
from collections.abc import Callable, Iterator
from typing import TypeVar

import jax
import numpy as np
from jax.experimental import multihost_utils

from jppf_jax.config_rules import ConfigError
from jppf_jax.leaving import leave

Picklable = TypeVar("Picklable")

_HEARTBEAT = 30  # seconds without a sign of life after which a process counts as lost


def join(
  coordinator: str | None = None, processes: int | None = None, process: int | None = None
) -> None:
  """Connects this process with the others of a run; call it before anything else uses JAX.

  All processes then train as one: each reads its share of the images, the first one writes. The
  folders of data and of the run must be the same for all.

  Args:
    coordinator: "host:port" of the first process, which all others can reach. None: the cluster's
      environment says where it is (SLURM, Open MPI, Cloud TPU, Kubernetes), and the rest too.
    processes: how many there are.
    process: the number of this one, from 0.

  Raises:
    ConfigError: something is missing or not possible.
    ConfigError: there is no cluster, or the other processes did not come.
  """
  given = (coordinator, processes, process)
  if None in given and given != (None, None, None):
    raise ConfigError(
      "Several processes need --coordinator=HOST:PORT, --num_processes=N and --process_id=K, all "
      f"three; got {coordinator}, {processes}, {process}. On a cluster that says so itself: "
      "--distributed alone."
    )
  if coordinator is not None and not re.fullmatch(r".+:\d+", coordinator):
    raise ConfigError(
      f"--coordinator is HOST:PORT, the address of the first process; got {coordinator!r}."
    )
  if processes is not None and process is not None and not 0 <= process < processes:
    raise ConfigError(
      f"--process_id counts from 0 to --num_processes - 1; got {process} of {processes}."
    )
  try:
    jax.distributed.initialize(
      coordinator, processes, process, heartbeat_timeout_seconds=_HEARTBEAT
    )
  except (ValueError, RuntimeError) as error:
    where = "the environment names no cluster" if coordinator is None else coordinator
    first = str(error).strip().splitlines()[0]
    message = f"The processes of this run did not find each other ({where}): {first}"
    raise ConfigError(message) from error


def of_first_process(value: bool) -> bool:
  """Returns the value that the first process has; all must call it together."""
  if jax.process_count() == 1:
    return value
  return bool(multihost_utils.broadcast_one_to_all(np.array(value)))


def gathered(value: Picklable) -> list[Picklable]:
  """Returns the values that all processes have, in their order; all must call it together."""
  if jax.process_count() == 1:
    return [value]
  own = np.frombuffer(pickle.dumps(value), np.uint8)
  sizes = multihost_utils.process_allgather(np.array(own.size))
  padded = np.zeros(sizes.max(), np.uint8)
  padded[: own.size] = own
  rows = multihost_utils.process_allgather(padded)
  return [pickle.loads(row[:size].tobytes()) for row, size in zip(rows, sizes)]


@contextlib.contextmanager
def together(before_leaving: Callable[[], object]) -> Iterator[None]:
  """Ends this process, with status 1 and a message, if the others of the run cannot be reached.

  It ends at once: whatever closes files or says goodbye would wait for the processes that are lost.
  With a single process, errors are raised as always.

  Args:
    before_leaving: called before the process ends.
  """
  try:
    yield
  except jax.errors.JaxRuntimeError as error:
    if jax.process_count() == 1:
      raise
    before_leaving()
    [first, *_] = str(error).splitlines()
    message = (
      f"Process {jax.process_index()} cannot go on: {first}\nIf another process of the run has "
      "ended, it says why. The same command on all hosts goes on from the last checkpoint."
    )
    print(message, file=sys.stderr)
    leave(1)
