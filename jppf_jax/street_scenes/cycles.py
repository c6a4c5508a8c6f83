"""Bicycles and motorcycles (no parts), alone or with a rider on them.

Points are forward, left, up from the ground below the middle. Measures are metres and chosen by
eye.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from jppf_jax.street_scenes import people, skeleton
from jppf_jax.street_scenes.camera import NEAR, Camera, Real
from jppf_jax.street_scenes.canvas import Brush, Colour, hull
from jppf_jax.street_scenes.light import Light, car_paint, cloth, hsv, tint
from jppf_jax.street_scenes.solids import RUBBER

Point = tuple[Real, Real, Real]


class Slab(NamedTuple):
  """A flat body: its outline from the side (forward, up) and half of its thickness."""

  outline: tuple[tuple[Real, Real], ...]
  half: Real


STEEL: Colour = (0.55, 0.56, 0.58)
SUNLIT = 0.6  # share of the sun's light on a two-wheeler

# Bicycles.
BICYCLE_RADIUS, BICYCLE_AXLES = 0.34, (-0.52, 0.53)  # rear, front
HUB: Point = (-0.52, 0.0, 0.34)
FRONT_HUB: Point = (0.53, 0.0, 0.34)
CRANK: Point = (-0.08, 0.0, 0.3)
SEAT: Point = (-0.2, 0.0, 0.82)
SEAT_POST: Point = (-0.22, 0.0, 0.92)
STEM: Point = (0.36, 0.0, 0.86)
STEM_TOP: Point = (0.33, 0.0, 1.0)
PEDAL: Point = (0.04, 0.1, 0.18)
TUBES = ((HUB, CRANK), (HUB, SEAT), (CRANK, SEAT), (CRANK, STEM), (SEAT, STEM))
HANDLEBAR = ((0.3, 0.27, 1.02), (0.36, 0.1, 1.0), (0.36, -0.1, 1.0), (0.3, -0.27, 1.02))
SADDLE = ((-0.34, 0.07, 0.94), (-0.34, -0.07, 0.94), (-0.08, 0.0, 0.96), (-0.3, 0.0, 0.9))
SPOKES, SPOKE_LENGTH, SPOKE_THICKNESS = 6, 0.32, 0.008  # length: from the hub
TYRE_THICKNESS, TYRE_INSET = 0.05, 0.025
TUBE_THICKNESS, HANDLEBAR_THICKNESS, POST_THICKNESS, PEDAL_THICKNESS = 0.045, 0.04, 0.035, 0.03
FORK_SHADE = 0.85
HANDLEBAR_COLOUR: Colour = (0.15, 0.15, 0.15)
SADDLE_COLOUR: Colour = (0.1, 0.08, 0.07)
CARRIERS, BASKETS = 0.4, 0.5  # share of bicycles with a carrier; share of carriers in front
BASKET, RACK = (0.42, 0.72), (-0.7, 0.72)  # rear lower corner: forward, up
CARRIER_LENGTH, CARRIER_HALF_WIDTH, CARRIER_HEIGHT = 0.28, 0.14, 0.2
CARRIER_COLOUR = hsv(0.08, 0.4, 0.35)

# Motorcycles and scooters.
SCOOTERS = 0.33  # share of motorcycles
MOTORCYCLE_RADIUS, SCOOTER_RADIUS, MOTORCYCLE_AXLES = 0.31, 0.24, (-0.68, 0.7)
MOTORCYCLE_TYRE_HALF, MOTORCYCLE_RIM_HALF = 0.07, 0.075  # half of the thickness
MOTORCYCLE_RIM = 0.55  # share of the tyre's radius
FORK_TOP, FORK_THICKNESS = (0.4, 0.0, 0.95), 0.09
SCOOTER_REAR = Slab(((-0.85, 0.35), (-0.8, 0.72), (-0.1, 0.74), (0.0, 0.35)), 0.17)
SCOOTER_FLOOR = Slab(((-0.1, 0.22), (-0.1, 0.34), (0.45, 0.34), (0.45, 0.22)), 0.17)
SCOOTER_SHIELD = Slab(((0.4, 0.25), (0.3, 0.95), (0.42, 1.0), (0.62, 0.5)), 0.2)
SCOOTER_FLOOR_SHADE = 0.6
ENGINE = Slab(((-0.35, 0.25), (-0.3, 0.6), (0.3, 0.6), (0.35, 0.3)), 0.16)
CYLINDER = Slab(((-0.05, 0.36), (-0.02, 0.48), (0.2, 0.48), (0.18, 0.36)), 0.17)
TAIL = Slab(((-0.95, 0.78), (-0.9, 0.86), (-0.4, 0.76), (-0.4, 0.58)), 0.13)
TANK = Slab(((-0.15, 0.62), (-0.12, 0.84), (0.2, 0.98), (0.42, 0.9), (0.35, 0.62)), 0.16)
MUDGUARD = Slab(((0.42, 0.6), (0.4, 0.64), (0.95, 0.6), (0.98, 0.5)), 0.08)
BENCH = Slab(((-0.75, 0.78), (-0.75, 0.86), (-0.1, 0.82), (-0.1, 0.74)), 0.14)
EXHAUST = ((0.1, -0.16, 0.3), (-0.3, -0.18, 0.25), (-0.9, -0.18, 0.36))
EXHAUST_THICKNESS = 0.1
GRIPS = ((0.22, 0.36, 1.04), (0.38, 0.15, 1.02), (0.38, -0.15, 1.02), (0.22, -0.36, 1.04))
GRIPS_THICKNESS = 0.05
ENGINE_COLOUR: Colour = (0.18, 0.18, 0.19)
EXHAUST_COLOUR: Colour = (0.7, 0.7, 0.72)
BENCH_COLOUR: Colour = (0.07, 0.06, 0.06)
GRIPS_COLOUR: Colour = (0.12, 0.12, 0.12)
# Lamps: place (forward, up), half of the width, lower and upper edge from the place.
HEADLAMP_PLACE, HEADLAMP_HALF_WIDTH, HEADLAMP_EDGES = (0.52, 0.88), 0.1, (-0.08, 0.1)
TAIL_LAMP_PLACE, TAIL_LAMP_HALF_WIDTH, TAIL_LAMP_EDGES = (-0.98, 0.76), 0.09, (-0.05, 0.06)
HEADLAMP: Colour = (1.0, 0.97, 0.85)
TAIL_LAMP: Colour = (0.8, 0.08, 0.06)

# Riders. Leans in radians.
RIDER_HEIGHT = (1.6, 1.85)
BICYCLE_HELMETS = 0.5  # share of cyclists; motorcyclists all wear one
BICYCLE_SEAT, MOTORCYCLE_SEAT = (-0.18, 0.96), (-0.2, 0.8)  # forward, up
BICYCLE_HANDLE, MOTORCYCLE_HANDLE = (0.3, 0.25, 1.05), (0.25, 0.33, 1.06)
BICYCLE_LEAN, MOTORCYCLE_LEAN = (0.2, 0.6), (0.1, 0.45)
PEDAL_RADIUS = 0.17
FOOTREST = (0.08, 0.3)  # forward, up
RIDER_MIDDLE = 0.5  # height of the point that divides the near limbs from the far ones


class _Frame:
  """Puts points of a two-wheeler (forward, left, up) on the street."""

  def __init__(
    self,
    brush: Brush,
    camera: Camera,
    light: Light,
    position: Float[np.ndarray, "3"],
    heading: Real,
  ):
    cos, sin = math.cos(heading), math.sin(heading)
    self.brush, self.camera = brush, camera
    self._turn = np.array([[sin, 0, cos], [-cos, 0, sin], [0, 1, 0]])
    self._position = position
    self._lit = light.partly_sunlit(SUNLIT)

  def world(self, points: Sequence[Point]) -> Float[np.ndarray, "n 3"]:
    """Returns world coordinates."""
    return np.array(points, np.float64) @ self._turn + self._position

  def rod(self, points: Sequence[Point], thickness: Real, colour: Colour) -> None:
    """Draws a tube through these points."""
    self.brush.rod(self.world(points), thickness, tint(colour, self._lit))

  def solid(self, points: Sequence[Point], colour: Colour) -> None:
    """Draws the convex body of these points."""
    xy, depth = self.camera.project(self.world(points))
    if depth.min() > NEAR:
      outline = hull(map(tuple, xy.tolist()))
      self.brush.polygon(outline, float(depth.mean()), tint(colour, self._lit))

  def slab(self, slab: Slab, colour: Colour) -> None:
    """Draws a flat body."""
    half = slab.half
    self.solid([(x, y, z) for x, z in slab.outline for y in (half, -half)], colour)

  def disc(self, x: Real, height: Real, radius: Real, half: Real, colour: Colour) -> None:
    """Draws an upright disc of thickness `2 * half`."""
    ring = _ring(x, height, radius)
    self.solid([(a, y, b) for y in (half, -half) for a, _, b in ring], colour)

  def glass(self, points: Sequence[Point]) -> None:
    """Draws a flat region that has the object's label, but through which the background is seen."""
    self.brush.face(self.world(points), None)


