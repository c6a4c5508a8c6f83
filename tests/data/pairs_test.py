import io

import numpy as np
import pytest
from etils import epath
from PIL import Image

from jppf_jax import photos
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


def turned_image(orientation, form="PNG", size=(4, 6)):
  """Returns an image file with an EXIF orientation, and a label with the red pixels as 7."""
  pixels = np.zeros((*size, 3), np.uint8)
  pixels[0, 1:3] = [255, 0, 0]  # no turn and no mirror leaves it as it is
  exif = Image.Exif()
  exif[0x0112] = orientation
  file = io.BytesIO()
  Image.fromarray(pixels).save(file, format=form, exif=exif)
  return file.getvalue(), np.where(pixels[..., 0] > 0, 7, 0).astype(np.int32)


@pytest.mark.parametrize("form", ["PNG", "TIFF"])
@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
@pytest.mark.parametrize("drawn_upright", [True, False])
def test_image_and_labels_are_turned_together(form, orientation, drawn_upright):
  content, stored_label = turned_image(orientation, form)
  label = photos.upright(stored_label, orientation) if drawn_upright else stored_label
  image, uids = pairs.aligned(content, label)
  pixels, remaining = photos.decode_image(image)
  assert uids.shape == (6, 4) and remaining == 1
  np.testing.assert_array_equal(pixels[..., 0] > 0, uids == 7)
  np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(image))), pixels)  # any reader
  np.testing.assert_array_equal(pixels, photos.decode_image(content).pixels)  # as `jppf predict`


@pytest.mark.parametrize("orientation, size", [(2, (4, 6)), (3, (4, 6)), (4, (4, 6)), (6, (4, 4))])
@pytest.mark.parametrize("form", ["PNG", "JPEG", "TIFF", "WEBP"])
def test_an_image_that_may_lie_either_way_is_refused_with_advice(form, orientation, size):
  content, label = turned_image(orientation, form, size)
  with pytest.raises(ValueError, match=f"EXIF orientation {orientation}.*Save the image as"):
    pairs.aligned(content, label)


def test_an_upright_image_is_stored_byte_for_byte():
  content, label = turned_image(1)
  image, uids = pairs.aligned(content, label)
  assert image is content and uids is label
  with pytest.raises(ValueError, match=r"height and width \(6, 4\), but the image has \(4, 6\)"):
    pairs.aligned(content, label.T)


def test_an_image_with_transparent_pixels_or_too_many_is_refused(tmp_path):
  path = epath.Path(tmp_path / "image.png")
  Image.new("RGB", (4, 4)).save(str(path), transparency=(0, 0, 0))
  with pytest.raises(ValueError, match=r"without transparency.*photos\.read_image"):
    pairs.read_image(path)
  Image.new("RGB", (40, 40)).save(str(path))
  with photos.at_most(1000), pytest.raises(ValueError, match="megapixels"):
    pairs.read_image(path)


def test_a_turned_image_is_one_of_the_listed_problems_and_others_are_built(tmp_path):
  def read_label(path):
    return np.load(str(path))

  found = []
  for name, orientation in (("a", 6), ("b", 3)):
    content, label = turned_image(orientation)
    (tmp_path / f"{name}.png").write_bytes(content)
    np.save(tmp_path / f"{name}.npy", label)
    files = (epath.Path(tmp_path / f"{name}{end}") for end in (".png", ".npy"))
    found.append(pairs.Pair(name, *files))
  reader = pairs.Reader("set", {"train": found}, [], read_label)
  examples = []
  with pytest.raises(pairs.DataError, match=r"1 problem.*\n.*b\.png: the image is marked"):
    examples.extend(reader.examples("train"))
