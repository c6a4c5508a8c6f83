import io
import json
import pickle
import re
import shutil
import sys

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
  there = r"it has train \(3 examples\), validation \(1 examples\), and parts of them"
  for split in ("test", "", "train[", "train[:x]", "train[:7]"):
    with pytest.raises(read.ReadError, match=f"no split {re.escape(repr(split))}; {there}"):
      read.open_split(folder, split)
  for split in ("train[:0]", "train[2:1]"):
    with pytest.raises(read.ReadError, match="is empty"):
      read.open_split(folder, split)


FEATURE = {"pythonClassName": "planted.Feature", "jsonFeature": {"json": "{}"}}
OUTER = "tensorflow_datasets.core.features.features_dict.FeaturesDict"


def planted(features, info):
  """Ways to name a class of a module `planted` in the two files of a dataset."""
  inner = features["featuresDict"]["features"]
  image = inner["image"]
  yield {**features, "featuresDict": {"features": {**inner, "image": FEATURE}}}, info
  yield {**features, "featuresDict": {"features": {**inner, "more": FEATURE}}}, info
  yield {**features, "pythonClassName": "planted.Feature"}, info
  yield {"type": "planted.Feature", "content": {}}, info
  yield {**features, "type": "planted.Feature", "content": {}}, info
  renamed = {"python_class_name": "planted.Feature", "image": image["image"]}
  yield {**features, "featuresDict": {"features": {**inner, "image": renamed}}}, info
  nested = {"pythonClassName": OUTER, "featuresDict": {"features": {"a": FEATURE}}}
  yield {**features, "featuresDict": {"features": {**inner, "image": nested}}}, info
  sequence = {**image, "sequence": {"feature": FEATURE}}
  yield {**features, "featuresDict": {"features": {**inner, "image": sequence}}}, info
  yield features, {**info, "features": FEATURE}
  yield [], info
  yield {"featuresDict": {"features": []}}, info


@pytest.mark.parametrize("way", range(11))
def test_a_dataset_cannot_make_us_import_a_module(folder, tmp_path, monkeypatch, way):
  copy = shutil.copytree(folder, tmp_path / "copy")
  files = (copy / "features.json", copy / "dataset_info.json")
  contents = [json.loads(file.read_text()) for file in files]
  for file, content in zip(files, list(planted(*contents))[way]):
    file.write_text(json.dumps(content))
  (tmp_path / "planted.py").write_text("class Feature: ...\n")
  monkeypatch.syspath_prepend(tmp_path)
  with pytest.raises(read.ReadError, match="not written by our builders: .*jppf prepare"):
    read.open_split(copy, "train")
  assert "planted" not in sys.modules


@pytest.mark.parametrize("name", ["features.json", "dataset_info.json"])
def test_a_damaged_file_of_a_dataset_is_named(folder, tmp_path, name):
  copy = shutil.copytree(folder, tmp_path / "copy")
  for damage in (b"{", b"\xff\xfe"):
    (copy / name).write_bytes(damage)
    with pytest.raises(read.ReadError, match=f"{name} is damaged"):
      read.open_split(copy, "train")


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "RGB"])
def test_any_stored_mode_comes_out_as_rgb(mode):
  file = io.BytesIO()
  Image.new(mode, (3, 2)).save(file, format="PNG")
  record = {"image_id": b"grey", "image": file.getvalue(), "uids": np.zeros((2, 3), np.int32)}
  example = read.decode(record)
  assert example["image"].shape == (2, 3, 3) and example["image_id"] == "grey"


def test_a_record_whose_image_would_turn_without_its_labels_is_refused():
  exif = Image.Exif()
  exif[0x0112] = 3  # a half turn: the shapes stay equal
  file = io.BytesIO()
  Image.new("RGB", (3, 2)).save(file, format="PNG", exif=exif)
  record = {"image_id": b"a", "image": file.getvalue(), "uids": np.zeros((2, 3), np.int32)}
  with pytest.raises(ValueError, match=r"'a': .* orientation 3; .* build the dataset anew"):
    read.decode(record)


def test_a_record_of_two_sizes_is_refused():
  file = io.BytesIO()
  Image.new("RGB", (3, 2)).save(file, format="PNG")
  record = {"image_id": b"a", "image": file.getvalue(), "uids": np.zeros((3, 2), np.int32)}
  with pytest.raises(ValueError, match=r"\(2, 3\).* labels are \(3, 2\)"):
    read.decode(record)
