"""Charts as SVG. Colours and letters come from the style sheet, so they follow light and dark.

Every chart has a title that screen readers say; numbers appear when the pointer rests on a mark.
"""

import math
from collections.abc import Mapping, Sequence

from jppf_jax.report.markup import Markup, join, tag
from jppf_jax.report.words import short_name, whole_name

Number = float | int
Point = tuple[Number, Number]

_WIDTH, _HEIGHT = 340, 190  # of a chart with axes
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 18, 10, 34
_POINTS = 160  # of a line; longer ones are averaged


def svg(
  width: Number, height: Number, label: str, *children: object, class_: str = "chart"
) -> Markup:
  """Returns a drawing that scales with its place.

  Args:
    width: of its coordinates.
    height: of its coordinates.
    label: what it shows.
    *children: elements.
    class_: for the style sheet.
  """
  box = f"0 0 {width:g} {height:g}"
  style = f"max-width:{width:g}px"
  return tag(
    "svg", *children, viewBox=box, role="img", aria_label=label, class_=class_, style=style
  )


class Axes:
  """A frame with axes, to which marks are added.

  Args:
    label: what the chart shows.
    x: first and last value of the axis.
    y: first and last value of the axis.
    x_name: below the axis.
    y_ticks: values that are written, with a line each.
    x_ticks: value and text.
  """

  def __init__(
    self,
    label: str,
    *,
    x: Point,
    y: Point,
    x_name: str,
    y_ticks: Sequence[Number],
    x_ticks: Sequence[tuple[Number, str]],
  ):
    self._label, self._x, self._y = label, x, y
    self._marks: list[Markup] = []
    right, bottom = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM
    for value in y_ticks:
      at = self.place_y(value)
      self._marks.append(tag("line", x1=_LEFT, x2=right, y1=at, y2=at, class_="grid"))
      self._marks.append(tag("text", _written(value), x=_LEFT - 6, y=at + 4, class_="end"))
    for value, text in x_ticks:
      at = self.place_x(value)
      self._marks.append(tag("text", text, x=at, y=bottom + 15, class_="middle"))
    middle = (_LEFT + right) / 2
    self._marks.append(tag("text", x_name, x=middle, y=_HEIGHT - 3, class_="middle muted"))

  def place_x(self, value: Number) -> float:
    """Returns the coordinate of a value."""
    first, last = self._x
    share = (value - first) / ((last - first) or 1)
    return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)

  def place_y(self, value: Number) -> float:
    """Returns the coordinate of a value; larger ones are higher."""
    first, last = self._y
    share = (value - first) / ((last - first) or 1)
    return _HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM)

  def line(self, points: Sequence[Point], class_: str) -> None:
    """Adds a line through points."""
    pairs = " ".join(f"{self.place_x(x):.1f},{self.place_y(y):.1f}" for x, y in points)
    self._marks.append(tag("polyline", points=pairs, class_=f"line {class_}"))

  def bar(self, left: Number, right: Number, height: Number, class_: str, title: str) -> None:
    """Adds a bar that stands on the axis, from `left` to `right`."""
    x0, x1, top = self.place_x(left), self.place_x(right), self.place_y(height)
    bottom = self.place_y(self._y[0])
    self._marks.append(
      tag(
        "rect",
        tag("title", title),
        x=x0 + 0.75,
        y=top,
        width=max(x1 - x0 - 1.5, 0.5),
        height=max(bottom - top, 0.0),
        class_=class_,
      )
    )

  def dot(self, at: Point, class_: str) -> None:
    """Adds a point."""
    x, y = at
    mark = tag("circle", cx=self.place_x(x), cy=self.place_y(y), r=2.2, class_=class_)
    self._marks.append(mark)

  def drawn(self) -> Markup:
    """Returns the chart."""
    return svg(_WIDTH, _HEIGHT, self._label, *self._marks)


def _written(value: Number) -> str:
  """Returns a value of an axis: whole numbers with all digits while they have room."""
  is_short = float(value).is_integer() and abs(value) < 1e5
  return f"{value:,.0f}" if is_short else f"{value:.3g}"


def lines(title: str, named: Mapping[str, Sequence[Point]], x_name: str = "step") -> Markup:
  """Returns a chart of lines over steps; at most four, told apart by the style sheet.

  Args:
    title: what the values are.
    named: points of each line, by name.
    x_name: below the axis.
  """
  points = [point for line in named.values() for point in line]
  xs, ys = [x for x, _ in points], [y for _, y in points]
  ticks = nice_ticks(min(0.0, *ys, 0.0), max(*ys, 0.0))
  axes = Axes(
    f"{title} over {x_name}s",
    x=(min(xs), max(xs)),
    y=(ticks[0], ticks[-1]),
    x_name=x_name,
    y_ticks=ticks,
    x_ticks=[(value, f"{value:g}") for value in sorted({min(xs), max(xs)})],
  )
  for number, line in enumerate(named.values()):
    axes.line(averaged(line), f"series{number}")
  return axes.drawn()


