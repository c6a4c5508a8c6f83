"""`jppf prepare` on good and on broken copies of each dataset."""

import re
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from etils import epath
from PIL import Image
from rich.console import Console

from jppf_jax.cli import prepare
from jppf_jax.input_pipeline import building, built_from, datasets, read
from tests.data import raw_files

DataError = datasets.module("cityscapes_panoptic_parts").pairs.DataError
WRITERS = {
  "cityscapes_panoptic_parts": raw_files.write_cpp,
  "pascal_panoptic_parts": raw_files.write_ppp,
  "clothing_co_parsing": lambda root: raw_files.write_clothing(root, 20),
}
UNKNOWN_IDS = {
  "cityscapes_panoptic_parts": 8_800_101,
  "pascal_panoptic_parts": 8_800_101,  # 88 is ignored, and has no parts
  "clothing_co_parsing": 99,
}
ONE_SPLIT = raw_files.SAMPLES / "cityscapes_no_parts_128x256"
SAMPLES = [  # name, folder, splits
  ("cityscapes_panoptic_parts", raw_files.SAMPLES / "cityscapes_panoptic_parts", None),
  ("pascal_panoptic_parts", raw_files.SAMPLES / "pascal_panoptic_parts", None),
  ("cityscapes_panoptic_parts", ONE_SPLIT, ["validation"]),
]
needs_samples = pytest.mark.skipif(
  not raw_files.SAMPLES.is_dir(), reason="no real samples beside the repository"
)


@pytest.fixture(autouse=True)
def wide_console(monkeypatch):
  monkeypatch.setenv("COLUMNS", "200")


def write_alien_ids(path, value):
  """Gives the first two rows of a label file a value that no spec has; returns their pixels."""
  with Image.open(path) as labels:
    ids = np.array(labels)
  ids[:2] = value
  Image.fromarray(ids).save(path)
  return ids[:2].size


@pytest.mark.parametrize("name", WRITERS)
def test_the_layout_is_ticked_the_records_are_built_and_a_sheet_is_drawn(name, tmp_path, capsys):
  WRITERS[name](tmp_path / "raw")
  path = prepare.prepare(name, tmp_path / "built", manual_dir=tmp_path / "raw")
  shown = capsys.readouterr().out
  assert shown.count("✓") >= 2
  assert "✗" not in shown
  assert "train: " in shown and str(path) in shown
  with Image.open(path) as sheet:
    assert np.asarray(sheet).std() > 10


def test_a_dataset_that_is_built_is_only_drawn_again(tmp_path, capsys):
  name = "synthetic_panoptic_parts/64x128_train1_validation1_seed0"
  path = prepare.prepare(name, tmp_path)
  first = path.stat().st_mtime_ns
  assert prepare.prepare(name, tmp_path) == path
  assert "built already" in capsys.readouterr().out
  assert path.stat().st_mtime_ns > first


@pytest.mark.parametrize("name", WRITERS)
def test_a_broken_copy_is_refused_with_every_broken_file(name, tmp_path):
  written = WRITERS[name](tmp_path / "raw")
  (_, cut), (resized, _), (_, alien) = written[0], written[1], written[-1]
  raw_files.truncate(cut)
  photo, _ = raw_files.scene(size=(9, 8))
  Image.fromarray(photo).save(resized)
  pixels = write_alien_ids(alien, UNKNOWN_IDS[name])
  with pytest.raises(DataError) as caught:
    prepare.prepare(name, tmp_path / "built", manual_dir=tmp_path / "raw")
  message = str(caught.value)
  assert len(caught.value.problems) == 3
  assert str(cut) in message
  assert re.search(r"but the image has \(9, 8\)", message)
  assert re.search(rf"{alien}: {pixels} (of \d+ )?pixels", message)
  assert not list((tmp_path / "built").glob("**/dataset_info.json"))


def test_a_split_that_does_not_exist_or_was_not_built_is_refused(tmp_path):
  raw_files.write_cpp(tmp_path / "raw", {"val": 1})
  options = {"data_dir": tmp_path / "built", "manual_dir": tmp_path / "raw"}
  with pytest.raises(ValueError, match="has the splits train, validation; got val"):
    prepare.prepare("cityscapes_panoptic_parts", splits=["val"], **options)
  prepare.prepare("cityscapes_panoptic_parts", splits=["validation"], **options)
  with pytest.raises(ValueError, match="was built without train; --rebuild builds it anew"):
    prepare.prepare("cityscapes_panoptic_parts", splits=["train", "validation"], **options)


def test_generated_scenes_need_no_files(tmp_path, capsys):
  path = prepare.prepare("synthetic_panoptic_parts/64x128_train2_validation1_seed0", tmp_path)
  assert path.is_file()
  assert "train: 2 examples" in capsys.readouterr().out


def test_the_config_beside_an_own_builder_is_what_comes_next(tmp_path):
  builder = tmp_path / "a b" / "own_dataset_builder.py"
  assert prepare.training_of(builder, "data_sets") == []
  builder.parent.mkdir()
  config = builder.with_name("own_config.py")
  config.touch()
  words = ["jppf", "train", f"--config={config}", "--workdir=runs/own"]
  assert prepare.training_of(builder, "data_sets") == words
  assert prepare.training_of(builder, "/d") == [*words, "--config.data.data_dir=/d"]
  assert prepare.training_of(Path("cityscapes_panoptic_parts"), "data_sets") == []


