"""The loop; most tests replace the step by a stub, which needs no compilation."""

import contextlib
import dataclasses
import errno
import functools
import json
import re
import shutil
import signal

import jax
import numpy as np
import pytest
from PIL import Image

import jppf_jax
from jppf_jax import build
from jppf_jax.build import network
from jppf_jax.checkpoints.store import CheckpointError, Checkpoints
from jppf_jax.checkpoints.weights import WeightsError, read_weights
from jppf_jax.leaving import Interrupted
from jppf_jax.training import loop, starting
from jppf_jax.training.lock import RunInUse
from jppf_jax.training.parallel import PmapRunner
from jppf_jax.training.window import NonFiniteLoss
from tests import tiny

STEPS = 4 + 3  # of the two phases that the stubbed runs have


class Killed(BaseException):
  """Ends a run as a kill does: no code of the loop runs after it."""


class Stub(PmapRunner):
  """Replaces the compiled step. Its weights sum all pixels, so a wrong batch changes them."""

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
    step, brightness = int(state.step) + 1, batch.image.mean()
    metrics = {"loss": brightness / 9, "grad_norm": np.float64(1), "learning_rate": np.float64(0.1)}
    if step in self._events:
      metrics |= self._events[step]()
    self._events.setdefault("steps", []).append((step, self._frozen))
    params = jax.tree.map(lambda x: x + np.float32(brightness), state.params)
    ema = None if state.ema is None else state.ema + np.float32(brightness / 2)
    state = dataclasses.replace(state, step=np.asarray(step, np.int32), params=params, ema=ema)
    return state, metrics


shapes_once = functools.cache(build.variable_shapes)  # tracing the network is the slowest part


@pytest.fixture
def stubbed(tiny_run, tmp_path):
  """Returns `run(name, events, **changes)`, which trains with stubs and returns the run's folder.

  `events` maps a step to a function that is called in it and returns metrics. The stubs add to it
  "steps", pairs of a step and whether norms were frozen, and "order", the order of their calls.
  """
  return functools.partial(train_stubbed, tiny_run, tmp_path)


@pytest.fixture(scope="module")
def whole(tiny_run, tmp_path_factory):
  """The folder of a run with stubs that is never interrupted."""
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
    for module in (build, network):
      patch.setattr(module, "variable_shapes", shapes_once)
    patch.setattr(starting, "step_of", lambda run, *, freeze_norm: freeze_norm)
    patch.setattr(starting, "make_runner", lambda name, frozen: Stub(frozen, events))
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


# before any checkpoint, after one, between the phases, in the second phase
@pytest.mark.parametrize("step", [2, 4, 5, 7])
def test_a_run_that_was_killed_and_resumed_ends_with_the_same_bytes(stubbed, whole, step):
  events = {step: kill}
  with pytest.raises(Killed):
    stubbed("run", events)
  assert [done for done, _ in events["steps"]] == list(range(1, step))
  tiny.assert_same_bytes(stubbed("run"), whole)


def test_the_next_batch_is_copied_while_a_step_runs_but_not_at_the_end_of_a_phase(stubbed):
  events = {}
  stubbed("run", events, **{"phases.main.steps": 3, "phases.frozen.steps": 2})
  main, frozen = "put step put step put step", "put step put step"
  assert events["order"] == f"{main} {frozen}".split()


def test_after_a_damaged_checkpoint_a_run_ends_with_the_same_bytes(stubbed, whole, tmp_path):
  shutil.copytree(whole, tmp_path / "run")
  newest = tmp_path / "run" / "checkpoints" / str(STEPS)
  damaged = tiny.largest_file(newest / "state")
  damaged.write_bytes(bytes(255 - byte for byte in damaged.read_bytes()))
  events = {}
  tiny.assert_same_bytes(stubbed("run", events), whole)
  assert events["steps"] == [(STEPS, True)]
  assert steps_saved(tmp_path / "run") == steps_saved(whole)
  assert (newest.parent / f"damaged_{STEPS}").is_dir()
  events = {}
  stubbed("run", events)
  assert "steps" not in events  # the step that was saved again can be used


def test_each_phase_runs_once_and_ends_with_a_checkpoint(stubbed):
  events = {}
  workdir = stubbed("run", events, **{"train.keep": 9})
  assert events["steps"] == [(step, step > 4) for step in range(1, STEPS + 1)]
  assert steps_saved(workdir) == [3, 4, 6, 7]
  _, about = read_weights(workdir / "weights.safetensors")
  assert about["steps"] == STEPS


