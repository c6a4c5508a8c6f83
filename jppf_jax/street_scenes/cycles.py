"""Bicycles and motorcycles (no parts), alone or with a rider on them."""

import math

import numpy as np
from jaxtyping import Float

from jppf_jax.street_scenes import people, skeleton
from jppf_jax.street_scenes.camera import NEAR, Camera, Real
from jppf_jax.street_scenes.canvas import Brush, Colour, hull
from jppf_jax.street_scenes.light import Light, car_paint, cloth, hsv, tint
from jppf_jax.street_scenes.solids import RUBBER

Points = Float[np.ndarray, "n 3"]
STEEL: Colour = (0.55, 0.56, 0.58)
BICYCLE_SEAT, MOTORCYCLE_SEAT = (-0.18, 0.96), (-0.2, 0.8)


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
    self._lit = light.ambient + 0.6 * light.diffuse

  def world(self, points: list[tuple[Real, Real, Real]]) -> Points:
    return np.array(points, np.float64) @ self._turn + self._position

  def rod(self, points: list[tuple[Real, Real, Real]], thickness: Real, colour: Colour) -> None:
    """A tube through these points."""
    self.brush.rod(self.world(points), thickness, tint(colour, self._lit))

  def solid(self, points: list[tuple[Real, Real, Real]], colour: Colour) -> None:
    """The convex body of these points, whose outline is what one sees of it."""
    xy, depth = self.camera.project(self.world(points))
    if depth.min() > NEAR:
      self.brush.polygon(
        hull(map(tuple, xy.tolist())), float(depth.mean()), tint(colour, self._lit)
      )

  def glass(self, points: list[tuple[Real, Real, Real]]) -> None:
    """A flat region that belongs to the object but that one looks through."""
    self.brush.face(self.world(points), None)


def bicycle(
  brush: Brush,
  camera: Camera,
  light: Light,
  rng: np.random.Generator,
  position: Float[np.ndarray, "3"],
  heading: Real,
) -> None:
  """A bicycle. As in Cityscapes the label fills the wheels and the frame, through which one sees
  the street.
  """
  frame = _Frame(brush, camera, light, position, heading)
  paint = cloth(rng)
  radius, axles = 0.34, (-0.52, 0.53)
  for x in axles:
    frame.glass(_ring(x, radius, radius))
  hub, crank, seat, stem = (
    (-0.52, 0.0, radius),
    (-0.08, 0.0, 0.3),
    (-0.2, 0.0, 0.82),
    (0.36, 0.0, 0.86),
  )
  frame.glass([hub, seat, stem, crank])
  for x in axles:
    for k in range(6):
      angle = k * math.pi / 6
      dx, dz = 0.32 * math.cos(angle), 0.32 * math.sin(angle)
      frame.rod([(x - dx, 0.0, radius - dz), (x + dx, 0.0, radius + dz)], 0.008, STEEL)
    ring = _ring(x, radius, radius - 0.025)
    frame.rod([*ring, ring[0], ring[1]], 0.05, RUBBER)
  for start, end in ((hub, crank), (hub, seat), (crank, seat), (crank, stem), (seat, stem)):
    frame.rod([start, end], 0.045, paint)
  frame.rod([(0.53, 0.0, radius), stem, (0.33, 0.0, 1.0)], 0.045, tint(paint, 0.85))
  frame.rod(
    [(0.3, 0.27, 1.02), (0.36, 0.1, 1.0), (0.36, -0.1, 1.0), (0.3, -0.27, 1.02)],
    0.04,
    (0.15, 0.15, 0.15),
  )
  frame.rod([seat, (-0.22, 0.0, 0.92)], 0.035, STEEL)
  frame.solid(
    [(-0.34, 0.07, 0.94), (-0.34, -0.07, 0.94), (-0.08, 0.0, 0.96), (-0.3, 0.0, 0.9)],
    (0.1, 0.08, 0.07),
  )
  if rng.random() < 0.4:  # a basket or a rack
    low = (0.42, 0.72) if rng.random() < 0.5 else (-0.7, 0.72)
    frame.solid(
      [(low[0] + dx, y, low[1] + dz) for dx in (0, 0.28) for y in (0.14, -0.14) for dz in (0, 0.2)],
      hsv(0.08, 0.4, 0.35),
    )
  frame.rod([crank, (0.04, 0.1, 0.18)], 0.03, STEEL)


