"""Traffic lights, traffic signs and signposts, with their poles.

Measures are metres and chosen by eye. Drawings on boards are given from the board's centre: left,
low, right, high. Colours of signs and the order of lamps are those of German roads.
"""

import math

import numpy as np

from jppf_jax.street_scenes.camera import Real
from jppf_jax.street_scenes.canvas import Canvas, Colour
from jppf_jax.street_scenes.classes import TRAFFIC_LIGHT, TRAFFIC_SIGN
from jppf_jax.street_scenes.furniture import GREY, Board, Point, post, upward
from jppf_jax.street_scenes.light import Light, hsv, tint

# Traffic lights. Heights of their drawings are multiplied by a sampled `TALL`.
GREY_POLES, YELLOW = 0.7, hsv(0.14, 0.7, 0.7)  # share of poles; colour of the others
POLE_HEIGHT, POLE_HEIGHT_WITH_ARM, POLE_THICKNESS = 3.3, 5.2, 0.17
HEAD_HEIGHT = 2.75
ARM_START, ARM_END, ARM_THICKNESS, ARM_SHADE = 5.0, 5.1, 0.13, 0.9  # heights of its ends
HEAD_BELOW_ARM = 0.1
TALL = (1.0, 1.2)
BACKBOARDS = 0.5  # share of traffic lights
BOARD_RIM, BOARD_RIM_COLOUR = (0.36, 0.62), (0.9, 0.9, 0.9)  # half width, half height
BOARD, BOARD_COLOUR = (0.32, 0.58), (0.05, 0.05, 0.05)  # half width, half height
HOUSING, HOUSING_COLOUR = (0.22, 0.5), (0.08, 0.09, 0.09)  # half width, half height
LAMP_COLOURS: tuple[Colour, ...] = ((1.0, 0.12, 0.08), (1.0, 0.75, 0.1), (0.1, 0.95, 0.5))
LAMP_PITCH, LAMP_RADIUS, LAMP_OFF = 0.31, 0.15, 0.22  # off: brightness of lamps that are off

# Traffic signs. Drawings are shares of the sampled size, half of a sign's width.
SIGN_HEIGHT, SIGN_SIZE = (2.2, 2.9), (0.38, 0.52)
SIGN_POLE_ABOVE, SIGN_POLE_THICKNESS = 0.3, 0.11
SECOND_SIGNS, SECOND_SIGN_BELOW = 0.45, 2.1  # share of poles with two; distance, share of the size
SIGN_SUNLIT = 0.4  # share of the sun's light
RED: Colour = (0.8, 0.07, 0.08)
BLUE: Colour = (0.08, 0.25, 0.7)
WHITE: Colour = (0.95, 0.95, 0.93)
BLACK: Colour = (0.08, 0.08, 0.08)
AMBER: Colour = (0.95, 0.78, 0.1)
SIGN_KINDS = ("limit", "order", "warning", "give way", "priority", "stop", "crossing")
LIMIT_FIELD = 0.76  # radius
LIMIT_DIGITS = ((-0.4, -0.3, -0.05, 0.3), (0.08, -0.3, 0.4, 0.3))
ARROW = ((-0.12, -0.6), (0.12, -0.6), (0.12, 0.1), (0.4, 0.1), (0, 0.65), (-0.4, 0.1), (-0.12, 0.1))
TRIANGLE, TRIANGLE_FIELD, TRIANGLE_SYMBOL = 1.2, 0.75, (-0.07, -0.2, 0.07, 0.3)  # radii; a box
PRIORITY, PRIORITY_FIELD = 1.1, 0.8  # radii
STOP_BAR = (-0.65, -0.16, 0.65, 0.16)
CROSSING_FIELD, CROSSING_SYMBOL = 0.92, ((-0.5, -0.6), (0, 0.6), (0.5, -0.6))

