"""Poles, lamps, traffic lights, signs, and the things of a street that nobody evaluates (void)."""

import math

import numpy as np
from jaxtyping import Float

from jppf_jax.street_scenes.camera import NEAR, Real
from jppf_jax.street_scenes.canvas import Brush, Canvas, Colour, Texture
from jppf_jax.street_scenes.light import Light, hsv, tint

POLE, TRAFFIC_LIGHT, TRAFFIC_SIGN = 17, 19, 20
EGO_VEHICLE, STATIC, DYNAMIC = 1, 4, 5
Point = Float[np.ndarray, "3"]
GREY: Colour = (0.42, 0.43, 0.44)


class _Board:
  """Flat drawings in metres around a point, facing the camera."""

  def __init__(self, brush: Brush, centre: Point):
    xy, depth = brush.camera.project(centre)
    self.brush, self.x, self.y, self.depth = brush, float(xy[0]), float(xy[1]), float(depth)
    self.unit = brush.camera.focal / max(self.depth, NEAR)

  def polygon(self, points: list[tuple[Real, Real]], colour: Colour) -> None:
    if self.depth > NEAR:
      xy = [
        value for dx, dy in points for value in (self.x + dx * self.unit, self.y - dy * self.unit)
      ]
      self.brush.polygon(xy, self.depth, colour)

  def box(self, x0: Real, y0: Real, x1: Real, y1: Real, colour: Colour) -> None:
    self.polygon([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], colour)

  def disc(
    self, x: Real, y: Real, radius: Real, colour: Colour, corners: int = 20, turn: Real = 0.0
  ) -> None:
    angles = [turn + 2 * math.pi * k / corners for k in range(corners)]
    self.polygon([(x + radius * math.cos(a), y + radius * math.sin(a)) for a in angles], colour)


def _post(
  canvas: Canvas, light: Light, position: Point, height: Real, thickness: Real, colour: Colour
) -> Brush:
  brush = canvas.brush(POLE)
  lit = tint(colour, light.ambient + 0.5 * light.diffuse)
  top = position + np.array([0.0, height, 0.0])
  brush.rod(np.stack([position, top]), thickness, lit)
  side = np.array([0.25 * thickness, 0.0, 0.0])
  brush.rod(np.stack([position + side, top + side]), 0.4 * thickness, tint(lit, 0.75))
  brush.rod(
    np.stack([position, position + np.array([0.0, 0.5, 0.0])]), 1.5 * thickness, tint(lit, 0.85)
  )
  return brush


def lamp_post(
  canvas: Canvas, light: Light, rng: np.random.Generator, position: Point, towards: Real
) -> None:
  """A street lamp whose arm reaches over the road (`towards`: +1 right, -1 left)."""
  colour = hsv(rng.random(), rng.uniform(0, 0.2), rng.uniform(0.2, 0.6))
  height = rng.uniform(5.0, 7.5)
  brush = _post(canvas, light, position, height, rng.uniform(0.16, 0.24), colour)
  top = position + np.array([0.0, height, 0.0])
  end = top + np.array([towards * rng.uniform(0.8, 2.0), 0.3, 0.0])
  brush.rod(np.stack([top - [0.0, 0.1, 0.0], (top + end) / 2 + [0.0, 0.15, 0.0], end]), 0.1, colour)
  _Board(brush, end).box(-0.35, -0.12, 0.35, 0.06, tint(colour, 0.7))


def bollard(canvas: Canvas, light: Light, position: Point, colour: Colour) -> None:
  """A knee-high post at the curb."""
  _post(canvas, light, position, 0.95, 0.14, colour)


