"""Cars, trucks and buses. Parts: 1 window, 2 wheel, 3 light, 4 license plate, 5 chassis."""

import dataclasses

import numpy as np

from jppf_jax.street_scenes.camera import Real
from jppf_jax.street_scenes.canvas import Colour
from jppf_jax.street_scenes.light import blend, car_paint, hsv, tint
from jppf_jax.street_scenes.solids import LAMP, PLATE, WINDOW, Panel, Solid

TAIL: Colour = (0.75, 0.05, 0.05)
DARK: Colour = (0.08, 0.08, 0.09)


@dataclasses.dataclass(frozen=True)
class Vehicle:
  """A body with its outer measures in metres."""

  solid: Solid
  length: Real
  width: Real
  height: Real


# Side profiles: (share of the length, metres up), from the rear's bottom over the roof to the
# front's bottom: rear bottom, rear top, belt behind, roof behind, roof before, belt before, front
# top, front bottom.
_PROFILES = {
  "sedan": ((-0.5, 0.27), (-0.495, 0.9), (-0.36, 1.0), (-0.2, 1.42),
            (0.06, 1.44), (0.23, 0.97), (0.485, 0.78), (0.5, 0.27)),
  "hatch": ((-0.5, 0.27), (-0.5, 0.85), (-0.48, 0.98), (-0.38, 1.45),
            (0.04, 1.48), (0.24, 0.99), (0.485, 0.8), (0.5, 0.27)),
  "wagon": ((-0.5, 0.27), (-0.5, 0.88), (-0.49, 0.98), (-0.43, 1.44),
            (0.05, 1.47), (0.23, 0.97), (0.485, 0.78), (0.5, 0.27)),
  "suv": ((-0.5, 0.35), (-0.5, 0.95), (-0.49, 1.1), (-0.42, 1.66),
          (0.06, 1.7), (0.22, 1.12), (0.485, 0.98), (0.5, 0.35)),
  "van": ((-0.5, 0.32), (-0.5, 0.95), (-0.5, 1.1), (-0.48, 1.9),
          (0.2, 1.94), (0.38, 1.12), (0.49, 0.95), (0.5, 0.32)),
}  # fmt: skip
_LENGTHS = {"sedan": 4.6, "hatch": 3.9, "wagon": 4.6, "suv": 4.5, "van": 4.9}


def car(rng: np.random.Generator) -> Vehicle:
  """A car of one of five silhouettes."""
  style = str(rng.choice(list(_PROFILES), p=[0.27, 0.27, 0.16, 0.16, 0.14]))
  length, width = _LENGTHS[style] * rng.uniform(0.95, 1.05), rng.uniform(1.72, 1.88)
  paint, glass = car_paint(rng), tinted_glass(rng)
  profile = [(share * length, up) for share, up in _PROFILES[style]]
  solid = Solid()
  half, roof_half = width / 2, width / 2 * (0.8 if style != "van" else 0.9)
  halves = [half, half, half, roof_half, roof_half, half, half, half]
  rear = solid.panel((-1, 0, 0), lambda y, z: (-length / 2 - 0.005, y, z))
  front = solid.panel((1, 0, 0), lambda y, z: (length / 2 + 0.005, y, z))
  rear.box(-half, profile[0][1], half, profile[1][1], paint)
  front.box(-half, profile[7][1], half, profile[6][1], paint)
  for index, glazed in ((1, False), (2, True), (3, False), (4, True), (5, False)):
    _strip(
      solid,
      profile[index],
      profile[index + 1],
      halves[index],
      halves[index + 1],
      paint,
      glass if glazed else None,
    )
  sides = _car_sides(solid, rng, profile, half, roof_half, paint, glass, style)
  rim = hsv(0.6, 0.05, rng.uniform(0.35, 0.8))
  radius = {"suv": 0.37, "van": 0.34}.get(style, 0.31)
  solid.wheels((-0.3 * length, 0.31 * length), radius, width, sides, rim)
  _car_ends(rng, front, rear, half, profile, paint)
  return Vehicle(solid, length, width, profile[4][1])