# Signposts: large boards with directions.
POST_WIDTH, POST_HEIGHT = (1.2, 1.9), (0.9, 1.4)  # half of the width; height of the board
POST_BOTTOM, POST_PLACE = 2.3, 0.6  # lower edge; places of the two poles, share of half the width
POST_POLE_ABOVE, POST_POLE_THICKNESS = 0.6, 0.12  # above the lower edge
POST_COLOURS: tuple[Colour, ...] = ((0.08, 0.25, 0.65), (0.95, 0.8, 0.15), (0.05, 0.4, 0.25))
PALE_TEXT, DARK_TEXT, DARK_TEXT_FROM = (0.95, 0.95, 0.95), (0.1, 0.1, 0.1), 0.5  # red of the board
POST_RIM = 0.06
TEXT_ROWS, ROW_PITCH = 3, 0.28  # pitch: share of the board's height
TEXT_START, TEXT_END = -0.8, (0.1, 0.6)  # shares of half the width
WORD_LENGTH, WORD_GAP, WORD_HALF_HEIGHT = (0.08, 0.2), 0.05, 0.08
ARROW_START, ARROW_END, ARROW_HALF_HEIGHT = 0.72, 0.9, 0.1  # start, end: shares of half the width


def traffic_light(
  canvas: Canvas,
  light: Light,
  rng: np.random.Generator,
  position: Point,
  *,
  over_road: Real | None = None,
) -> None:
  """Draws a traffic light on a pole.

  Args:
    canvas: to draw on.
    light: makes the colours brighter or darker.
    rng: samples colours and size.
    position: of the pole on the ground, world axes.
    over_road: metres to the right by which an arm carries a second traffic light over the road;
      None: no arm.
  """
  colour = GREY if rng.random() < GREY_POLES else YELLOW
  height = POLE_HEIGHT if over_road is None else POLE_HEIGHT_WITH_ARM
  pole = post(canvas, light, position, height, POLE_THICKNESS, colour)
  heads = [position + upward(HEAD_HEIGHT)]
  if over_road is not None:
    end = position + np.array([over_road, ARM_END, 0.0])
    arm = np.stack([position + upward(ARM_START), end])
    pole.rod(arm, ARM_THICKNESS, tint(colour, ARM_SHADE))
    heads.append(end - upward(HEAD_BELOW_ARM))
  lit, tall = int(rng.integers(0, len(LAMP_COLOURS))), rng.uniform(*TALL)
  backboard = rng.random() < BACKBOARDS
  for head in heads:
    _traffic_light_head(Board(canvas.brush(TRAFFIC_LIGHT), head), lit, tall, backboard=backboard)


def _traffic_light_head(board: Board, lit: int, tall: Real, *, backboard: bool) -> None:
  """Draws the lamps, of which the one with index `lit` is on, in their housing."""
  plates = [(HOUSING, HOUSING_COLOUR)]
  if backboard:
    plates = [(BOARD_RIM, BOARD_RIM_COLOUR), (BOARD, BOARD_COLOUR), *plates]
  for (half_width, half_height), colour in plates:
    board.box(-half_width, -half_height * tall, half_width, half_height * tall, colour)
  for k, glow in enumerate(LAMP_COLOURS):
    y = (LAMP_PITCH - LAMP_PITCH * k) * tall
    board.disc(0.0, y, LAMP_RADIUS, glow if k == lit else tint(glow, LAMP_OFF))


def traffic_sign(canvas: Canvas, light: Light, rng: np.random.Generator, position: Point) -> None:
  """Draws one or two signs of various shapes on a pole."""
  height = rng.uniform(*SIGN_HEIGHT)
  post(canvas, light, position, height + SIGN_POLE_ABOVE, SIGN_POLE_THICKNESS, GREY)
  brush = canvas.brush(TRAFFIC_SIGN)
  lit = light.partly_sunlit(SIGN_SUNLIT)
  size = rng.uniform(*SIGN_SIZE)
  count = 2 if rng.random() < SECOND_SIGNS else 1
  for k in range(count):
    centre = position + upward(height - SECOND_SIGN_BELOW * size * k)
    kind = SIGN_KINDS[int(rng.integers(0, len(SIGN_KINDS)))]
    _sign_face(Board(brush, centre), kind, size, lit)


