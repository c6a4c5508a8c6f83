"""Evaluation while a run trains; the network and its scores are stubs, but for one test."""

import dataclasses
import json

import jax
import ml_collections
import numpy as np
import pytest

from jppf_jax import build
from jppf_jax.training import evaluations
from jppf_jax.training.evaluations import Evaluations, Schedule

CONFIG = ml_collections.ConfigDict()


def report(score):
  """A score that decides, and one that is better the worse that is."""
  joint = {"part_pq": {"all": {"part_pq": score}, "parts": {"part_pq": None}}}
  return {"joint": joint, "heads": {"part_miou": 1 - score}}


@dataclasses.dataclass(frozen=True)
class Network:
  """Its variables are the text of a file of weights."""

  variables: str

  def with_variables(self, variables):
    return Network(variables)


@dataclasses.dataclass
class Counted:
  """Scores of some processes; that of the dataset is their mean."""

  scores: list

  def merge(self, other):
    self.scores += other.scores

  def report(self):
    return report(np.mean(self.scores))


@pytest.fixture
def scored(tmp_path, monkeypatch):
  """Returns `scored(scores, **schedule)`: evaluations of steps 10, 20, ... with these scores.

  Its `calls` are the variables and the images of each.
  """
  weights = tmp_path / "weights.safetensors"

  def count(network, examples, folder, indices, **how):
    run.calls.append((network.variables, list(indices)))
    return Counted([next(run.scores)])

  def run(scores, *, until=0, **schedule):
    run.calls, run.scores = [], iter(scores)
    monkeypatch.setattr(build, "examples", lambda config, split: range(3))
    monkeypatch.setattr(build, "eval_split", lambda config: "validation")
    monkeypatch.setattr(
      evaluations, "load_comparison", lambda config, file: Network(file.read_text())
    )
    monkeypatch.setattr(evaluations, "load_weights", lambda file, like: file.read_text())
    monkeypatch.setattr(evaluations, "count_dataset", count)
    made = Evaluations(CONFIG, tmp_path, Schedule(**{"every": 10, **schedule}), until=until)
    for step in range(until + 10, until + 10 * len(scores) + 10, 10):
      assert made.due(step) and not made.due(step + 1)
      weights.write_text(f"of step {step}")
      found = made.score(step, weights)
      assert not made.due(step)
      with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write(json.dumps({"step": step, "loss": 1.0}) + "\n")
        file.write(json.dumps({"step": step, **found, evaluations.IMAGES: made.images}) + "\n")
    return made

  return run


def best_weights(tmp_path):
  return (tmp_path / build.WEIGHTS_OF_RUN["best"]).read_text()


def test_the_best_weights_are_kept_the_first_of_equal_ones(scored, tmp_path):
  assert scored([0.2, 0.5, 0.5, 0.4]).best() == 20
  assert best_weights(tmp_path) == "of step 20"


@pytest.mark.parametrize("images, expected", [(0, [0, 1, 2]), (2, [0, 1]), (9, [0, 1, 2])])
def test_each_evaluation_scores_the_newest_weights_on_the_images_asked_for(
  scored, images, expected
):
  scored([0.2, 0.5, 0.4], images=images)
  assert scored.calls == [(f"of step {step}", expected) for step in (10, 20, 30)]


@pytest.mark.parametrize(
  "scores, patience, ends",
  [
    ([0.5, 0.4], 2, False),
    ([0.5, 0.4, 0.5], 2, True),
    ([0.5, 0.4, 0.6], 2, False),
    ([0.5, 0.4, 0.3, 0.2], 0, False),
    ([], 1, False),
  ],
)
def test_a_run_ends_after_so_many_evaluations_without_a_better_score(
  scored, scores, patience, ends
):
  assert scored(scores, patience=patience).exhausted() is ends


def test_a_resumed_run_knows_the_evaluations_up_to_its_step(scored, tmp_path):
  scored([0.3, 0.6, 0.7])
  resumed = scored([], until=20)
  assert resumed.best() == 20 and not resumed.due(20) and resumed.due(30)
  with (tmp_path / "metrics.jsonl").open("a") as file:
    file.write('{"step": 30, "evalu')  # killed there
  assert scored([0.5], until=20, patience=1).exhausted()


def test_scores_of_another_number_of_images_are_not_compared_with(scored, tmp_path):
  scored([0.3, 0.9], images=1)
  resumed = scored([0.5], until=20, images=2)
  assert resumed.best() == 30 and best_weights(tmp_path) == "of step 30"
  assert scored([], until=30, images=2).best() == 30
  assert scored([], until=30, images=1).best() == 20
  metrics = tmp_path / "metrics.jsonl"
  lines = [json.loads(line) for line in metrics.read_text().splitlines()]
  for line in lines:
    line.pop(evaluations.IMAGES, None)
  metrics.write_text("".join(json.dumps(line) + "\n" for line in lines))
  assert scored([], until=30, images=3).best() == 20  # an older run does not say it


@pytest.mark.parametrize("process, share", [(0, [0, 2]), (1, [1])])
def test_processes_share_the_images_and_all_know_the_score_of_all(
  scored, process, share, monkeypatch, tmp_path
):
  monkeypatch.setattr(jax, "process_index", lambda: process)
  monkeypatch.setattr(jax, "process_count", lambda: 2)
  monkeypatch.setattr(evaluations, "gathered", lambda own: [own, Counted([0.75])])
  made = scored([0.25])
  assert scored.calls == [("of step 10", share)]
  assert made.best() == 10
  assert '"evaluation/part_pq": 0.5' in (tmp_path / "metrics.jsonl").read_text()
  assert (tmp_path / build.WEIGHTS_OF_RUN["best"]).exists() == (process == 0)


def test_without_a_schedule_nothing_is_due(scored, tmp_path):
  never = Evaluations(CONFIG, tmp_path, Schedule(), until=0)
  assert not any(never.due(step) for step in range(100))
  assert not scored([]).due(0)


def test_scores_are_those_of_jppf_evaluate(tiny_run, tmp_path):
  run = tiny_run.copy(tmp_path / "run")
  made = Evaluations(tiny_run.config, run, Schedule(every=2, images=1), until=0)
  scores = made.score(2, run / build.RUN_WEIGHTS)
  again = made.score(4, run / build.RUN_WEIGHTS)
  assert scores == again and made.best() == 2
  names = {"part_pq", "part_pq_parts", "semantic_miou", "part_miou", "instance_ap"}
  assert {f"evaluation/{name}" for name in names} >= set(scores) >= {"evaluation/semantic_miou"}
  assert all(np.isfinite(list(scores.values())))
  assert len(list(made.folder(2).glob("*.png"))) == 1
  assert (run / "weights_best.safetensors").read_bytes() == (run / build.RUN_WEIGHTS).read_bytes()


@pytest.mark.parametrize("values", [{"patience": 1}, {"images": 2}])
def test_values_that_mean_nothing_without_evaluations_are_refused(values):
  with pytest.raises(ValueError, match=r"set config\.train\.evaluate_every"):
    Schedule(**values)
