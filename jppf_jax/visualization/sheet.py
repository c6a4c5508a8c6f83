"""Pictures side by side with titles, and legends: the paper around the pictures. Everything is
uint8 RGB.
"""

from functools import cache

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw, ImageFont

_INK, _MUTED, _FRAME = (32, 33, 36), (110, 114, 120), (190, 194, 200)


@cache
def font(size: int) -> ImageFont.FreeTypeFont:
  """Returns Pillow's own typeface in any size, pixels."""
  return ImageFont.load_default(size)


def grid(
  pictures: dict[str, UInt8[np.ndarray, "_h _w 3"]], *, columns: int = 2
) -> UInt8[np.ndarray, "H W 3"]:
  """Returns a white contact sheet: pictures row by row, each under its title, in cells of the
  largest one's size.

  Raises:
    ValueError: no pictures, or no columns.
  """
  if not pictures or columns < 1:
    raise ValueError(
      f"A grid needs pictures and at least one column; got {len(pictures)} pictures, {columns=}."
    )
  columns = min(columns, len(pictures))
  height, width = (max(p.shape[axis] for p in pictures.values()) for axis in (0, 1))
  text = _text_size(width * columns)
  margin, bar = text, round(1.7 * text)
  rows = -(-len(pictures) // columns)
  canvas = Image.new(
    "RGB", (columns * (width + margin) + margin, rows * (height + bar + margin) + margin), "white"
  )
  draw = ImageDraw.Draw(canvas)
  for n, (title, picture) in enumerate(pictures.items()):
    x, y = margin + n % columns * (width + margin), margin + n // columns * (height + bar + margin)
    draw.text((x, y + bar * 0.4), title, fill=_INK, font=font(text), anchor="lm")
    canvas.paste(Image.fromarray(picture), (x, y + bar))
    draw.rectangle(
      (x - 1, y + bar - 1, x + picture.shape[1], y + bar + picture.shape[0]), outline=_FRAME
    )
  return np.asarray(canvas)


def stack(pictures: list[UInt8[np.ndarray, "_h _w 3"]]) -> UInt8[np.ndarray, "H W 3"]:
  """Returns pictures under each other, narrower ones continued in white."""
  width = max(picture.shape[1] for picture in pictures)
  return np.concatenate(
    [np.pad(p, ((0, 0), (0, width - p.shape[1]), (0, 0)), constant_values=255) for p in pictures]
  )


def legend(
  sections: dict[str, dict[str, UInt8[np.ndarray, "*c"]]], *, width: int
) -> UInt8[np.ndarray, "H {width} 3"]:
  """Returns a white strip that names colours, section by section, wrapped to `width` pixels.

  Args:
    sections: {heading: {name: colour [3], or a pattern [h w 3] to fill the swatch with}}; empty
      ones are left out.
    width: of the strip.
  """
  text = _text_size(width)
  line, swatch, margin = round(1.7 * text), round(1.1 * text), text
  letters = font(text)
  indent = (
    margin + max((round(letters.getlength(heading)) for heading in sections), default=0) + margin
  )
  places, y = [], margin // 2
  for heading, entries in sections.items():
    x = indent
    for n, (name, color) in enumerate(entries.items()):
      advance = swatch + round(0.5 * text) + round(letters.getlength(name)) + round(1.3 * text)
      if x + advance > width and x > indent:
        x, y = indent, y + line
      places.append((x, y, heading if n == 0 else "", name, color))
      x += advance
    y += line if entries else 0
  canvas = Image.new("RGB", (width, y + margin), "white")
  draw = ImageDraw.Draw(canvas)
  for x, y, heading, name, color in places:
    draw.text((margin, y + line // 2), heading, fill=_MUTED, font=letters, anchor="lm")
    tile = (
      np.broadcast_to(color, (swatch, swatch, 3)) if color.ndim == 1 else color[:swatch, :swatch]
    )
    top = y + (line - swatch) // 2
    canvas.paste(Image.fromarray(np.ascontiguousarray(tile)), (x, top))
    draw.rectangle((x - 1, top - 1, x + swatch, top + swatch), outline=_FRAME)
    draw.text(
      (x + swatch + round(0.5 * text), y + line // 2), name, fill=_INK, font=letters, anchor="lm"
    )
  return np.asarray(canvas)


def _text_size(width: int) -> int:
  """Letters that stay readable when a sheet of this width is scaled to a page."""
  return max(14, width // 72)
