import io
import unicodedata

import numpy as np
import pytest
from PIL import ExifTags, Image

from jppf_jax import photos
from jppf_jax.conversion.photo_files import Photos, upright


def touch(folder, *names):
  for name in names:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")


def test_photos_are_found_by_the_end_of_their_path(tmp_path):
  touch(tmp_path, "x/a.jpg", "y/a.jpg", "y/b.PNG", "note.txt", ".hidden/c.jpg", "masks/d.png")
  index = Photos(tmp_path, without=("masks",))
  assert index.find("x/a.jpg") == (tmp_path / "x/a.jpg").resolve()
  assert index.find("../photos/y/a.jpg") == (tmp_path / "y/a.jpg").resolve()
  assert index.find("b.png") == (tmp_path / "y/b.PNG").resolve()
  assert index.find("b", any_suffix=True) == (tmp_path / "y/b.PNG").resolve()
  assert [index.find(name) for name in ("b.jpg", "c.jpg", "d.png", "note.txt")] == [None] * 4
  assert f"there is no photo 'c.jpg' in {tmp_path}; if it lies elsewhere" in index.missing("c.jpg")


def test_a_name_of_several_photos_is_refused_unless_one_lies_right_there(tmp_path):
  touch(tmp_path, "x/a.jpg", "y/a.jpg")
  with pytest.raises(ValueError, match="several photos are called 'a.jpg': .*choose with --photos"):
    Photos(tmp_path).find("a.jpg")
  touch(tmp_path, "a.jpg")
  assert Photos(tmp_path).find("a.jpg") == (tmp_path / "a.jpg").resolve()


def test_capitals_count_only_if_photos_differ_in_nothing_else(tmp_path):
  touch(tmp_path, "A.JPG", "B.jpg", "b.jpg")
  index = Photos(tmp_path)
  assert index.find("a.jpg") == index.find("a", any_suffix=True) == (tmp_path / "A.JPG").resolve()
  assert index.find("b.JPG") == (tmp_path / "b.jpg").resolve()
  assert index.find("B", any_suffix=True) == (tmp_path / "B.jpg").resolve()


def test_a_letter_with_an_accent_is_found_in_either_form(tmp_path):
  touch(tmp_path, unicodedata.normalize("NFD", "café.jpg"))
  assert Photos(tmp_path).find(unicodedata.normalize("NFC", "café.jpg")) is not None


def test_photos_that_nobody_found_are_listed(tmp_path):
  touch(tmp_path, "x/a.jpg", "b.jpg", "c.png", "x/d.png")
  index = Photos(tmp_path)
  index.find("a.jpg")
  index.use(tmp_path / "x" / ".." / "c.png")
  index.find("nowhere.jpg")
  assert [str(place) for place in index.unused()] == ["b.jpg", "x/d.png"]


def photo(size, orientation=1, **options):
  pixels = np.random.default_rng(0).integers(0, 255, (*size, 3), np.uint8)
  file, exif = io.BytesIO(), Image.Exif()
  exif[ExifTags.Base.Orientation] = orientation
  Image.fromarray(pixels).save(file, **({"format": "PNG", "exif": exif} | options))
  return file.getvalue(), pixels


@pytest.mark.parametrize("kind, suffix", [("JPEG", ".jpg"), ("PNG", ".png")])
def test_an_upright_photo_stays_as_it_is(kind, suffix):
  content, _ = photo((4, 6), format=kind)
  found = upright(content, (4, 6), drawn_upright=False)
  assert (found.content, found.suffix, found.turned) == (content, suffix, 1)


@pytest.mark.parametrize("options", [{"format": "WEBP"}, {"format": "TIFF"}])
def test_other_photos_become_png(options):
  content, _ = photo((4, 6), **options)
  found = upright(content, (4, 6), drawn_upright=False)
  assert found.suffix == ".png"
  np.testing.assert_array_equal(photos.decode_image(found.content).pixels, found.pixels)


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_labels_of_a_turned_photo_lie_as_their_shape_says(orientation):
  content, pixels = photo((5, 6), orientation)
  shown = photos.upright(pixels, orientation)
  stored_labels = pixels[..., 0]
  for labels in (stored_labels, shown[..., 0]):
    found = upright(content, labels.shape, drawn_upright=False)
    np.testing.assert_array_equal(photos.decode_image(found.content).pixels, shown)
    np.testing.assert_array_equal(found.aligned(labels), shown[..., 0])
    marked = np.zeros(labels.shape, np.int32)
    marked[1:3, 2:3] = 1
    left, top, right, bottom = found.aligned_box((2, 1, 3, 3))
    turned = found.aligned(marked)
    assert turned[top:bottom, left:right].sum() == turned.sum() == 2


@pytest.mark.parametrize("size, orientation", [((4, 6), 3), ((4, 6), 2), ((5, 5), 6)])
def test_where_the_shape_does_not_say_it_the_tool_must(size, orientation):
  content, pixels = photo(size, orientation)
  shown = photos.upright(pixels, orientation)
  found = upright(content, size, drawn_upright=True)
  np.testing.assert_array_equal(found.aligned(shown[..., 0]), found.pixels[..., 0])
  with pytest.raises(ValueError, match=f"EXIF orientation {orientation}.*save it without EXIF"):
    upright(content, size, drawn_upright=False)


@pytest.mark.parametrize("orientation", [1, 6])
def test_labels_of_another_size_and_broken_photos_are_refused(orientation):
  content, _ = photo((4, 6), orientation)
  with pytest.raises(ValueError, match="labels have height and width \\(5, 7\\), the photo"):
    upright(content, (5, 7), drawn_upright=True)
  with pytest.raises(ValueError, match="Is the file complete"):
    upright(content[:-60], (4, 6), drawn_upright=True)
