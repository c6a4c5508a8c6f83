"""City buses.

Measures are metres and chosen by eye. "Below" counts from the roof, "from the rear" and "from the
front" along the body. Rectangles on front and rear are left, low, right, high.
"""

import numpy as np

from jppf_jax.street_scenes.camera import Real
from jppf_jax.street_scenes.canvas import Colour
from jppf_jax.street_scenes.classes import LAMP
from jppf_jax.street_scenes.light import ANY_HUE, ColourRange, sample_colour, tint
from jppf_jax.street_scenes.solids import Panel, Solid
from jppf_jax.street_scenes.vehicles import (
  DARK,
  LARGE_PLATE,
  TAIL,
  Vehicle,
  licence_plate,
  pane,
  tinted_glass,
)

LENGTH, WIDTH, HEIGHT = (9.5, 12.5), 2.5, (2.9, 3.2)
FLOOR, SLANT = 0.3, 0.15  # lower edge of the body; the front leans back by this much
COLOURED = 0.7  # share of buses; the others are white
PAINT = ColourRange(ANY_HUE, (0.3, 0.9), (0.4, 0.9))
WHITE: Colour = (0.88, 0.88, 0.86)

# Wheels.
REAR_AXLE, FRONT_AXLE = 2.4, 2.3  # from the rear; from the front
WHEEL_RADIUS = 0.48
RIM: Colour = (0.5, 0.5, 0.5)

# Sides.
STRIPE_LOW, STRIPE_HIGH = 0.45, 0.85
STRIPE = ColourRange(ANY_HUE, 0.7, (0.3, 0.9))
ROOF_BAND_REAR, ROOF_BAND_FRONT = 0.1, 0.4  # from the rear; from the front
ROOF_BAND_LOW, ROOF_BAND_HIGH, ROOF_BAND_SHADE = 0.2, 0.08, 0.8  # below
WINDOW_PITCH, WINDOW_GAP = 1.5, 0.13
FIRST_WINDOW, ROW_SHORTER = 0.25, 0.7  # from the rear; the row's length is less than the body's
WINDOW_LOW, WINDOW_TOP = 1.15, 0.38  # top: below
DOOR_LOW, DOOR_SEAM_HALF_WIDTH, DOOR_SEAM_SHADE = 0.42, 0.03, 0.5
ADVERTISEMENTS = 0.5  # share of buses
ADVERTISEMENT_REAR, ADVERTISEMENT_FRONT = 0.8, 3.0  # from the rear; from the front
ADVERTISEMENT_LOW, ADVERTISEMENT_HIGH = 0.9, 1.12
ADVERTISEMENT = ColourRange(ANY_HUE, 0.8, 0.9)

# Front.
WINDSCREEN_HALF_WIDTH, WINDSCREEN_LOW, WINDSCREEN_TOP = 1.12, 1.05, 0.55  # top: below
DISPLAY_HALF_WIDTH, DISPLAY_LOW, DISPLAY_HIGH = 0.9, 0.45, 0.12  # low, high: below
LETTER_COUNT, LETTER_PITCH = 6, 0.22
LETTER_START, LETTER_END = -0.7, -0.58
LETTER_LOW, LETTER_HIGH = 0.38, 0.2  # below
LETTERS: Colour = (1.0, 0.65, 0.1)
BUMPER, BUMPER_SHADE = (-1.25, 0.3, 1.25, 0.55), 0.6
HEADLAMP_PLACE, HEADLAMP_HEIGHT, HEADLAMP_SIZE = 0.95, 0.78, (0.2, 0.15)  # half width, half height
HEADLAMP: Colour = (0.95, 0.95, 0.85)
FRONT_PLATE_LOW = 0.36

# Rear.
REAR_WINDOW_HALF_WIDTH, REAR_WINDOW_LOW, REAR_WINDOW_TOP = 0.95, 1.6, 0.5  # top: below
ENGINE_COVER, ENGINE_COVER_SHADE = (-0.8, 0.75, 0.8, 1.35), 0.7
SLIT_COUNT, SLIT_PITCH, SLIT_SHADE = 4, 0.13, 0.4
SLIT_HALF_WIDTH, SLIT_LOW, SLIT_HIGH = 0.7, 0.8, 0.85
TAIL_LAMP = (0.95, 0.7, 1.2, 1.3)  # inner, low, outer, high
UPPER_LAMP = (1.0, 0.4, 1.2, 0.25)  # inner, low, outer, high; low, high: below
REAR_PLATE_LOW = 0.42


