import json

from jppf_jax.benchmarks import input as benchmark
from jppf_jax.benchmarks import measure


def test_every_stage_and_format_is_measured_printed_and_written(tmp_path, capsys, monkeypatch):
  monkeypatch.setattr(measure, "REPEATS", 2)
  report = benchmark.run(tmp_path / "input.json", size=(64, 128), scenes=2, seconds=0.2)
  written = json.loads((tmp_path / "input.json").read_text())
  assert written == report
  assert set(report["stages_ms"]) == {"read", "labels", "image", "augment", "targets", "batch"}
  assert 0 < report["decode_share"] < 1
  assert all(speed > 0 for speed in report["pipeline"].values())
  assert report["pipeline"]["memory_mb"] < 500  # without that of making the scenes
  assert all(0 < row["megabytes"] < 1 and row["ms"] > 0 for row in report["formats"].values())
  shown = capsys.readouterr().out
  for text in ("row differences", "images/s from disk", "cores to feed it"):
    assert text in shown
