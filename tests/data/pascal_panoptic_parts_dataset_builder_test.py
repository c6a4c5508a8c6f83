import numpy as np
import pytest
from PIL import Image

from jppf_jax.input_pipeline import datasets, read
from jppf_jax.labels.registry import load_spec
from tests.data import raw_files

NAME = "pascal_panoptic_parts"
pairs = datasets.module(NAME).pairs
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


def build(root):
  return datasets.build(NAME, data_dir=root / "built", manual_dir=root / "raw")


@pytest.mark.parametrize("images", ["JPEGImages", "images/{split}"])
def test_both_places_for_images_are_accepted_and_the_folder_is_the_split(tmp_path, images):
  written = raw_files.write_ppp(tmp_path / "raw", {"training": 2, "validation": 1}, images)
  folder = build(tmp_path)
  train, validation = read.open_split(folder, "train"), read.open_split(folder, "validation")
  assert len(train) == 2 and len(validation) == 1
  found = {example["image_id"]: example for example in [*train, *validation]}
  for image_file, label_file in written:
    example = found[image_file.stem]
    np.testing.assert_array_equal(example["image"], np.asarray(Image.open(image_file)))
    np.testing.assert_array_equal(example["uids"], np.asarray(Image.open(label_file)))


def test_part_numbers_stay_raw_and_are_folded_once_by_the_spec(tmp_path):
  raw_files.write_ppp(tmp_path / "raw", {"training": 2, "validation": 1})
  examples = read.open_split(build(tmp_path), "train")
  (uids,) = [example["uids"] for example in examples if example["image_id"] == "2008_000001"]
  assert 100_216 in uids  # the second aeroplane wheel (file pid 16), not the seventh dataset pid
  spec = load_spec("ppp")
  channels = np.unique(spec.decode(uids).part)
  names = {spec.part_names[channel] for channel in channels if channel not in (0, 255)}
  assert names == {"aeroplane-wheel", "person-head"}


def test_photos_without_a_label_are_no_problem_but_labels_without_a_photo_are(tmp_path):
  written = raw_files.write_ppp(tmp_path / "raw")
  written[0][1].unlink()
  assert len(read.open_split(build(tmp_path), "train")) == 1
  written[1][0].unlink()
  with pytest.raises(pairs.DataError, match=f"{written[1][1].name}: no image for this label file"):
    datasets.build(NAME, data_dir=tmp_path / "again", manual_dir=tmp_path / "raw")


def test_a_missing_folder_prints_both_places_for_images(tmp_path):
  (tmp_path / "raw").mkdir()
  drawn = r"✗ labels/training(.|\n)*✗ JPEGImages .*or images/\{training,validation\}"
  with pytest.raises(pairs.DataError, match=drawn):
    build(tmp_path)


def test_the_official_counts_are_those_of_the_release(tmp_path):
  raw_files.write_ppp(tmp_path / "raw")
  with pytest.warns(UserWarning, match="train: 2 of 4998, validation: 1 of 5105"):
    build(tmp_path)


@pytest.mark.skipif(not raw_files.SAMPLES.is_dir(), reason="no real samples beside the repository")
def test_the_real_photos_are_read_as_they_are(tmp_path):
  folder = datasets.build(NAME, data_dir=tmp_path, manual_dir=raw_files.SAMPLES / NAME)
  for split in ("train", "validation"):
    for example in read.open_split(folder, split):
      assert example["image"].shape[:2] == example["uids"].shape
      load_spec("ppp").decode(example["uids"])