def motorcycle(
  brush: Brush,
  camera: Camera,
  light: Light,
  rng: np.random.Generator,
  position: Float[np.ndarray, "3"],
  heading: Real,
) -> None:
  """A motorcycle or, every third, a scooter."""
  frame = _Frame(brush, camera, light, position, heading)
  paint, radius = car_paint(rng), 0.31
  scooter = rng.random() < 0.33
  if scooter:
    radius = 0.24
  for x in (-0.68, 0.7):
    frame.solid([(a, y, b) for y in (0.07, -0.07) for a, _, b in _ring(x, radius, radius)], RUBBER)
    frame.solid(
      [(a, y, b) for y in (0.075, -0.075) for a, _, b in _ring(x, radius, 0.55 * radius)], STEEL
    )
  frame.rod([(0.7, 0.0, radius), (0.4, 0.0, 0.95)], 0.09, STEEL)
  if scooter:
    frame.solid(_slab([(-0.85, 0.35), (-0.8, 0.72), (-0.1, 0.74), (0.0, 0.35)], 0.17), paint)
    frame.solid(
      _slab([(-0.1, 0.22), (-0.1, 0.34), (0.45, 0.34), (0.45, 0.22)], 0.17), tint(paint, 0.6)
    )
    frame.solid(_slab([(0.4, 0.25), (0.3, 0.95), (0.42, 1.0), (0.62, 0.5)], 0.2), paint)
  else:
    frame.solid(
      _slab([(-0.35, 0.25), (-0.3, 0.6), (0.3, 0.6), (0.35, 0.3)], 0.16), (0.18, 0.18, 0.19)
    )
    frame.solid(_slab([(-0.05, 0.36), (-0.02, 0.48), (0.2, 0.48), (0.18, 0.36)], 0.17), STEEL)
    frame.rod([(0.1, -0.16, 0.3), (-0.3, -0.18, 0.25), (-0.9, -0.18, 0.36)], 0.1, (0.7, 0.7, 0.72))
    frame.solid(_slab([(-0.95, 0.78), (-0.9, 0.86), (-0.4, 0.76), (-0.4, 0.58)], 0.13), paint)
    frame.solid(
      _slab([(-0.15, 0.62), (-0.12, 0.84), (0.2, 0.98), (0.42, 0.9), (0.35, 0.62)], 0.16), paint
    )
    frame.solid(_slab([(0.42, 0.6), (0.4, 0.64), (0.95, 0.6), (0.98, 0.5)], 0.08), paint)
  frame.solid(
    _slab([(-0.75, 0.78), (-0.75, 0.86), (-0.1, 0.82), (-0.1, 0.74)], 0.14), (0.07, 0.06, 0.06)
  )
  frame.rod(
    [(0.22, 0.36, 1.04), (0.38, 0.15, 1.02), (0.38, -0.15, 1.02), (0.22, -0.36, 1.04)],
    0.05,
    (0.12, 0.12, 0.12),
  )
  towards = float((frame.world([(1.0, 0.0, 0.0)])[0] - position) @ position) < 0
  if towards:
    frame.solid([(0.52, y, 0.88 + z) for y in (0.1, -0.1) for z in (-0.08, 0.1)], (1.0, 0.97, 0.85))
  else:
    frame.solid(
      [(-0.98, y, 0.76 + z) for y in (0.09, -0.09) for z in (-0.05, 0.06)], (0.8, 0.08, 0.06)
    )


def _ring(x: Real, height: Real, radius: Real) -> list[tuple[Real, Real, Real]]:
  return [
    (x + radius * math.cos(k * math.pi / 8), 0.0, height + radius * math.sin(k * math.pi / 8))
    for k in range(16)
  ]


def _slab(outline: list[tuple[Real, Real]], half: Real) -> list[tuple[Real, Real, Real]]:
  return [(x, y, z) for x, z in outline for y in (half, -half)]


def ridden(
  vehicle: Brush, rider: Brush, camera: Camera, light: Light, rng: np.random.Generator,
  position: Float[np.ndarray, "3"], heading: Real, *, motor: bool,
) -> None:  # fmt: skip
  """A two-wheeler with its rider: the far limbs first, then the vehicle, then what is nearer."""
  height = rng.uniform(1.6, 1.85)
  if motor:
    pegs, lean = ((0.08, 0.3), (0.08, 0.3)), rng.uniform(0.1, 0.45)
    joints = skeleton.riding(
      height, saddle=MOTORCYCLE_SEAT, handle=(0.25, 0.33, 1.06), pedals=pegs, lean=lean
    )
  else:
    turn, lean = rng.uniform(0, 2 * math.pi), rng.uniform(0.2, 0.6)
    dx, dz = 0.17 * math.cos(turn), 0.17 * math.sin(turn)
    pedals = ((-0.08 + dx, 0.3 + dz), (-0.08 - dx, 0.3 - dz))
    joints = skeleton.riding(
      height, saddle=BICYCLE_SEAT, handle=(0.3, 0.25, 1.05), pedals=pedals, lean=lean
    )
  outfit = people.sample_outfit(rng, helmet=motor or rng.random() < 0.5, riding=True)
  marks = people.body(
    camera, light, skeleton.place(joints, position, heading), heading, outfit, height
  )
  depth = float(camera.project(position + np.array([0.0, 0.5, 0.0]))[1])
  people.draw_marks(rider, [mark for mark in marks if mark.depth > depth])
  (motorcycle if motor else bicycle)(vehicle, camera, light, rng, position, heading)
  people.draw_marks(rider, [mark for mark in marks if mark.depth <= depth])
