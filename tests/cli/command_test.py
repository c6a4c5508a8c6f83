"""What is true of every verb: its help, its flags, and what it says about wrong ones."""

import gc
import os
import re
import shlex
import signal
import subprocess
import sys

import pytest
from absl import app, flags

from jppf_jax.cli import command, main
from jppf_jax.leaving import Interrupted
from tests.cli import verbs
from tests.cli.main_test import HEAVY

EVERY_VERB = pytest.mark.parametrize("verb", main.VERBS)


def example_of(page: str) -> str:
  """The command below "example:", as a shell reads it."""
  found = re.search(r"^example:\n((?:.*\\\n)*.*)\n", page, re.MULTILINE)
  return found[1].replace("\\\n", " ")


@EVERY_VERB
def test_help_has_usage_example_and_every_flag_with_its_default_at_80_columns(verb):
  done = verbs.here(verb, "--help")
  assert (done.status, done.err) == (0, "")
  assert done.out.startswith(f"usage: jppf {verb}")
  assert max(map(len, done.out.splitlines())) <= 80
  assert "`" not in done.out.partition("flags:")[2]
  rows = re.split(r"\n(?=  --)", done.out.partition("flags:")[2])[1:]
  shown = [re.match(r"  --(?:\[no\])?([^=\s]+)", row)[1] for row in rows]
  assert shown == verbs.flags_of(verb)
  for row in rows:
    assert re.search(r"\(default:\s|\(required", row), row


@EVERY_VERB
def test_every_flag_that_a_verb_defines_is_on_its_page(verb):
  module = verbs.module(verb)
  defined = flags.FLAGS.flags_by_module_dict().get(module.__name__, [])
  assert {flag.name for flag in defined} <= set(verbs.flags_of(verb))


@EVERY_VERB
def test_the_example_of_a_verb_is_accepted(verb, monkeypatch):
  calls = []
  monkeypatch.setattr(verbs.module(verb), "main", calls.append)
  program, *argv = shlex.split(example_of(verbs.here(verb, "--help").out))
  assert program == "jppf"
  assert argv[0] == verb
  assert verbs.here(*argv) == (0, "", "")
  assert calls[0][0] == f"jppf {verb}"
  assert not [argument for argument in calls[0] if argument.startswith("-")]


def test_a_verb_collects_garbage_seldom(monkeypatch):
  seen = []
  monkeypatch.setattr(verbs.module("doctor"), "main", lambda argv: seen.append(gc.get_threshold()))
  before = gc.get_threshold()
  gc.set_threshold(700, 10, 10)  # of Python: a fifth of the time that tracing a step takes
  try:
    verbs.here("doctor")
  finally:
    gc.set_threshold(*before)
  assert seen[0][0] >= 50_000


@pytest.mark.parametrize("verb", ["train", "doctor"])
@pytest.mark.parametrize(
  "error, status, said",
  [
    (KeyboardInterrupt(), 130, "jppf {verb}: stopped.\n"),
    (Interrupted(signal.SIGTERM, at_once=True), 143, ""),
  ],
)
def test_a_signal_leaves_at_once_for_a_thread_may_compile(monkeypatch, verb, error, status, said):
  def interrupted(argv):
    raise error

  left = []
  monkeypatch.setattr(verbs.module(verb), "main", interrupted)
  monkeypatch.setattr(command, "leave", left.append)
  argv = ("--config=x", "--workdir=y") if verb == "train" else ()
  assert verbs.here(verb, *argv).err == said.format(verb=verb)
  assert left == [status]


def test_a_run_whose_processes_leave_together_is_left_as_always(monkeypatch):
  def interrupted(argv):
    raise Interrupted(signal.SIGTERM)

  monkeypatch.setattr(verbs.module("doctor"), "main", interrupted)
  monkeypatch.setattr(command, "leave", pytest.fail)
  assert verbs.here("doctor").status == 143


