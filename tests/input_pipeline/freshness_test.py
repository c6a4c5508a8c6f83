"""Stale builds: whatever differs is said, and nothing is said if nothing does."""

import os
import shutil
import time
import warnings

import pytest

from jppf_jax.input_pipeline import built_from, datasets, freshness
from tests.data import raw_files

NAME = "clothing_co_parsing"
OWN = """
from pathlib import Path

from jppf_jax_data import pairs
from jppf_jax_data.pairs_builder import PairsBuilder


class Builder(PairsBuilder):

  @classmethod
  def layout(cls, split):
    return {f"photos/{split}": "*.jpg", f"labels/{split}": "*.tif"}

  @classmethod
  def files(cls, root, split):
    images = {path.stem: path for path in (root / "photos" / split).glob("*.jpg")}
    labels = {path.stem: path for path in (root / "labels" / split).glob("*.tif")}
    return images, labels
"""

GENERATED = """
import io

import numpy as np
from PIL import Image

from jppf_jax_data.builder import DatasetBuilder, Survey


class Builder(DatasetBuilder):

  RAW_FILES = False

  def survey(self, manual_dir):
    return Survey({split: 1 for split in self.splits})

  def examples(self, manual_dir):
    file = io.BytesIO()
    Image.new("RGB", (2, 2)).save(file, format="PNG")
    example = {"image_id": "a", "image": file.getvalue(), "uids": np.zeros((2, 2), np.int32)}
    return {split: iter([example]) for split in self.splits}
"""


@pytest.fixture(scope="module")
def original(tmp_path_factory):
  root = tmp_path_factory.mktemp("clothing")
  raw_files.write_clothing(root / "raw", 20)
  datasets.build(NAME, data_dir=root / "built", manual_dir=root / "raw")
  return root


@pytest.fixture
def built(original, tmp_path):
  """Copies raw files and build, with their times; returns the folder of both."""
  shutil.copytree(original, tmp_path, dirs_exist_ok=True)
  return tmp_path


def folder_of(built):
  return built / "built" / NAME / "1.0.0"


def message(built, raw="raw"):
  made = datasets.builder(NAME, data_dir=built / "built")
  return freshness.compare(folder_of(built), built / raw if raw else None, made=made).message


def test_an_unchanged_dataset_is_fresh(built):
  with warnings.catch_warnings():
    warnings.simplefilter("error")
    datasets.build(NAME, data_dir=built / "built", manual_dir=built / "raw")
  assert message(built) == ""


def test_added_removed_and_changed_files_are_a_warning_with_the_command(built):
  raw = built / "raw"
  raw_files.write_clothing(raw, 25)
  (raw / "photos" / "0003.jpg").unlink()
  raw_files.truncate(raw / "annotations" / "0004.png")
  with pytest.warns(freshness.StaleWarning) as caught:
    folder = datasets.build(NAME, data_dir=built / "built", manual_dir=raw)
  said = str(caught[0].message)
  assert folder == folder_of(built)
  assert "10 added (annotations/0021.png, annotations/0022.png, annotations/0023.png, ...)" in said
  assert "1 removed (photos/0003.jpg); 1 changed (annotations/0004.png)" in said
  assert f"jppf prepare {NAME} --data_dir={built / 'built'} --manual_dir={raw} --rebuild" in said


def test_the_command_of_folders_with_spaces_can_be_pasted(original, tmp_path):
  built = tmp_path / "new comer"
  shutil.copytree(original, built)
  (built / "raw" / "photos" / "0003.jpg").unlink()
  data, raw = f"'--data_dir={built / 'built'}'", f"'--manual_dir={built / 'raw'}'"
  assert message(built).endswith(f": jppf prepare {NAME} {data} {raw} --rebuild")


def test_an_image_without_a_label_is_a_difference_too(built):
  (built / "raw" / "photos" / "0099.jpg").write_bytes(b"no label")
  assert "1 added (photos/0099.jpg)" in message(built)


def test_files_that_the_builder_does_not_read_are_no_difference(built):
  (built / "raw" / "photos" / "notes.txt").write_text("by hand")
  (built / "raw" / "readme.txt").write_text("by hand")
  assert message(built) == ""


def test_a_copy_with_other_times_is_fresh_and_is_read_only_once(built, monkeypatch):
  shutil.copytree(built / "raw", built / "copy", copy_function=shutil.copyfile)
  assert message(built, "copy") == ""
  shutil.rmtree(built / "raw")

  def read(path):
    raise AssertionError(f"{path} is read again")

  monkeypatch.setattr(built_from, "digest", read)
  assert message(built, "copy") == "" and message(built, None) == ""