def bicycle(
  brush: Brush,
  camera: Camera,
  light: Light,
  rng: np.random.Generator,
  position: Float[np.ndarray, "3"],
  heading: Real,
) -> None:
  """Draws a bicycle. As in Cityscapes, the label also covers the wheels and the frame, through
  which the background is seen.
  """
  frame = _Frame(brush, camera, light, position, heading)
  paint = cloth(rng)
  for x in BICYCLE_AXLES:
    frame.glass(_ring(x, BICYCLE_RADIUS, BICYCLE_RADIUS))
  frame.glass([HUB, SEAT, STEM, CRANK])
  for x in BICYCLE_AXLES:
    _spokes(frame, x)
    ring = _ring(x, BICYCLE_RADIUS, BICYCLE_RADIUS - TYRE_INSET)
    frame.rod([*ring, ring[0], ring[1]], TYRE_THICKNESS, RUBBER)
  for tube in TUBES:
    frame.rod(tube, TUBE_THICKNESS, paint)
  frame.rod([FRONT_HUB, STEM, STEM_TOP], TUBE_THICKNESS, tint(paint, FORK_SHADE))
  frame.rod(HANDLEBAR, HANDLEBAR_THICKNESS, HANDLEBAR_COLOUR)
  frame.rod([SEAT, SEAT_POST], POST_THICKNESS, STEEL)
  frame.solid(SADDLE, SADDLE_COLOUR)
  if rng.random() < CARRIERS:
    x, z = BASKET if rng.random() < BASKETS else RACK
    across, upwards = (CARRIER_HALF_WIDTH, -CARRIER_HALF_WIDTH), (z, z + CARRIER_HEIGHT)
    along = (x, x + CARRIER_LENGTH)
    frame.solid([(a, y, b) for a in along for y in across for b in upwards], CARRIER_COLOUR)
  frame.rod([CRANK, PEDAL], PEDAL_THICKNESS, STEEL)