def averaged(points: Sequence[Point], count: int = _POINTS) -> list[Point]:
  """Returns at most `count` points: the means of neighbours."""
  size = math.ceil(len(points) / count)
  groups = [points[start : start + size] for start in range(0, len(points), size)]
  return [
    (sum(x for x, _ in group) / len(group), sum(y for _, y in group) / len(group))
    for group in groups
  ]


def nice_ticks(low: Number, high: Number, count: int = 4, *, whole: bool = False) -> list[float]:
  """Returns about `count` round values that enclose a range; only `whole` ones, if so asked."""
  span = (high - low) or abs(high) or 1.0
  power = 10.0 ** math.floor(math.log10(span / count))
  step = next(power * times for times in (1, 2, 5, 10) if power * times * count >= span * 0.999)
  step = max(step, 1.0) if whole else step
  first, last = math.floor(low / step), math.ceil(high / step)
  return [float(f"{step * number:.12g}") for number in range(first, max(last, first + 1) + 1)]


def spark(values: Sequence[Number], titles: Sequence[str], label: str) -> Markup:
  """Returns small bars without axes; the tallest fills the height.

  Args:
    values: 0 or more.
    titles: what each bar means.
    label: what they show together.
  """
  tallest = max(values, default=0) or 1
  marks = []
  for number, (value, title) in enumerate(zip(values, titles, strict=True)):
    height = 20 * value / tallest
    drawn = max(height, 1.0) if value else 0.5
    marks.append(
      tag("rect", tag("title", title), x=7 * number, y=21 - drawn, width=6, height=drawn)
    )
  return svg(7 * len(values), 22, label, *marks, class_="spark")


def matrix(
  counts: Sequence[Sequence[int]], rows: Sequence[str], columns: Sequence[str], label: str
) -> Markup:
  """Returns a confusion matrix: the darker a cell, the larger its share of the row.

  Args:
    counts: pixels, by truth (row) and prediction (column).
    rows: names of true labels.
    columns: names of predicted labels.
    label: what it shows.
  """
  cell = 22 if len(columns) <= 24 else 15
  longest = max(len(short_name(name)) for name in [*rows, *columns])
  left, top = 7 * longest + 12, 6 * longest + 16
  across, down = cell * len(columns), cell * len(rows)
  width, height = left + across + 4 * longest, top + down + 8  # the last names lean to the right
  marks = [tag("rect", x=left, y=top, width=across, height=down, class_="ground")]
  for number, name in enumerate(columns):
    x = left + cell * (number + 0.5) + 3
    turned = f"rotate(-60 {x:g} {top - 6})"
    marks.append(_name(name, x=x, y=top - 6, transform=turned))
  for number, (name, row) in enumerate(zip(rows, counts, strict=True)):
    y, total = top + cell * number, sum(row)
    marks.append(_name(name, x=left - 6, y=y + cell / 2 + 4, class_="end"))
    for place, count in enumerate(row):
      share = count / total if total else 0.0
      if share >= 0.001 or (place == number and count):
        said = f"{name} seen as {columns[place]}: {100 * share:.1f} % of {total} pixels"
        kind = "right" if columns[place] == name else "wrong"
        marks.append(
          tag(
            "rect",
            tag("title", said),
            x=left + cell * place + 0.5,
            y=y + 0.5,
            width=cell - 1,
            height=cell - 1,
            class_=kind,
            fill_opacity=round(share**0.5, 3),
          )
        )
  drawn = svg(width, height, label, *marks, class_="matrix")
  return Markup(drawn.replace("max-width", "width", 1))  # it scrolls, its letters stay readable


def scale() -> Markup:
  """Returns the colours of `matrix`: opacity is the root of a share, so a quarter is the middle."""
  ends = [tag("span", text) for text in ("0 %", "25 %", "100 %")]
  rows = [
    tag("span", tag("i", class_=kind), said)
    for kind, said in (("right", "right"), ("wrong", "wrong"))
  ]
  return tag("div", tag("span", *ends, class_="ends"), *rows, class_="scale")


def _name(name: str, **attributes: object) -> Markup:
  """Returns the text of a name; the pointer shows the whole of one that is cut."""
  whole = whole_name(name)
  title = None if whole is None else tag("title", whole)
  return tag("text", short_name(name), title, **attributes)


def bar(value: float | None, other: float | None = None, class_: str = "") -> Markup:
  """Returns a bar of a share, 0 to 1, as long as its place; a tick marks `other`."""
  length = 0.0 if value is None else 100 * min(max(value, 0.0), 1.0)
  filled = tag("i", style=f"width:{length:.1f}%", class_=class_ or None)
  tick = None
  if other is not None:
    tick = tag("b", style=f"left:{100 * min(max(other, 0.0), 1.0):.1f}%")
  return tag("span", filled, tick, class_="bar", aria_hidden="true")


def legend(*entries: tuple[str, str]) -> Markup:
  """Returns the names of colours.

  Args:
    *entries: name, and the class of the style sheet that has the colour.
  """
  marks = [tag("span", tag("i", class_=class_), name) for name, class_ in entries]
  return tag("p", join(*marks), class_="legend")
