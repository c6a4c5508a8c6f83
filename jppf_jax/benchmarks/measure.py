"""How time and memory are measured: medians, compile time apart, a process of its own for memory."""

import multiprocessing
import re
import resource
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

REPEATS = 7


def median_ms(function: Callable[[], Any]) -> float:
  """Returns the median processor time of a call, milliseconds, over `REPEATS` calls.

  A first call is not counted. Processor time does not depend on what else the machine does.
  """
  function()
  times = []
  for _ in range(REPEATS):
    start = time.process_time()
    function()
    times.append(time.process_time() - start)
  return 1000 * float(np.median(times))


def own_process() -> ProcessPoolExecutor:
  """Returns an executor of one new process, whose peak memory is that of its own work."""
  return ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))


def peak_memory_mb() -> float:
  """Returns the most memory that this process has held, MB.

  On Linux this is the process's own peak; `getrusage` would start from that of its parent.
  """
  status = Path("/proc/self/status")
  if status.exists():
    found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text())
    if found:
      return int(found[1]) / 1024
  return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