def test_metrics_are_means_over_the_steps_since_the_last_line(stubbed):
  events = {step: lambda step=step: {"loss": np.float64(step)} for step in range(1, STEPS + 1)}
  lines = tiny.metric_lines(stubbed("run", events))
  losses = {line["step"]: line["loss"] for line in lines}
  assert losses == {2: 1.5, 3: 3, 4: 4, 6: 5.5, 7: 7}
  assert all(line["learning_rate"] == 0.1 for line in lines)


@pytest.mark.parametrize("name, value", [("loss", np.nan), ("loss", np.inf), ("grad_norm", np.nan)])
def test_a_value_that_is_not_finite_stops_the_run_and_is_not_saved(stubbed, tmp_path, name, value):
  message = rf"Step 5 is not finite .*{name} {value}.* images: train_\d{{6}}, train_\d{{6}};"
  with pytest.raises(NonFiniteLoss, match=message):
    stubbed("run", {5: lambda: {name: value}})
  assert steps_saved(tmp_path / "run") == [3, 4]


def test_a_signal_during_compilation_ends_a_run_at_once(stubbed, whole, tmp_path):
  first_of_a_phase = 5
  with pytest.raises(Interrupted):
    stubbed("run", {first_of_a_phase: lambda: signal.raise_signal(signal.SIGTERM) or {}})
  assert steps_saved(tmp_path / "run") == [3, 4]
  tiny.assert_same_bytes(stubbed("run"), whole)


@pytest.mark.parametrize("step", [2, 4])
def test_a_signal_ends_a_run_after_its_step_which_is_saved(stubbed, whole, tmp_path, step, capsys):
  events = {step: lambda: signal.raise_signal(signal.SIGTERM) or {}}
  with pytest.raises(Interrupted) as caught:
    stubbed("run", events)
  assert caught.value.code == 143
  assert [done for done, _ in events["steps"]] == list(range(1, step + 1))
  assert max(steps_saved(tmp_path / "run")) == step
  printed = capsys.readouterr().out
  assert f"saved step {step}\n" in printed and "The same command goes on." in printed
  continued = stubbed("run")
  weights = [(folder / "weights.safetensors").read_bytes() for folder in (continued, whole)]
  assert weights[0] == weights[1]


def test_a_signal_while_data_is_built_ends_the_run_before_it_trains(stubbed, monkeypatch):
  def build_slowly(config):
    signal.raise_signal(signal.SIGHUP)
    pytest.fail("not interrupted")

  monkeypatch.setattr(build, "train_examples", build_slowly)
  events = {}
  with pytest.raises(Interrupted) as caught:
    stubbed("run", events)
  assert caught.value.code == 129 and "steps" not in events


def test_a_signal_during_a_save_lets_it_finish(stubbed, tmp_path, monkeypatch):
  save, signals = loop.weights.save_weights, iter([signal.SIGHUP])

  def interrupted(*args, **kwargs):
    for number in signals:  # once
      signal.raise_signal(number)
    save(*args, **kwargs)

  with monkeypatch.context() as patch, pytest.raises(Interrupted):
    patch.setattr(loop.weights, "save_weights", interrupted)
    stubbed("run")
  assert steps_saved(tmp_path / "run")[0] == 3
  _, about = read_weights(tmp_path / "run" / "weights.safetensors")
  assert about["steps"] == max(steps_saved(tmp_path / "run"))


@pytest.mark.parametrize("event", [dict, kill, lambda: {"loss": np.nan}])
def test_the_workers_are_closed_however_a_run_ends(stubbed, monkeypatch, event):
  closed, made = [], build.train_iterator

  def recorded(*args):
    iterator = made(*args)
    close = iterator.close
    iterator.close = lambda: (closed.append(True), close())
    return iterator

  monkeypatch.setattr(build, "train_iterator", recorded)
  with contextlib.suppress(Killed, NonFiniteLoss):
    stubbed("run", {5: event})
  assert closed


@pytest.fixture
def scores(monkeypatch):
  """Stubs the evaluation; returns the scores that it gives, by step, and its calls."""
  given, calls = {}, []

  def score(self, step, weights):
    calls.append((step, weights.name, read_weights(weights)[1]["steps"]))
    self._scores[step] = given.get(step, 0.5)
    picture = self.folder(step) / "scene.png"
    picture.parent.mkdir(parents=True)
    Image.new("RGB", (8, 4)).save(picture)
    return {"evaluation/part_pq": self._scores[step]}

  monkeypatch.setattr(loop.Evaluations, "score", score)
  return given, calls


def test_a_run_is_evaluated_while_it_trains_and_the_metrics_say_so(stubbed, scores, capsys):
  _, calls = scores
  workdir = stubbed("run", **{"train.evaluate_every": 3})
  assert calls == [(3, "weights.safetensors", 3), (6, "weights.safetensors", 6)]
  found = [line for line in tiny.metric_lines(workdir) if "loss" not in line]
  scored = {"evaluation/part_pq": 0.5, "evaluation_images": 2}
  assert found == [{"step": step, **scored} for step in (3, 6)]
  assert "evaluation of step 3, percent: part_pq 50.0\n" in capsys.readouterr().out
  events = b"".join(path.read_bytes() for path in workdir.glob("events*"))
  assert events.count(b"evaluation/scene") == 2 and b"PNG" in events


