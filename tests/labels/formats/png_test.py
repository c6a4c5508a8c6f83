import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from jppf_jax.labels.formats import lossless, png

HEIGHT, WIDTH = 400, 700  # above `png.WORTH_IT`


def labels():
  """Returns label-like channels: blocks, and some noise."""
  rng = np.random.default_rng(0)
  blocks = rng.integers(0, 255, (HEIGHT // 25, WIDTH // 25, 3), np.uint8).repeat(25, 0)
  channels = blocks.repeat(25, 1)
  channels[100:140, 200:300] = rng.integers(0, 255, (40, 100, 3))
  return channels


def written(image, **options):
  file = io.BytesIO()
  image.save(file, format="PNG", **options)
  return file.getvalue()


def chunk(kind, content):
  checksum = struct.pack(">I", zlib.crc32(kind + content))
  return struct.pack(">I", len(content)) + kind + content + checksum


def filtered(channels, kind):
  """Returns a PNG whose rows all use one of the five filters."""
  height, width, _ = channels.shape
  here = channels.astype(int)
  left, above, corner = np.zeros((3, *channels.shape), int)
  left[:, 1:], above[1:], corner[1:, 1:] = here[:, :-1], here[:-1], here[:-1, :-1]
  near = [np.abs(left + above - corner - one) for one in (left, above, corner)]
  paeth = np.choose(np.argmin(near, 0), [left, above, corner])
  guess = (0, left, above, (left + above) // 2, paeth)[kind]
  rows = ((here - guess) % 256).astype(np.uint8).reshape(height, -1)
  data = zlib.compress(np.insert(rows, 0, kind, axis=1).tobytes(), 1)
  header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
  return png.SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", range(5))
def test_every_filter_is_decoded(kind):
  np.testing.assert_array_equal(png.decode(filtered(labels(), kind)), labels())


def test_pillows_own_files_are_decoded_and_read_alike(monkeypatch):
  data = written(Image.fromarray(labels()), dpi=(72, 72))
  np.testing.assert_array_equal(png.decode(data), labels())
  found = lossless.read(io.BytesIO(data))
  monkeypatch.setattr(png, "decode", lambda data: None)
  np.testing.assert_array_equal(found, lossless.read(io.BytesIO(data)))


def test_files_that_need_a_second_look_are_left_to_pillow():
  image = Image.fromarray(labels())
  exif = Image.Exif()
  exif[0x0112] = 6
  with_text = written(image)
  place = with_text.index(b"IDAT") - 4
  text = chunk(b"tEXt", b"Raw profile type exif\0...")
  others = [
    written(image.convert("L")),
    written(image.convert("P")),
    written(image.convert("RGBA")),
    written(image, exif=exif),
    written(image, transparency=(1, 2, 3)),
    written(image.crop((0, 0, 500, 500))),  # small
    with_text[:place] + text + with_text[place:],
    b"",
    b"not a picture",
  ]
  for data in others:
    assert png.decode(data) is None


def test_a_turned_image_is_still_refused():
  exif = Image.Exif()
  exif[0x0112] = 6
  data = written(Image.fromarray(labels()), exif=exif)
  with pytest.raises(ValueError, match="marked as turned"):
    lossless.read(io.BytesIO(data))


def test_damaged_files_are_read_or_refused_as_pillow_does(monkeypatch):
  whole = written(Image.fromarray(labels()))
  rng = np.random.default_rng(0)
  cases = [whole[:length] for length in (20, 40, len(whole) // 2, len(whole) - 13, len(whole) - 1)]
  cases.append(whole + b"behind the end")
  cases.append(filtered(labels(), 1).replace(struct.pack(">I", HEIGHT), struct.pack(">I", 900), 1))
  for position in [8, 16, 20, 24, 25, 28, 30, len(whole) - 10, *rng.integers(40, len(whole), 12)]:
    damaged = bytearray(whole)
    damaged[position] ^= 1 << rng.integers(8)
    cases.append(bytes(damaged))
  cut = zlib.compress(bytes((3 * WIDTH + 1) * 9))  # nine rows only, and every checksum is right
  start, end = whole.index(b"IDAT") - 4, whole.index(b"IEND") - 4
  cases.append(whole[:start] + chunk(b"IDAT", cut) + whole[end:])

  def outcome(data):
    try:
      return lossless.read(io.BytesIO(data)).tobytes()
    except ValueError as error:
      return str(error).split(" object at ")[0]

  found = [outcome(data) for data in cases]
  monkeypatch.setattr(png, "decode", lambda data: None)
  assert found == [outcome(data) for data in cases]
  assert sum(isinstance(one, str) for one in found) > 10
