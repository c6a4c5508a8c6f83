"""Trams, which have no parts, and caravans, which are instances that no metric evaluates.

Measures are metres and chosen by eye. "Below" counts from the roof. Rectangles on front and rear
are left, low, right, high.
"""

import numpy as np

from jppf_jax.street_scenes.camera import Real
from jppf_jax.street_scenes.canvas import Colour
from jppf_jax.street_scenes.classes import NO_PART
from jppf_jax.street_scenes.light import ANY_HUE, ColourRange, sample_colour, tint
from jppf_jax.street_scenes.solids import RUBBER, Panel, Solid
from jppf_jax.street_scenes.vehicles import DARK, TAIL, Vehicle, pane, tinted_glass

# Trams.
SECTIONS = (2, 4)  # number of sections; the upper limit is excluded
SECTION_LENGTH, TRAM_WIDTH, TRAM_HEIGHT = (6.0, 7.5), 2.4, 3.3
TRAM_LOW, TRAM_SLANT = 0.12, 0.7
TRAM_PAINT = ColourRange(ANY_HUE, (0.5, 0.9), (0.35, 0.8))
TRAM_PALE: Colour = (0.85, 0.85, 0.82)
SKIRT_HIGH = 1.2
ROOF_BAND, ROOF_BAND_FRONT, ROOF_BAND_SHADE = 0.35, 0.65, 0.8  # height; distance from the front
BAND_LOW, BAND_TOP = 1.3, 0.45  # window band; top: below
BAND_REAR, BAND_FRONT, BAND_FRONT_TOP = 0.2, 0.35, 0.7  # from the rear; from the front, low and top
PILLAR_PITCH, PILLAR_HALF_WIDTH, PILLAR_FRONT = 1.6, 0.05, 0.3
DOOR_HALF_WIDTH, DOOR_LOW, DOOR_TOP, DOOR_SHADE = 0.75, 0.3, 0.4, 0.8  # top: below
DOOR_SEAM_HALF_WIDTH = 0.04
FOLDS, FOLD_START, FOLD_WIDTH, FOLD_LOW = 4, 0.3, 0.15, 0.15  # folding wall between sections
FOLD_COLOUR: Colour = (0.3, 0.3, 0.3)
FOLD_SHADE, FOLD_SHADE_STEP = 0.6, 0.3  # every second fold is brighter by this step
EDGE_HIGH, EDGE_SHADE = 0.3, 0.4

# Both ends of a tram.
END_SKIRT = (-1.2, 0.12, 1.2, 1.25)
END_WINDOW_HALF_WIDTH, END_WINDOW_LOW, END_WINDOW_TOP = 1.05, 1.35, 0.6  # top: below
DISPLAY_HALF_WIDTH, DISPLAY_LOW, DISPLAY_HIGH = 0.6, 0.5, 0.15  # low, high: below
NUMBER_HALF_WIDTH, NUMBER_LOW, NUMBER_HIGH = 0.15, 0.45, 0.2  # low, high: below
NUMBER: Colour = (1.0, 0.7, 0.15)
END_BUMPER = (-1.0, 0.12, 1.0, 0.4)
LAMP_PLACE, LAMP_HEIGHT, LAMP_RADIUS = 0.8, 0.8, 0.17
HEADLAMP: Colour = (1.0, 0.97, 0.85)

# Pantograph: a box, and bars between two points (forward, above the roof).
PANTOGRAPH_HALF_LENGTH, PANTOGRAPH_HALF_HEIGHT = 1.6, 0.3
PANTOGRAPH_COLOUR: Colour = (0.35, 0.36, 0.38)
BARS = (((-0.6, 0.2), (0.5, 0.6)), ((0.5, 0.6), (-0.3, 1.1)), ((-0.7, 1.1), (0.1, 1.1)))
BAR_HALF_HEIGHT = 0.05