def _sign_face(board: Board, kind: str, size: Real, lit: Real) -> None:
  red, blue, white, amber = (tint(colour, lit) for colour in (RED, BLUE, WHITE, AMBER))
  if kind == "limit":
    board.disc(0, 0, size, red)
    board.disc(0, 0, LIMIT_FIELD * size, white)
    for digit in LIMIT_DIGITS:
      _box(board, digit, size, BLACK)
  elif kind == "order":
    board.disc(0, 0, size, blue)
    _polygon(board, ARROW, size, white)
  elif kind in ("warning", "give way"):
    turn = math.pi / 2 if kind == "warning" else -math.pi / 2
    board.disc(0, 0, TRIANGLE * size, red, 3, turn)
    board.disc(0, 0, TRIANGLE_FIELD * size, white, 3, turn)
    _box(board, TRIANGLE_SYMBOL, size, BLACK)
  elif kind == "priority":
    board.disc(0, 0, PRIORITY * size, white, 4)
    board.disc(0, 0, PRIORITY_FIELD * size, amber, 4)
  elif kind == "stop":
    board.disc(0, 0, size, red, 8, math.pi / 8)
    _box(board, STOP_BAR, size, white)
  else:
    board.box(-size, -size, size, size, white)
    field = CROSSING_FIELD * size
    board.box(-field, -field, field, field, blue)
    _polygon(board, CROSSING_SYMBOL, size, white)


def _box(board: Board, edges: tuple[Real, ...], size: Real, colour: Colour) -> None:
  x0, y0, x1, y1 = (edge * size for edge in edges)
  board.box(x0, y0, x1, y1, colour)


def _polygon(
  board: Board, outline: tuple[tuple[Real, Real], ...], size: Real, colour: Colour
) -> None:
  board.polygon([(x * size, y * size) for x, y in outline], colour)


def signpost(canvas: Canvas, light: Light, rng: np.random.Generator, position: Point) -> None:
  """Draws a large board with directions on two poles."""
  width, height = rng.uniform(*POST_WIDTH), rng.uniform(*POST_HEIGHT)
  pole_height = POST_BOTTOM + POST_POLE_ABOVE
  for x in (-POST_PLACE * width, POST_PLACE * width):
    foot = position + np.array([x, 0.0, 0.0])
    post(canvas, light, foot, pole_height, POST_POLE_THICKNESS, GREY)
  centre = position + upward(POST_BOTTOM + height / 2)
  board = Board(canvas.brush(TRAFFIC_SIGN), centre)
  base = POST_COLOURS[int(rng.integers(0, len(POST_COLOURS)))]
  text = PALE_TEXT if base[0] < DARK_TEXT_FROM else DARK_TEXT
  right, top = width - POST_RIM, height / 2 - POST_RIM
  board.box(-width, -height / 2, width, height / 2, text)
  board.box(-right, -top, right, top, base)
  for row in range(TEXT_ROWS):
    y = height * (ROW_PITCH - ROW_PITCH * row)
    _direction(board, rng, width, y, text)


def _direction(
  board: Board, rng: np.random.Generator, width: Real, y: Real, colour: Colour
) -> None:
  """Draws words and an arrow in one row of a signpost."""
  x = TEXT_START * width
  while x < rng.uniform(*TEXT_END) * width:
    length = rng.uniform(*WORD_LENGTH)
    board.box(x, y - WORD_HALF_HEIGHT, x + length, y + WORD_HALF_HEIGHT, colour)
    x += length + WORD_GAP
  start, end = ARROW_START * width, ARROW_END * width
  board.polygon([(start, y - ARROW_HALF_HEIGHT), (end, y), (start, y + ARROW_HALF_HEIGHT)], colour)
