"""Cars in five silhouettes.

Measures are metres and chosen by eye, unless a comment says otherwise.
"""

from typing import NamedTuple

import numpy as np

from jppf_jax.street_scenes.camera import Real
from jppf_jax.street_scenes.canvas import Colour
from jppf_jax.street_scenes.car_styles import STYLES, Flat, Profile
from jppf_jax.street_scenes.classes import LAMP, WINDOW
from jppf_jax.street_scenes.light import ColourRange, blend, car_paint, sample_colour, tint
from jppf_jax.street_scenes.solids import Panel, Solid
from jppf_jax.street_scenes.vehicles import DARK, TAIL, Vehicle, licence_plate, tinted_glass

LENGTH_SCALE = (0.95, 1.05)  # times the length of the style
WIDTH = (1.72, 1.88)
DELIVERY_VANS = 0.5  # share of vans; they have side windows in front only
AXLES = (-0.3, 0.31)  # share of the length
RIM = ColourRange(0.6, 0.05, (0.35, 0.8))
END_GAP = 0.005  # front and rear stand this far before the body

# Windscreen and rear window: shares of the height and of half the width.
WINDSCREEN = (0.08, -0.88, 0.93, 0.88)
WINDSCREEN_SHEEN = ((0.1, -0.4), (0.1, 0.0), (0.9, 0.5), (0.9, 0.1))
WINDSCREEN_SKY, WINDSCREEN_SKY_SHARE = (0.8, 0.87, 0.95), 0.3

# Side windows: shares of the cabin's length (from, to) and height.
CABIN_TILT = 0.45  # upward part of the cabin's normal
SIDE_WINDOWS = ((0.04, 0.48), (0.53, 0.97))  # rear, front
SIDE_WINDOW_LOW, SIDE_WINDOW_HIGH = 0.08, 0.88
SIDE_SHEEN = ((0.1, 0.12), (0.2, 0.12), (0.28, 0.84), (0.18, 0.84))  # from the window's start
SIDE_SKY, SIDE_SKY_SHARE = (0.85, 0.9, 0.95), 0.35

# Sides.
SILL_HEIGHT, SILL_SHADE = 0.16, 0.6
CREASE_LOW, CREASE_HIGH, CREASE_TINT = 0.2, 0.16, 1.25  # low, high: below the belt
CREASE_REAR, CREASE_FRONT = 0.05, 0.25  # distance from the ends
DOOR_GAPS = (0.02, 0.5, 0.98)  # share of the belt's length
DOOR_GAP_HALF_WIDTH, DOOR_GAP_LOW, DOOR_GAP_SHADE = 0.015, 0.1, 0.45
HANDLE_START, HANDLE_END = 0.3, 0.12  # behind the door gap
HANDLE_LOW, HANDLE_HIGH, HANDLE_SHADE = 0.14, 0.1, 0.4  # low, high: below the belt
# Lamps seen from the side, from the upper corner of the front and of the rear.
SIDE_HEADLAMP = ((-0.42, -0.06), (0.0, -0.08), (0.01, -0.24), (-0.3, -0.2))
SIDE_TAIL_LAMP = ((0.0, -0.02), (0.3, -0.02), (0.26, -0.22), (0.0, -0.24))
SIDE_HEADLAMP_COLOUR = (0.9, 0.92, 0.9)

# Front. Widths are shares of half the car's width; "below" counts from the bonnet.
LIT_CARS = 0.5  # share of cars with headlamps on
FRONT_BUMPER_HEIGHT, FRONT_BUMPER_SHADE = 0.15, 0.55
GRILLE_HALF_WIDTH, GRILLE_LOW, GRILLE_TOP = 0.45, 0.17, 0.14  # top: below
CHROME_HALF_WIDTH, CHROME_LOW, CHROME_HIGH = 0.4, 0.24, 0.21  # low, high: below
CHROME = (0.6, 0.6, 0.62)
HEADLAMP_PLACE, HEADLAMP_DROP = 0.72, 0.14  # drop: below
HEADLAMP_HOUSING, HEADLAMP_GLASS = (0.22, 0.12), (0.14, 0.085)  # half width, half height
HEADLAMP_ON, HEADLAMP_OFF, HOUSING_SHADE = (1.0, 0.97, 0.85), (0.72, 0.76, 0.78), 0.7
FRONT_PLATE_LOW = 0.16

# Rear. Widths are shares of half the car's width; heights of lamps are below the boot's edge.
BRAKING_CARS = 0.4  # share of cars
REAR_BUMPER_HEIGHT, REAR_BUMPER_SHADE = 0.16, 0.5
TAIL_LAMP = (0.62, 0.3, 0.98, 0.06)  # inner, low, outer, high
TAIL_LAMP_STRIPE = (0.68, 0.22, 0.92, 0.16)  # inner, low, outer, high
BRAKE, STRIPE = (1.0, 0.15, 0.1), (0.95, 0.75, 0.6)
REAR_PLATE_LOW = 0.2


