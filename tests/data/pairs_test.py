import io

import numpy as np
import pytest
from etils import epath
from PIL import Image

from jppf_jax.input_pipeline import datasets
from tests.data import raw_files

pairs = datasets.module("cityscapes_panoptic_parts").pairs  # importable from a checkout too


@pytest.mark.parametrize("array", [np.zeros((2, 2, 3), np.uint8), np.zeros((2, 2), np.float32)])
def test_what_is_not_a_map_of_whole_numbers_is_refused(tmp_path, array):
  path = epath.Path(tmp_path / "label.tif")
  Image.fromarray(array).save(str(path))
  with pytest.raises(ValueError, match="one whole number per pixel"):
    pairs.read_uids(path, max_scene_id=34)


def test_a_scene_id_that_the_dataset_does_not_have_is_refused(tmp_path):
  path = epath.Path(tmp_path / "label.tif")
  Image.fromarray(np.array([[7, 34, 35, 35_001]], np.int32)).save(str(path))
  with pytest.raises(ValueError, match="2 of 4 pixels .* e.g. 35; expected scene ids up to 34"):
    pairs.read_uids(path, max_scene_id=34)
  assert pairs.read_uids(path, max_scene_id=35).tolist() == [[7, 34, 35, 35_001]]


@pytest.mark.parametrize("dtype, value", [(np.uint8, 7), (np.uint16, 26_001), (np.int32, 2600105)])
@pytest.mark.parametrize("suffix", [".tif", ".png"])
def test_labels_of_any_integer_width_are_read(tmp_path, dtype, value, suffix):
  if dtype == np.int32 and suffix == ".png":
    pytest.skip("PNG has 16 bits at most")
  path = epath.Path(tmp_path / f"label{suffix}")
  Image.fromarray(np.full((2, 3), value, dtype)).save(str(path))
  uids = pairs.read_uids(path, max_scene_id=34)
  assert uids.dtype == np.int32 and (uids == value).all()


def test_a_lossy_label_is_refused_whatever_it_is_called(tmp_path):
  path = epath.Path(tmp_path / "label.png")
  Image.new("L", (8, 8)).save(str(path), format="JPEG")
  with pytest.raises(ValueError, match="is a JPEG file, which may change ids"):
    pairs.read_uids(path, max_scene_id=34)


def test_files_are_found_by_name_with_capital_extensions_too(tmp_path):
  for name in ("a.jpg", "b.JPG", "c.Jpeg", "d.png", ".e.jpg"):
    (tmp_path / name).touch()
  folder = epath.Path(tmp_path)
  assert sorted(pairs.by_id(folder, ".jpg", ".jpeg")) == ["a", "b", "c"]
  assert pairs.by_id(folder, ".jpg")["b"] == folder / "b.JPG"
  assert not pairs.by_id(folder / "nowhere", ".jpg")
  (tmp_path / "a.JPG").touch()
  with pytest.raises(pairs.DataError, match=r"a\.jpg: has the same name as a\.JPG"):
    pairs.by_id(folder, ".jpg")


def test_files_are_matched_by_id_and_files_without_counterpart_are_named():
  files = {key: epath.Path(f"/{key}") for key in "abc"}
  images = {"b": files["b"], "a": files["a"]}
  labels = {"b": files["b"], "c": files["c"]}
  found, lonely = pairs.match(images, labels)
  assert [pair.image_id for pair in found] == ["b"]
  assert lonely == ["/a: no label file for this image", "/c: no image for this label file"]


@pytest.mark.parametrize("mode", ["L", "RGBA", "I;16", "P"])
def test_an_image_that_is_not_rgb_is_refused_with_its_mode(tmp_path, mode):
  path = epath.Path(tmp_path / ("image.png"))
  Image.new(mode, (4, 4)).save(str(path))
  with pytest.raises(ValueError, match="8-bit RGB"):
    pairs.read_image(path)


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
@pytest.mark.parametrize("keep", [0.0, 0.3, 0.97])
def test_a_truncated_image_is_noticed(tmp_path, suffix, keep):
  path = tmp_path / f"image{suffix}"
  Image.fromarray(raw_files.scene(size=(64, 64))[0]).save(path)
  content, size = pairs.read_image(epath.Path(path))
  assert size == (64, 64) and Image.open(io.BytesIO(content)).size == (64, 64)
  raw_files.truncate(path, keep)
  with pytest.raises((OSError, SyntaxError)):
    pairs.read_image(epath.Path(path))


def test_every_problem_is_listed_however_many_there_are():
  error = pairs.DataError("set", [f"file {i}" for i in range(120)])
  assert str(error).startswith("set: 120 problems, nothing was built.")
  assert all(f"  - file {i}" in str(error).splitlines() for i in range(120))


def test_the_tree_ticks_the_folders_that_exist(tmp_path):
  (tmp_path / "here").mkdir()
  drawn = pairs.tree(epath.Path(tmp_path), {"here": "a.png", "there": "b.tif"})
  assert drawn.splitlines()[1:] == ["  ✓ here   a.png", "  ✗ there  b.tif"]