@EVERY_VERB
def test_all_ways_of_asking_give_the_same_page(verb):
  page = verbs.here(verb, "--help").out
  for argv in (("help", verb), ("--help", verb), (verb, "-h"), (verb, "x.png", "--help", "--nix")):
    assert verbs.here(*argv).out == page
  assert verbs.here(verb, "--version").out == verbs.here("--version").out


@EVERY_VERB
def test_a_module_that_is_run_answers_the_same_and_loads_no_library(verb):
  name = verb.replace("-", "_")
  done = verbs.python_m(name, "--help")
  assert done.returncode == 0
  assert done.stdout == verbs.here(verb, "--help").out
  assert not verbs.imported(done.stderr) & HEAVY


@EVERY_VERB
def test_a_misspelt_flag_is_refused_with_the_nearest(verb):
  names = verbs.flags_of(verb)
  name = next(name for name in names if "." not in name)
  done = verbs.here(verb, f"--{name[:-1]}=1")
  assert (done.status, done.out) == (2, "")
  assert done.err == (
    f"jppf {verb}: There is no flag --{name[:-1]}; did you mean --{name}?\n"
    f"`jppf {verb} --help` lists its flags.\n"
  )


@EVERY_VERB
def test_a_flag_of_another_verb_is_refused_although_both_are_loaded(verb):
  other = "labels" if verb == "merge" else "parts"
  verbs.module("merge"), verbs.module("prepare")
  done = verbs.here(verb, f"--{other}=1")
  assert done.status == 2
  assert f"There is no flag --{other}" in done.err


@EVERY_VERB
def test_a_command_line_that_misses_something_is_one_sentence(verb, tmp_path):
  argv = ["what"] if verb in ("demo", "doctor") else []
  done = verbs.here(verb, *argv)
  assert (done.status, done.out) == (2, "")
  sentence, advice = done.err.splitlines()
  assert sentence.startswith(f"jppf {verb}: ")
  assert advice == f"`jppf {verb} --help` lists its flags."


@pytest.mark.parametrize(
  "argv, words",
  [
    (("evaluate", "--pictures=many"), "--pictures=many"),
    (("evaluate", "--pictures=-1"), "--pictures=-1"),
    (("score", "--missing=maybe"), "<error|empty>"),
    (("train", "--workdir"), "Missing value for flag --workdir"),
    (("train", "--nocompile_cache=yes"), "does not take an argument"),
    (("train", "--nocompile_cach"), "did you mean --nocompile_cache?"),
    (("train", "--confg.data.batch_size=2"), "did you mean --config?"),
    (("train", "--flagfile=/no/such/file"), "/no/such/file"),
  ],
)
def test_a_wrong_value_is_one_sentence(argv, words):
  done = verbs.here(*argv)
  assert done.status == 2
  assert words in done.err
  assert len(done.err.splitlines()) == 2


@EVERY_VERB
def test_a_boolean_that_is_neither_true_nor_false_is_told_how_to_be(verb):
  booleans = [name for name in verbs.flags_of(verb) if flags.FLAGS[name].boolean]
  for name in [*booleans, "logtostderr"]:  # the last one is absl's
    done = verbs.here(verb, f"--{name}=may be: (a)")
    assert done.status == 2
    assert done.err.splitlines()[0] == (
      f"jppf {verb}: --{name}=may be: (a): expected true or false; "
      f"--{name} alone is true, --no{name} is false."
    )


@EVERY_VERB
def test_what_is_no_number_is_told_what_was_expected(verb):
  kinds = {"int": "a whole number", "float": "a number"}
  for name in verbs.flags_of(verb):
    flag = flags.FLAGS[name]
    kind = kinds.get(flag.flag_type())
    if kind is None:
      continue
    done = verbs.here(verb, f"--{name}=x: y")
    assert done.status == 2
    example = "" if flag.default is None else f", such as --{name}={flag.default}"
    said = f"jppf {verb}: --{name}=x: y: expected {kind}{example}."
    assert done.err.splitlines()[0] == said


def test_a_number_of_images_is_whole():
  done = verbs.here("report", "--images=1.5")
  said = "jppf report: --images=1.5: expected a whole number, such as --images=50."
  assert done.err.splitlines()[0] == said