class _Body(NamedTuple):
  """A sampled car: half widths and the profile in metres, colours."""

  half: Real
  roof_half: Real
  profile: Profile
  paint: Colour
  glass: Colour


def car(rng: np.random.Generator) -> Vehicle:
  """Samples a car of one of five silhouettes."""
  shares = [style.share for style in STYLES.values()]
  name = str(rng.choice(list(STYLES), p=shares))
  style = STYLES[name]
  length, width = style.length * rng.uniform(*LENGTH_SCALE), rng.uniform(*WIDTH)
  paint, glass = car_paint(rng), tinted_glass(rng)
  profile = Profile(*((share * length, up) for share, up in style.profile))
  body = _Body(width / 2, width / 2 * style.roof, profile, paint, glass)
  end = length / 2 + END_GAP
  solid = Solid()
  rear = solid.panel((-1, 0, 0), lambda y, z: (-end, y, z))
  front = solid.panel((1, 0, 0), lambda y, z: (end, y, z))
  rear.box(-body.half, profile.rear_low[1], body.half, profile.rear_top[1], paint)
  front.box(-body.half, profile.front_low[1], body.half, profile.front_top[1], paint)
  _top(solid, body)
  delivery = name == "van" and rng.random() < DELIVERY_VANS
  windows = SIDE_WINDOWS[1:] if delivery else SIDE_WINDOWS
  left, right = (_side(solid, body, sign, windows) for sign in (1, -1))
  rim = sample_colour(rng, RIM)
  axles = [share * length for share in AXLES]
  solid.wheels(axles, style.wheel, width, (left, right), rim)
  _front(rng, front, body)
  _rear(rng, rear, body)
  return Vehicle(solid, length, width, profile.roof_front[1])


def _top(solid: Solid, body: _Body) -> None:
  """Adds boot, rear window, roof, windscreen and bonnet."""
  p, half, roof = body.profile, body.half, body.roof_half
  _strip(solid, body, p.rear_top, p.belt_rear, half, half)
  _strip(solid, body, p.belt_rear, p.roof_rear, half, roof, glazed=True)
  _strip(solid, body, p.roof_rear, p.roof_front, roof, roof)
  _strip(solid, body, p.roof_front, p.belt_front, roof, half, glazed=True)
  _strip(solid, body, p.belt_front, p.front_top, half, half)


def _strip(
  solid: Solid,
  body: _Body,
  start: Flat,
  end: Flat,
  start_half: Real,
  end_half: Real,
  *,
  glazed: bool = False,
) -> None:
  """Adds the sheet between two points of the profile, across the car; glazed ones show the frame
  around the glass.
  """
  run, rise = end[0] - start[0], end[1] - start[1]
  widening = end_half - start_half

  def lift(t: Real, s: Real) -> tuple[Real, Real, Real]:
    half = start_half + t * widening
    return start[0] + t * run, s * half, start[1] + t * rise

  panel = solid.panel((-rise, 0, run), lift)
  panel.box(0, -1, 1, 1, body.paint)
  if glazed:
    panel.box(*WINDSCREEN, body.glass, WINDOW)
    panel.add(WINDSCREEN_SHEEN, blend(body.glass, WINDSCREEN_SKY, WINDSCREEN_SKY_SHARE), WINDOW)


def _side(solid: Solid, body: _Body, sign: int, windows: tuple[Flat, ...]) -> Panel:
  """Adds the cabin and the side below it on the left (`sign` 1) or right (-1); returns the side."""
  profile, paint = body.profile, body.paint
  _cabin(solid, body, sign, windows)
  side = solid.panel((0, sign, 0), lambda x, z: (x, sign * body.half, z))
  rear_low, front_low = profile.rear_low, profile.front_low
  belt_rear, belt_front = profile.belt_rear, profile.belt_front
  behind, before = (rear_low, profile.rear_top), (profile.front_top, front_low)
  side.add((*behind, belt_rear, belt_front, *before), paint)
  low, belt = rear_low[1], belt_rear[1]
  sill = low + SILL_HEIGHT
  side.add(
    (rear_low, (rear_low[0], sill), (front_low[0], sill), front_low), tint(paint, SILL_SHADE)
  )
  crease_start, crease_end = rear_low[0] + CREASE_REAR, front_low[0] - CREASE_FRONT
  crease = (crease_start, belt - CREASE_LOW, crease_end, belt - CREASE_HIGH)
  side.box(*crease, tint(paint, CREASE_TINT))
  for share in DOOR_GAPS:
    x = belt_rear[0] + share * (belt_front[0] - belt_rear[0])
    start, end = x - DOOR_GAP_HALF_WIDTH, x + DOOR_GAP_HALF_WIDTH
    side.box(start, low + DOOR_GAP_LOW, end, belt, tint(paint, DOOR_GAP_SHADE))
    handle = (x - HANDLE_START, belt - HANDLE_LOW, x - HANDLE_END, belt - HANDLE_HIGH)
    side.box(*handle, tint(paint, HANDLE_SHADE))
  side.add(_moved(SIDE_HEADLAMP, profile.front_top), SIDE_HEADLAMP_COLOUR, LAMP)
  side.add(_moved(SIDE_TAIL_LAMP, profile.rear_top), TAIL, LAMP)
  return side