def traffic_light(
  canvas: Canvas,
  light: Light,
  rng: np.random.Generator,
  position: Point,
  *,
  over_road: Real | None = None,
) -> None:
  """Three lamps in a dark housing on a pole; `over_road`: metres by which an arm carries a second
  one over the road.
  """
  colour = GREY if rng.random() < 0.7 else hsv(0.14, 0.7, 0.7)
  height = 3.3 if over_road is None else 5.2
  pole = _post(canvas, light, position, height, 0.17, colour)
  heads = [position + np.array([0.0, 2.75, 0.0])]
  if over_road is not None:
    end = position + np.array([over_road, 5.1, 0.0])
    pole.rod(np.stack([position + [0.0, 5.0, 0.0], end]), 0.13, tint(colour, 0.9))
    heads.append(end - [0.0, 0.1, 0.0])
  lit, tall = int(rng.integers(0, 3)), rng.uniform(1.0, 1.2)
  backboard = rng.random() < 0.5
  for head in heads:
    board = _Board(canvas.brush(TRAFFIC_LIGHT), head)
    if backboard:
      board.box(-0.36, -0.62 * tall, 0.36, 0.62 * tall, (0.9, 0.9, 0.9))
      board.box(-0.32, -0.58 * tall, 0.32, 0.58 * tall, (0.05, 0.05, 0.05))
    board.box(-0.22, -0.5 * tall, 0.22, 0.5 * tall, (0.08, 0.09, 0.09))
    for k, glow in enumerate(((1.0, 0.12, 0.08), (1.0, 0.75, 0.1), (0.1, 0.95, 0.5))):
      board.disc(0.0, (0.31 - 0.31 * k) * tall, 0.15, glow if k == lit else tint(glow, 0.22))


def traffic_sign(canvas: Canvas, light: Light, rng: np.random.Generator, position: Point) -> None:
  """One or two signs of various shapes on a pole."""
  height = rng.uniform(2.2, 2.9)
  _post(canvas, light, position, height + 0.3, 0.11, GREY)
  brush = canvas.brush(TRAFFIC_SIGN)
  lit = light.ambient + 0.4 * light.diffuse
  size = rng.uniform(0.38, 0.52)
  for k in range(2 if rng.random() < 0.45 else 1):
    board = _Board(brush, position + np.array([0.0, height - 2.1 * size * k, 0.0]))
    _sign_face(board, rng, size, lit)


def _sign_face(board: _Board, rng: np.random.Generator, size: Real, lit: Real) -> None:
  red, blue = tint((0.8, 0.07, 0.08), lit), tint((0.08, 0.25, 0.7), lit)
  white, black, yellow = (
    tint((0.95, 0.95, 0.93), lit),
    (0.08, 0.08, 0.08),
    tint((0.95, 0.78, 0.1), lit),
  )
  kind = int(rng.integers(0, 7))
  if kind == 0:  # a limit
    board.disc(0, 0, size, red)
    board.disc(0, 0, 0.76 * size, white)
    board.box(-0.4 * size, -0.3 * size, -0.05 * size, 0.3 * size, black)
    board.box(0.08 * size, -0.3 * size, 0.4 * size, 0.3 * size, black)
  elif kind == 1:  # an order
    board.disc(0, 0, size, blue)
    arrow = (
      (-0.12, -0.6),
      (0.12, -0.6),
      (0.12, 0.1),
      (0.4, 0.1),
      (0, 0.65),
      (-0.4, 0.1),
      (-0.12, 0.1),
    )
    board.polygon([(x * size, y * size) for x, y in arrow], white)
  elif kind in (2, 3):  # a warning, or give way
    turn = math.pi / 2 if kind == 2 else -math.pi / 2
    board.disc(0, 0, 1.2 * size, red, 3, turn)
    board.disc(0, 0, 0.75 * size, white, 3, turn)
    board.box(-0.07 * size, -0.2 * size, 0.07 * size, 0.3 * size, black)
  elif kind == 4:  # priority
    board.disc(0, 0, 1.1 * size, white, 4)
    board.disc(0, 0, 0.8 * size, yellow, 4)
  elif kind == 5:  # stop, or no entry
    board.disc(0, 0, size, red, 8, math.pi / 8)
    board.box(-0.65 * size, -0.16 * size, 0.65 * size, 0.16 * size, white)
  else:
    board.box(-size, -size, size, size, white)
    board.box(-0.92 * size, -0.92 * size, 0.92 * size, 0.92 * size, blue)
    board.polygon([(-0.5 * size, -0.6 * size), (0, 0.6 * size), (0.5 * size, -0.6 * size)], white)