def test_a_folder_with_other_files_does_not_take_the_place_of_the_first(built):
  shutil.copytree(built / "raw", built / "other", copy_function=shutil.copyfile)
  raw_files.truncate(built / "other" / "annotations" / "0004.png")
  root = built_from.read(folder_of(built)).root
  assert "1 changed (annotations/0004.png)" in message(built, "other")
  assert built_from.read(folder_of(built)).root == root
  assert "1 changed (annotations/0004.png)" in message(built, "other")


def test_a_touched_file_is_fresh_on_a_disk_that_cannot_be_written(built, monkeypatch):
  os.utime(built / "raw" / "photos" / "0001.jpg", ns=(1, 1))

  def refuse(*_):
    raise PermissionError

  monkeypatch.setattr(built_from, "write_text", refuse)
  assert message(built) == ""


def test_the_folder_that_it_was_built_from_is_remembered(original, tmp_path):
  shutil.copytree(original / "raw", tmp_path / "raw")
  datasets.build(NAME, data_dir=tmp_path / "built", manual_dir=tmp_path / "raw")
  raw_files.write_clothing(tmp_path / "raw", 21)
  with pytest.warns(freshness.StaleWarning, match="2 added"):
    datasets.warn_if_stale(NAME, folder_of(tmp_path), tmp_path / "built")


def test_raw_files_that_are_gone_are_no_difference_and_named_only_if_asked_for(built):
  (built / "nowhere").mkdir()
  for raw in ("nowhere", "missing"):
    with pytest.warns(freshness.StaleWarning, match=f"not compared .* none are in .*{raw}"):
      datasets.build(NAME, data_dir=built / "built", manual_dir=built / raw)
  stored = built_from.read(folder_of(built))
  gone = {"form": 1, "root": str(built / "missing")}
  text = stored.to_json().replace(stored.root, gone["root"])
  (folder_of(built) / built_from.NAME).write_text(text)
  with warnings.catch_warnings():
    warnings.simplefilter("error")
    datasets.warn_if_stale(NAME, folder_of(built), built / "built")


def test_raw_files_that_cannot_be_built_as_they_are_are_said_to_be_so(built):
  shutil.rmtree(built / "raw" / "photos")
  assert "not compared with its raw files: clothing_co_parsing: 1 problem" in message(built)
  shutil.rmtree(built / "raw" / "annotations")
  assert message(built).endswith(f"none are in {built / 'raw'}.")


def test_a_build_from_before_this_was_recorded_is_unknown_and_is_used(built):
  (folder_of(built) / built_from.NAME).unlink()
  with pytest.warns(freshness.StaleWarning, match="not known from which files .* --rebuild"):
    datasets.build(NAME, data_dir=built / "built", manual_dir=built / "raw")
  with warnings.catch_warnings():
    warnings.simplefilter("error")
    datasets.build(NAME, data_dir=built / "built")


def test_a_generated_dataset_is_never_stale(tmp_path):
  own = tmp_path / "nothing_dataset_builder.py"
  own.write_text(GENERATED)
  folder = datasets.build(str(own), data_dir=tmp_path)
  with warnings.catch_warnings():
    warnings.simplefilter("error")
    datasets.build(str(own), data_dir=tmp_path)
    (folder / built_from.NAME).unlink()
    datasets.build(str(own), data_dir=tmp_path, manual_dir=tmp_path)


def test_your_own_dataset_is_compared_by_its_bare_name_and_by_its_builder(built):
  own = built / "robots_dataset_builder.py"
  own.write_text(OWN)
  for folder in ("photos/train", "labels/train"):
    (built / folder).mkdir(parents=True)
  pair = built / "photos/train/a.jpg", built / "labels/train/a.tif"
  for path in pair:
    path.write_bytes(b"a")
  made = datasets.builder(str(own), data_dir=built, splits=["train"])
  folder = built / "robots" / "1.0.0"
  folder.mkdir(parents=True)
  built_from.write(folder, built_from.with_contents(freshness.now(made, built)))
  assert freshness.compare(folder, built, made=made).message == ""
  assert freshness.compare(folder, None, made=None).message == ""
  own.write_text(OWN + "# another way to read labels")
  changed = datasets.builder(str(own), data_dir=built)
  assert f"the builder {own} has changed" in freshness.compare(folder, None, made=changed).message
  pair[1].write_bytes(b"longer")
  with pytest.warns(freshness.StaleWarning, match="1 changed"):
    datasets.warn_if_stale("robots", folder, built)


def test_thousands_of_files_are_compared_in_well_under_a_second(built):
  for index in range(1000):
    for folder, suffix in (("photos", "jpg"), ("annotations", "png")):
      (built / "raw" / folder / f"n{index}.{suffix}").touch()
  start = time.process_time()
  assert "2000 added" in message(built)
  assert time.process_time() - start < 1
