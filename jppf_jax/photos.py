"""The one reader of photos, for datasets and predictions alike: upright 8-bit RGB, or an error.

Files are grey, RGB, CMYK or palette, with or without transparency, of 1 to 16 bits. What has no
known black and white (floats, signed and 32-bit numbers) is refused.
"""

import contextlib
import io
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Shaped, UInt8
from PIL import ExifTags, Image, TiffImagePlugin, UnidentifiedImageError

FORMATS = {  # how files are called that are looked for; others that Pillow knows are read too
  "PNG": (".png",),
  "JPEG": (".jpeg", ".jpg"),
  "TIFF": (".tif", ".tiff"),
  "WebP": (".webp",),
  "GIF": (".gif",),
  "BMP": (".bmp",),
  "JPEG 2000": (".jp2",),
  "PNM": (".pbm", ".pgm", ".pnm", ".ppm"),
}

_BITS_PER_SAMPLE, _PHOTOMETRIC, _SAMPLE_FORMAT = 258, 262, 339  # TIFF tags
_WHITE_IS_ZERO, _UNSIGNED = 0, 1
_SIXTEEN_BITS = ("PNG", "PPM", "JPEG2000")  # formats whose wide grey fills 16 bits in Pillow
_PNG_EXIF = (b"eXIf", b"Raw profile type exif", b"XML:com.adobe.xmp")  # where Pillow looks


class ImageError(ValueError):
  """The file is no image that can be shown rightly; the message says why."""


class Photo(NamedTuple):
  """A photo as viewers show it.

  Attributes:
    pixels: upright RGB.
    orientation: the EXIF orientation that was undone; 1 = the file lies upright.
  """

  pixels: UInt8[np.ndarray, "H W 3"]
  orientation: int


def read_image(path: str | Path) -> UInt8[np.ndarray, "H W 3"]:
  """Returns the image in a file as viewers show it: upright, and laid on white.

  A transparent pixel is white, whatever colour lies hidden in it; a translucent one is mixed with
  white by its opacity. Of 16-bit channels the upper 8 bits are kept. Of several frames or pages,
  the first is read.

  Raises:
    ImageError: the file does not exist, is damaged, or is no image.
    ImageError: it has more pixels than the limit, see `at_most`.
    ImageError: it has numbers without a known black and white.
  """
  try:
    content = Path(path).read_bytes()
  except FileNotFoundError as error:
    raise ImageError(f"There is no image at {path}.") from error
  except OSError as error:
    raise ImageError(f"{path} cannot be read as an image: {error}.") from error
  try:
    return decode_image(content).pixels
  except ImageError as error:
    raise ImageError(f"{path} cannot be read as an image: {error}") from error


def decode_image(content: bytes) -> Photo:
  """Returns the image in the bytes of a file; see `read_image`.

  Raises:
    ImageError: as `read_image`, without a path. Every failure of a decoder becomes one.
  """
  try:
    with Image.open(io.BytesIO(content)) as image:
      check_size(image)
      turned = orientation(image) if image.format == "TIFF" else 1  # Pillow turns those itself
      image.load()
      remaining = orientation(image)
      pixels = _rgb(image)
  except ImageError:
    raise
  except UnidentifiedImageError as error:
    *names, last = FORMATS
    known = f"{', '.join(names)} or {last}"
    raise ImageError(f"it is no {known}, or its beginning is damaged.") from error
  except Image.DecompressionBombError as error:
    number = re.search(r"\d+", str(error))
    pixels_found = int(number[0]) if number else 0
    raise ImageError(_too_large(pixels_found, Image.MAX_IMAGE_PIXELS or 0)) from error
  except Exception as error:  # each decoder has its own types: RuntimeError, SyntaxError, ...
    reason = str(error) or type(error).__name__
    raise ImageError(f"{reason.rstrip('.')}. Is the file complete?") from error
  stored = turned if remaining == 1 else remaining
  return Photo(upright(pixels, remaining), stored)


def from_pillow(image: Image.Image) -> UInt8[np.ndarray, "H W 3"]:
  """Returns a picture of Pillow as `read_image` returns that of a file.

  Raises:
    ImageError: it has numbers without a known black and white, or its file is damaged.
  """
  try:
    image.load()
    return upright(_rgb(image), orientation(image))
  except ImageError as error:
    raise ImageError(f"The picture cannot be used: {error}") from error
  except OSError as error:
    raise ImageError(f"The picture cannot be used: {error}. Is its file complete?") from error


def orientation(image: Image.Image) -> int:
  """Returns how the pixels lie in an opened file: the EXIF orientation, 1 (upright) to 8.

  Damaged EXIF is passed over, as viewers do.
  """
  try:
    value = image.getexif().get(ExifTags.Base.Orientation, 1)
  except Exception:  # Pillow raises many types on damaged EXIF
    return 1
  return value if value in range(1, 9) else 1


