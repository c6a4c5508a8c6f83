"""Trucks with a box, a tarpaulin or an open tray.

Measures are metres and chosen by eye. "Below" counts from the top of the cab or of the box.
Rectangles on front and rear are left, low, right, high.
"""

import numpy as np

from jppf_jax.street_scenes.camera import Real
from jppf_jax.street_scenes.canvas import Colour
from jppf_jax.street_scenes.classes import LAMP
from jppf_jax.street_scenes.light import ANY_HUE, ColourRange, car_paint, sample_colour, tint
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

LENGTH, WIDTH, HEIGHT = (6.5, 9.0), 2.45, (3.0, 3.6)
OPEN_TRAYS = 0.25  # share of trucks

# Frame below the cargo.
FRAME_REAR, FRAME_FRONT, FRAME_NARROWER = 0.05, 0.2, 0.1  # shorter at both ends, less wide
FRAME_LOW, FRAME_HIGH = 0.5, 0.95
FRAME_COLOUR: Colour = (0.15, 0.15, 0.16)
TAIL_LAMP = (0.8, 0.62, 1.15, 0.85)  # inner, low, outer, high
REAR_PLATE_LOW = 0.6

# Wheels.
WHEEL_RADIUS = 0.46
RIM: Colour = (0.45, 0.45, 0.46)
TWO_REAR_AXLES, ONE_REAR_AXLE = (1.1, 2.15), (1.4,)  # from the rear
LONG_TRUCK = 7.5  # longer trucks have two axles at the rear
FRONT_AXLE = 0.85  # from the front

# Cargo.
CARGO_LOW, TRAY_HIGH = 0.95, 1.75
WHITE_CARGO = 0.45  # share of trucks
CARGO_WHITE: Colour = (0.86, 0.87, 0.88)
CARGO_COLOUR = ColourRange(ANY_HUE, (0.2, 0.8), (0.3, 0.85))
RIBS = (3, 9)  # number of fields between ribs; the upper limit is excluded
RIB_HALF_WIDTH, RIB_SHADE = 0.04, 0.75
LETTERINGS = 0.6  # share of sides of a box
LETTERING_REAR, LETTERING_FRONT = 0.8, 1.2  # from the rear; behind the cab
LETTERING_LOW, LETTERING_HIGH = 1.7, 2.3
LETTERING = ColourRange(ANY_HUE, 0.8, (0.2, 0.8))
EDGE_HIGH, EDGE_SHADE = 1.08, 0.55
SEAM = (-0.03, 1.0, 0.03)  # between the doors: left, low, right
SEAM_TOP, SEAM_SHADE = 0.05, 0.4  # top: below
BOLTS = (-0.9, -0.35, 0.35, 0.9)
BOLT_HALF_WIDTH, BOLT_LOW, BOLT_TOP, BOLT_SHADE = 0.025, 1.05, 0.1, 0.6  # top: below
WARNING_FIELDS = 8  # red and white fields at the rear edge
WARNING_START, WARNING_END, WARNING_WIDTH = -1.2, -0.9, 0.3
WARNING_LOW, WARNING_HIGH = 0.96, 1.08
WARNING_COLOURS: tuple[Colour, Colour] = ((0.9, 0.9, 0.9), (0.8, 0.1, 0.1))

# Cab.
CAB_LENGTH, CAB_GAP = 2.0, 0.25  # gap between the cab and the cargo
CAB_LOW, CAB_HEIGHT, CAB_LOWER = 0.45, (2.5, 2.9), 0.2  # lower than the cargo by at least this
CAB_NARROWER, CAB_SLANT = 0.05, 0.25
WINDSCREEN_HALF_WIDTH, WINDSCREEN_LOW, WINDSCREEN_TOP = 1.08, 1.5, 0.25  # top: below
GRILLE = (-0.8, 0.95, 0.8, 1.35)
SLAT_COUNT, SLAT_PITCH, SLAT_SHADE = 3, 0.12, 0.8
SLAT_HALF_WIDTH, SLAT_LOW, SLAT_HIGH = 0.75, 1.0, 1.05
BUMPER, BUMPER_SHADE = (-1.2, 0.45, 1.2, 0.8), 0.5
LIT_HEADLAMPS = 0.5  # share of headlamps
HEADLAMP = (0.82, 0.6, 1.16, 0.85)  # inner, low, outer, high
HEADLAMP_COLOUR: Colour = (0.92, 0.93, 0.88)
FRONT_PLATE_LOW = 0.52

