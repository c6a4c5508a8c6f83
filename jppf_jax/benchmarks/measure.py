"""How benchmarks measure time and memory."""

import multiprocessing
import re
import resource
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

REPEATS = 7


def median_ms(function: Callable[[], object]) -> float:
  """Returns the median processor time of a call, milliseconds, over `REPEATS` calls.

  A first call is not counted: it may import, compile or fill a cache. Processor time is that of all
  threads, and nearly independent of what else the machine does.
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
  context = multiprocessing.get_context("spawn")
  return ProcessPoolExecutor(1, mp_context=context)


def peak_memory_mb() -> float:
  """Returns the most memory that this process has held, MB.

  On Linux this is the process's own peak; `getrusage` would start from that of its parent.
  """
  status = Path("/proc/self/status")
  if status.exists():
    peak = re.search(r"VmHWM:\s+(\d+) kB", status.read_text())
    if peak:
      return int(peak[1]) / 1024
  peak_rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
  kib = peak_rss / 1024 if sys.platform == "darwin" else peak_rss  # macOS counts bytes
  return kib / 1024