def test_files_are_asked_for_if_they_are_needed(tmp_path):
  with pytest.raises(ValueError, match="say with manual_dir"):
    prepare.prepare("pascal_panoptic_parts", tmp_path)


def test_a_stale_build_is_an_error_with_the_difference_until_it_is_built_anew(tmp_path, capsys):
  name, data_dir = "clothing_co_parsing", tmp_path / "built"
  raw_files.write_clothing(tmp_path / "raw", 20)
  prepare.prepare(name, data_dir, manual_dir=tmp_path / "raw")
  prepare.prepare(name, data_dir, manual_dir=tmp_path / "raw")
  assert "is built already" in capsys.readouterr().out
  raw_files.write_clothing(tmp_path / "raw", 22)
  with pytest.raises(building.BuildError, match=r"4 added \(annotations/0021.png, .* --rebuild"):
    prepare.prepare(name, data_dir, manual_dir=tmp_path / "raw")
  prepare.prepare(name, data_dir)  # the raw files are not named, so it is only drawn
  shown = capsys.readouterr().out
  assert "! " in shown and "4 added (annotations/0021.png" in shown and "train: 19 ex" in shown
  prepare.prepare(name, data_dir, manual_dir=tmp_path / "raw", rebuild=True)
  path = prepare.prepare(name, data_dir, manual_dir=tmp_path / "raw")
  assert "added" not in capsys.readouterr().out
  splits = [read.open_split(path.parent, split) for split in ("train", "validation")]
  assert sum(map(len, splits)) == 22


def test_a_build_of_unknown_files_is_drawn_and_said_to_be_unknown(tmp_path, capsys):
  name, data_dir = "clothing_co_parsing", tmp_path / "built"
  raw_files.write_clothing(tmp_path / "raw", 20)
  path = prepare.prepare(name, data_dir, manual_dir=tmp_path / "raw")
  (path.parent / built_from.NAME).unlink()
  prepare.prepare(name, data_dir, manual_dir=tmp_path / "raw")
  assert "! It is not known from which files" in capsys.readouterr().out


def test_files_that_are_left_out_are_shown(tmp_path, capsys):
  raw_files.write_cpp(tmp_path / "raw")
  (tmp_path / "raw" / "leftImg8bit" / "val" / "town" / "a_leftImg8bit.PNG").touch()
  (tmp_path / "raw" / "leftImg8bit" / "val" / "b.tiff").touch()
  made = datasets.builder("cityscapes_panoptic_parts", data_dir=tmp_path / "built")
  prepare.show_survey(made.survey(epath.Path(tmp_path / "raw")), Console())
  assert "b.tiff" in capsys.readouterr().out


def test_a_command_ends_in_one_sentence_if_the_disk_cannot_be_written(tmp_path, monkeypatch):
  raw_files.write_cpp(tmp_path / "raw")
  (tmp_path / "built").write_text("a file")
  for flag, value in (("manual_dir", "raw"), ("data_dir", "built")):
    monkeypatch.setattr(prepare, f"_{flag.upper()}", SimpleNamespace(value=str(tmp_path / value)))
  for flag, value in (("_SPLITS", None), ("_LABELS", None), ("_REBUILD", False)):
    monkeypatch.setattr(prepare, flag, SimpleNamespace(value=value))
  with pytest.raises(
    SystemExit, match="jppf prepare: cityscapes_panoptic_parts cannot be built in"
  ):
    prepare.main(["prepare", "cityscapes_panoptic_parts"])


@needs_samples
def test_real_samples_with_one_split_advise_to_build_that_alone(tmp_path):
  advice = r"(?s)build validation alone: --splits=validation.*✗ leftImg8bit/train"
  with pytest.raises(DataError, match=advice):
    prepare.prepare("cityscapes_panoptic_parts", tmp_path, manual_dir=ONE_SPLIT)


@needs_samples
@pytest.mark.parametrize("name, samples, splits", SAMPLES)
def test_real_samples_are_prepared(name, samples, splits, tmp_path):
  path = prepare.prepare(name, tmp_path, manual_dir=samples, splits=splits)
  assert path.is_file()


@needs_samples
@pytest.mark.parametrize("name, samples, splits", SAMPLES)
def test_broken_copies_of_real_samples_are_refused(name, samples, splits, tmp_path):
  raw = tmp_path / "raw"
  shutil.copytree(samples, raw, copy_function=shutil.copy)
  for path in raw.rglob("*"):
    path.chmod(0o755 if path.is_dir() else 0o644)
  broken = sorted(raw.rglob("*.tif"))
  for path in broken:
    raw_files.truncate(path)
  with pytest.raises(DataError) as caught:
    prepare.prepare(name, tmp_path / "built", manual_dir=raw, splits=splits)
  message = str(caught.value)
  assert broken
  assert all(str(path) in message for path in broken)
