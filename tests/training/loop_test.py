"""The loop around the step: most tests put a stub in its place, which needs no compiling."""

import dataclasses
import functools
import json
import shutil

import jax
import numpy as np
import pytest

from jppf_jax import build
from jppf_jax.checkpoints.store import CheckpointError, Checkpoints
from jppf_jax.checkpoints.weights import read_weights
from jppf_jax.training import loop
from jppf_jax.training.parallel import PmapRunner
from tests import tiny

STEPS = 4 + 3  # of the two phases that the stubbed runs have


class Killed(BaseException):
  """What a kill looks like from inside: nothing that comes after it runs."""


class Stub(PmapRunner):
  """Stands in for the compiled step. Its weights add up all pixels it was shown, so that a wrong
  batch shows.
  """

  def __init__(self, frozen, events):
    self._frozen, self._events = frozen, events

  def put_state(self, host):
    return host

  def get_state(self, state):
    return state

  def put_batch(self, host):
    self._events.setdefault("order", []).append("put")
    return host

  def __call__(self, state, batch):
    self._events.setdefault("order", []).append("step")
    step = int(state.step) + 1
    metrics = {
      "loss": batch.image.mean() / 9,
      "grad_norm": np.float64(1),
      "learning_rate": np.float64(0.1),
    }
    metrics |= self._events.get(step, lambda: {})()
    self._events.setdefault("steps", []).append((step, self._frozen))
    params = jax.tree.map(lambda x: x + np.float32(batch.image.mean()), state.params)
    return dataclasses.replace(state, step=np.asarray(step, np.int32), params=params), metrics


shapes_once = functools.cache(
  build.variable_shapes
)  # tracing the network takes longer than all else here


@pytest.fixture
def stubbed(tiny_run, tmp_path):
  """Returns `run(name, events, **changes)`, which trains with stubs and returns the folder of the
  run.

  `events` holds what happens at a step, and gets the list of the steps that were done: (step,
  whether norms froze).
  """
  return functools.partial(train_stubbed, tiny_run, tmp_path)


@pytest.fixture(scope="module")
def whole(tiny_run, tmp_path_factory):
  """The run with stubs that nothing happens to."""
  return train_stubbed(tiny_run, tmp_path_factory.mktemp("stubbed"), "whole")


def train_stubbed(tiny_run, root, name, events=None, **more):
  events = {} if events is None else events
  changes = {
    "data.data_dir": tiny_run.config.data.data_dir,
    "model.pretrained": str(tiny_run.workdir / "weights.safetensors"),
    "phases.main.steps": 4,
    "phases.frozen.steps": STEPS - 4,
    "train.log_every": 2,
    "train.checkpoint_every": 3,
  }
  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(build, "variable_shapes", shapes_once)
    patch.setattr(loop, "make_step", lambda *args, freeze_norm, **kwargs: freeze_norm)
    patch.setattr(loop, "make_runner", lambda name, frozen: Stub(frozen, events))
    loop.train(tiny.config(root, **(changes | more)), root / name)
  return root / name


def steps_saved(workdir):
  return Checkpoints(workdir / "checkpoints", read_only=True).steps()


def kill():
  raise Killed


def test_a_run_continued_from_a_checkpoint_ends_with_the_same_bytes(tiny_run, tmp_path):
  continued = tiny_run.copy(tmp_path / "run", steps=2)
  loop.train(tiny_run.config, continued)
  tiny.assert_same_bytes(continued, tiny_run.workdir)


@pytest.mark.parametrize(
  "step", [2, 4, 5, 7]
)  # before any checkpoint, after one, between the phases, in the second
def test_a_run_killed_at_any_step_ends_as_if_it_had_not_been(stubbed, whole, step):
  events = {step: kill}
  with pytest.raises(Killed):
    stubbed("run", events)
  assert [done for done, _ in events["steps"]] == list(range(1, step))
  tiny.assert_same_bytes(stubbed("run"), whole)