def _spokes(frame: _Frame, x: Real) -> None:
  for k in range(SPOKES):
    angle = k * math.pi / SPOKES
    dx, dz = SPOKE_LENGTH * math.cos(angle), SPOKE_LENGTH * math.sin(angle)
    start, end = (x - dx, 0.0, BICYCLE_RADIUS - dz), (x + dx, 0.0, BICYCLE_RADIUS + dz)
    frame.rod([start, end], SPOKE_THICKNESS, STEEL)


def motorcycle(
  brush: Brush,
  camera: Camera,
  light: Light,
  rng: np.random.Generator,
  position: Float[np.ndarray, "3"],
  heading: Real,
) -> None:
  """Draws a motorcycle or a scooter."""
  frame = _Frame(brush, camera, light, position, heading)
  paint = car_paint(rng)
  scooter = rng.random() < SCOOTERS
  radius = SCOOTER_RADIUS if scooter else MOTORCYCLE_RADIUS
  for x in MOTORCYCLE_AXLES:
    frame.disc(x, radius, radius, MOTORCYCLE_TYRE_HALF, RUBBER)
    frame.disc(x, radius, MOTORCYCLE_RIM * radius, MOTORCYCLE_RIM_HALF, STEEL)
  frame.rod([(MOTORCYCLE_AXLES[1], 0.0, radius), FORK_TOP], FORK_THICKNESS, STEEL)
  if scooter:
    frame.slab(SCOOTER_REAR, paint)
    frame.slab(SCOOTER_FLOOR, tint(paint, SCOOTER_FLOOR_SHADE))
    frame.slab(SCOOTER_SHIELD, paint)
  else:
    frame.slab(ENGINE, ENGINE_COLOUR)
    frame.slab(CYLINDER, STEEL)
    frame.rod(EXHAUST, EXHAUST_THICKNESS, EXHAUST_COLOUR)
    for slab in (TAIL, TANK, MUDGUARD):
      frame.slab(slab, paint)
  frame.slab(BENCH, BENCH_COLOUR)
  frame.rod(GRIPS, GRIPS_THICKNESS, GRIPS_COLOUR)
  ahead = frame.world([(1.0, 0.0, 0.0)])[0] - position
  towards_camera = float(ahead @ position) < 0
  if towards_camera:
    lamp = _lamp(HEADLAMP_PLACE, HEADLAMP_HALF_WIDTH, HEADLAMP_EDGES)
    frame.solid(lamp, HEADLAMP)
  else:
    lamp = _lamp(TAIL_LAMP_PLACE, TAIL_LAMP_HALF_WIDTH, TAIL_LAMP_EDGES)
    frame.solid(lamp, TAIL_LAMP)


