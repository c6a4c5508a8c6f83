"""Poles, lamps, bollards, and objects of a street that no metric evaluates (void).

Measures are metres and chosen by eye. Drawings on boards are given in metres from the board's
centre: left, low, right, high.
"""

import math

import numpy as np
from jaxtyping import Float

from jppf_jax.street_scenes.camera import NEAR, Real
from jppf_jax.street_scenes.canvas import Brush, Canvas, Colour, Texture
from jppf_jax.street_scenes.classes import DYNAMIC, EGO_VEHICLE, POLE, STATIC
from jppf_jax.street_scenes.light import ANY_HUE, ColourRange, Light, sample_colour, tint

Point = Float[np.ndarray, "3"]

# Posts. Widths are shares of the post's thickness.
GREY: Colour = (0.42, 0.43, 0.44)
POST_SUNLIT = 0.5  # share of the sun's light
POST_SHADOW_PLACE, POST_SHADOW_WIDTH, POST_SHADOW_SHADE = 0.25, 0.4, 0.75  # the darker right side
FOOT_HEIGHT, FOOT_WIDTH, FOOT_SHADE = 0.5, 1.5, 0.85  # height: metres

# Street lamps.
LAMP_COLOUR = ColourRange(ANY_HUE, (0.0, 0.2), (0.2, 0.6))
LAMP_HEIGHT, LAMP_THICKNESS = (5.0, 7.5), (0.16, 0.24)
ARM_REACH, ARM_RISE, ARM_THICKNESS = (0.8, 2.0), 0.3, 0.1
ARM_DROP, ARM_BEND = 0.1, 0.15  # where it starts below the top; rise of its middle
LAMP_HEAD, LAMP_HEAD_SHADE = (-0.35, -0.12, 0.35, 0.06), 0.7

# Bollards.
BOLLARD_HEIGHT, BOLLARD_THICKNESS = 0.95, 0.14

# Clutter.
CLUTTER_COLOUR = ColourRange(ANY_HUE, (0.1, 0.6), (0.2, 0.6))
CLUTTER_SUNLIT = 0.4  # share of the sun's light
CLUTTER_KINDS = ("bin", "cabinet", "column", "trolley")
BIN_BODY = ((-0.28, 0), (0.28, 0), (0.34, 0.9), (-0.34, 0.9))
BIN_LID, BIN_LID_SHADE = (-0.36, 0.9, 0.36, 1.02), 0.6
BIN_LABEL, BIN_LABEL_TINT = (-0.2, 0.55, 0.2, 0.65), 1.5
CABINET = (-0.5, 0, 0.5, 1.15)
CABINET_DOORS, CABINET_DOOR_TINT = ((-0.45, 0.1, -0.02, 1.05), (0.02, 0.1, 0.45, 1.05)), 1.12
COLUMN, COLUMN_SHADE = (-0.6, 0, 0.6, 2.9), 0.7
COLUMN_CAP, COLUMN_CAP_SHADE = (-0.7, 2.9, 0.7, 3.1), 0.5
POSTERS, POSTER_PITCH = 3, 0.75
POSTER_HALF_WIDTH, POSTER_LOW, POSTER_HIGH = 0.55, 0.5, 1.15
POSTER = ColourRange(ANY_HUE, 0.6, 0.8)
TROLLEY, TROLLEY_HANDLE = (-0.3, 0.15, 0.3, 0.6), (0.28, 0.5, 0.34, 1.0)
TROLLEY_HANDLE_COLOUR: Colour = (0.1, 0.1, 0.1)
TROLLEY_WHEELS, TROLLEY_WHEEL_RADIUS = (-0.22, 0.22), 0.1
TROLLEY_WHEEL_COLOUR: Colour = (0.05, 0.05, 0.05)

