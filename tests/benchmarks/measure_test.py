import numpy as np
import pytest
from PIL import Image

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


def test_calls_take_turns_and_the_first_round_is_not_counted(monkeypatch):
  seconds = {"a": iter([50, 1, 9, 2]), "b": iter([70, 4, 4, 40])}
  now = [0.0]
  order = []

  def call(name):
    order.append(name)
    now[0] += next(seconds[name])

  monkeypatch.setattr(measure.time, "perf_counter", lambda: now[0])
  found = measure.median_seconds({name: lambda name=name: call(name) for name in "ab"}, 3)
  assert found == {"a": 2, "b": 4}
  assert order == ["a", "b"] * 4


def test_a_compiled_program_has_its_results_and_its_memory():
  ones = np.ones((100, 100), np.float32)
  program = measure.compiled(lambda x, y: (x @ y) @ y, ones, 2 * ones)
  np.testing.assert_array_equal(program(), np.full((100, 100), 40000))
  assert program.seconds > 0 and 0.04 <= program.temporary_mb < 0.2  # one product at least


def test_a_machine_without_a_load_average_is_described_too(monkeypatch):
  monkeypatch.delattr(measure.os, "getloadavg")
  where = measure.machine()
  assert where["load"] is None and where["cores"] >= 1 and set(where["versions"]) >= {"jax"}
  assert measure.place_text({**where, "device": "cpu", "cores": 3}) == "cpu, 3 cores, load unknown"


def test_a_picture_is_a_png_with_its_pixels(tmp_path):
  pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
  measure.write_picture(tmp_path / "new" / "a.png", pixels)
  with Image.open(tmp_path / "new" / "a.png") as image:
    assert image.format == "PNG"
    np.testing.assert_array_equal(image, pixels)
