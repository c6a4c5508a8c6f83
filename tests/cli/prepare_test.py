"""`jppf prepare` on good and on broken copies of every data set."""

import re
import shutil

import numpy as np
import pytest
from PIL import Image

from jppf_jax.cli import prepare
from jppf_jax.input_pipeline import datasets
from tests.data import raw_files

DataError = datasets.module("cityscapes_panoptic_parts").pairs.DataError
WRITERS = {
  "cityscapes_panoptic_parts": raw_files.write_cpp,
  "pascal_panoptic_parts": raw_files.write_ppp,
  "clothing_co_parsing": lambda root: raw_files.write_clothing(root, 20),
}
needs_samples = pytest.mark.skipif(
  not raw_files.SAMPLES.is_dir(), reason="no real samples beside the repository"
)


@pytest.fixture(autouse=True)
def plain_warnings():
  with pytest.MonkeyPatch.context() as patch:
    patch.setenv("COLUMNS", "200")
    yield


@pytest.mark.parametrize("name", WRITERS)
def test_the_layout_is_ticked_the_records_are_built_and_a_sheet_is_drawn(name, tmp_path, capsys):
  WRITERS[name](tmp_path / "raw")
  path = prepare.prepare(name, tmp_path / "built", manual_dir=tmp_path / "raw")
  shown = capsys.readouterr().out
  assert shown.count("✓") >= 2 and "✗" not in shown and "train: " in shown and str(path) in shown
  assert np.asarray(Image.open(path)).std() > 10
  first = path.stat().st_mtime_ns
  assert (
    prepare.prepare(name, tmp_path / "built") == path and "built already" in capsys.readouterr().out
  )
  assert path.stat().st_mtime_ns > first


@pytest.mark.parametrize("name", WRITERS)
def test_a_broken_copy_is_refused_with_every_broken_file(name, tmp_path):
  written = WRITERS[name](tmp_path / "raw")
  (_, cut), (resized, _), (_, alien) = written[0], written[1], written[-1]
  raw_files.truncate(cut)
  Image.fromarray(raw_files.scene(size=(9, 8))[0]).save(resized)
  wrong = np.asarray(Image.open(alien)).copy()
  wrong[:2] = (
    99 if name == "clothing_co_parsing" else 8_800_101
  )  # 88 is ignored in PPP and has no parts; none in CPP
  Image.fromarray(wrong).save(alien)
  with pytest.raises(DataError) as caught:
    prepare.prepare(name, tmp_path / "built", manual_dir=tmp_path / "raw")
  message = str(caught.value)
  assert len(caught.value.problems) == 3 and str(cut) in message
  assert re.search(r"but the image has \(9, 8\)", message)
  assert re.search(f"{alien}: {wrong[:2].size} (of \\d+ )?pixels", message)
  assert not list((tmp_path / "built").glob("**/dataset_info.json"))


def test_a_split_that_does_not_exist_or_was_not_built_is_refused(tmp_path):
  raw_files.write_cpp(tmp_path / "raw", {"val": 1})
  options = {"data_dir": tmp_path / "built", "manual_dir": tmp_path / "raw"}
  with pytest.raises(ValueError, match="has the splits train, validation; got val"):
    prepare.prepare("cityscapes_panoptic_parts", splits=["val"], **options)
  prepare.prepare("cityscapes_panoptic_parts", splits=["validation"], **options)
  with pytest.raises(ValueError, match="was built without train; remove it to build it anew"):
    prepare.prepare("cityscapes_panoptic_parts", splits=["train", "validation"], **options)


def test_generated_scenes_need_no_files(tmp_path, capsys):
  path = prepare.prepare("synthetic_panoptic_parts/64x128_train2_validation1_seed0", tmp_path)
  assert path.is_file() and "train: 2 examples" in capsys.readouterr().out


def test_files_are_asked_for_where_they_are_needed(tmp_path):
  with pytest.raises(ValueError, match="say with manual_dir"):
    prepare.prepare("pascal_panoptic_parts", tmp_path)


@needs_samples
@pytest.mark.parametrize(
  "folder", ["cityscapes_panoptic_parts", "pascal_panoptic_parts", "cityscapes_no_parts_128x256"]
)
def test_the_real_samples_are_prepared_and_broken_copies_of_them_refused(folder, tmp_path):
  name, splits = folder, None
  if folder == "cityscapes_no_parts_128x256":  # one split only
    name, splits = "cityscapes_panoptic_parts", ["validation"]
    with pytest.raises(
      DataError, match=r"(?s)build validation alone: --splits=validation.*✗ leftImg8bit/train"
    ):
      prepare.prepare(name, tmp_path, manual_dir=raw_files.SAMPLES / folder)
  prepare.prepare(name, tmp_path / "good", manual_dir=raw_files.SAMPLES / folder, splits=splits)
  shutil.copytree(raw_files.SAMPLES / folder, tmp_path / "raw", copy_function=shutil.copy)
  for path in (tmp_path / "raw").rglob("*"):
    path.chmod(0o755 if path.is_dir() else 0o644)
  broken = sorted((tmp_path / "raw").rglob("*.tif"))
  for path in broken:
    raw_files.truncate(path)
  with pytest.raises(DataError) as caught:
    prepare.prepare(name, tmp_path / "bad", manual_dir=tmp_path / "raw", splits=splits)
  assert all(str(path) in str(caught.value) for path in broken)
