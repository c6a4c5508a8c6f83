import io

import numpy as np
import pytest
from PIL import Image, ImageOps

from jppf_jax import photos
from jppf_jax.photos import ImageError, read_image

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


def test_translucent_pixels_are_mixed_with_white_whatever_lies_in_hidden_ones(tmp_path):
  pixels = np.array([[[200, 40, 0, 255], [200, 40, 0, 51], [200, 40, 0, 0]]], np.uint8)
  Image.fromarray(pixels).save(tmp_path / "a.png")
  Image.fromarray(pixels).save(tmp_path / "a.webp", lossless=True, exact=True)
  for name in ("a.png", "a.webp"):
    left, middle, right = read_image(tmp_path / name)[0].tolist()
    assert (left, right) == ([200, 40, 0], [255, 255, 255])
    assert middle == [244, 212, 204]  # a fifth of the colour, four fifths of white


def test_palette_and_cmyk_become_rgb(tmp_path):
  color = Image.new("RGB", (4, 4), (200, 40, 40))
  color.quantize(4).save(tmp_path / "a.png")
  color.convert("CMYK").save(tmp_path / "b.jpg", quality=95)
  for name in ("a.png", "b.jpg"):
    assert abs(read_image(tmp_path / name).astype(int) - [200, 40, 40]).max() < 8


def encoded(array, form, **options):
  """Returns the bytes of an image file."""
  file = io.BytesIO()
  Image.fromarray(array).save(file, format=form, **options)
  return file.getvalue()


def marked(array, form, orientation, **options):
  """Returns the bytes of an image file with an EXIF orientation."""
  exif = Image.Exif()
  exif[0x0112] = orientation
  return encoded(array, form, exif=exif, **options)


COLORS = np.stack([RAMP, RAMP[::-1], 255 - RAMP], -1)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_comes_back_upright_whatever_its_format(orientation):
  stored = Image.open(io.BytesIO(marked(COLORS, "PNG", orientation)))
  expected = np.asarray(ImageOps.exif_transpose(stored))
  for form, options in (("PNG", {}), ("TIFF", {}), ("WEBP", {"lossless": True})):
    content = marked(COLORS, form, orientation, **options)
    pixels, undone = photos.decode_image(content)
    np.testing.assert_array_equal(pixels, expected)
    assert undone == photos.stored_orientation(content) == orientation
  np.testing.assert_array_equal(photos.upright(COLORS, orientation), expected)
  large = COLORS.repeat(16, 0).repeat(16, 1)  # lossy formats keep large squares
  for form in ("JPEG", "AVIF"):
    content = marked(large, form, orientation, quality=95)
    pixels, undone = photos.decode_image(content)
    assert undone == photos.stored_orientation(content) == orientation
    centres = pixels[8::16, 8::16].astype(int)
    assert centres.shape == expected.shape and abs(centres - expected).max() < 60


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_damaged_exif_is_passed_over():
  content = encoded(COLORS, "PNG", exif=b"Exif\0\0MM\0*damaged")
  np.testing.assert_array_equal(photos.decode_image(content).pixels, COLORS)


@pytest.mark.parametrize("form", ["PNG", "TIFF", "PPM", "JPEG2000"])
def test_the_type_of_wide_grey_decides_what_is_white_and_not_its_content(form):
  dark = np.array([[0, 5, 255, 256, 513, 1024]], np.uint16)
  pixels = photos.decode_image(encoded(dark, form)).pixels
  assert pixels[0, :, 0].tolist() == [0, 0, 0, 1, 2, 4]
  assert (pixels[..., :1] == pixels).all()


def test_wide_grey_may_count_from_white_or_be_transparent():
  grey = np.array([[0, 256, 65535]], np.uint16)
  inverted = encoded(grey, "TIFF", tiffinfo={262: 0})
  assert photos.decode_image(inverted).pixels[0, :, 0].tolist() == [255, 254, 0]
  transparent = encoded(grey, "PNG", transparency=256)
  assert photos.decode_image(transparent).pixels[0, :, 0].tolist() == [0, 255, 255]


@pytest.mark.parametrize("kind", [np.float32, np.int32, np.uint32, np.int16])
@pytest.mark.parametrize("largest", [1, 255, 30_000])
def test_numbers_without_a_known_white_are_refused(tmp_path, kind, largest):
  values = np.array([[0, largest]]).astype(np.int32 if kind == np.int16 else kind)
  signed = {"tiffinfo": {339: 2}} if kind == np.int16 else {}
  Image.fromarray(values).save(tmp_path / "a.tif", **signed)
  with pytest.raises(ImageError, match=r"a\.tif .* black and white is unknown.* 8-bit"):
    read_image(tmp_path / "a.tif")