def test_the_next_batch_goes_to_the_devices_while_a_step_runs_and_none_at_the_end_of_a_phase(
  stubbed,
):
  events = {}
  stubbed("run", events, **{"phases.main.steps": 3, "phases.frozen.steps": 2})
  main, frozen = (["put"] + ["step", "put"] * (steps - 1) + ["step"] for steps in (3, 2))
  assert events["order"] == main + frozen


def test_a_damaged_checkpoint_costs_some_steps_and_changes_nothing(stubbed, whole, tmp_path):
  shutil.copytree(whole, tmp_path / "run")
  newest = tmp_path / "run" / "checkpoints" / str(STEPS) / "state"
  largest = max(
    (path for path in newest.rglob("*") if path.is_file()), key=lambda path: path.stat().st_size
  )
  largest.write_bytes(bytes(255 - byte for byte in largest.read_bytes()))
  events = {}
  tiny.assert_same_bytes(stubbed("run", events), whole)
  assert events["steps"] == [(STEPS, True)]


def test_phases_follow_each_other_and_save_where_they_end(stubbed):
  events = {}
  workdir = stubbed("run", events, **{"train.keep": 9})
  assert events["steps"] == [(step, step > 4) for step in range(1, STEPS + 1)]
  assert steps_saved(workdir) == [3, 4, 6, 7]
  assert read_weights(workdir / "weights.safetensors")[1]["steps"] == STEPS


def test_metrics_are_means_over_the_steps_since_the_last_line(stubbed):
  events = {step: lambda step=step: {"loss": np.float64(step)} for step in range(1, STEPS + 1)}
  lines = tiny.metric_lines(stubbed("run", events))
  assert [(line["step"], line["loss"]) for line in lines] == [
    (2, 1.5),
    (3, 3),
    (4, 4),
    (6, 5.5),
    (7, 7),
  ]
  assert all(line["learning_rate"] == 0.1 for line in lines)


@pytest.mark.parametrize("metrics", [{"loss": np.nan}, {"loss": np.inf}, {"grad_norm": np.nan}])
def test_what_is_not_finite_stops_the_run_and_spares_the_checkpoint_before(
  stubbed, tmp_path, metrics
):
  with pytest.raises(
    loop.NonFiniteLoss, match=r"Step 5 is not finite .* images: train_\d{6}, train_\d{6}\."
  ) as error:
    stubbed("run", {5: lambda: metrics})
  assert all(f"{name} {value:.3g}" in str(error.value) for name, value in metrics.items())
  assert steps_saved(tmp_path / "run") == [3, 4]


def test_another_architecture_is_refused_and_the_run_left_as_it_was(stubbed, whole, tmp_path):
  shutil.copytree(whole, tmp_path / "run")
  with pytest.raises(
    CheckpointError,
    match=r"(?s)another architecture.*Use the config that made them, or another --work",
  ):
    stubbed("run", **{"model.fpn_channels": 24})
  for path in whole.rglob("*"):
    assert (
      path.is_dir()
      or (tmp_path / "run" / path.relative_to(whole)).read_bytes() == path.read_bytes()
    )


def test_a_batch_that_does_not_divide_is_refused_before_data_is_built(tmp_path, monkeypatch):
  monkeypatch.setattr(jax, "local_device_count", lambda: 4)
  with pytest.raises(
    ValueError,
    match=r"batch of 2 images .* its 4 devices; set config\.data\.batch_size to a multiple",
  ):
    loop.train(tiny.config(tmp_path), tmp_path / "run")
  assert not (tmp_path / "data_sets").exists()


def test_the_config_and_what_made_the_weights_are_kept_with_them(tiny_run):
  expected = json.loads(tiny_run.config.to_json())
  assert json.loads((tiny_run.workdir / "config.json").read_text()) == expected
  assert read_weights(tiny_run.workdir / "weights.safetensors")[1] == {
    "steps": 4,
    "config": expected,
  }