def bus(rng: np.random.Generator) -> Vehicle:
  """Samples a city bus: windows all around, doors on the right."""
  length, height = rng.uniform(*LENGTH), rng.uniform(*HEIGHT)
  paint = sample_colour(rng, PAINT) if rng.random() < COLOURED else WHITE
  stripe, glass = sample_colour(rng, STRIPE), tinted_glass(rng)
  solid = Solid()
  x0, x1 = -length / 2, length / 2
  block = solid.block(x0, x1, FLOOR, height, WIDTH, paint, slant=SLANT)
  front, rear, left, right = block
  for side, doors in ((left, False), (right, True)):
    side.box(x0, STRIPE_LOW, x1, STRIPE_HIGH, stripe)
    band_start, band_end = x0 + ROOF_BAND_REAR, x1 - ROOF_BAND_FRONT
    band = (band_start, height - ROOF_BAND_LOW, band_end, height - ROOF_BAND_HIGH)
    side.box(*band, tint(paint, ROOF_BAND_SHADE))
    _side_windows(side, length, height, paint, glass, doors=doors)
  if rng.random() < ADVERTISEMENTS:
    start, end = x0 + ADVERTISEMENT_REAR, x1 - ADVERTISEMENT_FRONT
    picture = sample_colour(rng, ADVERTISEMENT)
    left.box(start, ADVERTISEMENT_LOW, end, ADVERTISEMENT_HIGH, picture)
  axles = (x0 + REAR_AXLE, x1 - FRONT_AXLE)
  solid.wheels(axles, WHEEL_RADIUS, WIDTH, (left, right), RIM)
  _front(front, height, paint, glass)
  _rear(rear, height, paint, glass)
  licence_plate(rng, front, 0.0, FRONT_PLATE_LOW, LARGE_PLATE)
  licence_plate(rng, rear, 0.0, REAR_PLATE_LOW, LARGE_PLATE)
  return Vehicle(solid, length, WIDTH, height)


def _side_windows(
  side: Panel, length: Real, height: Real, paint: Colour, glass: Colour, *, doors: bool
) -> None:
  """Adds a row of windows, two of which are doors if the side has `doors`."""
  count = round(length / WINDOW_PITCH)
  row, top = length - ROW_SHORTER, height - WINDOW_TOP
  door_places = (count - 1, count // 2) if doors else ()
  for k in range(count):
    start = -length / 2 + FIRST_WINDOW + k * row / count
    end = start + row / count - WINDOW_GAP
    if k not in door_places:
      pane(side, start, WINDOW_LOW, end, top, glass)
      continue
    pane(side, start, DOOR_LOW, end, top, glass)
    middle = (start + end) / 2
    seam = (middle - DOOR_SEAM_HALF_WIDTH, DOOR_LOW, middle + DOOR_SEAM_HALF_WIDTH, top)
    side.box(*seam, tint(paint, DOOR_SEAM_SHADE))


def _front(panel: Panel, height: Real, paint: Colour, glass: Colour) -> None:
  half = WINDSCREEN_HALF_WIDTH
  pane(panel, -half, WINDSCREEN_LOW, half, height - WINDSCREEN_TOP, glass)
  half = DISPLAY_HALF_WIDTH
  panel.box(-half, height - DISPLAY_LOW, half, height - DISPLAY_HIGH, DARK)
  low, high = height - LETTER_LOW, height - LETTER_HIGH
  for k in range(LETTER_COUNT):
    start, end = LETTER_START + LETTER_PITCH * k, LETTER_END + LETTER_PITCH * k
    panel.box(start, low, end, high, LETTERS, shines=True)
  panel.box(*BUMPER, tint(paint, BUMPER_SHADE))
  for sign in (1, -1):
    y = sign * HEADLAMP_PLACE
    panel.disc(y, HEADLAMP_HEIGHT, *HEADLAMP_SIZE, HEADLAMP, LAMP, shines=True)


def _rear(panel: Panel, height: Real, paint: Colour, glass: Colour) -> None:
  half = REAR_WINDOW_HALF_WIDTH
  pane(panel, -half, REAR_WINDOW_LOW, half, height - REAR_WINDOW_TOP, glass)
  panel.box(*ENGINE_COVER, tint(paint, ENGINE_COVER_SHADE))
  half = SLIT_HALF_WIDTH
  for k in range(SLIT_COUNT):
    low, high = SLIT_LOW + SLIT_PITCH * k, SLIT_HIGH + SLIT_PITCH * k
    panel.box(-half, low, half, high, tint(paint, SLIT_SHADE))
  for sign in (1, -1):
    inner, low, outer, high = TAIL_LAMP
    panel.box(sign * inner, low, sign * outer, high, TAIL, LAMP)
    inner, low, outer, high = UPPER_LAMP
    panel.box(sign * inner, height - low, sign * outer, height - high, TAIL, LAMP)
