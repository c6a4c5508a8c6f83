import dataclasses
import re

import pytest

from jppf_jax.report import summary
from jppf_jax.report.read import read
from tests.report import small


@pytest.fixture(scope="module")
def evaluation(tmp_path_factory):
  return read(small.write(tmp_path_factory.mktemp("runs") / "run"))


def test_scores_of_both_methods_stand_side_by_side_with_their_difference(evaluation):
  made = summary.summary(evaluation)
  values = [evaluation.scores[m]["part_pq"]["all"]["part_pq"] for m in ("joint", "top_down")]
  joint, top_down = (f"{100 * value:.1f}" for value in values)
  row = re.search("PartPQ All</th>(.*?)</tr>", made)[1]
  assert row == f'<td class="best">{joint}</td><td>{top_down}</td>'
  density = re.search("Density</th>(.*?)</tr>", made)[1]
  assert density == "<td>100.0</td><td>100.0</td>"  # a tie
  points = float(joint) - float(top_down)
  assert f'<strong>{joint}</strong><small><span class="up">+{points:.1f}</span>' in made
  assert "semantic head, mIoU</th><td>50.0</td>" in made


def test_the_ap_of_fused_scores_belongs_to_the_row_above(evaluation):
  heads = {"instance_ap": {"ap": 0.4}, "instance_ap_fused": {"ap": 0.3, "min_score": 0.5}}
  made = summary.summary(
    dataclasses.replace(evaluation, scores={**evaluation.scores, "heads": heads})
  )
  row = '<tr class="sub"><th scope="row">AP of scores above 0.5</th><td>30.0</td></tr>'
  assert f"instance head, AP</th><td>40.0</td></tr>{row}" in made


def test_the_papers_figures_stand_beside_ours_in_its_setting_only(evaluation):
  assert "paper" not in summary.summary(evaluation)
  data = {"name": "cityscapes_panoptic_parts", "eval_size": [1024, 2048]}
  config = {"data": {**data, "eval_split": "validation"}, "model": {"encoder": "b5"}}
  scores = {**evaluation.scores, "testing": {"scales": [1.0], "flip": False}}
  same = dataclasses.replace(evaluation, config=config, scores=scores)
  made = summary.summary(same)
  assert "the paper’s joint fusion" in made
  assert re.search("PartPQ P</th>.*?<td>47.7</td><td>47.5</td></tr>", made)
  mirrored = {**scores, "testing": {"scales": [1.0], "flip": True}}
  assert "paper" not in summary.summary(dataclasses.replace(same, scores=mirrored))
  assert "paper" not in summary.summary(dataclasses.replace(same, title="train"))


def test_training_names_what_was_trained_and_how_long(evaluation):
  made = summary.training(evaluation)
  facts = dict(re.findall("<dt>(.*?)</dt><dd>(.*?)</dd>", made))
  assert facts["seed"] == "3" and facts["dataset"] == "scenes"
  assert facts["steps"] == "300" and facts["training time"] == "10.0 min"  # 300 steps, 2 s each
  assert facts["parameters"] == "1.25 M" and facts["evaluated with"] == "jax 1.2.3"
  assert facts["trained with"] == "jax 1.2.2, commit abc"
  assert (facts["trained"], facts["evaluated"]) == ("2019-12-31", "2020-01-01")
  assert facts["prediction"] == "0.25 s per image"
  assert "&quot;eval_split&quot;: &quot;validation&quot;" in made
  assert made.count("<figure>") == 2  # the loss and the speed


def test_the_training_time_adds_up_windows_of_different_speeds(evaluation):
  metrics = [
    {"step": 100, "steps_per_second": 1.0},
    {"step": 200, "evaluation/pq": 0.5},
    {"step": 250, "steps_per_second": 0.25},
  ]
  made = summary.training(dataclasses.replace(evaluation, metrics=metrics))
  assert "<dt>training time</dt><dd>11.7 min</dd>" in made  # 100 s + 150 * 4 s


def test_without_a_run_there_is_no_training(evaluation):
  assert summary.training(dataclasses.replace(evaluation, config={})) is None


def test_losses_come_first_then_scores_and_what_is_not_finite_is_left_out():
  metrics = [
    {"step": s, "grad_norm": 1.0, "loss/part": 1.0, "loss": s, "evaluation/pq": 0.5}
    for s in (1, 2, 3)
  ]
  metrics.append({"step": 4, "loss": float("inf")})
  made = summary.curves(metrics)
  titles = re.findall("<figcaption>(.*?)</figcaption>", made)
  assert titles == ["loss", "loss: part", "evaluation/pq", "grad norm"]
  assert [step for step, _ in summary.points_of(metrics, "loss")] == [1, 2, 3]
  assert summary.curves([{"step": 1, "loss": 1.0}]) is None  # one point is no curve


@pytest.mark.parametrize(
  "value, text", [(0.1234, "+12.3"), (-0.1234, "−12.3"), (0.0, "±0.0"), (-0.0001, "±0.0")]
)
def test_differences_have_a_sign(value, text):
  assert f">{text}<" in summary.difference(value)


def test_differences_are_those_of_the_figures_that_are_shown():
  value, before = 0.44051, 0.43749
  assert (summary.percent(value), summary.percent(before)) == ("44.1", "43.7")
  assert ">+0.4<" in summary.difference(value, before)
  assert ">−0.4<" in summary.difference(before, value)
  assert ">±0.0<" in summary.difference(0.4404, 0.4396)


def test_saved_predictions_are_no_fusions(evaluation):
  assert "Fusions on the same outputs of the network" in summary.summary(evaluation)
  saved = {"methods": {"saved": evaluation.analysis["methods"]["joint"]}}
  scores = {"images": 3, "saved": evaluation.scores["joint"]}
  changes = {"analysis": {**evaluation.analysis, **saved}, "scores": scores}
  made = summary.summary(dataclasses.replace(evaluation, **changes))
  assert "Fusions" not in made and ">Saved predictions<" in made


def test_a_path_that_leads_nowhere_is_none():
  values = {"a": {"b": 1}}
  assert summary.nested(values, ("a", "b")) == 1
  assert summary.nested(values, ("a", "c")) is None
  assert summary.nested(values, ("a", "b", "c")) is None