# The bonnet of the ego vehicle and the star on it: shares of the image's height or width.
BONNET_HEIGHT, BONNET_COLOUR = (0.02, 0.07), ColourRange(0.6, 0.1, (0.05, 0.3))
BONNET_CURVE = (0.5, 1.0)  # how far the rim falls towards the sides, share of the bonnet's height
BONNET_OVERHANG, BONNET_BELOW = 0.02, 2.0  # beyond both sides; pixels beyond the lower edge
BONNET_POINTS, BONNET_DEPTH = 17, 1.0  # points of the rim; metres
STAR_PLACE, STAR_RADIUS = (0.45, 0.6), 0.035
STAR_RIM, STAR_ARMS = (0.3, 0.3, 0.32), (0.35, 0.35, 0.36)
STAR_INNER, STAR_INNER_TINT, STAR_ARM_WIDTH = 0.75, 1.3, 0.15  # shares of the radius
STAR_DIRECTIONS = ((0.0, -1.0), (-0.8, 0.5), (0.8, 0.5))  # to the right, down; shares of the radius


class Board:
  """Flat drawings in metres around a point, facing the camera."""

  def __init__(self, brush: Brush, centre: Point):
    xy, depth = brush.camera.project(centre)
    self.brush, self.x, self.y, self.depth = brush, float(xy[0]), float(xy[1]), float(depth)
    self.unit = brush.camera.focal / max(self.depth, NEAR)

  def polygon(self, points: list[tuple[Real, Real]], colour: Colour) -> None:
    """Draws a polygon; nothing if the board is too close to the camera."""
    if self.depth <= NEAR:
      return
    xy: list[Real] = []
    for right, up in points:
      xy += [self.x + right * self.unit, self.y - up * self.unit]
    self.brush.polygon(xy, self.depth, colour)

  def box(self, x0: Real, y0: Real, x1: Real, y1: Real, colour: Colour) -> None:
    """Draws a rectangle."""
    self.polygon([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], colour)

  def disc(
    self, x: Real, y: Real, radius: Real, colour: Colour, corners: int = 20, turn: Real = 0.0
  ) -> None:
    """Draws a disc or a regular polygon, the first corner at the angle `turn` in radians."""
    angles = [turn + 2 * math.pi * k / corners for k in range(corners)]
    self.polygon([(x + radius * math.cos(a), y + radius * math.sin(a)) for a in angles], colour)


def upward(metres: Real) -> Point:
  """Returns the world vector upwards of this length."""
  return np.array([0.0, metres, 0.0])


def post(
  canvas: Canvas, light: Light, position: Point, height: Real, thickness: Real, colour: Colour
) -> Brush:
  """Draws an upright post and returns its brush."""
  brush = canvas.brush(POLE)
  lit = tint(colour, light.partly_sunlit(POST_SUNLIT))
  top = position + upward(height)
  brush.rod(np.stack([position, top]), thickness, lit)
  side = np.array([POST_SHADOW_PLACE * thickness, 0.0, 0.0])
  shadow = np.stack([position + side, top + side])
  brush.rod(shadow, POST_SHADOW_WIDTH * thickness, tint(lit, POST_SHADOW_SHADE))
  foot = np.stack([position, position + upward(FOOT_HEIGHT)])
  brush.rod(foot, FOOT_WIDTH * thickness, tint(lit, FOOT_SHADE))
  return brush


def lamp_post(
  canvas: Canvas, light: Light, rng: np.random.Generator, position: Point, towards: Real
) -> None:
  """Draws a street lamp whose arm reaches over the road (`towards`: +1 right, -1 left)."""
  colour = sample_colour(rng, LAMP_COLOUR)
  height, thickness = rng.uniform(*LAMP_HEIGHT), rng.uniform(*LAMP_THICKNESS)
  brush = post(canvas, light, position, height, thickness, colour)
  top = position + upward(height)
  end = top + np.array([towards * rng.uniform(*ARM_REACH), ARM_RISE, 0.0])
  start, middle = top - upward(ARM_DROP), (top + end) / 2 + upward(ARM_BEND)
  brush.rod(np.stack([start, middle, end]), ARM_THICKNESS, colour)
  Board(brush, end).box(*LAMP_HEAD, tint(colour, LAMP_HEAD_SHADE))


