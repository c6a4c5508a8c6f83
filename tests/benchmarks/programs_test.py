import numpy as np
from PIL import Image

from jppf_jax.benchmarks import programs


def test_calls_take_turns_and_the_first_round_is_not_counted(monkeypatch):
  seconds = {"a": iter([50, 1, 9, 2]), "b": iter([70, 4, 4, 40])}
  now = [0.0]
  order = []

  def call(name):
    order.append(name)
    now[0] += next(seconds[name])

  monkeypatch.setattr(programs.time, "perf_counter", lambda: now[0])
  found = programs.median_seconds({name: lambda name=name: call(name) for name in "ab"}, 3)
  assert found == {"a": 2, "b": 4}
  assert order == ["a", "b"] * 4


def test_a_compiled_program_has_its_results_and_its_memory():
  ones = np.ones((100, 100), np.float32)
  program = programs.compiled(lambda x, y: (x @ y) @ y, ones, 2 * ones)
  np.testing.assert_array_equal(program(), np.full((100, 100), 40000))
  assert program.seconds > 0 and 0.04 <= program.temporary_mb < 0.2  # one product at least


def test_a_machine_without_a_load_average_is_described_too(monkeypatch):
  monkeypatch.delattr(programs.os, "getloadavg")
  where = programs.machine()
  assert where["load"] is None and where["cores"] >= 1 and set(where["versions"]) >= {"jax"}
  assert programs.place_text({**where, "device": "cpu", "cores": 3}) == "cpu, 3 cores, load unknown"


def test_a_picture_is_a_png_with_its_pixels(tmp_path):
  pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
  programs.write_picture(tmp_path / "new" / "a.png", pixels)
  with Image.open(tmp_path / "new" / "a.png") as image:
    assert image.format == "PNG"
    np.testing.assert_array_equal(image, pixels)