# Sides of the cab; places from its rear or its front.
SIDE_WINDOW_REAR, SIDE_WINDOW_FRONT = 0.5, 0.35
SIDE_WINDOW_LOW, SIDE_WINDOW_TOP = 1.55, 0.3  # top: below
DOOR_LOW, DOOR_SHADE = 0.75, 0.5
REAR_GAP_START, REAR_GAP_END, REAR_GAP_TOP = 0.42, 0.45, 0.2  # from the rear; top: below
FRONT_GAP_START, FRONT_GAP_END, FRONT_GAP_TOP = 0.35, 0.32, 0.3  # from the front; top: below
STEP_HIGH, STEP_SHADE = 0.7, 0.6
INDICATOR_START, INDICATOR_END = 0.3, 0.02  # from the front
INDICATOR_LOW, INDICATOR_HIGH = 0.62, 0.84
INDICATOR: Colour = (0.9, 0.6, 0.2)


def truck(rng: np.random.Generator) -> Vehicle:
  """Samples a truck: a cab in front of a box, a tarpaulin or an open tray."""
  length, height = rng.uniform(*LENGTH), rng.uniform(*HEIGHT)
  paint, glass = car_paint(rng), tinted_glass(rng)
  white = rng.random() < WHITE_CARGO
  cargo = CARGO_WHITE if white else sample_colour(rng, CARGO_COLOUR)
  solid = Solid()
  x0, x1 = -length / 2, length / 2
  cab_start, cab_top = x1 - CAB_LENGTH, min(height - CAB_LOWER, rng.uniform(*CAB_HEIGHT))
  frame_start, frame_end, frame_width = x0 + FRAME_REAR, x1 - FRAME_FRONT, WIDTH - FRAME_NARROWER
  frame = (frame_start, frame_end, FRAME_LOW, FRAME_HIGH, frame_width)
  _, frame_rear, frame_left, frame_right = solid.block(*frame, FRAME_COLOUR)
  tray = rng.random() < OPEN_TRAYS
  top = TRAY_HIGH if tray else height
  cargo_end = cab_start - CAB_GAP
  box = solid.block(x0, cargo_end, CARGO_LOW, top, WIDTH, cargo)
  _, box_rear, box_left, box_right = box
  ribs = int(rng.integers(*RIBS))
  for side in (box_left, box_right):
    _cargo_side(rng, side, length, top, ribs, cargo, tray=tray)
  cab = (cab_start, x1, CAB_LOW, cab_top, WIDTH - CAB_NARROWER)
  front, _, left, right = solid.block(*cab, paint, slant=CAB_SLANT)
  _cab_front(rng, front, cab_top, paint, glass)
  for side in (left, right):
    _cab_side(side, cab_start, x1, cab_top, paint, glass)
  _cargo_rear(box_rear, top, cargo, tray=tray)
  for sign in (1, -1):
    inner, low, outer, high = TAIL_LAMP
    frame_rear.box(sign * inner, low, sign * outer, high, TAIL, LAMP)
  licence_plate(rng, frame_rear, 0.0, REAR_PLATE_LOW, LARGE_PLATE)
  rear_axles = TWO_REAR_AXLES if length > LONG_TRUCK else ONE_REAR_AXLE
  places = [x0 + axle for axle in rear_axles]
  solid.wheels(places, WHEEL_RADIUS, WIDTH, (frame_left, frame_right), RIM)
  solid.wheels((x1 - FRONT_AXLE,), WHEEL_RADIUS, WIDTH, (left, right), RIM)
  return Vehicle(solid, length, WIDTH, height)


