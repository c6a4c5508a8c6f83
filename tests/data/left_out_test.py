import importlib

import pytest

from jppf_jax.input_pipeline import datasets

datasets.data_error()  # makes the package importable
left_out = importlib.import_module("jppf_jax_data.left_out").left_out


@pytest.fixture
def raw(tmp_path):
  names = ("photos/a.jpg", "photos/b.JPG", "photos/deep/c.jpg", "photos/.hidden", "labels/a.png")
  for name in (*names, "labels/.cache/a.png", "readme.txt"):
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
  return tmp_path


def test_files_that_are_not_used_are_counted_and_named_but_hidden_ones(raw):
  said = left_out(raw, ["photos", "labels"], [raw / "photos" / "a.jpg"])
  assert said == (
    "3 files are left out of the raw folders (1 x .png, 1 x .JPG, 1 x .jpg): "
    "labels/a.png, photos/b.JPG, photos/deep/c.jpg"
  )


def test_nothing_is_said_if_all_are_used(raw):
  assert left_out(raw, ["labels"], [raw / "labels" / "a.png"]) == ""


def test_long_lists_are_cut(raw):
  for number in range(5):
    (raw / "labels" / f"{number}.tiff").touch()
  said = left_out(raw, ["labels", "labels/"], [raw / "labels" / "a.png"])
  assert said.startswith("5 files are") and said.endswith("labels/2.tiff, ...")


def test_a_folder_that_links_to_itself_is_read_once(raw):
  (raw / "labels" / "again").symlink_to(raw / "labels")
  assert left_out(raw, ["labels"], []).startswith("1 file is left out")