def test_flags_of_absl_and_arguments_behind_two_hyphens_are_as_ever(monkeypatch, tmp_path):
  calls = []
  monkeypatch.setattr(verbs.module("predict"), "main", calls.append)
  more = tmp_path / "flags.txt"
  more.write_text("--out=b\n--config.seed=3\n")
  argv = ("--verbosity=-1", f"--flagfile={more}", "a.png", "--", "--help")
  assert verbs.here("predict", *argv).status == 0
  assert calls == [["jppf predict", "a.png", "--help"]]


def test_a_usage_error_of_a_verb_ends_with_its_sentence(monkeypatch):
  def misused(argv):
    raise app.UsageError("Needs more.")

  monkeypatch.setattr(verbs.module("score"), "main", misused)
  done = verbs.here("score")
  assert done.status == command.USAGE_STATUS
  assert done.err == "jppf score: Needs more.\n`jppf score --help` lists its flags.\n"


def with_a_closed_pipe(*argv, stream="stdout", unbuffered=""):
  """Runs `python ARGV...` with a stream that nobody reads; the other one is returned."""
  reading, writing = os.pipe()
  os.close(reading)
  streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, stream: writing}
  environment = {**os.environ, "PYTHONPATH": str(verbs.ROOT), "PYTHONUNBUFFERED": unbuffered}
  command_line = [sys.executable, *argv]
  try:
    return subprocess.run(command_line, text=True, timeout=600, env=environment, **streams)
  finally:
    os.close(writing)


@pytest.mark.parametrize("unbuffered", ["", "1"])  # written at the end, at once
@pytest.mark.parametrize(
  "argv",
  [
    (
      "-m",
      "jppf_jax.cli.main",
    ),
    ("-m", "jppf_jax.cli.main", "--version"),
    ("-m", "jppf_jax.cli.main", "help", "predict"),
    ("-m", "jppf_jax.cli.main", "completion", "bash"),
    ("-m", "jppf_jax.cli.predict", "--help"),
  ],
)
def test_a_reader_that_is_closed_early_ends_a_command_quietly(argv, unbuffered):
  done = with_a_closed_pipe(*argv, unbuffered=unbuffered)
  assert (done.returncode, done.stderr) == (141, "")


def test_a_refusal_keeps_its_status_but_for_one_that_nobody_reads():
  misspelt = ("-m", "jppf_jax.cli.main", "predict", "--nix")
  done = with_a_closed_pipe(*misspelt)
  assert done.returncode == command.USAGE_STATUS and len(done.stderr.splitlines()) == 2
  assert with_a_closed_pipe(*misspelt, stream="stderr").returncode == 141


OF_A_VERB = """
import sys
from jppf_jax.cli import command, doctor, errors
def main(argv):
  with errors.plainly("doctor", OSError):
    {work}
doctor.main = main
command.run(doctor, "doctor", [])
"""


@pytest.mark.parametrize(
  "work, status, said",
  [
    ("print('lost', flush=True)", 141, ""),
    ("print('lost')", 141, ""),
    ("pass", 0, ""),
    ("print('lost'); raise FileNotFoundError('no file')", 1, "jppf doctor: no file"),
    ("print('lost'); raise ZeroDivisionError('a fault')", 1, "ZeroDivisionError: a fault"),
  ],
)
def test_what_went_wrong_is_said_although_nobody_reads_the_output(work, status, said):
  done = with_a_closed_pipe("-c", OF_A_VERB.format(work=work))
  assert (done.returncode, done.stderr.strip().rpartition("\n")[2]) == (status, said)


def test_a_broken_pipe_that_is_not_the_output_is_an_error():
  def broken():
    with command.unread_is_no_error():
      raise BrokenPipeError("of a worker")

  with pytest.raises(BrokenPipeError, match="of a worker"):
    broken()


def test_a_system_that_cannot_ask_its_pipes_runs_commands(monkeypatch):
  monkeypatch.delattr(command.select, "poll")
  with command.unread_is_no_error():
    pass
