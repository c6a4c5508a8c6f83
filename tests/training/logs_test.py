import io
import sys
import time

import jax
import pytest

from jppf_jax.training.logs import Progress, say


@pytest.fixture
def clock(monkeypatch):
  """A clock that the test moves: `clock[0] += seconds`."""
  now = [1e9]
  for name in ("monotonic", "time"):
    monkeypatch.setattr(time, name, lambda: now[0])
  monkeypatch.setattr("tqdm.std.time", lambda: now[0])
  return now


def run_steps(progress, clock, first, last, *, compilation=60.0, seconds=2.0):
  """Trains steps that take `seconds` each; the first takes the compilation, too."""
  clock[0] += compilation
  progress.compiled(first)
  for step in range(first + 1, last + 1):
    clock[0] += seconds
    progress.reach(step)


def text(shown):
  return shown.replace("\x1b[A", "").split("\r")[-1].strip()


@pytest.mark.parametrize("start", [0, 4])
def test_in_a_terminal_speed_and_time_left_are_right_from_the_second_step_on(
  clock, monkeypatch, start
):
  terminal = io.StringIO()
  terminal.isatty = lambda: True
  monkeypatch.setattr(sys, "stderr", terminal)
  progress = Progress(total=start + 10, start=start)
  run_steps(progress, clock, start + 1, start + 2)
  progress.show(loss="0.5")
  shown = text(terminal.getvalue())
  assert f"{start + 2}/{start + 10}" in shown and "loss=0.5" in shown, shown
  assert "2.00s/step" in shown and "<00:16" in shown, shown
  assert progress.steps_per_second == pytest.approx(0.5)
  run_steps(progress, clock, start + 3, start + 5, seconds=4.0)  # another phase
  assert progress.steps_per_second == pytest.approx(0.25)
  progress.show(loss="0.5")
  assert "4.00s/step" in text(terminal.getvalue()) and "<00:20" in text(terminal.getvalue())
  progress.close()


@pytest.mark.parametrize("start", [0, 4])
def test_a_log_file_gets_lines_that_can_be_read(clock, capsys, start):
  progress = Progress(total=start + 10, start=start)
  progress.compiled(start + 1)
  assert progress.steps_per_second is None
  progress.show(loss="2.5")
  run_steps(progress, clock, start + 1, start + 2)
  progress.show(loss="0.5", lr="0.07")
  progress.close()
  printed = capsys.readouterr()
  assert printed.err == ""
  assert printed.out.splitlines() == [
    f"step {start + 1}/{start + 10}, loss 2.5",
    f"step {start + 2}/{start + 10}, loss 0.5, lr 0.07, 0.5 steps/s, 00:16 left",
  ]


def test_the_speed_of_each_window_is_its_own_and_leaves_out_compilation(clock):
  progress = Progress(total=20, start=4)
  run_steps(progress, clock, 5, 8, seconds=2.0)
  assert progress.window_speed() == pytest.approx(0.5)
  assert progress.window_speed() is None  # no step since
  for step in range(9, 13):
    clock[0] += 8.0
    progress.reach(step)
  assert progress.window_speed() == pytest.approx(1 / 8)
  assert progress.steps_per_second == pytest.approx(7 / (3 * 2 + 4 * 8))  # the line shows the mean
  run_steps(progress, clock, 13, 15, seconds=4.0)  # another phase
  assert progress.window_speed() == pytest.approx(0.25)


def test_other_processes_than_the_first_are_quiet(monkeypatch, capsys):
  monkeypatch.setattr(jax, "process_index", lambda: 1)
  terminal = io.StringIO()
  terminal.isatty = lambda: True
  monkeypatch.setattr(sys, "stderr", terminal)
  say("hello")
  progress = Progress(total=2, start=0)
  progress.reach(2)
  progress.show(loss="0.5")
  progress.close()
  assert capsys.readouterr().out == terminal.getvalue() == ""