def tinted_glass(rng: np.random.Generator) -> Colour:
  return hsv(rng.uniform(0.5, 0.62), rng.uniform(0.1, 0.35), rng.uniform(0.13, 0.4))


def _strip(
  solid: Solid, start: tuple[Real, Real], end: tuple[Real, Real], half0: Real, half1: Real,
  paint: Colour, glass: Colour | None,
) -> None:  # fmt: skip
  """The sheet between two points of the profile, across the car; glazed ones show the frame around
  the glass.
  """
  run, rise = end[0] - start[0], end[1] - start[1]
  panel = solid.panel(
    (-rise, 0, run),
    lambda t, s: (start[0] + t * run, s * (half0 + t * (half1 - half0)), start[1] + t * rise),
  )
  panel.box(0, -1, 1, 1, paint)
  if glass is not None:
    panel.box(0.08, -0.88, 0.93, 0.88, glass, WINDOW)
    panel.add(
      ((0.1, -0.4), (0.1, 0.0), (0.9, 0.5), (0.9, 0.1)),
      blend(glass, (0.8, 0.87, 0.95), 0.3),
      WINDOW,
    )


def _car_sides(
  solid: Solid, rng: np.random.Generator, profile: list[tuple[Real, Real]], half: Real, roof_half: Real,
  paint: Colour, glass: Colour, style: str,
) -> tuple[Panel, Panel]:  # fmt: skip
  belt0, roof0, roof1, belt1 = profile[2:6]
  low = profile[0][1]
  panels = []
  blind = style == "van" and rng.random() < 0.5  # a delivery van has side windows in front only
  for sign in (1, -1):
    cabin = solid.panel(
      (0, sign, 0.45),
      lambda x, z, s=sign: (x, s * _inwards(z, belt0[1], roof0[1], half, roof_half), z),
    )
    cabin.add((belt0, roof0, roof1, belt1), paint)
    for t0, t1 in ((0.04, 0.48), (0.53, 0.97)):
      if blind and t0 < 0.5:
        continue
      quad = [
        _between(belt0, roof0, belt1, roof1, t, v)
        for t, v in ((t0, 0.08), (t1, 0.08), (t1, 0.88), (t0, 0.88))
      ]
      cabin.add(quad, glass, WINDOW)
      sheen = [_between(belt0, roof0, belt1, roof1, t, v) for t, v in
               ((t0 + 0.1, 0.12), (t0 + 0.2, 0.12), (t0 + 0.28, 0.84), (t0 + 0.18, 0.84))]  # fmt: skip
      cabin.add(sheen, blend(glass, (0.85, 0.9, 0.95), 0.35), WINDOW)
    side = solid.panel((0, sign, 0), lambda x, z, s=sign: (x, s * half, z))
    side.add((profile[0], profile[1], belt0, belt1, profile[6], profile[7]), paint)
    side.add(
      (profile[0], (profile[0][0], low + 0.16), (profile[7][0], low + 0.16), profile[7]),
      tint(paint, 0.6),
    )
    side.box(
      profile[0][0] + 0.05, belt0[1] - 0.2, profile[7][0] - 0.25, belt0[1] - 0.16, tint(paint, 1.25)
    )
    for t in (0.02, 0.5, 0.98):
      x = belt0[0] + t * (belt1[0] - belt0[0])
      side.box(x - 0.015, low + 0.1, x + 0.015, belt0[1], tint(paint, 0.45))
      side.box(x - 0.3, belt0[1] - 0.14, x - 0.12, belt0[1] - 0.1, tint(paint, 0.4))
    front, rear = profile[6], profile[1]
    side.add(((front[0] - 0.42, front[1] - 0.06), (front[0], front[1] - 0.08), (front[0] + 0.01, front[1] - 0.24),
              (front[0] - 0.3, front[1] - 0.2)), (0.9, 0.92, 0.9), LAMP)  # fmt: skip
    side.add(((rear[0], rear[1] - 0.02), (rear[0] + 0.3, rear[1] - 0.02), (rear[0] + 0.26, rear[1] - 0.22),
              (rear[0], rear[1] - 0.24)), TAIL, LAMP)  # fmt: skip
    panels.append(side)
  return panels[0], panels[1]


