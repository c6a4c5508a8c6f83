"""What the libraries log is shown if it is asked for, and only then."""

import contextlib
import logging
import os
import sys
import types
import warnings

import jax
import orbax.checkpoint
import pytest
from absl import flags
from absl import logging as absl_logging
from absl.testing import flagsaver

import jppf_jax
from jppf_jax.cli import quiet
from jppf_jax.labels.sides import SidesWarning
from tests.cli import verbs

SCENES = "synthetic_panoptic_parts/64x128_train4_validation2_seed0"
INFO, WARNING, ERROR = (absl_logging.converter.absl_to_standard(level) for level in (0, -1, -2))


@pytest.fixture
def handler(monkeypatch):
  """The handler that writes to stderr, without filters; the environment is as before afterwards."""
  found = absl_logging.get_absl_handler().python_handler
  monkeypatch.setattr(found, "filters", [])
  monkeypatch.setattr(found, "formatter", found.formatter)
  for name in quiet._LEVELS:
    monkeypatch.setenv(name, "")
    monkeypatch.delenv(name)
  before = absl_logging.get_verbosity()
  monkeypatch.setattr(warnings, "formatwarning", warnings.formatwarning)
  yield found
  absl_logging.set_verbosity(before)


def is_shown(handler, path, level):
  """Whether a line of the log that the file `path` writes passes the level and the filters."""
  record = logging.LogRecord("absl", level, path, 1, "text", (), None)
  return absl_logging.get_absl_logger().isEnabledFor(level) and bool(handler.filter(record))


@contextlib.contextmanager
def given(**values):
  """As if the command line had these flags."""
  flags.FLAGS.mark_as_parsed()
  with flagsaver.flagsaver(**values):
    quiet.before_flags()
    quiet.after_flags()
    yield


def test_our_lines_of_the_log_have_no_file_and_time_those_of_others_do(handler):
  def line(path):
    return handler.format(logging.LogRecord("absl", WARNING, path, 7, "at %s", ("a",), None))

  ours = f"{jppf_jax.__path__[0]}/checkpoints/store.py"
  with given():
    assert line(ours) == "warning: at a"
    assert line("/lib/other.py").endswith("other.py:7] at a")
  handler.setFormatter(absl_logging.PythonFormatter())
  with given(verbose=True):
    assert line(ours).endswith("store.py:7] at a")


def test_warnings_of_chatty_libraries_are_hidden_errors_and_those_of_others_are_not(handler):
  ours = f"{jppf_jax.__path__[0]}/checkpoints/store.py"
  with given():
    for chatty in (orbax.checkpoint.__file__, absl_logging.__file__):
      assert not is_shown(handler, chatty, WARNING)
      assert is_shown(handler, chatty, ERROR)
    assert not is_shown(handler, ours, INFO)
    assert is_shown(handler, ours, WARNING)
    assert is_shown(handler, jax.__file__, WARNING)


def test_lines_of_others_are_shown_wherever_they_lie(handler, monkeypatch, tmp_path):
  own = tmp_path / "grain"  # of the user, who may call it as a library
  library = types.SimpleNamespace(__path__=[str(own / "lib/grain")])
  monkeypatch.setitem(sys.modules, "grain", library)
  monkeypatch.delitem(sys.modules, "tensorstore", raising=False)
  with given():
    assert not is_shown(handler, str(own / "lib/grain/python/loader.py"), WARNING)
    for name in ("lib/jppf_jax/loop.py", "lib/jax/compiler.py", "lib/tensorstore/x.py", "run.py"):
      assert is_shown(handler, str(own / name), WARNING)


def test_verbose_shows_everything(handler):
  with given(verbose=True):
    assert is_shown(handler, orbax.checkpoint.__file__, INFO)
    assert not set(quiet._LEVELS) & set(os.environ)


def test_a_level_of_the_user_stays(handler, monkeypatch):
  monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "0")
  with given():
    assert os.environ["TF_CPP_MIN_LOG_LEVEL"] == "0"
    assert os.environ["GRPC_VERBOSITY"] == "ERROR"


@pytest.mark.parametrize("module, count", [("orbax.checkpoint", 0), ("orbax", 0), ("orbaxes", 1)])
def test_python_warnings_of_chatty_libraries_are_hidden(handler, module, count):
  with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    with given():
      warnings.warn_explicit("text", UserWarning, "file.py", 1, module=module)
  assert len(caught) == count


def test_our_own_warnings_are_one_line_and_those_of_others_say_where_they_are_from(handler):
  with given():
    ours = warnings.formatwarning("left is right", SidesWarning, "sides.py", 3)
    other = warnings.formatwarning("of Python", UserWarning, "other.py", 4)
  assert ours == "warning: left is right\n"
  assert other == "other.py:4: UserWarning: of Python\n"


@pytest.mark.parametrize(
  "argv, meant",
  [
    (["a", "-v"], ["a", "--verbose"]),
    (["-v", "b.png"], ["--verbose", "b.png"]),
    (["-v", "1"], ["-v", "1"]),
    (["-v", "-1"], ["-v", "-1"]),
    (["-v=1"], ["-v=1"]),
    (["-v", "-x"], ["--verbose", "-x"]),
    (["--", "-v"], ["--", "-v"]),
  ],
)
def test_the_short_form_is_that_of_absl_with_a_number_only(argv, meant):
  assert quiet.long_form(argv) == meant


@pytest.mark.parametrize("flag, shown", [("-v", True), ("--verbose", True), ("--noverbose", False)])
def test_a_run_that_is_resumed_shows_the_log_of_checkpoints_if_asked(
  tiny_run, tmp_path, flag, shown
):
  workdir = tiny_run.copy(tmp_path / "run")
  done = verbs.jppf("train", *verbs.smoke(tiny_run), f"--workdir={workdir}", flag)
  assert done.returncode == 0, done.stderr
  remarks = verbs.remarks(done.stderr)
  if shown:
    assert any("Restoring checkpoint" in line for line in remarks)
  else:
    assert remarks == []


def test_a_dataset_is_built_and_a_program_exported_without_a_word_of_the_libraries(
  tiny_run, tmp_path
):
  done = verbs.jppf("prepare", SCENES, f"--data_dir={tmp_path}")
  assert (done.returncode, verbs.remarks(done.stderr)) == (0, [])
  place = f"--out={tmp_path / 'exported'}"
  done = verbs.jppf("export", f"--workdir={tiny_run.workdir}", place, "--platforms=cpu")
  assert done.returncode == 0, done.stderr
  (about,) = verbs.remarks(done.stderr)
  assert about.startswith(f"Weights {tiny_run.workdir}/weights.safetensors, ")
