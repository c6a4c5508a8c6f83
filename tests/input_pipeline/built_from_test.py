import os

import pytest

from jppf_jax.input_pipeline import built_from
from jppf_jax.input_pipeline.built_from import BuiltFrom


@pytest.fixture
def raw(tmp_path):
  for name in ("photos/a.jpg", "photos/b.jpg", "labels/a.png", "labels/b.png"):
    path = tmp_path / "raw" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(f"content of {name}".encode())
  return tmp_path / "raw"


def files_in(root):
  return built_from.list_files(root, [path for path in root.rglob("*") if path.is_file()])


def record(root):
  return built_from.with_contents(BuiltFrom(str(root), files_in(root), ("train",)))


def compared(stored, root):
  return built_from.difference(stored, root, files_in(root))


def test_the_same_files_do_not_differ(raw):
  difference = compared(record(raw), raw)
  assert not difference and difference.same == 4 and not difference.touched


def test_files_that_were_added_removed_and_changed_are_counted_and_named(raw):
  stored = record(raw)
  for letter in "cdef":
    (raw / "photos" / f"{letter}.jpg").write_bytes(b"new")
  (raw / "labels" / "a.png").unlink()
  (raw / "photos" / "b.jpg").write_bytes(b"longer than it was before")
  difference = compared(stored, raw)
  assert difference and not difference.is_another
  assert str(difference) == (
    "4 added (photos/c.jpg, photos/d.jpg, photos/e.jpg, ...); "
    "1 removed (labels/a.png); 1 changed (photos/b.jpg)"
  )


def test_a_file_of_another_time_is_changed_only_if_its_content_is(raw):
  stored = record(raw)
  touched, edited = raw / "photos" / "a.jpg", raw / "photos" / "b.jpg"
  edited.write_bytes(edited.read_bytes().upper())  # of the same size
  for path in (touched, edited):
    os.utime(path, ns=(1, 1))
  difference = compared(stored, raw)
  assert difference.changed == ("photos/b.jpg",) and difference.touched.keys() == {"photos/a.jpg"}
  assert difference.touched["photos/a.jpg"].time == 1


def test_another_folder_with_the_same_files_does_not_differ(raw, tmp_path):
  stored = record(raw)
  raw.rename(tmp_path / "moved")
  assert not compared(stored, tmp_path / "moved")


def test_a_folder_without_one_file_in_common_is_another_dataset(raw, tmp_path):
  stored = record(raw)
  for name in ("photos/a.jpg", "photos/x.jpg"):
    path = tmp_path / "other" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"something else")
  assert compared(stored, tmp_path / "other").is_another
  (tmp_path / "other" / "photos" / "b.jpg").write_bytes((raw / "photos" / "b.jpg").read_bytes())
  assert not compared(stored, tmp_path / "other").is_another


def test_only_files_that_are_not_of_the_recorded_time_are_read(raw, monkeypatch):
  stored = record(raw)
  os.utime(raw / "photos" / "a.jpg", ns=(1, 1))
  read = []
  digest = built_from.digest
  monkeypatch.setattr(built_from, "digest", lambda path: (read.append(path.name), digest(path))[1])
  assert not compared(stored, raw)
  assert read == ["a.jpg"]


def test_a_file_that_changes_while_the_records_are_built_is_not_taken_for_the_same(raw):
  listed = BuiltFrom(str(raw), files_in(raw), ("train",))
  (raw / "photos" / "a.jpg").write_bytes(b"CONTENT OF photos/a.jpg")
  os.utime(raw / "photos" / "a.jpg", ns=(1, 1))
  assert compared(built_from.with_contents(listed), raw).changed == ("photos/a.jpg",)


def test_a_link_to_nowhere_is_no_file(tmp_path):
  (tmp_path / "photo.jpg").symlink_to(tmp_path / "nowhere")
  assert built_from.list_files(tmp_path, [tmp_path / "photo.jpg"]) == {}


def test_what_is_written_is_read_again_and_a_damaged_file_is_unknown(raw, tmp_path):
  stored = record(raw)
  built_from.write(tmp_path, stored)
  assert built_from.read(tmp_path) == stored
  path = tmp_path / built_from.NAME
  whole = path.read_text()
  for damaged in (whole[:-9], "[]", "{}", '{"form": 2}', whole.replace('"size"', '"length"')):
    path.write_text(damaged)
    assert built_from.read(tmp_path) is None
  path.unlink()
  assert built_from.read(tmp_path) is None


@pytest.mark.parametrize(
  "name, exists, words, is_another",
  [
    ("robots.py", True, "the builder {folder}/robots.py has changed", False),
    ("other.py", True, "the builder was {folder}/other.py", True),
    ("other.py", False, "the builder was {folder}/other.py", False),  # it was moved and changed
  ],
)
def test_another_builder_is_named(tmp_path, name, exists, words, is_another):
  former, now = tmp_path / name, tmp_path / "robots.py"
  if exists:
    former.write_text("former")
  stored = BuiltFrom("", {}, ("train",), str(former), "digest of former")
  difference = built_from.difference(stored, "", {}, (now, "digest of now"))
  assert str(difference) == words.format(folder=tmp_path)
  assert difference.is_another == is_another
  assert not built_from.difference(stored, "", {}, (now, "digest of former"))
