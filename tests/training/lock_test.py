import errno
import fcntl
import os
import subprocess
import sys

import pytest

from jppf_jax.training.lock import FILE, RunInUse, locked


def test_a_second_training_is_refused_and_told_who_is_there(tmp_path):
  message = rf"in use: process {os.getpid()} on .* give another folder"
  with locked(tmp_path):
    for _ in range(2):  # the first is still there
      with pytest.raises(RunInUse, match=message), locked(tmp_path):
        pass


def test_the_folder_is_free_after_a_training_even_if_it_failed(tmp_path):
  for _ in range(2):
    with pytest.raises(KeyError), locked(tmp_path):
      raise KeyError
  assert (tmp_path / FILE).read_text() == ""


def test_another_folder_is_free(tmp_path):
  (tmp_path / "other").mkdir()
  with locked(tmp_path), locked(tmp_path / "other"):
    pass


HOLD = """
import fcntl, sys, time
file = open(sys.argv[1], "w")
fcntl.flock(file, fcntl.LOCK_EX)
print("process 7 on host", file=file, flush=True)
print(flush=True)
time.sleep(60)
"""


def test_another_process_is_named_and_its_lock_ends_with_it(tmp_path):
  command = [sys.executable, "-I", "-S", "-c", HOLD, str(tmp_path / FILE)]
  with subprocess.Popen(command, stdout=subprocess.PIPE) as holder:
    holder.stdout.readline()
    with pytest.raises(RunInUse, match="process 7 on host trains there"), locked(tmp_path):
      pass
    holder.kill()
  with locked(tmp_path):
    pass


def test_a_file_system_without_locks_is_reported_and_the_run_goes_on(tmp_path, monkeypatch, capsys):
  def no_locks(file, mode):
    raise OSError(errno.ENOLCK, "No locks available")

  monkeypatch.setattr(fcntl, "flock", no_locks)
  with locked(tmp_path):
    pass
  assert "no file locks (No locks available)" in capsys.readouterr().out


def test_a_folder_that_cannot_be_written_to_is_an_error(tmp_path):
  with pytest.raises(OSError), locked(tmp_path / "missing"):
    pass
