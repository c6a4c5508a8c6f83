import io
import pickle

import numpy as np
import pytest
from PIL import Image

from jppf_jax.input_pipeline import datasets, read
from tests.data import raw_files


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
  root = tmp_path_factory.mktemp("cpp")
  raw_files.write_cpp(root / "raw", {"train": 3, "val": 1})
  with pytest.warns(UserWarning):
    folders = {"data_dir": root / "built", "manual_dir": root / "raw"}
    return datasets.build("cityscapes_panoptic_parts", **folders)


def test_a_cached_example_is_decoded_once_and_cannot_be_changed(folder):
  examples, fresh = read.open_split(folder, "train", cache=True), read.open_split(folder, "train")
  assert examples[1] is examples[1] and fresh[1] is not fresh[1]
  np.testing.assert_array_equal(examples[1]["image"], fresh[1]["image"])
  with pytest.raises(ValueError, match="read-only"):
    examples[1]["uids"][0, 0] = 7


def test_a_pickled_source_reads_the_same_without_its_cache(folder):
  examples = read.open_split(folder, "train", cache=True)
  first = examples[0]
  copy = pickle.loads(pickle.dumps(examples))
  assert len(pickle.dumps(examples)) < 20_000
  np.testing.assert_array_equal(copy[0]["uids"], first["uids"])


def test_part_of_a_split_can_be_opened(folder):
  assert len(read.open_split(folder, "train[:2]")) == 2


def test_a_folder_without_a_dataset_and_an_unknown_split_are_named(folder, tmp_path):
  with pytest.raises(FileNotFoundError, match="jppf prepare"):
    read.open_split(tmp_path, "train")
  with pytest.raises(ValueError, match="no split 'test'; it has train, validation"):
    read.open_split(folder, "test")


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "RGB"])
def test_any_stored_mode_comes_out_as_rgb(mode):
  file = io.BytesIO()
  Image.new(mode, (3, 2)).save(file, format="PNG")
  record = {"image_id": b"grey", "image": file.getvalue(), "uids": np.zeros((2, 3), np.int32)}
  example = read.decode(record)
  assert example["image"].shape == (2, 3, 3) and example["image_id"] == "grey"