def bollard(canvas: Canvas, light: Light, position: Point, colour: Colour) -> None:
  """Draws a low post at the curb."""
  post(canvas, light, position, BOLLARD_HEIGHT, BOLLARD_THICKNESS, colour)


def clutter(canvas: Canvas, light: Light, rng: np.random.Generator, position: Point) -> None:
  """Draws an object that no metric evaluates: a bin, a cabinet, an advertising column (static) or a
  trolley (dynamic).
  """
  kind = CLUTTER_KINDS[int(rng.integers(0, len(CLUTTER_KINDS)))]
  sid = DYNAMIC if kind == "trolley" else STATIC
  board = Board(canvas.brush(sid, texture=Texture.METAL), position)
  colour = tint(sample_colour(rng, CLUTTER_COLOUR), light.partly_sunlit(CLUTTER_SUNLIT))
  if kind == "bin":
    board.polygon(list(BIN_BODY), colour)
    board.box(*BIN_LID, tint(colour, BIN_LID_SHADE))
    board.box(*BIN_LABEL, tint(colour, BIN_LABEL_TINT))
  elif kind == "cabinet":
    board.box(*CABINET, colour)
    for door in CABINET_DOORS:
      board.box(*door, tint(colour, CABINET_DOOR_TINT))
  elif kind == "column":
    _column(board, rng, colour)
  else:
    board.box(*TROLLEY, colour)
    board.box(*TROLLEY_HANDLE, TROLLEY_HANDLE_COLOUR)
    for x in TROLLEY_WHEELS:
      board.disc(x, TROLLEY_WHEEL_RADIUS, TROLLEY_WHEEL_RADIUS, TROLLEY_WHEEL_COLOUR)


def _column(board: Board, rng: np.random.Generator, colour: Colour) -> None:
  board.box(*COLUMN, tint(colour, COLUMN_SHADE))
  half = POSTER_HALF_WIDTH
  for row in range(POSTERS):
    low, high = POSTER_LOW + POSTER_PITCH * row, POSTER_HIGH + POSTER_PITCH * row
    board.box(-half, low, half, high, sample_colour(rng, POSTER))
  board.box(*COLUMN_CAP, tint(colour, COLUMN_CAP_SHADE))


def bonnet(canvas: Canvas, rng: np.random.Generator) -> None:
  """Draws the ego vehicle's own bonnet at the lower edge, with a star as on many Cityscapes
  images.
  """
  height, width = canvas.camera.size
  brush = canvas.brush(EGO_VEHICLE, texture=Texture.METAL)
  top = height * rng.uniform(*BONNET_HEIGHT)
  colour = sample_colour(rng, BONNET_COLOUR)
  xs = np.linspace(-BONNET_OVERHANG, 1 + BONNET_OVERHANG, BONNET_POINTS)
  fall = (2 * xs - 1) ** 2 * rng.uniform(*BONNET_CURVE)
  ys = height - top * (1 - fall)
  rim = np.stack([xs * width, ys], -1).ravel().tolist()
  below = height + BONNET_BELOW
  corners = [width * (1 + BONNET_OVERHANG), below, -BONNET_OVERHANG * width, below]
  brush.polygon(rim + corners, BONNET_DEPTH, colour)
  radius = STAR_RADIUS * height
  x, y = width * rng.uniform(*STAR_PLACE), height - top - radius
  inner = STAR_INNER * radius
  brush.ellipse(x, y, radius, radius, BONNET_DEPTH, STAR_RIM)
  brush.ellipse(x, y, inner, inner, BONNET_DEPTH, tint(colour, STAR_INNER_TINT))
  for right, down in STAR_DIRECTIONS:
    arm = [x, y, x + right * radius, y + down * radius]
    brush.line(arm, STAR_ARM_WIDTH * radius, BONNET_DEPTH, STAR_ARMS)