def test_every_kind_of_transparency_becomes_white():
  red_and_blue = np.array([[[250, 0, 0], [0, 0, 250]]], np.uint8)
  palette = Image.fromarray(red_and_blue).quantize(2)
  blue = int(np.asarray(palette)[0, 1])
  grey = Image.fromarray(np.array([[10, 20]], np.uint8))
  alphas = bytes(0 if index == blue else 255 for index in range(2))
  images = [
    (palette, {"transparency": blue}),
    (palette, {"transparency": alphas}),
    (Image.fromarray(red_and_blue), {"transparency": (0, 0, 250)}),
    (grey, {"transparency": 20}),
    (grey.point(lambda value: 255 * (value == 20)).convert("1"), {"transparency": 1}),
  ]
  for image, options in images:
    file = io.BytesIO()
    image.save(file, format="PNG", **options)
    left, right = photos.decode_image(file.getvalue()).pixels[0]
    assert (right == 255).all() and left.min() < 20, image.mode


@pytest.mark.parametrize(
  "error", [RuntimeError, SyntaxError, MemoryError, EOFError, ZeroDivisionError]
)
def test_the_failure_of_any_decoder_names_the_file(tmp_path, monkeypatch, error):
  Image.fromarray(COLORS).save(tmp_path / "a.png")

  def fail(*_):
    raise error("broken")

  monkeypatch.setattr(Image.Image, "load", fail)
  monkeypatch.setattr("PIL.PngImagePlugin.PngImageFile.load", fail)
  with pytest.raises(ImageError, match=r"a\.png cannot be read as an image: broken"):
    read_image(tmp_path / "a.png")


def test_a_damaged_avif_is_an_error_like_any_other():
  content = encoded(np.tile(COLORS, (8, 8, 1)), "AVIF")
  damaged = content[:200] + bytes(len(content) - 200)
  with pytest.raises(ImageError):
    photos.decode_image(damaged)


def test_more_pixels_than_the_limit_are_refused_until_it_is_raised():
  content = encoded(np.zeros((30, 50), np.uint8), "PNG")
  for limit in (1499, 700):  # Pillow itself warns of the first and refuses the second
    with photos.at_most(limit), pytest.raises(ImageError, match="--max_megapixels=1 "):
      photos.decode_image(content)
  with photos.at_most(1500):
    assert photos.decode_image(content).pixels.shape == (30, 50, 3)
  assert Image.MAX_IMAGE_PIXELS == 89_478_485


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


@pytest.mark.parametrize("suffix", [suffix for own in photos.FORMATS.values() for suffix in own])
def test_every_name_of_a_format_is_that_of_an_image(suffix, tmp_path):
  kept = {".jpeg", ".jpg", ".webp", ".jp2"}
  black = Image.new("1" if suffix == ".pbm" else "L", (9, 5))
  black.convert("RGB" if suffix in kept else black.mode).save(tmp_path / f"a{suffix}")
  read = read_image(tmp_path / f"a{suffix}")
  assert read.shape == (5, 9, 3) and read.max() < 9


def test_what_is_no_image_is_told_all_formats(tmp_path):
  with pytest.raises(ImageError) as found:
    photos.decode_image(b"hello")
  assert all(name in str(found.value) for name in photos.FORMATS)
  assert str(found.value).startswith("it is no PNG, JPEG, ")
  assert str(found.value).endswith(" JPEG 2000 or PNM, or its beginning is damaged.")


def test_a_missing_file_and_a_text_are_named(tmp_path):
  (tmp_path / "a.txt").write_text("hello")
  for name in ("a.txt", "b.png"):
    with pytest.raises(ImageError, match=name):
      read_image(tmp_path / name)


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_an_opened_picture_is_what_its_file_is(orientation, tmp_path):
  picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8))
  picture.getexif()[0x0112] = orientation
  for suffix in ("png", "tif"):
    picture.save(tmp_path / f"a.{suffix}", exif=picture.getexif())
    with Image.open(tmp_path / f"a.{suffix}") as opened:
      found = photos.from_pillow(opened)
    np.testing.assert_array_equal(found, read_image(tmp_path / f"a.{suffix}"))


def test_a_picture_that_cannot_be_shown_rightly_is_refused(tmp_path):
  with pytest.raises(ImageError, match="^The picture cannot be used: its numbers are floats"):
    photos.from_pillow(Image.new("F", (2, 2)))
  noise = np.random.default_rng(0).integers(0, 256, (50, 50, 3), np.uint8)
  Image.fromarray(noise).save(tmp_path / "a.png")
  (tmp_path / "a.png").write_bytes((tmp_path / "a.png").read_bytes()[:4000])
  cut = Image.open(tmp_path / "a.png")
  with cut, pytest.raises(ImageError, match="Is its file complete"):
    photos.from_pillow(cut)
