import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from jppf_jax.labels.formats import lossless

IDS = np.random.default_rng(0).integers(0, 35, (12, 17), np.uint8)


def saved(image, **options):
  file = io.BytesIO()
  image.save(file, **options)
  file.seek(0)
  return file


def png(bits, color, rows):
  """Returns a PNG of 2 x 2 pixels with the given bytes in each row."""
  header = struct.pack(">IIBBBBB", 2, 2, bits, color, 0, 0, 0)
  data = zlib.compress(b"".join(b"\0" + row for row in rows))
  chunks = b""
  for kind, content in ((b"IHDR", header), (b"IDAT", data), (b"IEND", b"")):
    checksum = struct.pack(">I", zlib.crc32(kind + content))
    chunks += struct.pack(">I", len(content)) + kind + content + checksum
  return io.BytesIO(b"\x89PNG\r\n\x1a\n" + chunks)


def tiff(array, place=8):
  """Returns a TIFF in the byte order of an array of integers [H W].

  Args:
    array: the pixels, in one strip.
    place: where the file says that they begin; 8 is true.
  """
  order, start = (">", b"MM\0*") if array.dtype.byteorder == ">" else ("<", b"II*\0")
  (height, width), bits = array.shape, 8 * array.itemsize
  sample_format = 2 if array.dtype.kind == "i" else 1
  table = 8 + array.nbytes + 8
  tags = [(256, width), (257, height), (258, bits), (259, 1), (262, 1), (277, 1), (278, height)]
  tags += [(279, array.nbytes), (339, sample_format)]
  entries = [struct.pack(order + "HHII", tag, 4, 1, value) for tag, value in tags]
  entries.insert(5, struct.pack(order + "HHII", 273, 16, 1, table - 8))  # 64 bits, before the table
  content = array.tobytes() + struct.pack(order + "Q", place)
  content += struct.pack(order + "H", len(entries)) + b"".join(entries) + bytes(4)
  return io.BytesIO(start + struct.pack(order + "I", table) + content)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP", "GIF"])
def test_eight_bits_come_back(kind):
  found = lossless.read(saved(Image.fromarray(IDS), format=kind))
  np.testing.assert_array_equal(found, IDS)


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "tiff_adobe_deflate", "packbits"])
@pytest.mark.parametrize("dtype, factor", [(np.uint8, 1), (np.uint16, 1900), (np.int32, 90_000)])
def test_any_integer_width_comes_back_from_a_tiff(compression, dtype, factor):
  ids = IDS.astype(dtype) * dtype(factor)
  found = lossless.read(saved(Image.fromarray(ids), format="TIFF", compression=compression))
  assert found.dtype == dtype
  np.testing.assert_array_equal(found, ids)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("kind, factor", [("u1", 1), ("u2", 1900), ("i2", 900), ("i4", 90_000)])
def test_any_integer_width_comes_back_in_both_byte_orders(order, kind, factor):
  ids = (IDS.astype(np.int32) * factor).astype(order + kind)
  np.testing.assert_array_equal(lossless.read(tiff(ids)), ids)


def test_sixteen_bits_come_back_from_a_png():
  found = lossless.read(png(16, 0, [b"\x01\x2c\x00\x02", b"\xff\xfe\x80\x00"]))
  assert found.dtype == np.uint16
  assert found.tolist() == [[300, 2], [65_534, 32_768]]


def test_palettes_are_indices_and_single_bits_are_numbers():
  palette = Image.fromarray(IDS % 16).convert("P")
  palette.putpalette(list(range(48)))
  np.testing.assert_array_equal(lossless.read(saved(palette, format="PNG", bits=4)), IDS % 16)
  bits = lossless.read(saved(Image.fromarray(IDS > 9), format="PNG"))
  assert bits.dtype == np.uint8 and (bits == (IDS > 9)).all()


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "PPM"])
def test_formats_that_may_change_ids_are_refused_whatever_the_file_is_called(kind):
  colors = Image.fromarray(np.repeat(IDS[..., None], 3, -1))
  with pytest.raises(ValueError, match=f"is a {kind} file, which may change ids"):
    lossless.read(saved(colors, format=kind))


def test_a_tiff_with_jpeg_compression_is_refused():
  with pytest.raises(ValueError, match="a TIFF compressed as jpeg, which may change ids"):
    lossless.read(saved(Image.fromarray(IDS), format="TIFF", compression="jpeg"))


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize("orientation", range(2, 9))
def test_labels_marked_as_turned_or_mirrored_are_refused(kind, orientation):
  exif = Image.Exif()
  exif[0x0112] = orientation
  with pytest.raises(ValueError, match="marked as turned"):
    lossless.read(saved(Image.fromarray(IDS), format=kind, exif=exif))


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_labels_marked_as_upright_come_back(kind):
  exif = Image.Exif()
  exif[0x0112] = 1
  found = lossless.read(saved(Image.fromarray(IDS), format=kind, exif=exif))
  np.testing.assert_array_equal(found, IDS)


def test_numbers_that_a_reader_would_scale_are_refused():
  for bits in (2, 4):
    with pytest.raises(ValueError, match=f"has {bits} bits per pixel, which readers scale"):
      lossless.read(png(bits, 0, [b"\x12", b"\x30"]))
  with pytest.raises(ValueError, match="16 bits per channel, of which Pillow reads 8"):
    lossless.read(png(16, 2, [b"\x01\x2c" * 6] * 2))
  assert lossless.read(png(8, 0, [b"\x01\x02", b"\x03\x04"])).tolist() == [[1, 2], [3, 4]]


def test_pixels_at_a_place_that_no_file_has_are_refused():
  with pytest.raises(ValueError, match="cannot be read as an image .* is it complete"):
    lossless.read(tiff(IDS, place=2**63))


def test_damaged_files_of_any_kind_are_refused_in_one_sentence():
  rng = np.random.default_rng(0)
  for kind in ("PNG", "TIFF", "BMP", "GIF"):
    whole = saved(Image.fromarray(IDS), format=kind).getvalue()
    for _ in range(60):
      damaged = bytearray(whole[: rng.integers(0, len(whole) + 1)])
      for position in rng.integers(0, len(damaged), 3) if damaged else ():
        damaged[position] = rng.integers(256)
      try:
        assert lossless.read(io.BytesIO(damaged)).ndim in (2, 3)
      except ValueError as error:
        assert len(str(error)) < 450