def _lamp(place: tuple[Real, Real], half: Real, edges: tuple[Real, Real]) -> list[Point]:
  x, height = place
  return [(x, y, height + z) for y in (half, -half) for z in edges]


def _ring(x: Real, height: Real, radius: Real) -> list[Point]:
  angles = [k * math.pi / 8 for k in range(16)]
  return [(x + radius * math.cos(a), 0.0, height + radius * math.sin(a)) for a in angles]


def ridden(
  vehicle: Brush,
  rider: Brush,
  camera: Camera,
  light: Light,
  rng: np.random.Generator,
  position: Float[np.ndarray, "3"],
  heading: Real,
  *,
  motor: bool,
) -> None:
  """Draws a two-wheeler with its rider: the far limbs first, then the vehicle, then the near limbs.

  Args:
    vehicle: draws the two-wheeler.
    rider: draws the rider.
    camera: projects both.
    light: makes the colours brighter or darker.
    rng: samples the rider and the two-wheeler.
    position: of the two-wheeler's middle on the ground, world axes.
    heading: radians from the street's direction towards the right.
    motor: a motorcycle instead of a bicycle.
  """
  height = rng.uniform(*RIDER_HEIGHT)
  joints = _on_motorcycle(rng, height) if motor else _on_bicycle(rng, height)
  helmet = motor or rng.random() < BICYCLE_HELMETS
  outfit = people.sample_outfit(rng, helmet=helmet, riding=True)
  placed = skeleton.place(joints, position, heading)
  marks = people.body(camera, light, placed, heading, outfit, height)
  middle = position + np.array([0.0, RIDER_MIDDLE, 0.0])
  depth = float(camera.project(middle)[1])
  people.draw_marks(rider, [mark for mark in marks if mark.depth > depth])
  draw = motorcycle if motor else bicycle
  draw(vehicle, camera, light, rng, position, heading)
  people.draw_marks(rider, [mark for mark in marks if mark.depth <= depth])


def _on_motorcycle(rng: np.random.Generator, height: Real) -> skeleton.Joints:
  return skeleton.riding(
    height,
    saddle=MOTORCYCLE_SEAT,
    handle=MOTORCYCLE_HANDLE,
    pedals=(FOOTREST, FOOTREST),
    lean=rng.uniform(*MOTORCYCLE_LEAN),
  )


def _on_bicycle(rng: np.random.Generator, height: Real) -> skeleton.Joints:
  turn, lean = rng.uniform(0, 2 * math.pi), rng.uniform(*BICYCLE_LEAN)
  dx, dz = PEDAL_RADIUS * math.cos(turn), PEDAL_RADIUS * math.sin(turn)
  crank_x, _, crank_z = CRANK
  left, right = (crank_x + dx, crank_z + dz), (crank_x - dx, crank_z - dz)
  return skeleton.riding(
    height, saddle=BICYCLE_SEAT, handle=BICYCLE_HANDLE, pedals=(left, right), lean=lean
  )
