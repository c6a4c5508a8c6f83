"""Text in pictures, in a font that has its letters.

Pillow's own typeface has those of ASCII and few more. Other text is written in the first font of
the machine that has all its letters; if there is none, in letters without accents.
"""

import dataclasses
import re
import unicodedata
from bisect import bisect
from functools import cache
from typing import Any

from PIL import Image, ImageDraw, ImageFont

FONTS = (
  "DejaVuSans.ttf",
  "NotoSans-Regular.ttf",
  "LiberationSans-Regular.ttf",
  "FreeSans.ttf",
  "Arial.ttf",
  "arial.ttf",
  "Arial Unicode.ttf",
  "NotoSansCJK-Regular.ttc",
  "DroidSansFallbackFull.ttf",
  "DroidSansFallback.ttf",
  "wqy-zenhei.ttc",
  "msgothic.ttc",
  "msyh.ttc",
  "malgun.ttf",
  "Hiragino Sans GB.ttc",
  "AppleSDGothicNeo.ttc",
  "ArialHB.ttc",
  "Nirmala.ttf",
)
"""Files of fonts that systems have, by which Pillow finds them; earlier ones are preferred."""

_OWN = ""  # the name of Pillow's own typeface here
_CUT = "…"  # the end of a shortened text
_NOWHERE = "\U0010fffe"  # no character: a font draws what stands for all that it does not have
_SAMPLE = 32  # pixels; the size at which letters are compared
_PLAIN = {"ß": "ss", "ẞ": "SS", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE"}
_PLAIN |= dict(zip("øØłŁđĐı", "oOlLdDi"))

Box = tuple[float, float, float, float]
Place = tuple[int | float, int | float]


@dataclasses.dataclass(frozen=True)
class Line:
  """A text as it can be written.

  Attributes:
    text: without what no font has.
    font: has all its letters.
  """

  text: str
  font: ImageFont.FreeTypeFont

  @property
  def length(self) -> float:
    """Its width, pixels."""
    return self.font.getlength(self.text)

  def shortened(self, width: int) -> "Line":
    """Returns it at most `width` pixels long, cut at the end if necessary."""
    if len(self.text) <= width and round(self.length) <= width:
      return self
    lengths = range(1, min(len(self.text), width) + 1)  # a letter is at least a pixel wide
    kept = bisect(lengths, width, key=lambda count: round(self._cut(count).length))
    return self._cut(kept)

  def _cut(self, count: int) -> "Line":
    return dataclasses.replace(self, text=f"{self.text[:count]}{_CUT}")

  def write(self, draw: ImageDraw.ImageDraw, at: Place, **options: Any) -> None:
    """Writes it into a picture; options are those of Pillow's `ImageDraw.text`."""
    draw.text(at, self.text, font=self.font, **options)

  def box(self, draw: ImageDraw.ImageDraw, at: Place, **options: Any) -> Box:
    """Returns x0 y0 x1 y1 of what `write` would draw."""
    return draw.textbbox(at, self.text, font=self.font, **options)


def line(text: str, size: int) -> Line:
  """Returns a text as it can be written in letters of `size` pixels, in a single line."""
  composed = re.sub(r"\s", " ", unicodedata.normalize("NFC", text))
  if _has_all(_OWN, composed):
    return Line(composed, _own_font(size))
  for name in FONTS:
    found = _font(name, size)
    if found is not None and _has_all(name, composed + _CUT):
      return Line(composed, found)
  plain = "".join(map(_plain, composed))
  return Line(plain, _own_font(size))


def _plain(letter: str) -> str:
  """Returns a letter in those of Pillow's typeface: without its accent, or "?"."""
  if _has_all(_OWN, letter):
    return letter
  parts = unicodedata.normalize("NFKD", _PLAIN.get(letter, letter))
  base = "".join(part for part in parts if not unicodedata.combining(part))
  return base if _has_all(_OWN, base) else "?"


@cache
def _own_font(size: int) -> ImageFont.FreeTypeFont:
  own = ImageFont.load_default(size)
  assert isinstance(own, ImageFont.FreeTypeFont)  # always, if a size is given
  return own


@cache
def _font(name: str, size: int) -> ImageFont.FreeTypeFont | None:
  """Returns a font of the machine, or Pillow's own; None if there is no such file."""
  if name == _OWN:
    return _own_font(size)
  try:
    return ImageFont.truetype(name, size)
  except OSError:
    return None


def _has_all(name: str, text: str) -> bool:
  """Returns whether a font has all letters of a text; spaces are nothing to see in any."""
  return all(letter == " " or _has(name, letter) for letter in set(text))


@cache
def _has(name: str, letter: str) -> bool:
  """Returns whether a font has a letter: it draws another picture than for no character."""
  return _picture(name, letter) != _picture(name, _NOWHERE)


def _picture(name: str, letter: str) -> bytes:
  canvas = Image.new("L", (3 * _SAMPLE, 3 * _SAMPLE))
  font = _font(name, _SAMPLE)
  ImageDraw.Draw(canvas).text((_SAMPLE, _SAMPLE), letter, fill=255, font=font)
  return canvas.tobytes()