def _cargo_side(
  rng: np.random.Generator,
  side: Panel,
  length: Real,
  top: Real,
  ribs: int,
  colour: Colour,
  *,
  tray: bool,
) -> None:
  """Adds ribs, on a box sometimes a lettering, and the lower edge."""
  start, cab_start = -length / 2, length / 2 - CAB_LENGTH
  for k in range(1, ribs):
    x = start + k * (length - (CAB_LENGTH + CAB_GAP)) / ribs
    rib = (x - RIB_HALF_WIDTH, CARGO_LOW, x + RIB_HALF_WIDTH, top)
    side.box(*rib, tint(colour, RIB_SHADE))
  if not tray and rng.random() < LETTERINGS:
    left, right = start + LETTERING_REAR, cab_start - LETTERING_FRONT
    side.box(left, LETTERING_LOW, right, LETTERING_HIGH, sample_colour(rng, LETTERING))
  side.box(start, CARGO_LOW, cab_start - CAB_GAP, EDGE_HIGH, tint(colour, EDGE_SHADE))


def _cargo_rear(panel: Panel, top: Real, colour: Colour, *, tray: bool) -> None:
  """Adds the doors of a box, and the warning fields."""
  if not tray:
    panel.box(*SEAM, top - SEAM_TOP, tint(colour, SEAM_SHADE))
    for y in BOLTS:
      bolt = (y - BOLT_HALF_WIDTH, BOLT_LOW, y + BOLT_HALF_WIDTH, top - BOLT_TOP)
      panel.box(*bolt, tint(colour, BOLT_SHADE))
  for k in range(WARNING_FIELDS):
    start, end = WARNING_START + WARNING_WIDTH * k, WARNING_END + WARNING_WIDTH * k
    panel.box(start, WARNING_LOW, end, WARNING_HIGH, WARNING_COLOURS[k % 2])


def _cab_front(
  rng: np.random.Generator, panel: Panel, top: Real, paint: Colour, glass: Colour
) -> None:
  half = WINDSCREEN_HALF_WIDTH
  pane(panel, -half, WINDSCREEN_LOW, half, top - WINDSCREEN_TOP, glass)
  panel.box(*GRILLE, DARK)
  half = SLAT_HALF_WIDTH
  for k in range(SLAT_COUNT):
    low, high = SLAT_LOW + SLAT_PITCH * k, SLAT_HIGH + SLAT_PITCH * k
    panel.box(-half, low, half, high, tint(paint, SLAT_SHADE))
  panel.box(*BUMPER, tint(paint, BUMPER_SHADE))
  inner, low, outer, high = HEADLAMP
  for sign in (1, -1):
    on = bool(rng.random() < LIT_HEADLAMPS)
    panel.box(sign * inner, low, sign * outer, high, HEADLAMP_COLOUR, LAMP, shines=on)
  licence_plate(rng, panel, 0.0, FRONT_PLATE_LOW, LARGE_PLATE)


def _cab_side(side: Panel, x0: Real, x1: Real, top: Real, paint: Colour, glass: Colour) -> None:
  """Adds window, door gaps, step and indicator between the cab's rear `x0` and front `x1`."""
  left, right = x0 + SIDE_WINDOW_REAR, x1 - SIDE_WINDOW_FRONT
  pane(side, left, SIDE_WINDOW_LOW, right, top - SIDE_WINDOW_TOP, glass)
  gap = tint(paint, DOOR_SHADE)
  side.box(x0 + REAR_GAP_START, DOOR_LOW, x0 + REAR_GAP_END, top - REAR_GAP_TOP, gap)
  side.box(x1 - FRONT_GAP_START, DOOR_LOW, x1 - FRONT_GAP_END, top - FRONT_GAP_TOP, gap)
  side.box(x0, CAB_LOW, x1, STEP_HIGH, tint(paint, STEP_SHADE))
  left, right = x1 - INDICATOR_START, x1 - INDICATOR_END
  side.box(left, INDICATOR_LOW, right, INDICATOR_HIGH, INDICATOR, LAMP)