def test_evaluations_do_not_change_what_is_trained(stubbed, scores, whole):
  workdir = stubbed("run", **{"train.evaluate_every": 2})
  weights = [(folder / "weights.safetensors").read_bytes() for folder in (workdir, whole)]
  about = [read_weights(folder / "weights.safetensors")[0] for folder in (workdir, whole)]
  assert len(weights[0]) > 0
  jax.tree.map(np.testing.assert_array_equal, *about)


def test_a_run_without_a_better_score_ends_early_and_stays_ended(stubbed, scores, capsys):
  given, calls = scores
  given.update({1: 0.6, 2: 0.7, 3: 0.7, 4: 0.6})
  changes = {"train.evaluate_every": 1, "train.patience": 2}
  workdir = stubbed("run", **changes)
  assert [step for step, *_ in calls] == [1, 2, 3, 4] and max(steps_saved(workdir)) == 4
  line = "no better score since step 2: the run ends\n"
  assert capsys.readouterr().out.count(line) == 1
  events = {}
  stubbed("run", events, **changes)
  assert "steps" not in events and len(calls) == 4
  assert capsys.readouterr().out.count(line) == 1


def test_a_step_that_was_saved_but_not_evaluated_is_evaluated_first(stubbed, scores, monkeypatch):
  _, calls = scores
  with monkeypatch.context() as patch, pytest.raises(Killed):
    patch.setattr(loop.Evaluations, "score", lambda *args: kill())
    stubbed("run", **{"train.evaluate_every": 3})
  events = {}
  stubbed("run", events, **{"train.evaluate_every": 3})
  assert [step for step, *_ in calls] == [3, 6] and events["steps"][0] == (4, False)


def test_a_signal_during_an_evaluation_ends_the_run_at_once(stubbed, tmp_path, monkeypatch):
  monkeypatch.setattr(loop.Evaluations, "score", lambda *args: signal.raise_signal(signal.SIGTERM))
  events = {}
  with pytest.raises(Interrupted):
    stubbed("run", events, **{"train.evaluate_every": 3})
  assert events["steps"][-1] == (3, False) and steps_saved(tmp_path / "run") == [3]


def test_the_average_of_the_weights_is_stored_resumed_and_evaluated(stubbed, scores, tmp_path):
  _, calls = scores
  changes = {"train.ema_decay": 0.5, "train.evaluate_every": 4}
  whole = stubbed("whole", **changes)
  assert [name for _, name, _ in calls] == ["weights_ema.safetensors"]
  found, about = read_weights(whole / "weights_ema.safetensors")
  last, _ = read_weights(whole / "weights.safetensors")
  assert about["steps"] == STEPS and found.keys() == last.keys()
  with pytest.raises(Killed):
    stubbed("run", {5: kill}, **changes)
  again, _ = read_weights(stubbed("run", **changes) / "weights_ema.safetensors")
  jax.tree.map(np.testing.assert_array_equal, again, found)


def test_a_run_with_an_average_of_the_weights_cannot_lose_it(stubbed):
  stubbed("run", **{"train.ema_decay": 0.5})
  with pytest.raises(WeightsError, match=r"has a moving .* --config\.train\.ema_decay=0\.5, or"):
    stubbed("run")


def test_a_second_training_in_the_folder_is_refused_and_the_first_goes_on(stubbed, whole):
  def second():
    with pytest.raises(RunInUse, match="trains there; wait until it ends"):
      stubbed("run")
    return {}

  tiny.assert_same_bytes(stubbed("run", {2: second}), whole)


def test_a_run_says_what_it_does(stubbed, capsys):
  changes = {"train.log_every": 4, "train.checkpoint_every": 4, "phases.frozen.steps": 1}
  workdir = stubbed("new run", **changes)
  lines = capsys.readouterr().out.splitlines()
  start = lines.index("data: synthetic_panoptic_parts, train: 4 images")
  assert [
    re.sub(r"0\.\d\d M|, [\d.e+]+ steps/s.*|\d+\.\d{3}", "X", line) for line in lines[start:]
  ] == [
    "data: synthetic_panoptic_parts, train: 4 images",
    "views of 64 x 128, batches of 2",
    "labels: 19 classes, 8 of them things, 9 parts",
    "network: encoder b0, semantic, part, instance heads, X parameters",
    "devices: 1 x cpu, pmap",
    "steps: 4 + 1, a checkpoint every 4",
    "compiling (about a minute) ...",
    "step 4/5, loss X, lr 0.1X",
    "compiling (about a minute) ...",
    "step 5/5, loss X, lr 0.1",
    f"done: weights at {workdir}/weights.safetensors",
    f"next: jppf evaluate '--workdir={workdir}'",
  ]
  stubbed("new run", **changes)
  printed = capsys.readouterr().out
  assert "resuming from step 5\n" in printed and "nothing left to do" in printed
  assert "compiling" not in printed


