import threading

import pytest

from jppf_jax.saving import (
  require_file,
  require_folder,
  require_json,
  require_other,
  require_outside,
  whole_file,
  write_text,
)


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


def test_a_file_that_can_be_written_is_no_error_and_leaves_nothing(tmp_path):
  (tmp_path / "there.txt").write_text("before")
  for name in ("there.txt", "new.txt", "new/folder/a.txt"):
    require_file(tmp_path / name)
  for name in (".", "new", "new/folder"):
    require_folder(tmp_path / name)
  assert [path.name for path in tmp_path.iterdir()] == ["there.txt"]


def test_a_folder_is_no_file_and_a_file_no_folder(tmp_path):
  (tmp_path / "a").write_text("")
  with pytest.raises(IsADirectoryError, match="it is a folder; name a file in it"):
    require_file(tmp_path)
  for require in (require_folder, lambda path: require_file(path / "b")):
    with pytest.raises(NotADirectoryError, match="a is no folder"):
      require(tmp_path / "a")
  with pytest.raises(NotADirectoryError, match="a is no folder"):
    require_folder(tmp_path / "a" / "b" / "c")


def test_a_folder_that_refuses_new_files_is_named(tmp_path, monkeypatch):
  def refuse(**_):
    raise PermissionError(13, "Permission denied")

  monkeypatch.setattr("tempfile.TemporaryFile", refuse)
  with pytest.raises(PermissionError, match=r"Cannot write .*a\.json: Permission denied in "):
    require_file(tmp_path / "new" / "a.json")


@pytest.mark.parametrize("content", [b"II*\0", b"\xff\xd8", b"a: 1", b"{", b"[" * 100_000])
def test_json_replaces_no_file_of_another_kind(tmp_path, content):
  (tmp_path / "a.tif").write_bytes(content)
  with pytest.raises(FileExistsError, match=r"Cannot write .*a\.tif: the file .* is no JSON"):
    require_json(tmp_path / "a.tif")
  assert (tmp_path / "a.tif").read_bytes() == content


def test_json_may_be_new_or_replace_json_or_an_empty_file(tmp_path):
  (tmp_path / "empty.json").touch()
  (tmp_path / "scores.json").write_text('{"é": NaN}', encoding="utf-8")
  for name in ("empty.json", "scores.json", "new/scores.json"):
    require_json(tmp_path / name)
  with pytest.raises(IsADirectoryError):
    require_json(tmp_path)


def test_json_of_another_kind_is_not_replaced(tmp_path):
  path = tmp_path / "a.json"
  for text in ('{"spec": 1}', "[]", '"spec"', "3"):
    path.write_text(text)
    with pytest.raises(FileExistsError, match=r"a\.json: the JSON .* \(expected the keys imag"):
      require_json(path, ["spec", "images"])
    assert path.read_text() == text
  for text in ('{"spec": 1, "images": 2, "more": 3}', ""):
    path.write_text(text)
    require_json(path, ["spec", "images"])


def test_results_come_to_lie_in_no_input(tmp_path):
  (tmp_path / "in").mkdir()
  (tmp_path / "link").symlink_to(tmp_path / "in")
  for name in ("in", "in/new/deep", "link/x", "other/../in"):
    with pytest.raises(FileExistsError, match=r"results would join .* input .*/in; name a folder"):
      require_outside(tmp_path / name, [tmp_path / "nowhere", tmp_path / "in"])
  for name in (".", "inside", "in/.."):
    require_outside(tmp_path / name, [tmp_path / "in"])


def test_an_input_is_not_replaced_by_any_of_its_names(tmp_path):
  (tmp_path / "a").write_text("read")
  (tmp_path / "other").write_text("read")
  (tmp_path / "link").symlink_to(tmp_path / "a")
  for name in ("a", "link"):
    with pytest.raises(FileExistsError, match=rf"Cannot write .*{name}: it is the input .*a; name"):
      require_other(tmp_path / name, ["cpp", tmp_path / "a"])
  require_other(tmp_path / "other", [tmp_path / "a"])
  require_other(tmp_path / "new", [tmp_path / "new"])
