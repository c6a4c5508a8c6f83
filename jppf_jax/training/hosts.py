"""Training on several hosts, or in several processes: each runs the same command."""

import jax
import numpy as np
from jax.experimental import multihost_utils

from jppf_jax.config_rules import ConfigError


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
  if processes is not None and process is not None and not 0 <= process < processes:
    raise ConfigError(
      f"--process_id counts from 0 to --num_processes - 1; got {process} of {processes}."
    )
  try:
    jax.distributed.initialize(coordinator, processes, process)
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
