import json

import jax.numpy as jnp
import pytest
from PIL import Image

from jppf_jax.benchmarks import inference as benchmark
from jppf_jax.benchmarks import run_times
from jppf_jax.benchmarks.network_stages import IMAGE, WHOLE, Stage
from jppf_jax.benchmarks.programs import compiled
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


def small_programs(net, variables, image, heads, spec):
  """Something of the right names, from the arguments that the programs are made of."""
  semantic, part, found = heads
  assert 4 * semantic.shape[0] == image.shape[1] and spec.num_part_outputs == part.shape[-1]
  program = compiled(lambda x: jnp.sort(x) + 1, found.scores)
  names = (
    run_times.PANOPTIC_NETWORK,
    run_times.PART_NETWORK,
    run_times.FUSION,
    run_times.MERGE,
    run_times.JOINT,
    run_times.ONE_PROGRAM,
  )
  return dict.fromkeys(names, program)


@pytest.fixture
def small_stages(monkeypatch):
  calls = []

  def network(*values):
    calls.append(values)
    return small_model()

  monkeypatch.setattr(benchmark, "network", network)
  monkeypatch.setattr(benchmark.build, "init_variables", lambda key, net: {"params": {}})
  monkeypatch.setattr(benchmark, "STAGES", STAGES)
  monkeypatch.setattr(benchmark.run_times, "compile_programs", small_programs)
  return calls


def test_every_stage_is_measured_printed_written_and_drawn(tmp_path, capsys, small_stages):
  out, picture = tmp_path / "inference.json", tmp_path / "systems.png"
  settings = {"encoder": "b2", "size": (64, 96), "dtype": "bfloat16", "detections": 7}
  report = benchmark.run(out, **settings, repeats=2, picture=picture)
  assert json.loads(out.read_text()) == report
  ((encoder, _, dtype, detections),) = small_stages
  assert (encoder, dtype, detections) == ("b2", jnp.bfloat16, 7)
  rows = report["stages"]
  stages = [row["stage"] for row in rows]
  assert stages[:3] == ["large", "small", WHOLE] and run_times.ONE_PROGRAM in stages[3:]
  assert report["most_excess_bytes"][0] == "large" and len(report["most_excess_bytes"]) == 2
  assert [row["system"] for row in report["systems"]] == ["Baseline*", "JPPF, merged", "JPPF"]
  with Image.open(picture) as image:
    assert image.size[0] > 500
  assert all(row["seconds"] > 0 and row["compile_seconds"] > 0 for row in rows)
  assert all(row["rival_seconds"] is None for row in rows)
  shown = capsys.readouterr().out
  assert "B2, 64 x 96, bfloat16, 7 detections" in shown and "whole network" in shown
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
