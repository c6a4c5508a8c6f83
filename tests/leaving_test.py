import signal
import subprocess
import sys
from pathlib import Path

import pytest

from jppf_jax import leaving
from jppf_jax.leaving import Interrupted


@pytest.mark.parametrize("number, status", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_status_is_that_of_a_shell(number, status):
  error = Interrupted(number)
  assert (error.status, error.code, error.name) == (status, status, number.name)
  assert not error.at_once and Interrupted(number, at_once=True).at_once


def test_leaving_ends_a_process_with_its_status_and_what_it_printed():
  code = "import atexit, leaving; atexit.register(print, 'late'); print('said', end=''); "
  code += "leaving.leave(143)"
  folder = Path(leaving.__file__).parent
  done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True)
  assert (done.returncode, done.stdout, done.stderr) == (143, "said", "")


def test_leaving_needs_no_reader():
  code = "import os; from leaving import leave; reading, writing = os.pipe(); os.close(reading); "
  code += "os.dup2(writing, 1); print('lost'); leave(130)"
  environment = {"PYTHONUNBUFFERED": ""}
  folder = Path(leaving.__file__).parent
  done = subprocess.run(
    [sys.executable, "-c", code], cwd=folder, env=environment, stderr=subprocess.PIPE, text=True
  )
  assert (done.returncode, done.stderr) == (130, "")
