"""Pictures side by side with titles, and legends. Everything is uint8 RGB."""

from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw

from jppf_jax import lettering

_THINNEST = 8  # pixels
_TITLE_ROOM = 8  # widths of a letter
_INK, _MUTED, _FRAME = (32, 33, 36), (110, 114, 120), (190, 194, 200)


def fitted(size: tuple[int, int], box: tuple[int, int]) -> tuple[int, int]:
  """Returns the height and width of an image that is scaled to fit into a box, aspect kept.

  A strip is at least `_THINNEST` pixels thick, so that something is seen of it.

  Args:
    size: height and width of the image.
    box: largest height and width.
  """
  factor = min(box[0] / size[0], box[1] / size[1])
  height, width = (max(_THINNEST, round(side * factor)) for side in size)
  return min(height, box[0]), min(width, box[1])


def grid(
  pictures: dict[str, UInt8[np.ndarray, "_h _w 3"]], *, columns: int = 2, text: int | None = None
) -> UInt8[np.ndarray, "H W 3"]:
  """Returns a white contact sheet: pictures row by row, each below its title.

  All cells have the size of the largest picture, and room for `_TITLE_ROOM` letters of a title;
  what is longer is cut.

  Args:
    pictures: {title: picture}.
    columns: pictures side by side.
    text: height of the letters, in pixels; by default it fits the width of the sheet.

  Raises:
    ValueError: no pictures, or no columns.
  """
  if not pictures or columns < 1:
    raise ValueError(
      f"A grid needs pictures and at least one column; got {len(pictures)} pictures, {columns=}."
    )
  columns = min(columns, len(pictures))
  rows = -(-len(pictures) // columns)
  height = max(picture.shape[0] for picture in pictures.values())
  width = max(picture.shape[1] for picture in pictures.values())
  margin = text = text or text_size(width * columns)
  titles = [lettering.line(title, text) for title in pictures]
  longest = max(round(title.length) for title in titles)
  width = max(width, min(longest, _TITLE_ROOM * text))
  step_x, step_y = width + margin, title_height(text) + height + margin
  canvas = Image.new("RGB", (columns * step_x + margin, rows * step_y + margin), "white")
  draw = ImageDraw.Draw(canvas)
  for number, (title, picture) in enumerate(zip(titles, pictures.values())):
    row, column = divmod(number, columns)
    x, y = margin + column * step_x, margin + row * step_y
    place = (x, y + 0.4 * title_height(text))
    title.shortened(width).write(draw, place, fill=_INK, anchor="lm")
    _paste(canvas, draw, picture, x, y + title_height(text))
  return np.asarray(canvas)


def _paste(
  canvas: Image.Image,
  draw: ImageDraw.ImageDraw,
  picture: UInt8[np.ndarray, "h w 3"],
  x: int,
  y: int,
) -> None:
  """Puts a picture into a thin frame; `x`, `y` is its upper left pixel."""
  height, width = picture.shape[:2]
  canvas.paste(Image.fromarray(picture), (x, y))
  draw.rectangle((x - 1, y - 1, x + width, y + height), outline=_FRAME)


def stack(pictures: list[UInt8[np.ndarray, "_h _w 3"]]) -> UInt8[np.ndarray, "H W 3"]:
  """Returns pictures one below the other; narrower ones are continued in white."""
  width = max(picture.shape[1] for picture in pictures)
  padded = []
  for picture in pictures:
    missing = width - picture.shape[1]
    padded.append(np.pad(picture, ((0, 0), (0, missing), (0, 0)), constant_values=255))
  return np.concatenate(padded)


def beside(pictures: list[UInt8[np.ndarray, "_h _w 3"]]) -> UInt8[np.ndarray, "H W 3"]:
  """Returns pictures side by side; lower ones are continued in white."""
  turned = [picture.swapaxes(0, 1) for picture in pictures]
  return np.ascontiguousarray(stack(turned).swapaxes(0, 1))


class _Entry(NamedTuple):
  """One colour of a legend; `x`, `y` is the upper left corner of its line."""

  x: int
  y: int
  name: lettering.Line
  color: UInt8[np.ndarray, "*c"]


def legend(
  sections: dict[str, dict[str, UInt8[np.ndarray, "*c"]]], *, width: int, text: int | None = None
) -> UInt8[np.ndarray, "H {width} 3"]:
  """Returns a white strip that names colours, section by section, wrapped to `width` pixels.

  Args:
    sections: {heading: {name: colour [3], or a pattern [h w 3] to fill the swatch with}}; empty
      ones are left out.
    width: of the strip.
    text: height of the letters, in pixels; by default it fits the width.
  """
  margin = text = text or text_size(width)
  line, swatch, gap = round(1.7 * text), round(1.1 * text), round(0.5 * text)
  written = {heading: lettering.line(heading, text) for heading in sections}
  widest = max((round(heading.length) for heading in written.values()), default=0)
  indent = margin + widest + margin
  headings: list[tuple[lettering.Line, int]] = []  # and their y
  placed: list[_Entry] = []
  y = margin // 2
  for heading, entries in sections.items():
    if not entries:
      continue
    headings.append((written[heading], y))
    x = indent
    for full_name, color in entries.items():
      name = lettering.line(full_name, text).shortened(width - indent - swatch - gap)
      advance = swatch + gap + round(name.length) + round(1.3 * text)
      if x + advance > width and x > indent:
        x = indent
        y += line
      placed.append(_Entry(x, y, name, color))
      x += advance
    y += line
  canvas = Image.new("RGB", (width, y + margin), "white")
  draw = ImageDraw.Draw(canvas)
  for title, y in headings:
    title.write(draw, (margin, y + line // 2), fill=_MUTED, anchor="lm")
  for entry in placed:
    tile = _tile(entry.color, swatch)
    _paste(canvas, draw, tile, entry.x, entry.y + (line - swatch) // 2)
    middle = (entry.x + swatch + gap, entry.y + line // 2)
    entry.name.write(draw, middle, fill=_INK, anchor="lm")
  return np.asarray(canvas)


def _tile(color: UInt8[np.ndarray, "*c"], side: int) -> UInt8[np.ndarray, "h w 3"]:
  """Returns a swatch of a colour [3], or of a pattern [h w 3]."""
  if color.ndim == 1:
    return np.full((side, side, 3), color)
  return np.ascontiguousarray(color[:side, :side])


def title_height(text: int) -> int:
  """Returns the height of a title's line above a picture, for letters of `text` pixels."""
  return round(1.7 * text)


def text_size(width: int) -> int:
  """Returns a size of letters that is readable when a sheet of this width is scaled to a page."""
  return max(14, width // 72)
