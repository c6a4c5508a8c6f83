import sys

import numpy as np
import pytest
from PIL import Image

from jppf_jax.input_pipeline import datasets, read
from tests.data import raw_files

NAME = "cityscapes_panoptic_parts"
pairs = datasets.module(NAME).pairs
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


def test_images_are_stored_byte_for_byte_and_labels_exactly(tmp_path):
  written = raw_files.write_cpp(tmp_path / "raw", {"train": 3, "val": 2})
  folder = datasets.build(NAME, data_dir=tmp_path / "built", manual_dir=tmp_path / "raw")
  assert folder == datasets.folder(NAME, tmp_path / "built")
  train, validation = read.open_split(folder, "train"), read.open_split(folder, "validation")
  assert (len(train), len(validation)) == (3, 2)
  for examples, files in ((train, written[:3]), (validation, written[3:])):
    by_id = {f"{example['image_id']}_leftImg8bit.png": example for example in examples}
    for image_file, label_file in files:
      example = by_id[image_file.name]
      np.testing.assert_array_equal(example["image"], np.asarray(Image.open(image_file)))
      np.testing.assert_array_equal(example["uids"], np.asarray(Image.open(label_file)))
  assert "tensorflow" not in sys.modules


def test_one_error_lists_the_problems_of_all_splits_and_nothing_is_built(tmp_path):
  written = raw_files.write_cpp(tmp_path / "raw", {"train": 5, "val": 4})
  images, labels = zip(*written)
  lonely, cut, cut_label, wrong_size = labels[0], images[1], labels[2], labels[3]
  no_label, label, illegal, no_tiff = images[5], labels[5], labels[6], labels[7]
  images[0].unlink()
  raw_files.truncate(cut)
  raw_files.truncate(cut_label)
  Image.fromarray(raw_files.scene(size=(16, 30))[1]).save(wrong_size)
  label.unlink()
  Image.fromarray(np.full((16, 32), 120, np.int32)).save(illegal)
  no_tiff.write_text("not a picture")
  with pytest.raises(pairs.DataError) as caught:
    datasets.build(NAME, data_dir=tmp_path / "built", manual_dir=tmp_path / "raw")
  message = str(caught.value)
  assert len(caught.value.problems) == 7 and "7 problems" in message
  for path in (lonely, cut, cut_label, wrong_size, no_label, illegal, no_tiff):
    assert str(path) in message
  assert "(16, 30), but the image has (16, 32)" in message
  assert "512 of 512 pixels have illegal uids, e.g. 120" in message
  with pytest.raises(FileNotFoundError):
    datasets.folder(NAME, tmp_path / "built")


def test_bad_files_of_a_later_split_alone_are_found_too(tmp_path):
  written = raw_files.write_cpp(tmp_path / "raw")
  raw_files.truncate(written[-1][1])
  with pytest.raises(pairs.DataError, match="1 problem,") as caught:
    datasets.build(NAME, data_dir=tmp_path / "built", manual_dir=tmp_path / "raw")
  assert str(written[-1][1]) in str(caught.value)


def test_a_missing_split_folder_prints_the_expected_tree(tmp_path):
  raw_files.write_cpp(tmp_path / "raw", {"train": 1})
  with pytest.raises(pairs.DataError) as caught:
    datasets.build(NAME, data_dir=tmp_path / "built", manual_dir=tmp_path / "raw")
  message = str(caught.value)
  assert "✓ leftImg8bit/train" in message and "✗ gtFinePanopticParts/val" in message


def test_one_split_alone_can_be_asked_for(tmp_path):
  raw_files.write_cpp(tmp_path / "raw", {"val": 1})
  folders = {"data_dir": tmp_path / "built", "manual_dir": tmp_path / "raw"}
  folder = datasets.build(NAME, **folders, splits=("validation",))
  assert len(read.open_split(folder, "validation")) == 1


def test_fewer_examples_than_the_official_release_are_named_in_a_warning(tmp_path):
  raw_files.write_cpp(tmp_path / "raw", {"train": 2, "val": 1})
  with pytest.warns(UserWarning, match="train: 2 of 2975, validation: 1 of 500"):
    datasets.build(NAME, data_dir=tmp_path / "built", manual_dir=tmp_path / "raw")
  assert not pairs.shortfall(NAME, {"train": 2975}, datasets.builder_class(NAME).OFFICIAL)


@pytest.mark.skipif(not raw_files.SAMPLES.is_dir(), reason="no real samples beside the repository")
def test_the_real_scenes_are_read_as_they_are(tmp_path):
  folder = datasets.build(NAME, data_dir=tmp_path, manual_dir=raw_files.SAMPLES / NAME)
  example = read.open_split(folder, "validation")[0]
  assert example["image_id"] == "frankfurt_000001_011835"
  assert example["image"].shape == (1024, 2048, 3) and example["uids"].shape == (1024, 2048)
  assert sum(file.stat().st_size for file in folder.iterdir()) < 2 * 3e6