def test_a_run_is_shortened_without_moving_its_milestones(stubbed, capsys):
  workdir = stubbed("run", **{"phases.main.steps": 1, "phases.frozen.steps": 0})
  assert steps_saved(workdir) == [1]
  line = "The phase ends at step 1: no drop of the learning rate at 3, warm-up cut from 2."
  assert line in capsys.readouterr().out.splitlines()


def test_a_full_disk_is_one_sentence(stubbed, tmp_path, monkeypatch, caplog):
  def full(path, *args, **kwargs):
    raise OSError(errno.ENOSPC, "No space left on device", str(path))

  monkeypatch.setattr(loop.weights, "save_weights", full)
  with pytest.raises(CheckpointError) as caught:
    stubbed("run")
  assert "No space left on device" in str(caught.value) and "\n" not in str(caught.value)
  assert not caplog.records


def contents(folder):
  files = [path for path in folder.rglob("*") if path.is_file()]
  return {path.relative_to(folder): path.read_bytes() for path in files}


@pytest.mark.parametrize(
  "changes, message",
  [
    ({"model.fpn_channels": 24}, r"^The checkpoint .*/7 is of another network or .*other shapes\."),
    (
      {"optimizer.name": "sgd"},
      r"^The checkpoint .* is of another .* optimizer: \d+ arrays differ",
    ),
    ({"model.encoder": "lite0"}, r"encoder is 'b0'.*Set --config\.model\.encoder=b0, or choose"),
    ({"model.pixel_mean": (1.0, 2.0, 3.0)}, r"--config\.model\.pixel_mean='\(106\.433, "),
    ({"data.labels": "cpp_grouped_void_background"}, r"ids of the label files"),
    (
      {"train.ema_decay": 0.9},
      r"has no moving average.*Set --config\.train\.ema_decay=0, or choose",
    ),
    ({"train.evaluate_every": 3, "data.eval_split": "test"}, r"no split 'test'"),
  ],
)
def test_what_makes_other_weights_is_refused_and_the_run_does_not_change(
  stubbed, whole, tmp_path, changes, message
):
  shutil.copytree(whole, tmp_path / "run")
  before = contents(tmp_path / "run")
  with pytest.raises((CheckpointError, ValueError), match=f"(?s){message}"):
    stubbed("run", **changes)
  after = contents(tmp_path / "run")
  assert after.items() == before.items()


def test_what_may_change_is_said_and_stored(stubbed, whole, tmp_path, capsys):
  shutil.copytree(whole, tmp_path / "run")
  stubbed("run", **{"phases.main.learning_rate": 0.5, "model.dtype": "bfloat16"})
  line = "Changed since step 7 was saved: model.dtype float32 -> bfloat16, "
  assert f"{line}phases.main.learning_rate 0.0001 -> 0.5\n" in capsys.readouterr().out
  assert build.run_config(tmp_path / "run").phases.main.learning_rate == 0.5


def test_a_batch_that_does_not_divide_is_refused_before_data_is_built(tmp_path, monkeypatch):
  monkeypatch.setattr(jax, "device_count", lambda: 4)
  message = r"batch of 2 images .* by 4 devices; set config\.data\.batch_size to a multiple"
  with pytest.raises(ValueError, match=message):
    loop.train(tiny.config(tmp_path), tmp_path / "run")
  assert not (tmp_path / "data_sets").exists()


def test_a_run_stores_its_config_also_with_its_weights(tiny_run):
  expected = json.loads(tiny_run.config.to_json())
  expected["data"]["labels"] = "cpp_grouped"  # that of the dataset
  stored = (tiny_run.workdir / "config.json").read_text()
  assert json.loads(stored) == expected
  _, about = read_weights(tiny_run.workdir / "weights.safetensors")
  meaning = build.inference(tiny_run.config).meaning
  assert about == {"steps": 4, "config": expected, "meaning": meaning}


def test_a_run_stores_its_versions_until_it_is_done(stubbed):
  stored = stubbed("run") / "made_with.json"
  assert json.loads(stored.read_text())["jppf_jax"] == jppf_jax.__version__
  stored.write_text("{}")
  stubbed("run")  # with another version, but nothing is left to do
  assert stored.read_text() == "{}"
