"""Solid bodies made of flat panels that carry details: what cars, trucks, buses and trams are built
from.

Body axes, metres: forward, left, up from the ground below the centre.
"""

import dataclasses
import math
from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float

from jppf_jax.street_scenes.camera import NEAR, Camera, Real
from jppf_jax.street_scenes.canvas import Brush, Colour, hull
from jppf_jax.street_scenes.light import Light

WINDOW, WHEEL, LAMP, PLATE, CHASSIS = 1, 2, 3, 4, 5

RUBBER: Colour = (0.06, 0.06, 0.07)
Flat = Sequence[tuple[Real, Real]]  # points in the plane of a panel


@dataclasses.dataclass
class Panel:
  """One side of a body, with what is painted and mounted on it, drawn in this order.

  Attributes:
    normal: outwards, body axes.
    lift: maps a point of the panel's plane to the body's axes.
    marks: polygons with colour, part and whether they shine by themselves.
  """

  normal: tuple[Real, Real, Real]
  lift: Callable[[Real, Real], tuple[Real, Real, Real]]
  marks: list[tuple[Float[np.ndarray, "n 3"], Colour, int, bool]] = dataclasses.field(
    default_factory=list
  )

  def add(self, points: Flat, colour: Colour, part: int = CHASSIS, *, shines: bool = False) -> None:
    """A polygon in the panel's plane."""
    self.marks.append((np.array([self.lift(a, b) for a, b in points]), colour, part, shines))

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
    """An upright rectangle."""
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
    """An ellipse."""
    self.add([(a + ra * cos, b + rb * sin) for cos, sin in _CIRCLE], colour, part, shines=shines)


@dataclasses.dataclass
class Solid:
  """Panels, and the wheels below them.

  Attributes:
    panels: drawn far to near, those that face away not at all.
    below: convex bodies drawn before all panels (tyres), as point clouds.
  """

  panels: list[Panel] = dataclasses.field(default_factory=list)
  below: list[tuple[Float[np.ndarray, "n 3"], Colour, int]] = dataclasses.field(
    default_factory=list
  )

  def panel(
    self, normal: tuple[Real, Real, Real], lift: Callable[[Real, Real], tuple[Real, Real, Real]]
  ) -> Panel:
    """A new empty panel."""
    self.panels.append(Panel(normal, lift))
    return self.panels[-1]

  def block(
    self, x0: Real, x1: Real, z0: Real, z1: Real, width: Real, colour: Colour, *, slant: Real = 0.0
  ) -> tuple[Panel, Panel, Panel, Panel]:
    """A box from `x0` to `x1`; its front leans back by `slant` metres. Returns front, rear, left
    and right panel.
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
    """Wheels at these distances forward, on both sides."""
    half = width / 2
    for x in positions:
      for sign, side in zip((1, -1), sides):
        ring = [(x + radius * cos, radius + radius * sin) for cos, sin in _CIRCLE]
        tyre = [(a, sign * y, b) for y in (half - 0.02, half - 0.24) for a, b in ring]
        self.below.append((np.array(tyre), RUBBER, WHEEL))
        arch = [
          (x + 1.22 * radius * cos, radius + 1.22 * radius * sin)
          for cos, sin in _CIRCLE
          if sin > -0.3
        ]
        side.add(arch, (0.03, 0.03, 0.03))
        side.disc(x, radius, radius, radius, RUBBER, WHEEL)
        side.disc(x, radius, 0.62 * radius, 0.62 * radius, rim, WHEEL)
        side.disc(x, radius, 0.2 * radius, 0.2 * radius, (0.2, 0.2, 0.2), WHEEL)


_CIRCLE = [
  (math.cos((a + 0.5) * math.pi / 8), math.sin((a + 0.5) * math.pi / 8)) for a in range(16)
]


def draw_solid(
  brush: Brush,
  camera: Camera,
  light: Light,
  solid: Solid,
  position: Float[np.ndarray, "3"],
  heading: Real,
) -> None:
  """Draws a body standing at `position`; `heading` is the angle from the street's direction towards
  the right.
  """
  cos, sin = math.cos(heading), math.sin(heading)
  turn = np.array(
    [[sin, 0, cos], [-cos, 0, sin], [0, 1, 0]]
  )  # rows: forward, left, up in world axes
  for points, colour, part in solid.below:
    xy, depth = camera.project(points @ turn + position)
    if depth.min() > NEAR:
      brush.polygon(hull(map(tuple, xy.tolist())), float(depth.mean()), colour, part)
  seen = []
  eye = np.array([0.0, camera.height, 0.0])
  for panel in solid.panels:
    normal = np.array(panel.normal, np.float64) @ turn
    corner = panel.marks[0][0] @ turn + position
    if (eye - corner[0]) @ normal > 0:
      seen.append(
        (
          -float(camera.view(corner)[:, 2].mean()),
          len(seen),
          normal / np.linalg.norm(normal),
          panel,
        )
      )
  for _, _, normal, panel in sorted(seen, key=lambda entry: entry[:2]):
    for points, colour, part, shines in panel.marks:
      brush.face(points @ turn + position, colour if shines else light.on(colour, normal), part)
