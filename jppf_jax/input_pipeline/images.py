"""Reads photos as RGB: also grey, RGBA, CMYK, palette and 16-bit files; applies EXIF rotation."""

from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageOps


class ImageError(ValueError):
  """The file is no readable image; the message names the file."""


def read_image(path: str | Path) -> UInt8[np.ndarray, "H W 3"]:
  """Returns the image as viewers show it: upright, transparent pixels on white, 8 bits per channel.

  Of 16-bit grey the upper 8 bits are kept.

  Raises:
    ImageError: the file does not exist.
    ImageError: the file is truncated or no image.
  """
  try:
    with Image.open(path) as file:
      file.load()
      image = ImageOps.exif_transpose(file)
  except FileNotFoundError as error:
    raise ImageError(f"There is no image at {path}.") from error
  except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
    raise ImageError(
      f"{path} cannot be read as an image: {error}. Is it complete, and a PNG, JPEG or TIFF?"
    ) from error
  if image.mode.startswith("I;16") or image.mode == "I":
    grey = _eight_bits(np.asarray(image))
    return np.repeat(grey[..., None], 3, -1)
  if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
    image = image.convert("RGBA")
    white = Image.new("RGBA", image.size, "white")
    image = Image.alpha_composite(white, image)
  return np.array(image.convert("RGB"))


def _eight_bits(values: np.ndarray) -> UInt8[np.ndarray, "H W"]:
  """Returns 16-bit values as 8 bits; an image whose values all fit in 8 bits is not scaled."""
  values = np.clip(values.astype(np.int64), 0, 65535)
  if values.max(initial=0) > 255:
    values = values >> 8
  return values.astype(np.uint8)