def _inwards(z: Real, belt: Real, roof: Real, half: Real, roof_half: Real) -> float:
  """Half width at height z: the cabin narrows towards the roof."""
  return half + (roof_half - half) * min(max((z - belt) / (roof - belt), 0.0), 1.0)


def _between(
  low0: tuple[Real, Real], high0: tuple[Real, Real], low1: tuple[Real, Real], high1: tuple[Real, Real],
  t: Real, v: Real,
) -> tuple[Real, Real]:  # fmt: skip
  """Share `t` along and `v` up a quadrilateral."""
  a = (low0[0] + (high0[0] - low0[0]) * v, low0[1] + (high0[1] - low0[1]) * v)
  b = (low1[0] + (high1[0] - low1[0]) * v, low1[1] + (high1[1] - low1[1]) * v)
  return a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t


def _car_ends(
  rng: np.random.Generator,
  front: Panel,
  rear: Panel,
  half: Real,
  profile: list[tuple[Real, Real]],
  paint: Colour,
) -> None:
  low, high = profile[7][1], profile[6][1]
  on = rng.random() < 0.5
  front.box(-half, low, half, low + 0.15, tint(paint, 0.55))
  front.box(-0.45 * half, low + 0.17, 0.45 * half, high - 0.14, DARK)
  front.box(-0.4 * half, high - 0.24, 0.4 * half, high - 0.21, (0.6, 0.6, 0.62))
  for sign in (1, -1):
    lamp = (1.0, 0.97, 0.85) if on else (0.72, 0.76, 0.78)
    front.disc(sign * 0.72 * half, high - 0.14, 0.22 * half, 0.12, tint(lamp, 0.7), LAMP, shines=on)
    front.disc(sign * 0.72 * half, high - 0.14, 0.14 * half, 0.085, lamp, LAMP, shines=on)
  _plate(rng, front, 0.0, low + 0.16)
  low, high = profile[0][1], profile[1][1]
  rear.box(-half, low, half, low + 0.16, tint(paint, 0.5))
  brake = rng.random() < 0.4
  for sign in (1, -1):
    tail = (1.0, 0.15, 0.1) if brake else TAIL
    rear.box(
      sign * 0.62 * half, high - 0.3, sign * 0.98 * half, high - 0.06, tail, LAMP, shines=brake
    )
    rear.box(
      sign * 0.68 * half,
      high - 0.22,
      sign * 0.92 * half,
      high - 0.16,
      (0.95, 0.75, 0.6),
      LAMP,
      shines=brake,
    )
  _plate(rng, rear, 0.0, low + 0.2)


def _plate(rng: np.random.Generator, panel: Panel, y: Real, z: Real, scale: Real = 1.0) -> None:
  """A licence plate with its dark characters, the blue band at its left."""
  half, high = 0.29 * scale, 0.15 * scale
  base = (0.93, 0.93, 0.9) if rng.random() < 0.75 else (0.9, 0.8, 0.25)
  panel.box(y - half - 0.02, z - 0.02, y + half + 0.02, z + high + 0.02, (0.1, 0.1, 0.1), PLATE)
  panel.box(y - half, z, y + half, z + high, base, PLATE)
  for k in range(7):
    if k != 3:
      left = y - 0.75 * half + k * 0.23 * half
      panel.box(
        left, z + 0.03 * scale, left + 0.13 * half, z + high - 0.03 * scale, (0.1, 0.1, 0.12), PLATE
      )