def stored_orientation(content: bytes) -> int:
  """Returns the EXIF orientation, 1 to 8, of the bytes of an image file.

  Pixels are not decoded, except those of a PNG with EXIF, which may stand behind them.
  """
  if content.startswith(b"\x89PNG") and not any(mark in content for mark in _PNG_EXIF):
    return 1
  with Image.open(io.BytesIO(content)) as image:
    return orientation(image)


def upright(array: Shaped[np.ndarray, "h w *c"], orientation: int) -> Shaped[np.ndarray, "H W *c"]:
  """Returns pixels or labels turned from an EXIF orientation, 1 to 8, to upright."""
  if orientation in (5, 6, 7, 8):  # rows are columns
    array = array.swapaxes(0, 1)
  if orientation in (3, 4, 7, 8):
    array = array[::-1]
  if orientation in (2, 3, 6, 7):
    array = array[:, ::-1]
  return np.ascontiguousarray(array)


def is_plain(image: Image.Image) -> bool:
  """Returns whether an opened file is 8-bit RGB without transparency: all readers see the same."""
  return image.mode == "RGB" and "transparency" not in image.info


def check_size(image: Image.Image) -> None:
  """Refuses an opened file with more pixels than the limit, before it is decoded.

  Raises:
    ImageError: it has more.
  """
  limit = Image.MAX_IMAGE_PIXELS
  pixels = image.width * image.height
  if limit is not None and pixels > limit:
    raise ImageError(_too_large(pixels, limit))


@contextlib.contextmanager
def at_most(pixels: int) -> Iterator[None]:
  """Inside the block, images of up to `pixels` pixels are read in the whole process.

  The limit is Pillow's own, 89 megapixels if nobody changed it.
  """
  before = Image.MAX_IMAGE_PIXELS
  Image.MAX_IMAGE_PIXELS = pixels
  try:
    with warnings.catch_warnings():
      warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # an error here
      yield
  finally:
    Image.MAX_IMAGE_PIXELS = before


def _too_large(pixels: int, limit: int) -> str:
  found, allowed = -(-pixels // 1_000_000), limit // 1_000_000
  return (
    f"it has {found} megapixels, the limit is {allowed}. Scale it down, or raise the limit: "
    f"--max_megapixels={found} of `jppf predict`, PIL.Image.MAX_IMAGE_PIXELS in Python."
  )


def _rgb(image: Image.Image) -> UInt8[np.ndarray, "h w 3"]:
  """Returns a loaded image as RGB, not turned."""
  if image.mode in ("I", "F", "LAB") or image.mode.startswith("I;16"):
    return _from_wide_grey(image)
  if image.mode in ("La", "RGBa"):  # colours multiplied with their opacity
    image = image.convert({"La": "LA", "RGBa": "RGBA"}[image.mode])
  if image.mode in ("LA", "PA", "RGBA") or "transparency" in image.info:
    image = image.convert("RGBA")
    white = Image.new("RGBA", image.size, "white")
    image = Image.alpha_composite(white, image)
  return np.asarray(image.convert("RGB"))


def _from_wide_grey(image: Image.Image) -> UInt8[np.ndarray, "h w 3"]:
  """Returns grey of 9 to 16 bits as RGB; the type decides what is white, not the content.

  Raises:
    ImageError: signed, 32-bit or float numbers, or the colour space Lab.
  """
  bits = _unsigned_bits(image)
  if bits is None:
    raise ImageError(
      "its numbers are floats, signed or wider than 16 bits (or Lab), so what is black and white "
      "is unknown. Save it as 8-bit RGB or grey."
    )
  values = np.asarray(image)
  grey = (values.astype(np.int32) >> (bits - 8)).clip(0, 255).astype(np.uint8)
  tags = image.tag_v2 if isinstance(image, TiffImagePlugin.TiffImageFile) else {}
  if tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO:
    grey = 255 - grey
  if "transparency" in image.info:
    grey[values == image.info["transparency"]] = 255
  return np.repeat(grey[..., None], 3, axis=-1)


def _unsigned_bits(image: Image.Image) -> int | None:
  """Returns how many bits the whole numbers of a wide image fill; None if that is unknown."""
  if image.mode in ("F", "LAB"):
    return None
  if isinstance(image, TiffImagePlugin.TiffImageFile):
    bits = image.tag_v2.get(_BITS_PER_SAMPLE, (1,))[0]
    is_unsigned = image.tag_v2.get(_SAMPLE_FORMAT, (_UNSIGNED,))[0] == _UNSIGNED
    return bits if is_unsigned and bits <= 16 else None
  return 16 if image.format in _SIXTEEN_BITS else None
