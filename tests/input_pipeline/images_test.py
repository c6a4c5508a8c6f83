import numpy as np
import pytest
from PIL import Image

from jppf_jax.input_pipeline.images import ImageError, read_image

RAMP = np.arange(5 * 7, dtype=np.uint8).reshape(5, 7) * 7


def test_rgb_comes_back_as_it_is(tmp_path):
  pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
  Image.fromarray(pixels).save(tmp_path / "a.png")
  np.testing.assert_array_equal(read_image(tmp_path / "a.png"), pixels)


def test_grey_fills_three_channels(tmp_path):
  Image.fromarray(RAMP).save(tmp_path / "a.png")
  np.testing.assert_array_equal(read_image(tmp_path / "a.png"), np.repeat(RAMP[..., None], 3, -1))


def test_sixteen_bits_keep_their_upper_half(tmp_path):
  Image.fromarray(RAMP.astype(np.uint16) * 256 + 3).save(tmp_path / "a.png")
  np.testing.assert_array_equal(read_image(tmp_path / "a.png")[..., 0], RAMP)


def test_transparent_pixels_are_white(tmp_path):
  pixels = np.zeros((4, 4, 4), np.uint8)
  pixels[:2, :, 3] = 255
  Image.fromarray(pixels).save(tmp_path / "a.png")
  read = read_image(tmp_path / "a.png")
  assert (read[:2] == 0).all() and (read[2:] == 255).all()


def test_palette_and_cmyk_become_rgb(tmp_path):
  color = Image.new("RGB", (4, 4), (200, 40, 40))
  color.quantize(4).save(tmp_path / "a.png")
  color.convert("CMYK").save(tmp_path / "b.jpg", quality=95)
  for name in ("a.png", "b.jpg"):
    assert abs(read_image(tmp_path / name).astype(int) - [200, 40, 40]).max() < 8


def test_exif_rotation_is_applied(tmp_path):
  exif = Image.Exif()
  exif[0x0112] = 6  # the camera was turned: rows are columns
  Image.fromarray(np.repeat(RAMP[..., None], 3, -1)).save(tmp_path / "a.jpg", exif=exif)
  assert read_image(tmp_path / "a.jpg").shape == (7, 5, 3)


def test_one_pixel_is_an_image(tmp_path):
  Image.new("RGB", (1, 1)).save(tmp_path / "a.png")
  assert read_image(tmp_path / "a.png").shape == (1, 1, 3)


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif"])
def test_a_truncated_file_is_named(tmp_path, name):
  pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
  Image.fromarray(pixels).save(tmp_path / name)
  (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:3000])
  with pytest.raises(ImageError, match=name):
    read_image(tmp_path / name)


def test_a_missing_file_and_a_text_are_named(tmp_path):
  (tmp_path / "a.txt").write_text("hello")
  for name in ("a.txt", "b.png"):
    with pytest.raises(ImageError, match=name):
      read_image(tmp_path / name)