# Caravans.
CARAVAN_LENGTH, CARAVAN_WIDTH, CARAVAN_HEIGHT = (4.5, 6.0), 2.2, 2.55
CARAVAN_LOW, CARAVAN_SLANT = 0.4, 0.35
CARAVAN_PAINT: Colour = (0.9, 0.9, 0.87)
CARAVAN_STRIPE = ColourRange(ANY_HUE, 0.6, 0.6)
CARAVAN_END_WINDOW = (-0.8, 1.3, 0.8, 2.1)
CARAVAN_WINDOW_LOW, CARAVAN_WINDOW_HIGH = 1.3, 2.0
REAR_WINDOW_START, REAR_WINDOW_END = 0.6, 1.7  # from the rear
FRONT_WINDOW_START, FRONT_WINDOW_END = 2.0, 1.0  # from the front
CARAVAN_TAIL_LAMP = (0.75, 0.5, 1.05, 0.7)  # inner, low, outer, high
CARAVAN_AXLE, CARAVAN_WHEEL_RADIUS = -0.2, 0.33
CARAVAN_RIM: Colour = (0.6, 0.6, 0.6)
STRIPE_HALF_WIDTH = 1.1  # on front and rear
BROAD_STRIPE, NARROW_STRIPE, NARROW_STRIPE_SHADE = (0.85, 1.0), (1.06, 1.1), 0.7  # low, high


def tram(rng: np.random.Generator) -> Vehicle:
  """Samples a tram: sections with folding walls between them, a window band, a skirt over the
  wheels, a pantograph.
  """
  sections, section = int(rng.integers(*SECTIONS)), rng.uniform(*SECTION_LENGTH)
  length = sections * section
  paint, glass = sample_colour(rng, TRAM_PAINT), tinted_glass(rng)
  solid = Solid()
  half, height = length / 2, TRAM_HEIGHT
  block = solid.block(-half, half, TRAM_LOW, height, TRAM_WIDTH, TRAM_PALE, slant=TRAM_SLANT)
  front, rear, left, right = block
  for side in (left, right):
    _tram_side(side, sections, section, paint, glass)
  _tram_end(front, paint, glass, HEADLAMP)
  _tram_end(rear, paint, glass, TAIL)
  _pantograph(solid)
  return Vehicle(_without_parts(solid), length, TRAM_WIDTH, height)


def _tram_side(side: Panel, sections: int, section: Real, paint: Colour, glass: Colour) -> None:
  half, height = sections * section / 2, TRAM_HEIGHT
  x0, x1 = -half, half
  side.box(x0, TRAM_LOW, x1, SKIRT_HIGH, paint)
  side.box(x0, height - ROOF_BAND, x1 - ROOF_BAND_FRONT, height, tint(paint, ROOF_BAND_SHADE))
  start, low, top = x0 + BAND_REAR, BAND_LOW, height - BAND_TOP
  side.add(((start, low), (x1 - BAND_FRONT, low), (x1 - BAND_FRONT_TOP, top), (start, top)), glass)
  for x in np.arange(start, x1 - PILLAR_FRONT, PILLAR_PITCH).tolist():
    side.box(x - PILLAR_HALF_WIDTH, low, x + PILLAR_HALF_WIDTH, top, DARK)
  door_top = height - DOOR_TOP
  for k in range(sections):
    x = x0 + (k + 0.5) * section
    leaf = (x - DOOR_HALF_WIDTH, DOOR_LOW, x + DOOR_HALF_WIDTH, door_top)
    side.box(*leaf, tint(glass, DOOR_SHADE))
    side.box(x - DOOR_SEAM_HALF_WIDTH, DOOR_LOW, x + DOOR_SEAM_HALF_WIDTH, door_top, paint)
  for k in range(1, sections):
    first = x0 + k * section - FOLD_START
    for fold in range(FOLDS):
      x = first + FOLD_WIDTH * fold
      colour = tint(FOLD_COLOUR, FOLD_SHADE + FOLD_SHADE_STEP * (fold % 2))
      side.box(x, FOLD_LOW, x + FOLD_WIDTH, height, colour)
  side.box(x0, TRAM_LOW, x1, EDGE_HIGH, tint(paint, EDGE_SHADE))