def signpost(canvas: Canvas, light: Light, rng: np.random.Generator, position: Point) -> None:
  """A large board with directions on two poles."""
  width, height, bottom = rng.uniform(1.2, 1.9), rng.uniform(0.9, 1.4), 2.3
  for x in (-0.6 * width, 0.6 * width):
    _post(canvas, light, position + np.array([x, 0.0, 0.0]), bottom + 0.6, 0.12, GREY)
  board = _Board(canvas.brush(TRAFFIC_SIGN), position + np.array([0.0, bottom + height / 2, 0.0]))
  base = [(0.08, 0.25, 0.65), (0.95, 0.8, 0.15), (0.05, 0.4, 0.25)][int(rng.integers(0, 3))]
  text = (0.95, 0.95, 0.95) if base[0] < 0.5 else (0.1, 0.1, 0.1)
  board.box(-width, -height / 2, width, height / 2, text)
  board.box(-width + 0.06, -height / 2 + 0.06, width - 0.06, height / 2 - 0.06, base)
  for row in range(3):
    y, x = height * (0.28 - 0.28 * row), -0.8 * width
    while x < rng.uniform(0.1, 0.6) * width:
      length = rng.uniform(0.08, 0.2)
      board.box(x, y - 0.08, x + length, y + 0.08, text)
      x += length + 0.05
    board.polygon([(0.72 * width, y - 0.1), (0.9 * width, y), (0.72 * width, y + 0.1)], text)


def clutter(canvas: Canvas, light: Light, rng: np.random.Generator, position: Point) -> None:
  """Something that stands around and is not evaluated: a bin, a box, an advertising column, a
  trolley.
  """
  kind = int(rng.integers(0, 4))
  board = _Board(canvas.brush(DYNAMIC if kind == 3 else STATIC, texture=Texture.METAL), position)
  colour = tint(
    hsv(rng.random(), rng.uniform(0.1, 0.6), rng.uniform(0.2, 0.6)),
    light.ambient + 0.4 * light.diffuse,
  )
  if kind == 0:
    board.polygon([(-0.28, 0), (0.28, 0), (0.34, 0.9), (-0.34, 0.9)], colour)
    board.box(-0.36, 0.9, 0.36, 1.02, tint(colour, 0.6))
    board.box(-0.2, 0.55, 0.2, 0.65, tint(colour, 1.5))
  elif kind == 1:
    board.box(-0.5, 0, 0.5, 1.15, colour)
    board.box(-0.45, 0.1, -0.02, 1.05, tint(colour, 1.12))
    board.box(0.02, 0.1, 0.45, 1.05, tint(colour, 1.12))
  elif kind == 2:
    board.box(-0.6, 0, 0.6, 2.9, tint(colour, 0.7))
    for row in range(3):
      board.box(-0.55, 0.5 + 0.75 * row, 0.55, 1.15 + 0.75 * row, hsv(rng.random(), 0.6, 0.8))
    board.box(-0.7, 2.9, 0.7, 3.1, tint(colour, 0.5))
  else:
    board.box(-0.3, 0.15, 0.3, 0.6, colour)
    board.box(0.28, 0.5, 0.34, 1.0, (0.1, 0.1, 0.1))
    for x in (-0.22, 0.22):
      board.disc(x, 0.1, 0.1, (0.05, 0.05, 0.05))


def bonnet(canvas: Canvas, rng: np.random.Generator) -> None:
  """The ego vehicle's own bonnet at the lower edge."""
  height, width = canvas.camera.size
  brush = canvas.brush(EGO_VEHICLE, texture=Texture.METAL)
  top = height * rng.uniform(0.02, 0.07)
  colour = hsv(0.6, 0.1, rng.uniform(0.05, 0.3))
  xs = np.linspace(-0.02, 1.02, 17)
  ys = height - top * (1 - (2 * xs - 1) ** 2 * rng.uniform(0.5, 1.0))
  rim = np.stack([xs * width, ys], -1).ravel().tolist()
  corners = [width * 1.02, height + 2.0, -0.02 * width, height + 2.0]
  brush.polygon(rim + corners, 1.0, colour)
  middle, radius = width * rng.uniform(0.45, 0.6), 0.035 * height
  y = height - top - radius
  for r, c in ((radius, (0.3, 0.3, 0.32)), (0.75 * radius, tint(colour, 1.3))):
    brush.ellipse(middle, y, r, r, 1.0, c)
  brush.line([middle, y, middle, y - radius], 0.15 * radius, 1.0, (0.35, 0.35, 0.36))
  brush.line(
    [middle, y, middle - 0.8 * radius, y + 0.5 * radius], 0.15 * radius, 1.0, (0.35, 0.35, 0.36)
  )
  brush.line(
    [middle, y, middle + 0.8 * radius, y + 0.5 * radius], 0.15 * radius, 1.0, (0.35, 0.35, 0.36)
  )