def _moved(outline: tuple[Flat, ...], corner: Flat) -> list[Flat]:
  return [(corner[0] + x, corner[1] + z) for x, z in outline]


def _cabin(solid: Solid, body: _Body, sign: int, windows: tuple[Flat, ...]) -> None:
  """Adds the upper part of a side with its windows."""
  profile = body.profile
  rear, front = (profile.belt_rear, profile.roof_rear), (profile.belt_front, profile.roof_front)
  belt, height = rear[0][1], rear[1][1] - rear[0][1]

  def lift(x: Real, z: Real) -> tuple[Real, Real, Real]:
    share = min(max((z - belt) / height, 0.0), 1.0)
    half = body.half + (body.roof_half - body.half) * share  # narrower towards the roof
    return x, sign * half, z

  cabin = solid.panel((0, sign, CABIN_TILT), lift)
  cabin.add((rear[0], rear[1], front[1], front[0]), body.paint)
  for start, end in windows:
    low, high = SIDE_WINDOW_LOW, SIDE_WINDOW_HIGH
    corners = ((start, low), (end, low), (end, high), (start, high))
    cabin.add([_inside(rear, front, t, v) for t, v in corners], body.glass, WINDOW)
    sheen = [_inside(rear, front, start + t, v) for t, v in SIDE_SHEEN]
    cabin.add(sheen, blend(body.glass, SIDE_SKY, SIDE_SKY_SHARE), WINDOW)


def _inside(rear: tuple[Flat, Flat], front: tuple[Flat, Flat], t: Real, v: Real) -> Flat:
  """The point at share `t` along and `v` up a quadrilateral between two pillars."""
  return _towards(_towards(*rear, v), _towards(*front, v), t)


def _towards(start: Flat, end: Flat, share: Real) -> Flat:
  x, z = (a + (b - a) * share for a, b in zip(start, end))
  return x, z


def _front(rng: np.random.Generator, panel: Panel, body: _Body) -> None:
  half, paint = body.half, body.paint
  low, high = body.profile.front_low[1], body.profile.front_top[1]
  on = rng.random() < LIT_CARS
  panel.box(-half, low, half, low + FRONT_BUMPER_HEIGHT, tint(paint, FRONT_BUMPER_SHADE))
  grille = GRILLE_HALF_WIDTH * half
  panel.box(-grille, low + GRILLE_LOW, grille, high - GRILLE_TOP, DARK)
  chrome = CHROME_HALF_WIDTH * half
  panel.box(-chrome, high - CHROME_LOW, chrome, high - CHROME_HIGH, CHROME)
  lamp = HEADLAMP_ON if on else HEADLAMP_OFF
  for sign in (1, -1):
    y, z = sign * HEADLAMP_PLACE * half, high - HEADLAMP_DROP
    for (width, height), colour in (
      (HEADLAMP_HOUSING, tint(lamp, HOUSING_SHADE)),
      (HEADLAMP_GLASS, lamp),
    ):
      panel.disc(y, z, width * half, height, colour, LAMP, shines=on)
  licence_plate(rng, panel, 0.0, low + FRONT_PLATE_LOW)


def _rear(rng: np.random.Generator, panel: Panel, body: _Body) -> None:
  half = body.half
  low, high = body.profile.rear_low[1], body.profile.rear_top[1]
  panel.box(-half, low, half, low + REAR_BUMPER_HEIGHT, tint(body.paint, REAR_BUMPER_SHADE))
  brake = rng.random() < BRAKING_CARS
  lamps = ((TAIL_LAMP, BRAKE if brake else TAIL), (TAIL_LAMP_STRIPE, STRIPE))
  for sign in (1, -1):
    for (inner, bottom, outer, top), colour in lamps:
      y0, y1 = sign * inner * half, sign * outer * half
      panel.box(y0, high - bottom, y1, high - top, colour, LAMP, shines=brake)
  licence_plate(rng, panel, 0.0, low + REAR_PLATE_LOW)
