import numpy as np
import pytest

from jppf_jax.benchmarks import measure


def test_the_median_is_of_the_calls_after_the_first(monkeypatch):
  clock = iter(np.cumsum([0, 1, 0, 9, 0, 2]))  # seconds: three calls of 1, 9 and 2
  monkeypatch.setattr(measure, "REPEATS", 3)
  monkeypatch.setattr(measure.time, "process_time", lambda: next(clock))
  calls = []
  assert measure.median_ms(lambda: calls.append(1)) == pytest.approx(2000)
  assert len(calls) == 4


def _hold(megabytes):
  """Returns the bytes of a block of memory and by how much it raised the peak, MB."""
  before = measure.peak_memory_mb()
  size = np.ones(megabytes * 1_000_000, np.uint8).nbytes  # freed again: the peak stays
  return size, measure.peak_memory_mb() - before


def test_memory_of_another_process_is_its_own():
  held = np.ones(300_000_000, np.uint8)
  with measure.own_process() as process:
    start = process.submit(measure.peak_memory_mb).result()
    size, increase = process.submit(_hold, 50).result()
  assert 40 < increase < 100 and size < held.nbytes
  assert start < measure.peak_memory_mb() - 200  # a fork would start with the block held here


def test_without_proc_the_peak_is_in_the_same_unit(monkeypatch, tmp_path):
  peak = measure.peak_memory_mb()
  monkeypatch.setattr(measure, "Path", lambda _: tmp_path / "missing")
  assert peak / 2 < measure.peak_memory_mb() < 100 * peak
