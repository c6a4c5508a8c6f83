import copy
import dataclasses
import json

import numpy as np
import pytest
from rich.console import Console

from jppf_jax import build
from jppf_jax.evaluation import readings
from jppf_jax.evaluation.compare import load_comparison
from jppf_jax.evaluation.evaluate import evaluate, variants_summary
from jppf_jax.evaluation.readings import AS_CONFIGURED, TRIED, Readings, readings_of
from jppf_jax.fusion.config import PAPER, FusionConfig
from jppf_jax.structs import IGNORE


def test_every_field_of_the_config_is_tried_with_values_that_it_allows():
  assert set(TRIED) == {field.name for field in dataclasses.fields(FusionConfig)}
  found = readings_of(PAPER)
  assert next(iter(found.items())) == (AS_CONFIGURED, PAPER)
  assert len(set(found.values())) == len(found)
  for name, config in found.items():
    changed = [
      field.name
      for field in dataclasses.fields(config)
      if getattr(config, field.name) != getattr(PAPER, field.name)
    ]
    assert len(changed) == (name != AS_CONFIGURED)
    assert name == AS_CONFIGURED or name == f"{changed[0]}={getattr(config, changed[0])}"


def test_what_is_configured_is_not_tried_again_and_the_papers_choice_is():
  found = readings_of(FusionConfig(box_margin=0.08, stuff_fill="stuff_only"))
  assert "box_margin=0.08" not in found and "box_margin=0.0" in found
  assert "stuff_fill=stuff_only" not in found and "stuff_fill=semantic_argmax" in found
  for field in set(TRIED) - {"min_stuff_area", "fill_void"}:  # one is by size, one is added
    assert getattr(PAPER, field) in TRIED[field], field


@pytest.fixture
def few(monkeypatch):
  """Some of the readings only, because each of them is compiled."""
  kept = {"stuff_fill": ("stuff_only",), "score_threshold": (0.9,), "fill_void": (True,)}
  monkeypatch.setattr(readings, "TRIED", kept)


def test_an_evaluation_with_readings_has_their_scores_and_a_table(few, tiny_run, tmp_path, capsys):
  run = tiny_run.copy(tmp_path / "run")
  report = evaluate(tiny_run.config, run, pictures=0, readings=True)
  of_all = report["readings"]
  assert list(of_all) == list(readings_of(build.inference(build.run_config(run)).fusion))
  for method in ("joint", "top_down"):
    assert of_all[AS_CONFIGURED][method]["part_pq"] == report[method]["part_pq"]
    filled = of_all["fill_void=True"][method]["density"]["full"]
    assert filled == 1.0 >= report[method]["density"]["full"]
  folder = run / "evaluation" / "validation"
  assert json.loads((folder / "scores.json").read_text())["readings"].keys() == of_all.keys()
  page = (folder / "report.html").read_text()
  assert 'id="readings"' in page and "stuff_fill=stuff_only" in page
  Console(width=200).print(variants_summary(report, "readings"))
  printed = capsys.readouterr().out
  share = of_all["score_threshold=0.9"]["joint"]["density"]["full"]
  assert f"{100 * share:.1f}" in printed and "fill_void=True" in printed


def test_a_reading_answers_as_a_network_with_this_config(few, tiny_run):
  comparison = load_comparison(tiny_run.config, tiny_run.workdir / build.RUN_WEIGHTS)
  image = np.random.default_rng(0).integers(0, 256, (90, 150, 3), np.uint8)
  answers = dict(Readings.of(comparison).answers(image, np.zeros((90, 150), np.int32)))
  other = copy.copy(comparison)
  for name in ("stuff_fill=stuff_only", "fill_void=True"):
    config = readings_of(comparison.config)[name]
    found = Readings(other.model, other.variables, other.spec, size=other.size, config=config)(
      image
    )
    expected = found.joint_filled or found.joint
    np.testing.assert_array_equal(answers[name].joint.semantic, expected.semantic)
  assert (answers["fill_void=True"].joint.semantic != IGNORE).all()
