"""Signals that this process sends to itself."""

import contextlib
import os
import signal
import threading
import time

import jax
import numpy as np
import pytest
from jax.experimental import multihost_utils

from jppf_jax.leaving import Interrupted
from jppf_jax.training import signals as module
from jppf_jax.training.signals import ENDING, Signals


@pytest.fixture(autouse=True)
def defaults():
  """Signals as in a terminal; a test run in the background ignores some."""
  handlers = {**dict.fromkeys(ENDING, signal.SIG_DFL), signal.SIGINT: signal.default_int_handler}
  before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
  yield
  for number, handler in before.items():
    signal.signal(number, handler)


def send(number):
  os.kill(os.getpid(), number)
  time.sleep(0.05)  # Python handles it between two steps of its own


@pytest.fixture
def left(monkeypatch):
  """Returns the list of the statuses with which the process would be left at once."""
  calls = []
  monkeypatch.setattr(module, "leave", calls.append)
  return calls


@pytest.mark.parametrize("number, status", [(2, 130), (15, 143), (1, 129)])
def test_with_nothing_to_save_a_signal_interrupts_at_once(number, status, capsys):
  before = [signal.getsignal(each) for each in ENDING]
  with pytest.raises(Interrupted) as caught, Signals():
    send(number)
    pytest.fail("not interrupted")
  assert caught.value.code == status and caught.value.at_once
  printed = capsys.readouterr().out
  assert "stopped; there was nothing to save. The same command goes on." in printed
  assert "this step" not in printed
  assert [signal.getsignal(each) for each in ENDING] == before


def test_with_something_to_save_it_interrupts_after_that(capsys):
  done = []
  with pytest.raises(Interrupted) as caught, Signals() as signals:
    assert not signals.requested()
    signals.hold()
    send(signal.SIGTERM)
    assert signals.requested()
    done.append("saved")
    signals.release()
    pytest.fail("not interrupted")
  assert done == ["saved"] and not caught.value.at_once
  printed = capsys.readouterr().out
  assert "SIGTERM: this step is finished and saved first" in printed
  assert "SIGTERM: stopped; all that was trained is saved. The same command goes on." in printed


def test_without_a_signal_nothing_happens(capsys):
  with Signals() as signals:
    signals.hold()
    signals.release()
    signals.check()
  assert capsys.readouterr().out == "" and signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_a_second_signal_leaves_at_once(left, capsys):
  with pytest.raises(Interrupted), Signals() as signals:
    signals.hold()
    send(signal.SIGINT)
    assert left == []
    send(signal.SIGTERM)
    assert left == [143]
    signals.release()
  assert "SIGTERM again: left at once." in capsys.readouterr().out


def test_in_a_notebook_a_second_signal_does_not_end_the_process(left, monkeypatch):
  monkeypatch.setattr(module.sys, "ps1", ">>> ", raising=False)
  with pytest.raises(KeyboardInterrupt), Signals() as signals:
    signals.hold()
    send(signal.SIGINT)
    send(signal.SIGINT)
  assert left == []


def test_a_signal_that_a_library_swallows_is_noticed_later():
  with pytest.raises(Interrupted), Signals() as signals:
    with contextlib.suppress(BaseException):
      send(signal.SIGINT)
    signals.check()


def test_ignored_signals_stay_ignored():
  before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
  try:
    with Signals():
      send(signal.SIGHUP)
    assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
  finally:
    signal.signal(signal.SIGHUP, before)


def test_outside_the_main_thread_nothing_is_changed():
  seen = []

  def run():
    with Signals() as signals:
      seen.append((signal.getsignal(signal.SIGTERM), signals.requested()))

  thread = threading.Thread(target=run)
  thread.start()
  thread.join()
  assert seen == [(signal.SIG_DFL, False)]


def test_while_python_cannot_run_a_signal_leaves_the_process_after_it_has_cleaned_up(
  left, monkeypatch, capsys
):
  monkeypatch.setattr(module, "GRACE", 0.1)
  closed = []
  with Signals() as signals:
    signals.before_leaving = lambda: closed.append(len(left))
    signal.signal(signal.SIGTERM, lambda number, frame: None)  # as if compiling: not noticed
    send(signal.SIGTERM)
    time.sleep(0.3)
  assert left == [143] and closed == [0]
  assert "there was nothing to save" in capsys.readouterr().out


def test_one_of_several_processes_does_not_leave_alone(monkeypatch, capsys):
  monkeypatch.setattr(jax, "process_count", lambda: 2)
  monkeypatch.setattr(multihost_utils, "process_allgather", lambda own: np.array([0, own]))
  done = []
  with pytest.raises(Interrupted) as caught, Signals() as signals:
    signals.release()
    send(signal.SIGTERM)  # while it evaluates, or compiles
    done.append("evaluated")
    signals.check()
    pytest.fail("not interrupted")
  assert done == ["evaluated"] and not caught.value.at_once
  assert "SIGTERM: all processes finish this step, or this evaluation," in capsys.readouterr().out


def test_all_processes_of_a_distributed_run_stop_at_the_same_step(monkeypatch):
  monkeypatch.setattr(jax, "process_count", lambda: 2)
  others = iter([0, 15])
  monkeypatch.setattr(
    multihost_utils, "process_allgather", lambda own: np.array([own, next(others)])
  )
  signals = Signals()
  assert not signals.requested()
  assert signals.requested()
