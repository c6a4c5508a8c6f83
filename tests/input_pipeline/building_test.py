"""Builds of tiny raw files: complete or not at all, once, and anew if asked for."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from jppf_jax.input_pipeline import building, built_from, datasets, read
from tests.data import raw_files

NAME = "cityscapes_panoptic_parts"
ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.filterwarnings("ignore:.*fewer examples:UserWarning")

BUILD = """
import sys, time, warnings
from jppf_jax.input_pipeline import building, datasets
warnings.simplefilter("ignore")
print("ready", flush=True)
sys.stdin.readline()
made = datasets.builder(sys.argv[1], data_dir=sys.argv[2])
made.on_example = lambda: (print("one more", file=sys.stderr), time.sleep(0.2))
building.build(made, manual_dir=sys.argv[3])
"""


@pytest.fixture
def raw(tmp_path):
  raw_files.write_cpp(tmp_path / "raw", {"train": 3, "val": 1})
  return tmp_path / "raw"


@pytest.fixture
def data_dir(tmp_path):
  return tmp_path / "built"


def build(raw, data_dir, **settings):
  return datasets.build(NAME, data_dir=data_dir, manual_dir=raw, **settings)


def ids(folder, split="train"):
  return {example["image_id"] for example in read.open_split(folder, split)}


def names_in(folder):
  return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def test_a_build_leaves_its_records_and_what_they_were_built_from(raw, data_dir):
  folder = build(raw, data_dir)
  stored = built_from.read(folder)
  assert Path(stored.root) == raw.resolve() and stored.splits == ("train", "validation")
  assert len(stored.files) == 8 and all(file.digest for file in stored.files.values())
  assert {path.name for path in data_dir.iterdir()} == {NAME}
  assert {path.name for path in folder.parent.iterdir()} == {"1.0.0"}
  others = [path for path in folder.iterdir() if path.name != built_from.NAME]
  assert not any(b"incomplete" in path.read_bytes() for path in others)


def test_a_build_that_fails_leaves_nothing(raw, data_dir):
  raw_files.truncate(next(raw.rglob("*.tif")))
  with pytest.raises(ValueError, match="nothing was built"):
    build(raw, data_dir)
  assert names_in(data_dir) == set()


def test_a_rebuild_takes_the_place_of_the_former_build_only_when_it_is_complete(raw, data_dir):
  folder = build(raw, data_dir)
  former = ids(folder)
  raw_files.write_cpp(raw, {"train": 5, "val": 1})
  label = next((raw / "gtFinePanopticParts" / "train").rglob("*000004_000019*"))
  whole = label.read_bytes()
  raw_files.truncate(label)
  with pytest.raises(ValueError, match="1 problem, nothing was built"):
    build(raw, data_dir, rebuild=True)
  assert ids(folder) == former and len(former) == 3
  label.write_bytes(whole)
  assert build(raw, data_dir, rebuild=True) == folder
  assert len(ids(folder)) == 5 and len(built_from.read(folder).files) == 12 + 2
  assert {path.name for path in folder.parent.iterdir()} == {"1.0.0"}


def test_a_rebuild_without_raw_files_is_refused_and_keeps_the_former_build(raw, data_dir):
  folder = build(raw, data_dir)
  with pytest.raises(building.BuildError, match="To build .* anew, say with manual_dir"):
    datasets.build(NAME, data_dir=data_dir, rebuild=True)
  assert len(ids(folder)) == 3


def test_a_build_of_other_files_is_refused(raw, data_dir, tmp_path):
  build(raw, data_dir)
  for path in raw_files.write_cpp(tmp_path / "other", {"train": 1, "val": 1})[0]:
    path.write_bytes(path.read_bytes() + b"other")
  for path in (tmp_path / "other").rglob("*town_000001*"):
    path.rename(path.with_name(path.name.replace("town_000001", "town_000077")))
  with pytest.raises(building.BuildError, match=r"2 added .*2 changed .*--rebuild.*manual_dir=\)"):
    build(tmp_path / "other", data_dir)


def test_a_build_of_files_of_other_names_is_refused(raw, data_dir, tmp_path):
  folder = build(raw, data_dir)
  raw_files.write_cpp(tmp_path / "other", {"train": 1, "val": 1})
  for path in (tmp_path / "other").rglob("*.*"):
    path.rename(path.with_name(path.name.replace("town_", "city_")))
  with pytest.raises(building.BuildError, match="4 added .* 8 removed"):
    build(tmp_path / "other", data_dir)
  assert build(None, data_dir) == folder


def test_an_empty_or_missing_raw_folder_is_named(data_dir, tmp_path):
  own = tmp_path / "dots_dataset_builder.py"
  own.write_text(
    "from jppf_jax_data.builder import DatasetBuilder, Survey\n"
    "class Builder(DatasetBuilder):\n"
    "  def survey(self, manual_dir):\n    return Survey({})\n"
  )
  for name in ("missing", "empty"):
    (tmp_path / "empty").mkdir(exist_ok=True)
    with pytest.raises(building.BuildError, match=f"no raw files in .*{name}"):
      datasets.build(str(own), data_dir=data_dir, manual_dir=tmp_path / name)


def test_a_full_disk_is_one_sentence_and_nothing_is_left(raw, data_dir, tmp_path):
  resource = pytest.importorskip("resource")
  soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
  resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, hard))  # a file that cannot grow
  try:
    with pytest.raises(building.BuildError) as caught:
      build(raw, data_dir)
  finally:
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
  message = str(caught.value)
  assert "cannot be built" in message and "nothing was built. File too large: " in message
  assert "\n" not in message and names_in(data_dir) == set()
  assert len(ids(build(raw, data_dir))) == 3


@pytest.mark.parametrize("moment", ["begin", "write"])
def test_a_folder_that_cannot_be_written_is_one_sentence(raw, data_dir, monkeypatch, moment):
  def refuse(*_, **__):
    raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(data_dir))

  if moment == "begin":
    monkeypatch.setattr(building.staging.os, "open", refuse)
  else:
    monkeypatch.setattr(datasets.builder_class(NAME), "download_and_prepare", refuse)
  message = f"nothing was built. Read-only file system: {data_dir}"
  with pytest.raises(building.BuildError, match=message):
    build(raw, data_dir)
  assert names_in(data_dir) <= {NAME}


def test_a_data_dir_that_is_a_file_is_one_sentence(raw, data_dir):
  data_dir.write_text("a file")
  with pytest.raises(building.BuildError, match="cannot be built in .*File exists|Not a directory"):
    build(raw, data_dir)


def test_a_folder_without_its_last_file_is_not_taken_for_built(raw, data_dir):
  folder = build(raw, data_dir)
  (folder / building.INFO).unlink()
  with pytest.raises(building.BuildError, match="no complete build .*remove that folder"):
    build(raw, data_dir)
  assert len(ids(build(raw, data_dir, rebuild=True))) == 3


def test_the_raw_folders_are_read_once_for_a_build(raw, data_dir, monkeypatch):
  builder = datasets.builder_class(NAME)
  calls = []
  files = builder.files.__func__
  counted = classmethod(lambda cls, root, split: (calls.append(split), files(cls, root, split))[1])
  monkeypatch.setattr(builder, "files", counted)
  build(raw, data_dir)
  assert sorted(calls) == ["train", "validation"]


def test_the_second_of_two_processes_waits_and_uses_the_result(raw, data_dir):
  command = [sys.executable, "-c", BUILD, NAME, str(data_dir), str(raw)]
  environment = {**os.environ, "PYTHONPATH": str(ROOT)}
  pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
  both = [subprocess.Popen(command, env=environment, text=True, **pipes) for _ in range(2)]
  for process in both:
    assert process.stdout.readline() == "ready\n"
  said = []
  for process in both:
    process.stdin.write("go\n")
    process.stdin.flush()
  for process in both:
    said.append(process.communicate(timeout=120))
  assert [process.returncode for process in both] == [0, 0], said
  assert sorted(error.count("one more") for _, error in said) == [0, 4]
  assert sorted("waiting for it" in error for _, error in said) == [False, True]
  assert len(ids(data_dir / NAME / "1.0.0")) == 3
  assert {path.name for path in (data_dir / NAME).iterdir()} == {"1.0.0"}
