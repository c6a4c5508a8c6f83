import sys
from types import SimpleNamespace

import pytest
from absl import logging

from jppf_jax.training.quiet import CLOSED_LOOP, quiet_threads


def log_from(folder, level):
  """Logs a line as a file in `folder` does; returns whether it is shown."""
  logger = logging.get_absl_logger()
  record = logger.makeRecord("absl", level, f"{folder}/future.py", 1, "RESOURCE", (), None)
  return bool(logger.filter(record))


def unraisable(text):
  """Calls the hook as Python does for an error in a callback of C++."""
  sys.unraisablehook(SimpleNamespace(exc_value=RuntimeError(text)))


def test_copies_of_errors_are_dropped_and_everything_else_is_shown(monkeypatch):
  shown = []
  monkeypatch.setattr(sys, "unraisablehook", lambda args: shown.append(str(args.exc_value)))
  orbax, ours = "/lib/orbax/checkpoint", "/lib/jppf_jax"
  error, warning = logging.converter.STANDARD_ERROR, logging.converter.STANDARD_WARNING
  with quiet_threads():
    assert not log_from(orbax, error)
    assert log_from(orbax, warning) and log_from(ours, error)
    for text in (CLOSED_LOOP, "another"):
      unraisable(text)
  assert shown == ["another"]
  assert log_from(orbax, error)
  unraisable(CLOSED_LOOP)
  assert shown == ["another", CLOSED_LOOP]


def test_after_an_error_copies_are_dropped_until_the_process_ends(monkeypatch):
  shown = []
  monkeypatch.setattr(sys, "unraisablehook", lambda args: shown.append(str(args.exc_value)))
  with pytest.raises(OSError), quiet_threads():
    raise OSError
  unraisable(CLOSED_LOOP)
  assert shown == []
