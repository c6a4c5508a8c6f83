"""What the writers of metrics leave; Weights & Biases is a stand-in that remembers."""

import errno
import json
import sys
import types

import pytest
from PIL import Image

from jppf_jax.training import writers
from jppf_jax.training.writers import MetricWriter


def lines(workdir):
  return [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]


def test_scalars_go_to_json_lines_and_to_tensorboard(tmp_path):
  from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

  writer = MetricWriter(tmp_path)
  writer.write(10, {"loss": 2.5})
  writer.write(20, {"loss": 1.5})
  writer.close()
  assert lines(tmp_path) == [{"step": 10, "loss": 2.5}, {"step": 20, "loss": 1.5}]
  events = EventAccumulator(str(tmp_path))
  events.Reload()
  losses = [(event.step, event.value) for event in events.Scalars("loss")]
  assert losses == [(10, 2.5), (20, 1.5)]


def test_a_resumed_run_has_one_line_for_each_step(tmp_path):
  writer = MetricWriter(tmp_path)
  for step in (10, 20, 30):
    writer.write(step, {"loss": 1.0})
  writer.close()
  resumed = MetricWriter(tmp_path, resumed_step=20)
  resumed.write(30, {"loss": 0.5})
  resumed.close()
  assert lines(tmp_path) == [
    {"step": 10, "loss": 1.0},
    {"step": 20, "loss": 1.0},
    {"step": 30, "loss": 0.5},
  ]


def test_tensorboard_drops_the_steps_that_a_resumed_run_trains_again_and_no_other(tmp_path):
  from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

  for start, loss in ((0, 1.0), (20, 0.5)):
    writer = MetricWriter(tmp_path, resumed_step=start)
    for step in (10, 20, 30):
      if step > start:
        writer.write(step, {"loss": loss})
    writer.close()
  events = EventAccumulator(str(tmp_path))
  events.Reload()
  assert [(event.step, event.value) for event in events.Scalars("loss")] == [
    (10, 1.0),
    (20, 1.0),
    (30, 0.5),
  ]


def test_an_incomplete_last_line_is_removed(tmp_path):
  (tmp_path / "metrics.jsonl").write_text('{"step": 10, "loss": 1.0}\n{"step": 20, "lo')
  MetricWriter(tmp_path, resumed_step=20).close()
  assert lines(tmp_path) == [{"step": 10, "loss": 1.0}]


def test_what_is_written_is_on_disk_at_once_and_a_full_disk_is_an_error(tmp_path, monkeypatch):
  writer = MetricWriter(tmp_path)
  [events] = tmp_path.glob("events*")
  before = events.stat().st_size
  writer.write(10, {"loss": 2.5})
  assert events.stat().st_size > before and lines(tmp_path)

  def full():
    raise OSError(errno.ENOSPC, "No space left on device")

  monkeypatch.setattr(writer._writers[1]._events, "flush", full)
  with pytest.raises(OSError, match="No space left"):
    writer.write(20, {"loss": 2.5})


@pytest.fixture
def wandb(monkeypatch):
  """A package `wandb`; `runs` are the arguments of each run, `logged` what was logged."""
  module = types.SimpleNamespace(runs=[], logged=[], closed=0, Image=lambda file: ("image", file))

  def finish():
    module.closed += 1

  def init(**given):
    module.runs.append(given)
    return types.SimpleNamespace(
      define_metric=lambda name, step_metric: module.logged.append((name, step_metric)),
      log=module.logged.append,
      finish=finish,
    )

  module.init = init
  monkeypatch.setitem(sys.modules, "wandb", module)
  return module


def test_a_project_of_weights_and_biases_gets_the_same_and_is_resumed(wandb, tmp_path):
  picture = tmp_path / "a.png"
  Image.new("RGB", (4, 2)).save(picture)
  writer = MetricWriter(tmp_path, wandb_project="parts", config={"seed": 3})
  writer.write(10, {"loss": 2.5})
  writer.write_picture(10, "evaluation/a", picture)
  writer.close()
  assert wandb.logged == [
    ("*", "step"),
    {"step": 10, "loss": 2.5},
    {"step": 10, "evaluation/a": ("image", str(picture))},
  ]
  assert wandb.closed == 1 and lines(tmp_path) == [{"step": 10, "loss": 2.5}]
  MetricWriter(tmp_path, resumed_step=10, wandb_project="parts").close()
  first, second = wandb.runs
  assert first["project"] == "parts" and first["config"] == {"seed": 3}
  assert first["resume"] == "allow" and first["dir"] == str(tmp_path)
  assert first["id"] == second["id"] and first["name"] == tmp_path.name
  other = tmp_path / "other"
  other.mkdir()
  MetricWriter(other, wandb_project="parts").close()
  assert wandb.runs[-1]["id"] != first["id"]


def test_without_a_project_the_package_is_not_asked(wandb, tmp_path):
  MetricWriter(tmp_path).close()
  assert not wandb.runs


def test_a_package_that_is_missing_is_named_before_anything_is_done(monkeypatch):
  writers.check_installed("")
  monkeypatch.setitem(sys.modules, "wandb", None)
  writers.check_installed("")
  with pytest.raises(ValueError, match=r"'parts' needs .* pip install 'jppf_jax\[wandb\]'"):
    writers.check_installed("parts")
