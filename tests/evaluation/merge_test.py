import numpy as np
import pytest
from PIL import Image

from jppf_jax.evaluation.merge import merge_folder, panoptic_source
from jppf_jax.labels.cpp import cpp
from jppf_jax.labels.formats import files


def write_parts(folder, image_id, channels):
  image = Image.fromarray(np.asarray(channels, np.uint8))
  files.write_image(folder / f"{image_id}.png", image, format="PNG")


def test_a_folder_of_uids_is_merged_with_a_folder_of_parts(tmp_path):
  spec = cpp()
  uids = np.array([[7, 7, 24_003], [7, 24_003, 24_003]])
  files.write_uids(tmp_path / "panoptic" / "a.tif", uids)
  write_parts(tmp_path / "parts", "a", [[0, 0, 1], [0, 2, 0]])
  source = panoptic_source(tmp_path / "panoptic", spec)
  merge_folder(source, tmp_path / "parts", tmp_path / "out", spec)
  merged = files.read_channels(tmp_path / "out" / "a.png")
  assert merged[..., 0].tolist() == [[7, 7, 24], [7, 24, 24]]
  assert merged[..., 2].tolist() == [[1, 1, 1], [1, 2, 255]]


def test_all_images_that_cannot_be_merged_are_listed(tmp_path):
  spec = cpp()
  for image_id in "ab":
    files.write_uids(tmp_path / "panoptic" / f"{image_id}.tif", np.full((2, 3), 7))
    write_parts(tmp_path / "parts", image_id, np.zeros((3, 3)))
  source = panoptic_source(tmp_path / "panoptic", spec)
  with pytest.raises(ValueError, match="2 of 2 images cannot be merged") as error:
    merge_folder(source, tmp_path / "parts", tmp_path / "out", spec)
  assert "a: " in str(error.value) and "b: " in str(error.value)


def test_an_image_without_parts_stops_before_anything_is_written(tmp_path):
  spec = cpp()
  files.write_uids(tmp_path / "panoptic" / "a.tif", np.full((2, 3), 7))
  write_parts(tmp_path / "parts", "b", np.zeros((2, 3)))
  source = panoptic_source(tmp_path / "panoptic", spec)
  with pytest.raises(ValueError, match="no file in"):
    merge_folder(source, tmp_path / "parts", tmp_path / "out", spec)
  assert not (tmp_path / "out").exists()
