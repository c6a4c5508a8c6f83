"""Solid bodies made of flat panels that carry details: cars, trucks, buses and trams.

Body axes, metres: forward, left, up from the ground below the centre.
"""

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from jppf_jax.street_scenes.camera import NEAR, Camera, Real
from jppf_jax.street_scenes.canvas import Brush, Colour, hull
from jppf_jax.street_scenes.classes import CHASSIS, WHEEL
from jppf_jax.street_scenes.light import Light

RUBBER: Colour = (0.06, 0.06, 0.07)

# Wheels. Radii are shares of the tyre's radius; chosen by eye.
TYRE_OUTER, TYRE_INNER = 0.02, 0.24  # metres inwards from the side of the body
ARCH_RADIUS, ARCH_END = 1.22, -0.3  # end: sine of the angle down to which the arch reaches
ARCH_COLOUR: Colour = (0.03, 0.03, 0.03)
RIM_RADIUS = 0.62
HUB_RADIUS = 0.2
HUB_COLOUR: Colour = (0.2, 0.2, 0.2)

Flat = Sequence[tuple[Real, Real]]  # points in the plane of a panel
Vector = tuple[Real, Real, Real]


class PanelMark(NamedTuple):
  """A polygon on a panel: points in body axes, colour, part, whether it shines by itself."""

  points: Float[np.ndarray, "n 3"]
  colour: Colour
  part: int
  shines: bool


class Hull(NamedTuple):
  """A convex body: points in body axes, colour and part."""

  points: Float[np.ndarray, "n 3"]
  colour: Colour
  part: int


@dataclasses.dataclass
class Panel:
  """One side of a body, with what is painted and mounted on it.

  Attributes:
    normal: outwards, body axes.
    lift: maps a point of the panel's plane to the body's axes.
    marks: polygons in the order in which they are drawn.
  """

  normal: Vector
  lift: Callable[[Real, Real], Vector]
  marks: list[PanelMark] = dataclasses.field(default_factory=list)

  def add(self, points: Flat, colour: Colour, part: int = CHASSIS, *, shines: bool = False) -> None:
    """Adds a polygon in the panel's plane."""
    lifted = np.array([self.lift(a, b) for a, b in points])
    self.marks.append(PanelMark(lifted, colour, part, shines))

  def box(
    self,
    a0: Real,
    b0: Real,
    a1: Real,
    b1: Real,
    colour: Colour,
    part: int = CHASSIS,
    *,
    shines: bool = False,
  ) -> None:
    """Adds an upright rectangle."""
    self.add(((a0, b0), (a1, b0), (a1, b1), (a0, b1)), colour, part, shines=shines)

  def disc(
    self,
    a: Real,
    b: Real,
    ra: Real,
    rb: Real,
    colour: Colour,
    part: int = CHASSIS,
    *,
    shines: bool = False,
  ) -> None:
    """Adds an ellipse."""
    self.add([(a + ra * cos, b + rb * sin) for cos, sin in _CIRCLE], colour, part, shines=shines)


@dataclasses.dataclass
class Solid:
  """Panels, and the wheels below them.

  Attributes:
    panels: drawn far to near; those that face away are not drawn.
    below: convex bodies drawn before all panels (tyres).
  """

  panels: list[Panel] = dataclasses.field(default_factory=list)
  below: list[Hull] = dataclasses.field(default_factory=list)

  def panel(self, normal: Vector, lift: Callable[[Real, Real], Vector]) -> Panel:
    """Adds an empty panel and returns it."""
    self.panels.append(Panel(normal, lift))
    return self.panels[-1]

  def block(
    self, x0: Real, x1: Real, z0: Real, z1: Real, width: Real, colour: Colour, *, slant: Real = 0.0
  ) -> tuple[Panel, Panel, Panel, Panel]:
    """Adds a box from `x0` to `x1` and `z0` to `z1`, whose front leans back by `slant` metres.

    Returns:
      The front, rear, left and right panel.
    """
    half = width / 2
    lean = slant / (z1 - z0)
    front = self.panel((1, 0, lean), lambda y, z: (x1 - lean * (z - z0), y, z))
    rear = self.panel((-1, 0, 0), lambda y, z: (x0, y, z))
    left = self.panel((0, 1, 0), lambda x, z: (x, half, z))
    right = self.panel((0, -1, 0), lambda x, z: (x, -half, z))
    roof = self.panel((0, 0, 1), lambda x, y: (x, y, z1))
    roof.box(x0, -half, x1 - slant, half, colour)
    for end in (front, rear):
      end.box(-half, z0, half, z1, colour)
    for side in (left, right):
      side.add(((x0, z0), (x1, z0), (x1 - slant, z1), (x0, z1)), colour)
    return front, rear, left, right

  def wheels(
    self,
    positions: Sequence[Real],
    radius: Real,
    width: Real,
    sides: tuple[Panel, Panel],
    rim: Colour,
  ) -> None:
    """Adds wheels at these distances forward, on the left and right side of a body this wide."""
    half = width / 2
    depths = (half - TYRE_OUTER, half - TYRE_INNER)
    for x in positions:
      ring = _ring(x, radius, radius, _CIRCLE)
      arch = _ring(x, radius, ARCH_RADIUS * radius, [c for c in _CIRCLE if c[1] > ARCH_END])
      for sign, side in zip((1, -1), sides):
        tyre = [(a, sign * y, b) for y in depths for a, b in ring]
        self.below.append(Hull(np.array(tyre), RUBBER, WHEEL))
        side.add(arch, ARCH_COLOUR)
        for share, colour in ((1, RUBBER), (RIM_RADIUS, rim), (HUB_RADIUS, HUB_COLOUR)):
          side.disc(x, radius, share * radius, share * radius, colour, WHEEL)


_CIRCLE = [
  (math.cos((a + 0.5) * math.pi / 8), math.sin((a + 0.5) * math.pi / 8)) for a in range(16)
]


def _ring(x: Real, z: Real, radius: Real, circle: Flat) -> list[tuple[Real, Real]]:
  return [(x + radius * cos, z + radius * sin) for cos, sin in circle]


def draw_solid(
  brush: Brush,
  camera: Camera,
  light: Light,
  solid: Solid,
  position: Float[np.ndarray, "3"],
  heading: Real,
) -> None:
  """Draws a body standing at `position`; `heading` is the angle from the street's direction towards
  the right, in radians.
  """
  cos, sin = math.cos(heading), math.sin(heading)
  forward, left, up = [sin, 0, cos], [-cos, 0, sin], [0, 1, 0]  # in world axes
  turn = np.array([forward, left, up])
  for points, colour, part in solid.below:
    xy, depth = camera.project(points @ turn + position)
    if depth.min() > NEAR:
      brush.polygon(hull(map(tuple, xy.tolist())), float(depth.mean()), colour, part)
  seen = []
  eye = np.array([0.0, camera.height, 0.0])
  for panel in solid.panels:
    normal = np.array(panel.normal, np.float64) @ turn
    corners = panel.marks[0].points @ turn + position
    if (eye - corners[0]) @ normal > 0:
      distance = float(camera.view(corners)[:, 2].mean())
      seen.append((distance, normal / np.linalg.norm(normal), panel))
  far_to_near = sorted(seen, key=lambda entry: -entry[0])
  for _, normal, panel in far_to_near:
    for mark in panel.marks:
      colour = mark.colour if mark.shines else light.on(mark.colour, normal)
      brush.face(mark.points @ turn + position, colour, mark.part)
