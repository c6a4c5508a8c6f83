"""Runs a verb as a user does: a command line, in its own process or in this one."""

import contextlib
import importlib
import io
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import NamedTuple
from unittest import mock

from absl import app, flags

from jppf_jax.cli import help_text, main

ROOT = Path(__file__).parents[2]
BAR = re.compile(r"[\w ]+: +\d+%\|")  # of tqdm


def jppf(*argv: object, cwd: Path = ROOT) -> subprocess.CompletedProcess:
  """Returns what `jppf ARGV...` printed, and its exit status."""
  command = [sys.executable, "-m", "jppf_jax.cli.main", *map(str, argv)]
  environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200"}
  return subprocess.run(
    command, cwd=cwd, capture_output=True, text=True, timeout=600, env=environment
  )


class Done(NamedTuple):
  """What a command line in this process printed, and its exit status."""

  status: int | str | None
  out: str
  err: str


def here(*argv: object) -> Done:
  """Runs `jppf ARGV...` in this process; the flags have their defaults afterwards."""
  out, err, status = io.StringIO(), io.StringIO(), 0
  with (
    mock.patch.object(app, "run", _run),
    contextlib.redirect_stdout(out),
    contextlib.redirect_stderr(err),
  ):
    try:
      main.run(["jppf", *map(str, argv)])
    except SystemExit as stop:
      status = stop.code
    finally:
      for verb in main.VERBS:
        for name in (*flags_of(verb), "verbosity"):
          flags.FLAGS[name].unparse()
  return Done(status, out.getvalue(), err.getvalue())


def _run(verb_main, argv, flags_parser):
  """As `app.run`, which changes handlers and signals of the whole process."""
  verb_main(flags_parser(argv))


def module(verb: str) -> ModuleType:
  """The module of a verb."""
  return importlib.import_module(f"jppf_jax.cli.{verb.replace('-', '_')}")


def flags_of(verb: str) -> list[str]:
  """The names of the flags that a verb's page lists."""
  return help_text.names(help_text.flags_of(module(verb)))


def remarks(stderr: str) -> list[str]:
  """The lines that a command wrote to stderr beside its progress bars."""
  lines = [line.strip() for line in stderr.replace("\r", "\n").splitlines()]
  return [line for line in lines if line and not BAR.match(line)]


def smoke(run) -> list[str]:
  """Returns the flags of the shared tiny run's config."""
  return [
    f"--config={ROOT / 'configs/smoke.py'}",
    f"--config.data.data_dir={run.config.data.data_dir}",
  ]


def python_m(name: str, *argv: object) -> subprocess.CompletedProcess:
  """Returns what `python -m jppf_jax.cli.NAME ARGV...` printed; stderr lists all imports too."""
  command = [sys.executable, "-X", "importtime", "-m", f"jppf_jax.cli.{name}", *map(str, argv)]
  return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600)


def imported(stderr: str) -> set[str]:
  """The modules that a process with `-X importtime` imported."""
  lines = [line for line in stderr.splitlines() if line.startswith("import time:")]
  return {line.rpartition("|")[2].strip() for line in lines}


def loaded_by(name: str, *argv: object) -> set[str]:
  """The modules that `python -m jppf_jax.cli.NAME ARGV...` imports."""
  return imported(python_m(name, *argv).stderr)
