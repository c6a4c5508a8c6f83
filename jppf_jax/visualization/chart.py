"""Charts of measurements: stacked bars, and panels of lines. Everything is uint8 RGB."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw

from jppf_jax import lettering
from jppf_jax.visualization.sheet import legend, stack

Number = int | float
Point = tuple[Number, Number]
Color = tuple[int, int, int]

_COLORS: tuple[Color, ...] = (  # told apart by the colour-blind too
  (0, 114, 178),
  (230, 159, 0),
  (0, 158, 115),
  (204, 121, 167),
  (86, 180, 233),
  (213, 94, 0),
)
_INK, _MUTED, _GRID = (32, 33, 36), (110, 114, 120), (225, 227, 230)
_FINER = 2  # charts are drawn so many times as large and averaged: smooth lines
_TEXT = 15  # height of the letters, pixels
_BAR, _GAP = 26, 10
_PANEL = (230, 330)  # height and width
_TICKS = 4  # about so many on an axis


class Panel(NamedTuple):
  """One diagram.

  Attributes:
    title: above it.
    lines: {name: points}; a name has the same colour in all panels.
  """

  title: str
  lines: dict[str, list[Point]]


def bars(
  rows: Mapping[str, Mapping[str, Number]], *, title: str, width: int = 880
) -> UInt8[np.ndarray, "H {width} 3"]:
  """Returns horizontal bars, one below the other: parts in a row, their sum at the end.

  Args:
    rows: {name of a bar: {name of a part: its length, 0 or more}}.
    title: above the bars.
    width: pixels.

  Raises:
    ValueError: no bar has a length.
  """
  sums = {name: sum(parts.values()) for name, parts in rows.items()}
  longest = max(sums.values(), default=0)
  if not longest > 0:
    raise ValueError(f"A chart needs a bar with a length above 0; got {rows}.")
  colors = _colors_of(rows.values())
  step = _BAR + _GAP
  canvas = _Canvas(3 * _TEXT + step * len(rows), width)
  names = max(map(canvas.length, rows)) + 2 * _TEXT
  room = width - names - canvas.length("0.00") - 2 * _TEXT
  canvas.text((_TEXT, 1.4 * _TEXT), title)
  for number, (name, parts) in enumerate(rows.items()):
    y = 3 * _TEXT + number * step
    middle = y + _BAR / 2
    canvas.text((_TEXT, middle), name)
    x = float(names)
    for part, value in parts.items():
      end = x + room * value / longest
      canvas.box((x, y, end, y + _BAR), colors[part])
      x = end
    canvas.text((x + _TEXT / 2, middle), f"{sums[name]:.2f}")
  return stack([canvas.pixels(), _legend(colors, width)])


def panels(diagrams: Sequence[Panel], *, columns: int) -> UInt8[np.ndarray, "H W 3"]:
  """Returns line diagrams row by row, with axes that begin at 0, and a legend.

  Args:
    diagrams: at least one, each with a line.
    columns: diagrams side by side.

  Raises:
    ValueError: there is nothing to draw.
  """
  if not diagrams or not all(diagram.lines for diagram in diagrams):
    raise ValueError("A chart of lines needs diagrams, and each a line.")
  colors = _colors_of(diagram.lines for diagram in diagrams)
  height, width = _PANEL
  rows = -(-len(diagrams) // columns)
  canvas = _Canvas(rows * height, columns * width)
  for number, diagram in enumerate(diagrams):
    row, column = divmod(number, columns)
    _draw_panel(canvas, diagram, column * width, row * height, colors)
  return stack([canvas.pixels(), _legend(colors, columns * width)])


class _Canvas:
  """A white picture; coordinates are pixels of the finished one."""

  def __init__(self, height: Number, width: Number):
    self._image = Image.new("RGB", (round(_FINER * width), round(_FINER * height)), "white")
    self._draw = ImageDraw.Draw(self._image)

  def length(self, text: str) -> int:
    """Returns the width of a text."""
    return math.ceil(_line(text).length / _FINER)

  def text(self, at: Point, text: str, *, anchor: str = "lm", color: Color = _INK) -> None:
    """Writes; `anchor` as in Pillow."""
    x, y = _finer(at)
    _line(text).write(self._draw, (x, y), fill=color, anchor=anchor)

  def box(self, corners: tuple[Number, Number, Number, Number], color: Color) -> None:
    """Fills a rectangle `x0 y0 x1 y1`, its ends not included; nothing if it is empty."""
    x0, y0, x1, y1 = _finer(corners)
    if x1 > x0 and y1 > y0:
      self._draw.rectangle((x0, y0, x1 - 1, y1 - 1), fill=color)

  def line(self, points: Sequence[Point], color: Color, *, thick: Number = 1) -> None:
    """Connects points."""
    finer = [_finer(point) for point in points]
    self._draw.line(finer, fill=color, width=round(_FINER * thick), joint="curve")

  def dot(self, at: Point, color: Color) -> None:
    """Marks a point."""
    x, y = _finer(at)
    radius = 3 * _FINER
    self._draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=color)

  def pixels(self) -> UInt8[np.ndarray, "H W 3"]:
    """Returns the finished picture."""
    return np.asarray(self._image.reduce(_FINER))


def _draw_panel(
  canvas: _Canvas, diagram: Panel, left: Number, top: Number, colors: dict[str, Color]
) -> None:
  """Draws one diagram into its place."""
  height, width = _PANEL
  points = [point for line in diagram.lines.values() for point in line]
  x_ticks, y_ticks = (ticks(max(point[axis] for point in points)) for axis in (0, 1))
  x0, x1 = left + 3.4 * _TEXT, left + width - 1.6 * _TEXT
  y0, y1 = top + height - 2.2 * _TEXT, top + 2.6 * _TEXT  # bottom and top
  place_x = lambda x: x0 + (x1 - x0) * x / x_ticks[-1]  # noqa: E731
  place_y = lambda y: y0 + (y1 - y0) * y / y_ticks[-1]  # noqa: E731
  canvas.text((left + _TEXT, top + 1.3 * _TEXT), diagram.title)
  for y in y_ticks:
    canvas.line([(x0, place_y(y)), (x1, place_y(y))], _GRID)
    canvas.text((x0 - 6, place_y(y)), f"{y:g}", anchor="rm", color=_MUTED)
  for x in x_ticks:
    canvas.text((place_x(x), y0 + 0.9 * _TEXT), f"{x:g}", anchor="mm", color=_MUTED)
  for name, line in diagram.lines.items():
    placed = [(place_x(x), place_y(y)) for x, y in sorted(line)]
    canvas.line(placed, colors[name], thick=2)
    for point in placed:
      canvas.dot(point, colors[name])


def ticks(largest: Number) -> list[float]:
  """Returns round numbers for an axis: from 0 in equal steps of 1, 2 or 5 times a power of ten, the
  last at or above `largest`.
  """
  if not largest > 0:
    return [0.0, 1.0]
  power = 10.0 ** math.floor(math.log10(largest / _TICKS))
  step = next(power * times for times in (1, 2, 5, 10) if power * times * _TICKS >= largest)
  count = math.ceil(largest / step)
  return [float(f"{step * number:.12g}") for number in range(count + 1)]


def _colors_of(named: Iterable[Iterable[str]]) -> dict[str, Color]:
  """The colour of each name, in the order of their first use."""
  names = dict.fromkeys(name for entries in named for name in entries)
  return {name: _COLORS[number % len(_COLORS)] for number, name in enumerate(names)}


def _legend(colors: dict[str, Color], width: int) -> UInt8[np.ndarray, "H W 3"]:
  entries = {name: np.array(color, np.uint8) for name, color in colors.items()}
  return legend({"": entries}, width=width, text=_TEXT)


def _line(text: str) -> lettering.Line:
  return lettering.line(text, _FINER * _TEXT)


def _finer(numbers: tuple[Number, ...]) -> tuple[int, ...]:
  return tuple(round(_FINER * number) for number in numbers)
