import errno
import fcntl
import os
import threading
import time

import pytest

from jppf_jax.input_pipeline import staging


@pytest.fixture
def folder(tmp_path):
  return tmp_path / "built" / "robots" / "1.0.0"


def make(folder, content="records", *, replace=False):
  with staging.turn(folder, folder.parents[1]), staging.staged(folder, replace=replace) as stage:
    (stage / staging.NEW).mkdir()
    (stage / staging.NEW / "records").write_text(content)


def everything_in(root):
  return sorted(str(path.relative_to(root)) for path in root.rglob("*"))


def test_a_complete_folder_takes_its_place_and_nothing_else_is_left(folder):
  make(folder)
  assert everything_in(folder.parents[1]) == ["robots", "robots/1.0.0", "robots/1.0.0/records"]


def test_nothing_is_left_of_a_build_that_fails(folder):
  turn = staging.turn(folder, folder.parents[1])
  with pytest.raises(ZeroDivisionError), turn, staging.staged(folder) as stage:
    (stage / staging.NEW).mkdir()
    raise ZeroDivisionError
  assert everything_in(folder.parents[1]) == []


def test_the_former_folder_stays_until_the_new_one_is_complete(folder):
  make(folder, "former")
  with pytest.raises(ZeroDivisionError), staging.staged(folder, replace=True) as stage:
    assert (folder / "records").read_text() == "former"
    (stage / staging.NEW).mkdir()
    raise ZeroDivisionError
  with pytest.raises(FileNotFoundError), staging.staged(folder, replace=True):
    pass  # there is no `new` to be moved
  assert (folder / "records").read_text() == "former"
  make(folder, "new", replace=True)
  assert (folder / "records").read_text() == "new"
  assert everything_in(folder.parent) == ["1.0.0", "1.0.0/records"]


def test_who_comes_second_waits_and_says_for_whom(folder, caplog):
  entered, leave, order = threading.Event(), threading.Event(), []

  def first():
    with staging.turn(folder, folder.parents[1]):
      entered.set()
      leave.wait(20)
      order.append("first")

  def second():
    with staging.turn(folder, folder.parents[1]):
      order.append("second")

  one, two = threading.Thread(target=first), threading.Thread(target=second)
  one.start()
  entered.wait(20)
  two.start()
  deadline = time.monotonic() + 20
  while not caplog.records and time.monotonic() < deadline:
    time.sleep(0.01)
  assert order == []
  leave.set()
  one.join(20)
  two.join(20)
  assert order == ["first", "second"]
  assert "Process " in caplog.text and "waiting for it (0 s)" in caplog.text


def test_a_helper_of_the_process_that_builds_does_not_wait_for_it(folder, monkeypatch):
  with staging.turn(folder, folder.parents[1]):
    monkeypatch.setattr(os, "getppid", os.getpid)
    refused = pytest.raises(RuntimeError, match='below `if __name__ == "__main__":`')
    with refused, staging.turn(folder, folder.parents[1]):
      pass
    assert (folder.parent / staging.LOCK).exists()


def test_the_lock_file_of_a_dead_process_does_not_block(folder):
  folder.parent.mkdir(parents=True)
  (folder.parent / staging.LOCK).write_text("Process 1 on another host")
  make(folder)
  assert folder.is_dir() and not (folder.parent / staging.LOCK).exists()


def test_what_killed_processes_left_is_removed_but_not_what_one_builds_now(folder):
  stages = [folder.parent / f"incomplete.{name}" for name in ("A1B2C3_1.0.0", "0123456789ab")]
  for stage in stages:
    stage.mkdir(parents=True)
    (stage / "bucket_x_001.tmp").write_text("half")
  make(folder)
  assert everything_in(folder.parent) == ["1.0.0", "1.0.0/records"]
  for stage in stages:
    stage.mkdir(parents=True)
  with (folder.parent / staging.LOCK).open("w") as lock:
    fcntl.flock(lock, fcntl.LOCK_EX)
    staging.tidy(folder)
    assert all(stage.is_dir() for stage in stages)
  staging.tidy(folder)
  assert everything_in(folder.parent) == ["1.0.0", "1.0.0/records"]


def test_a_folder_that_was_being_replaced_by_a_killed_process_comes_back(folder):
  aside = folder.parent / "incomplete.0123456789ab" / "replaced"
  aside.mkdir(parents=True)
  (aside / "records").write_text("former")
  with staging.turn(folder, folder.parents[1]):
    assert (folder / "records").read_text() == "former"


def test_without_locks_the_first_to_finish_wins_and_nobody_fails(folder, monkeypatch):
  def no_locks(*_):
    raise OSError(errno.ENOLCK, "No locks available")

  monkeypatch.setattr(fcntl, "flock", no_locks)
  other = folder.parent / "incomplete.ffffffffffff"
  other.mkdir(parents=True)
  with staging.turn(folder, folder.parents[1]), staging.staged(folder) as slow:
    (slow / staging.NEW).mkdir()
    (slow / staging.NEW / "records").write_text("slow")
    make(folder, "fast")
  assert (folder / "records").read_text() == "fast"
  assert other.is_dir()  # another process may be at it
