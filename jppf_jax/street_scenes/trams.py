"""Trams, which have no parts, and caravans, which are instances that nobody evaluates."""

import numpy as np

from jppf_jax.street_scenes.camera import Real
from jppf_jax.street_scenes.classes import NO_PART
from jppf_jax.street_scenes.light import hsv, tint
from jppf_jax.street_scenes.solids import RUBBER, Panel, Solid
from jppf_jax.street_scenes.vehicles import DARK, TAIL, Vehicle, pane, tinted_glass


def tram(rng: np.random.Generator) -> Vehicle:
  """Sections with folding walls between them, a window band, a skirt over the wheels, a pantograph."""
  sections = int(rng.integers(2, 4))
  section, width, height = rng.uniform(6.0, 7.5), 2.4, 3.3
  length = sections * section
  paint = hsv(rng.random(), rng.uniform(0.5, 0.9), rng.uniform(0.35, 0.8))
  pale, glass = (0.85, 0.85, 0.82), tinted_glass(rng)
  solid = Solid()
  x0, x1 = -length / 2, length / 2
  front, rear, left, right = solid.block(x0, x1, 0.12, height, width, pale, slant=0.7)
  for side in (left, right):
    side.box(x0, 0.12, x1, 1.2, paint)
    side.box(x0, height - 0.35, x1 - 0.65, height, tint(paint, 0.8))
    side.add(
      ((x0 + 0.2, 1.3), (x1 - 0.35, 1.3), (x1 - 0.7, height - 0.45), (x0 + 0.2, height - 0.45)),
      glass,
    )
    for x in np.arange(x0 + 0.2, x1 - 0.3, 1.6).tolist():
      side.box(x - 0.05, 1.3, x + 0.05, height - 0.45, DARK)
    for k in range(sections):
      door = x0 + (k + 0.5) * section
      side.box(door - 0.75, 0.3, door + 0.75, height - 0.4, tint(glass, 0.8))
      side.box(door - 0.04, 0.3, door + 0.04, height - 0.4, paint)
    for joint in [x0 + k * section for k in range(1, sections)]:
      for fold in range(4):
        x = joint - 0.3 + 0.15 * fold
        side.box(x, 0.15, x + 0.15, height, tint((0.3, 0.3, 0.3), 0.6 + 0.3 * (fold % 2)))
    side.box(x0, 0.12, x1, 0.3, tint(paint, 0.4))
  for end in (front, rear):
    end.box(-1.2, 0.12, 1.2, 1.25, paint)
    pane(end, -1.05, 1.35, 1.05, height - 0.6, glass)
    end.box(-0.6, height - 0.5, 0.6, height - 0.15, DARK)
    end.box(-0.15, height - 0.45, 0.15, height - 0.2, (1.0, 0.7, 0.15), shines=True)
    end.box(-1.0, 0.12, 1.0, 0.4, DARK)
    for sign in (1, -1):
      end.disc(
        sign * 0.8, 0.8, 0.17, 0.17, (1.0, 0.97, 0.85) if end is front else TAIL, shines=True
      )
  _pantograph(solid, height)
  return Vehicle(_without_parts(solid), length, width, height)


def _pantograph(solid: Solid, height: Real) -> None:
  """A folded arm in the middle of the roof, on a box."""
  for normal in ((0, 1, 0), (0, -1, 0)):
    arm = solid.panel(normal, lambda x, z: (x, 0.0, z))
    arm.box(-1.6, height - 0.3, 1.6, height + 0.3, (0.35, 0.36, 0.38))
    for (xa, za), (xb, zb) in (
      ((-0.6, 0.2), (0.5, 0.6)),
      ((0.5, 0.6), (-0.3, 1.1)),
      ((-0.7, 1.1), (0.1, 1.1)),
    ):
      low, high = height - 0.05, height + 0.05
      arm.add(((xa, za + low), (xb, zb + low), (xb, zb + high), (xa, za + high)), RUBBER)


def caravan(rng: np.random.Generator) -> Vehicle:
  """A caravan parked without its car."""
  length, width, height = rng.uniform(4.5, 6.0), 2.2, 2.55
  paint, stripe = (0.9, 0.9, 0.87), hsv(rng.random(), 0.6, 0.6)
  glass, solid = tinted_glass(rng), Solid()
  x0, x1 = -length / 2, length / 2
  front, rear, left, right = solid.block(x0, x1, 0.4, height, width, paint, slant=0.35)
  for end in (front, rear):
    pane(end, -0.8, 1.3, 0.8, 2.1, glass)
    _striped(end, -1.1, 1.1, stripe)
  for side in (left, right):
    pane(side, x0 + 0.6, 1.3, x0 + 1.7, 2.0, glass)
    pane(side, x1 - 2.0, 1.3, x1 - 1.0, 2.0, glass)
    _striped(side, x0, x1, stripe)
  for sign in (1, -1):
    rear.box(sign * 0.75, 0.5, sign * 1.05, 0.7, TAIL)
  solid.wheels((-0.2,), 0.33, width, (left, right), (0.6, 0.6, 0.6))
  return Vehicle(_without_parts(solid), length, width, height)


def _striped(panel: Panel, start: Real, end: Real, colour: tuple[Real, Real, Real]) -> None:
  panel.box(start, 0.85, end, 1.0, colour)
  panel.box(start, 1.06, end, 1.1, tint(colour, 0.7))


def _without_parts(solid: Solid) -> Solid:
  for panel in solid.panels:
    panel.marks = [mark._replace(part=NO_PART) for mark in panel.marks]
  solid.below = [tyre._replace(part=NO_PART) for tyre in solid.below]
  return solid
