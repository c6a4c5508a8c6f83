import json

from jppf_jax.training.logs import MetricWriter, Progress


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


def test_an_incomplete_last_line_is_removed(tmp_path):
  (tmp_path / "metrics.jsonl").write_text('{"step": 10, "loss": 1.0}\n{"step": 20, "lo')
  MetricWriter(tmp_path, resumed_step=20).close()
  assert lines(tmp_path) == [{"step": 10, "loss": 1.0}]


def test_the_bar_shows_loss_and_position(capsys):
  progress = Progress(total=4, start=1, description="train")
  progress.compiled()
  progress.advance(loss="0.5")
  progress.close()
  shown = capsys.readouterr().err
  assert all(text in shown for text in ("train", "2/4", "loss=0.5"))
  assert progress.steps_per_second > 0
