"""Photos from disk as RGB, whatever they are: grey, RGBA, CMYK, palette, 16 bits, rotated by EXIF."""

from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageOps


class ImageError(ValueError):
  """A file that is no readable image; the message names it."""


def read_image(path: str | Path) -> UInt8[np.ndarray, "H W 3"]:
  """Returns the image as it is meant to be seen: upright, opaque (on white), 8 bits per channel.

  16-bit grey keeps its upper 8 bits.

  Raises:
    ImageError: the file is missing, truncated or no image.
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
    return np.repeat(_eight_bits(np.asarray(image))[..., None], 3, -1)
  if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
    image = image.convert("RGBA")
    image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
  return np.array(image.convert("RGB"))


def _eight_bits(values: np.ndarray) -> UInt8[np.ndarray, "H W"]:
  values = np.clip(values.astype(np.int64), 0, 65535)
  return (values if values.max(initial=0) <= 255 else values >> 8).astype(np.uint8)
