import threading

import pytest

from jppf_jax.saving import whole_file, write_text


def test_the_file_takes_its_place_at_the_end_of_the_block(tmp_path):
  target = tmp_path / "new" / "folder" / "a.txt"
  with whole_file(target) as partial:
    partial.write_text("whole")
    assert not target.exists() and partial.parent == target.parent
  assert target.read_text() == "whole" and list(target.parent.iterdir()) == [target]


def test_an_error_leaves_what_was_there_before_and_no_rest(tmp_path):
  target = tmp_path / "a.txt"
  write_text(target, "before")
  with pytest.raises(OSError, match="disk full"), whole_file(target) as partial:
    partial.write_text("half")
    raise OSError("disk full")
  assert target.read_text() == "before" and list(tmp_path.iterdir()) == [target]


def test_many_writers_of_one_file_do_not_disturb_each_other(tmp_path):
  target, errors = tmp_path / "a.txt", []

  def write(text):
    try:
      write_text(target, text)
    except OSError as error:
      errors.append(error)

  texts = [str(n) * 10_000 for n in range(8)]
  threads = [threading.Thread(target=write, args=(text,)) for text in texts * 5]
  for thread in threads:
    thread.start()
  for thread in threads:
    thread.join()
  assert not errors and target.read_text() in texts and list(tmp_path.iterdir()) == [target]


def test_text_is_utf_8(tmp_path):
  write_text(tmp_path / "a.json", "é")
  assert (tmp_path / "a.json").read_bytes() == "é".encode()
