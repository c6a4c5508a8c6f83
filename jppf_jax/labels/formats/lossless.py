"""Reads label images as the numbers that were saved: exactly, or not at all.

All labels come through here: ground truth, predictions, parts, masks, and those of the builders.
"""

import io
import struct
import zlib
from typing import IO, cast

import numpy as np
from PIL import Image

from jppf_jax.labels.formats import pixels, png
from jppf_jax.labels.quote import shortened

FORMATS = ("PNG", "TIFF", "BMP", "GIF")  # whole numbers come back as they were saved
TIFF_COMPRESSIONS = {
  *("raw", "tiff_ccitt", "group3", "group4", "tiff_lzw", "tiff_raw_16", "packbits"),
  *("tiff_adobe_deflate", "tiff_deflate", "lzma", "zstd"),
}
_ADVICE = "which may change ids. Save labels as PNG or TIFF, without JPEG compression"
_ORIENTATION = 0x0112  # EXIF

UNREADABLE = (
  OSError,
  SyntaxError,
  ValueError,
  EOFError,
  KeyError,
  TypeError,
  IndexError,
  OverflowError,
  RuntimeError,
  struct.error,
  zlib.error,
  Image.DecompressionBombError,
)
"""What Pillow raises for files that are damaged or no images."""


def read(file: io.BufferedIOBase) -> np.ndarray:
  """Returns the numbers of an image: one per pixel [H W] or several [H W C]; palettes as indices.

  The type is that of the file, e.g. uint8 or uint16; one bit per pixel is uint8, 0 or 1. Messages
  of errors are phrases that follow a file name.

  Raises:
    ValueError: it cannot be read to its end.
    ValueError: its format changes numbers (JPEG, WebP), or reading it would.
  """
  try:
    with Image.open(cast(IO[bytes], file)) as image:
      array, changed = _plain_png(image, file), ""
      if array is None:
        changed = _what_changes_numbers(image)
        array = None if changed else pixels.of_image(image)
  except UNREADABLE as error:
    reason = shortened(error)
    raise ValueError(f"cannot be read as an image ({reason}); is it complete?") from error
  if array is None:
    raise ValueError(f"{changed}.")
  return array.astype(np.uint8) if array.dtype == bool else array


def _plain_png(image: Image.Image, file: io.BufferedIOBase) -> np.ndarray | None:
  """Returns the numbers of an image that `png.decode` decodes; None for all others."""
  if image.format != "PNG" or image.mode != "RGB":
    return None
  place = file.tell()  # where Pillow will read on
  file.seek(0)
  array = png.decode(file.read())
  file.seek(place)
  return array


def _what_changes_numbers(image: Image.Image) -> str:
  """Returns why the pixels would not be the numbers that were saved; empty if they are."""
  if image.format not in FORMATS:
    return f"is a {image.format} file, {_ADVICE}"
  compression = image.info.get("compression", "raw")
  if image.format == "TIFF" and compression not in TIFF_COMPRESSIONS:
    return f"is a TIFF compressed as {compression}, {_ADVICE}"
  stored = _stored_mode(image)
  if image.mode == "L" and stored.endswith((";2", ";4")):
    return f"has {stored[-1]} bits per pixel, which readers scale to 8. Save it with 8 bits"
  if image.mode != "I;16" and ";16" in stored and not image.mode.startswith(("I", "F")):
    return "has 16 bits per channel, of which Pillow reads 8. Save it with 8 bits"
  if image.getexif().get(_ORIENTATION, 1) != 1:  # after `_stored_mode`: this may load the image
    return "is marked as turned or mirrored (EXIF), so its pixels may lie as shown or as stored"
  return ""


def _stored_mode(image: Image.Image) -> str:
  """Returns Pillow's name for the layout in the file, such as "L;4" or "RGB;16B"."""
  for tile in getattr(image, "tile", ()):
    layout = tile[3][0] if isinstance(tile[3], tuple) and tile[3] else tile[3]
    return str(layout)
  return ""