def _tram_end(panel: Panel, paint: Colour, glass: Colour, lamp: Colour) -> None:
  height = TRAM_HEIGHT
  panel.box(*END_SKIRT, paint)
  half = END_WINDOW_HALF_WIDTH
  pane(panel, -half, END_WINDOW_LOW, half, height - END_WINDOW_TOP, glass)
  half = DISPLAY_HALF_WIDTH
  panel.box(-half, height - DISPLAY_LOW, half, height - DISPLAY_HIGH, DARK)
  half = NUMBER_HALF_WIDTH
  panel.box(-half, height - NUMBER_LOW, half, height - NUMBER_HIGH, NUMBER, shines=True)
  panel.box(*END_BUMPER, DARK)
  for sign in (1, -1):
    panel.disc(sign * LAMP_PLACE, LAMP_HEIGHT, LAMP_RADIUS, LAMP_RADIUS, lamp, shines=True)


def _pantograph(solid: Solid) -> None:
  """Adds a folded arm in the middle of the roof, on a box."""
  half, roof = PANTOGRAPH_HALF_LENGTH, TRAM_HEIGHT
  low, high = roof - BAR_HALF_HEIGHT, roof + BAR_HALF_HEIGHT
  box = (-half, roof - PANTOGRAPH_HALF_HEIGHT, half, roof + PANTOGRAPH_HALF_HEIGHT)
  for normal in ((0, 1, 0), (0, -1, 0)):
    arm = solid.panel(normal, lambda x, z: (x, 0.0, z))
    arm.box(*box, PANTOGRAPH_COLOUR)
    for (xa, za), (xb, zb) in BARS:
      arm.add(((xa, za + low), (xb, zb + low), (xb, zb + high), (xa, za + high)), RUBBER)


def caravan(rng: np.random.Generator) -> Vehicle:
  """Samples a caravan parked without its car."""
  length = rng.uniform(*CARAVAN_LENGTH)
  stripe, glass = sample_colour(rng, CARAVAN_STRIPE), tinted_glass(rng)
  solid = Solid()
  x0, x1 = -length / 2, length / 2
  box = (x0, x1, CARAVAN_LOW, CARAVAN_HEIGHT, CARAVAN_WIDTH)
  front, rear, left, right = solid.block(*box, CARAVAN_PAINT, slant=CARAVAN_SLANT)
  for end in (front, rear):
    pane(end, *CARAVAN_END_WINDOW, glass)
    _striped(end, -STRIPE_HALF_WIDTH, STRIPE_HALF_WIDTH, stripe)
  low, high = CARAVAN_WINDOW_LOW, CARAVAN_WINDOW_HIGH
  for side in (left, right):
    pane(side, x0 + REAR_WINDOW_START, low, x0 + REAR_WINDOW_END, high, glass)
    pane(side, x1 - FRONT_WINDOW_START, low, x1 - FRONT_WINDOW_END, high, glass)
    _striped(side, x0, x1, stripe)
  inner, low, outer, high = CARAVAN_TAIL_LAMP
  for sign in (1, -1):
    rear.box(sign * inner, low, sign * outer, high, TAIL)
  solid.wheels((CARAVAN_AXLE,), CARAVAN_WHEEL_RADIUS, CARAVAN_WIDTH, (left, right), CARAVAN_RIM)
  return Vehicle(_without_parts(solid), length, CARAVAN_WIDTH, CARAVAN_HEIGHT)


def _striped(panel: Panel, start: Real, end: Real, colour: Colour) -> None:
  low, high = BROAD_STRIPE
  panel.box(start, low, end, high, colour)
  low, high = NARROW_STRIPE
  panel.box(start, low, end, high, tint(colour, NARROW_STRIPE_SHADE))


def _without_parts(solid: Solid) -> Solid:
  for panel in solid.panels:
    panel.marks = [mark._replace(part=NO_PART) for mark in panel.marks]
  solid.below = [tyre._replace(part=NO_PART) for tyre in solid.below]
  return solid
