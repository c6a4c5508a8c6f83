import json

import jax.numpy as jnp
import pytest

from jppf_jax.benchmarks import inference as benchmark
from jppf_jax.benchmarks.network_stages import IMAGE, WHOLE, Stage
from tests.model_test import small_model

STAGES = (
  Stage("large", (IMAGE,), lambda net, image: jnp.outer(image.ravel()[:999], image.ravel()[:999])),
  Stage(
    "small",
    ("large",),
    lambda net, large: large[:4, :4] + net.normalise(jnp.ones((1, 1, 1, 3), jnp.uint8)).sum(),
  ),
  Stage(WHOLE, (IMAGE,), lambda net, image: jnp.sort(image.astype(jnp.float32), 1)),
)


@pytest.fixture
def small_stages(monkeypatch):
  calls = []

  def network(*values):
    calls.append(values)
    return small_model()

  monkeypatch.setattr(benchmark, "network", network)
  monkeypatch.setattr(benchmark.build, "init_variables", lambda key, net: {"params": {}})
  monkeypatch.setattr(benchmark, "STAGES", STAGES)
  return calls


def test_every_stage_is_measured_printed_and_written(tmp_path, capsys, small_stages):
  out = tmp_path / "inference.json"
  report = benchmark.run(out, encoder="b2", size=(64, 96), dtype="bfloat16", repeats=2)
  assert json.loads(out.read_text()) == report
  ((encoder, _, dtype),) = small_stages
  assert (encoder, dtype) == ("b2", jnp.bfloat16)
  rows = report["stages"]
  assert [row["stage"] for row in rows] == ["large", "small", WHOLE]
  assert all(row["seconds"] > 0 and row["compile_seconds"] > 0 for row in rows)
  assert all(row["rival_seconds"] is None for row in rows)
  shown = capsys.readouterr().out
  assert "B2, 64 x 96, bfloat16" in shown and "whole network" in shown
  assert max(map(len, shown.splitlines())) <= 80


def test_a_rival_is_measured_beside_with_our_results_as_input(capsys, small_stages):
  seen = []

  def rivals(results):
    return {"small": lambda: seen.append(results["large"].shape)}

  report = benchmark.run(None, size=(64, 96), repeats=3, rival="other", rivals=rivals)
  assert seen == [(999, 999)] * 4  # one call to warm up
  others = {row["stage"]: row["rival_seconds"] for row in report["stages"]}
  assert others["small"] > 0 and others["large"] is None is others[WHOLE]
  assert "other" in capsys.readouterr().out


def test_the_stages_with_the_most_bytes_beyond_the_ideal_are_named():
  bytes_and_ideal = {"a": (5.0, 4.0), "b": (90.0, 10.0), "c": (30.0, 1.0), "d": (2.0, 9.0)}
  rows = [
    {"stage": stage, "bytes": moved, "ideal_bytes": ideal}
    for stage, (moved, ideal) in {**bytes_and_ideal, WHOLE: (999.0, 1.0)}.items()
  ]
  assert benchmark.most_excess_bytes(rows) == ["b", "c", "a"]
