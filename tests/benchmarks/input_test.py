import json

from jppf_jax.benchmarks import input as benchmark
from jppf_jax.benchmarks import measure


def test_every_stage_and_format_is_measured_printed_and_written(tmp_path, capsys, monkeypatch):
  monkeypatch.setattr(measure, "REPEATS", 2)
  report = benchmark.run(tmp_path / "input.json", size=(64, 128), scenes=2, seconds=0.2)
  assert json.loads((tmp_path / "input.json").read_text()) == report
  assert set(report["stages_ms"]) == {"read", "labels", "image", "augment", "targets", "batch"}
  assert 0 < report["decode_share"] < 1 and report["pipeline"]["images_per_second_from_disk"] > 0
  assert 0 < report["pipeline"]["memory_mb"] < 500  # and not that of making the scenes
  assert all(0 < row["megabytes"] < 1 and row["ms"] > 0 for row in report["formats"].values())
  shown = capsys.readouterr().out
  assert (
    "row differences" in shown and "images/s from disk" in shown and "cores to feed it" in shown
  )