def bus(rng: np.random.Generator) -> Vehicle:
  """A city bus: windows all around, doors on the right."""
  length, width, height = rng.uniform(9.5, 12.5), 2.5, rng.uniform(2.9, 3.2)
  paint = (
    hsv(rng.random(), rng.uniform(0.3, 0.9), rng.uniform(0.4, 0.9))
    if rng.random() < 0.7
    else (0.88, 0.88, 0.86)
  )
  stripe, glass = hsv(rng.random(), 0.7, rng.uniform(0.3, 0.9)), tinted_glass(rng)
  solid = Solid()
  x0, x1 = -length / 2, length / 2
  front, rear, left, right = solid.block(x0, x1, 0.3, height, width, paint, slant=0.15)
  for side, doors in ((left, False), (right, True)):
    side.box(x0, 0.45, x1, 0.85, stripe)
    side.box(x0 + 0.1, height - 0.2, x1 - 0.4, height - 0.08, tint(paint, 0.8))
    count = round(length / 1.5)
    for k in range(count):
      start = x0 + 0.25 + k * (length - 0.7) / count
      end = start + (length - 0.7) / count - 0.13
      door = doors and k in (count - 1, count // 2)
      pane(side, start, 0.42 if door else 1.15, end, height - 0.38, glass)
      if door:
        side.box(
          (start + end) / 2 - 0.03, 0.42, (start + end) / 2 + 0.03, height - 0.38, tint(paint, 0.5)
        )
  if rng.random() < 0.5:  # an advertisement
    left.box(x0 + 0.8, 0.9, x1 - 3.0, 1.12, hsv(rng.random(), 0.8, 0.9))
  solid.wheels((x0 + 2.4, x1 - 2.3), 0.48, width, (left, right), (0.5, 0.5, 0.5))
  pane(front, -1.12, 1.05, 1.12, height - 0.55, glass)
  front.box(-0.9, height - 0.45, 0.9, height - 0.12, DARK)
  for k in range(6):
    front.box(
      -0.7 + 0.22 * k, height - 0.38, -0.58 + 0.22 * k, height - 0.2, (1.0, 0.65, 0.1), shines=True
    )
  front.box(-1.25, 0.3, 1.25, 0.55, tint(paint, 0.6))
  pane(rear, -0.95, 1.6, 0.95, height - 0.5, glass)
  rear.box(-0.8, 0.75, 0.8, 1.35, tint(paint, 0.7))
  for k in range(4):
    rear.box(-0.7, 0.8 + 0.13 * k, 0.7, 0.85 + 0.13 * k, tint(paint, 0.4))
  for sign in (1, -1):
    front.disc(sign * 0.95, 0.78, 0.2, 0.15, (0.95, 0.95, 0.85), LAMP, shines=True)
    rear.box(sign * 0.95, 0.7, sign * 1.2, 1.3, TAIL, LAMP)
    rear.box(sign * 1.0, height - 0.4, sign * 1.2, height - 0.25, TAIL, LAMP)
  _plate(rng, front, 0.0, 0.36, 1.25)
  _plate(rng, rear, 0.0, 0.42, 1.25)
  return Vehicle(solid, length, width, height)


def pane(
  panel: Panel, a0: Real, b0: Real, a1: Real, b1: Real, glass: Colour, part: int = WINDOW
) -> None:
  """A window with a slanted reflection."""
  panel.box(a0, b0, a1, b1, glass, part)
  a, w = a0, a1 - a0
  panel.add(((a + 0.25 * w, b0), (a + 0.45 * w, b0), (a + 0.7 * w, b1), (a + 0.5 * w, b1)),
            blend(glass, (0.85, 0.9, 0.95), 0.25), part)  # fmt: skip


def truck(rng: np.random.Generator) -> Vehicle:
  """A lorry: a cab in front of a box, a tarpaulin or an open tray."""
  length, width, height = rng.uniform(6.5, 9.0), 2.45, rng.uniform(3.0, 3.6)
  paint, glass = car_paint(rng), tinted_glass(rng)
  cargo = (
    (0.86, 0.87, 0.88)
    if rng.random() < 0.45
    else hsv(rng.random(), rng.uniform(0.2, 0.8), rng.uniform(0.3, 0.85))
  )
  solid = Solid()
  x0, x1 = -length / 2, length / 2
  cab0, cab_top = x1 - 2.0, min(height - 0.2, rng.uniform(2.5, 2.9))
  _, frame_rear, frame_left, frame_right = solid.block(
    x0 + 0.05, x1 - 0.2, 0.5, 0.95, width - 0.1, (0.15, 0.15, 0.16)
  )
  tray = rng.random() < 0.25
  top = 1.75 if tray else height
  _, box_rear, box_left, box_right = solid.block(x0, cab0 - 0.25, 0.95, top, width, cargo)
  ribs = int(rng.integers(3, 9))
  for side in (box_left, box_right):
    for k in range(1, ribs):
      x = x0 + k * (length - 2.25) / ribs
      side.box(x - 0.04, 0.95, x + 0.04, top, tint(cargo, 0.75))
    if not tray and rng.random() < 0.6:
      side.box(x0 + 0.8, 1.7, cab0 - 1.2, 2.3, hsv(rng.random(), 0.8, rng.uniform(0.2, 0.8)))
    side.box(x0, 0.95, cab0 - 0.25, 1.08, tint(cargo, 0.55))
  front, _, left, right = solid.block(cab0, x1, 0.45, cab_top, width - 0.05, paint, slant=0.25)
  _truck_cab(rng, front, (left, right), cab0, x1, cab_top, paint, glass)
  if not tray:
    box_rear.box(-0.03, 1.0, 0.03, top - 0.05, tint(cargo, 0.4))
    for y in (-0.9, -0.35, 0.35, 0.9):
      box_rear.box(y - 0.025, 1.05, y + 0.025, top - 0.1, tint(cargo, 0.6))
  for k in range(8):
    box_rear.box(
      -1.2 + 0.3 * k, 0.96, -0.9 + 0.3 * k, 1.08, (0.8, 0.1, 0.1) if k % 2 else (0.9, 0.9, 0.9)
    )
  for sign in (1, -1):
    frame_rear.box(sign * 0.8, 0.62, sign * 1.15, 0.85, TAIL, LAMP)
  _plate(rng, frame_rear, 0.0, 0.6, 1.25)
  frame_sides = (frame_left, frame_right)
  solid.wheels(
    (x0 + 1.1, x0 + 2.15) if length > 7.5 else (x0 + 1.4,),
    0.46,
    width,
    frame_sides,
    (0.45, 0.45, 0.46),
  )
  solid.wheels((x1 - 0.85,), 0.46, width, (left, right), (0.45, 0.45, 0.46))
  return Vehicle(solid, length, width, height)


def _truck_cab(
  rng: np.random.Generator, front: Panel, sides: tuple[Panel, Panel], x0: Real, x1: Real, top: Real,
  paint: Colour, glass: Colour,
) -> None:  # fmt: skip
  pane(front, -1.08, 1.5, 1.08, top - 0.25, glass)
  front.box(-0.8, 0.95, 0.8, 1.35, DARK)
  for k in range(3):
    front.box(-0.75, 1.0 + 0.12 * k, 0.75, 1.05 + 0.12 * k, tint(paint, 0.8))
  front.box(-1.2, 0.45, 1.2, 0.8, tint(paint, 0.5))
  for sign in (1, -1):
    front.box(
      sign * 0.82, 0.6, sign * 1.16, 0.85, (0.92, 0.93, 0.88), LAMP, shines=bool(rng.random() < 0.5)
    )
  _plate(rng, front, 0.0, 0.52, 1.25)
  for side in sides:
    pane(side, x0 + 0.5, 1.55, x1 - 0.35, top - 0.3, glass)
    side.box(x0 + 0.42, 0.75, x0 + 0.45, top - 0.2, tint(paint, 0.5))
    side.box(x1 - 0.35, 0.75, x1 - 0.32, top - 0.3, tint(paint, 0.5))
    side.box(x0, 0.45, x1, 0.7, tint(paint, 0.6))
    side.box(x1 - 0.3, 0.62, x1 - 0.02, 0.84, (0.9, 0.6, 0.2), LAMP)
