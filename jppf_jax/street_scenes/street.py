"""The plan of a street, and its ground: road with markings, sidewalks, grass, and the sky above."""

import dataclasses
import itertools

import numpy as np

from jppf_jax.street_scenes.camera import Real
from jppf_jax.street_scenes.canvas import Brush, Canvas, Colour, Texture
from jppf_jax.street_scenes.light import Light, blend, hsv, tint

ROAD, SIDEWALK, TERRAIN, SKY = 7, 8, 22, 23
FAR = 160.0  # metres; where a street without an end is cut off


@dataclasses.dataclass(frozen=True)
class Side:
  """What lies beside the road; distances in metres from the street's axis `x = 0`, positive on both
  sides.

  Attributes:
    sign: +1 right, -1 left.
    curb: end of the road.
    parking: width of the parking strip inside the curb, 0 = none.
    verge: end of the grass between curb and sidewalk (= curb: none).
    sidewalk: end of the sidewalk.
    front: where buildings and walls begin; grass between.
  """

  sign: int
  curb: Real
  parking: Real
  verge: Real
  sidewalk: Real
  front: Real

  def span(self, start: Real, end: Real) -> tuple[Real, Real]:
    """Two distances as ascending `x`."""
    return (start, end) if self.sign > 0 else (-end, -start)


@dataclasses.dataclass(frozen=True)
class Street:
  """A straight street along `z`; traffic keeps right and the camera drives at `x = 0`.

  Attributes:
    left, right: what lies beside the road.
    lane: width of a lane.
    ahead, oncoming: centre lines of the lanes in either direction.
    crossing: first and last `z` of a street that crosses; None: no crossing.
    zebra: `z` where pedestrians cross, 3 m deep; None: nowhere.
    end: `z` where the street ends at a row of houses.
    rails: whether a tram runs in the first oncoming lane.
  """

  left: Side
  right: Side
  lane: Real
  ahead: tuple[Real, ...]
  oncoming: tuple[Real, ...]
  crossing: tuple[Real, Real] | None
  zebra: Real | None
  end: Real
  rails: bool


def sample_street(rng: np.random.Generator) -> Street:
  """A street of two to four lanes, with or without a crossing."""
  lane = rng.uniform(2.9, 3.4)
  ahead = (0.0, lane) if rng.random() < 0.15 else (0.0,)
  oncoming = (-lane, -2 * lane) if rng.random() < 0.2 else (-lane,)
  sides = []
  for sign, lanes in ((-1, -oncoming[-1] + lane / 2), (1, ahead[-1] + lane / 2)):
    parking = rng.uniform(2.0, 2.4) if rng.random() < 0.55 else 0.0
    curb = lanes + parking
    verge = curb + (rng.uniform(1.0, 2.5) if rng.random() < 0.4 else 0.0)
    sidewalk = verge + rng.uniform(1.8, 4.0)
    front = sidewalk + (rng.uniform(1.5, 5.0) if rng.random() < 0.45 else 0.0)
    sides.append(Side(sign, curb, parking, verge, sidewalk, front))
  crossing = zebra = None
  if rng.random() < 0.55:
    start = rng.uniform(9.0, 17.0)
    crossing = (start, start + rng.uniform(6.5, 9.0))
  if rng.random() < 0.6:
    zebra = crossing[0] - 4.0 if crossing else rng.uniform(6.0, 14.0)
  end = rng.uniform(38.0, 70.0) if rng.random() < 0.35 else FAR
  return Street(
    sides[0], sides[1], lane, ahead, oncoming, crossing, zebra, end, bool(rng.random() < 0.3)
  )


def _rectangle(brush: Brush, x0: Real, x1: Real, z0: Real, z1: Real, colour: Colour) -> None:
  brush.face(np.array([[x0, 0.0, z0], [x1, 0.0, z0], [x1, 0.0, z1], [x0, 0.0, z1]]), colour)


def _rectangles(brush: Brush, boxes: list[tuple[Real, Real, Real, Real]], colour: Colour) -> None:
  """Many rectangles `x0 x1 z0 z1` on the ground; those not fully before the camera are left out."""
  if boxes:
    b = np.array(boxes)
    points = np.stack([b[:, [0, 1, 1, 0]], np.zeros((len(b), 4)), b[:, [2, 2, 3, 3]]], axis=-1)
    brush.faces(points, [colour] * len(b))


def draw_sky(canvas: Canvas, light: Light) -> None:
  """The sky over the whole image; `shade.py` adds the gradient and the clouds."""
  height, width = canvas.camera.size
  brush = canvas.brush(SKY, texture=Texture.SKY)
  colour = blend(light.sky, light.haze, 0.5)
  brush.polygon([-9, -9, width + 9, -9, width + 9, height + 9, -9, height + 9], 0.0, colour)


def draw_ground(canvas: Canvas, light: Light, rng: np.random.Generator, street: Street) -> None:
  """Grass everywhere, sidewalks along the road, the road and the street that crosses it."""
  lit = light.ambient + 0.8 * light.diffuse
  grass = tint(hsv(rng.uniform(0.12, 0.3), rng.uniform(0.25, 0.55), rng.uniform(0.35, 0.5)), lit)
  brush = canvas.brush(TERRAIN, texture=Texture.GRASS)
  _rectangle(brush, -300, 300, -5, 600, grass)
  paving = canvas.brush(SIDEWALK, texture=Texture.PAVING)
  slabs = tint(hsv(rng.uniform(0.02, 0.12), rng.uniform(0.02, 0.2), rng.uniform(0.5, 0.68)), lit)
  stone = tint(slabs, 1.2)
  gaps = [(-5.0, street.end)]
  if street.crossing:
    gaps = [(-5.0, street.crossing[0]), (street.crossing[1], street.end)]
    for z0, z1 in (
      (street.crossing[0] - 2.5, street.crossing[0]),
      (street.crossing[1], street.crossing[1] + 2.5),
    ):
      for side in (street.left, street.right):
        _rectangle(paving, *side.span(side.curb, 90.0), z0, z1, slabs)
  for side in (street.left, street.right):
    for z0, z1 in gaps:
      _rectangle(paving, *side.span(side.verge, side.sidewalk), z0, z1, slabs)
      _rectangle(paving, *side.span(side.curb, side.curb + 0.18), z0, z1, stone)
  asphalt = tint(hsv(rng.uniform(0.5, 0.7), rng.uniform(0.0, 0.08), rng.uniform(0.26, 0.42)), lit)
  road = canvas.brush(ROAD, texture=Texture.ASPHALT)
  _rectangle(road, -street.left.curb, street.right.curb, -5, street.end, asphalt)
  if street.end < FAR:
    _rectangle(paving, -90, 90, street.end, street.end + 3, slabs)
  if street.crossing:
    _rectangle(road, -90, 90, *street.crossing, asphalt)
  _draw_markings(road, rng, street, tint((0.86, 0.86, 0.84), lit), tint(asphalt, 0.75))


def _draw_markings(
  road: Brush, rng: np.random.Generator, street: Street, white: Colour, dark: Colour
) -> None:
  start, end = street.crossing or (-1.0, -1.0)
  free = [
    z for z in np.arange(1.5, min(street.end, 120.0), 4.5).tolist() if not start - 5 < z < end + 1
  ]
  lanes = sorted((*street.oncoming, *street.ahead))
  for left, right in itertools.pairwise(lanes):
    x = (left + right) / 2
    double = left < 0 <= right and rng.random() < 0.3
    _rectangles(road, [(x - 0.07, x + 0.07, z, z + (4.5 if double else 2.4)) for z in free], white)
  for side in (street.left, street.right):
    if side.parking:
      low, high = side.span(side.curb - side.parking - 0.06, side.curb - side.parking + 0.06)
      _rectangles(road, [(low, high, z, z + 4.5) for z in free], white)
  patches = rng.uniform(
    [-street.left.curb, 3.0, 0.6, 1.0], [street.right.curb - 1.5, 30.0, 1.5, 4.0], (4, 4)
  )
  _rectangles(
    road, [(x, x + w, z, z + d) for x, z, w, d in patches.tolist()], blend(dark, white, 0.12)
  )
  _rectangles(road, [(x + 0.2, x + 0.6, z, z + 0.6) for x, z, _, _ in patches[:2].tolist()], dark)
  if street.rails:
    track = street.oncoming[0]
    for x in (track - 0.72, track + 0.72):
      _rectangle(road, x - 0.1, x + 0.1, 0, street.end, dark)
      _rectangle(road, x - 0.03, x + 0.03, 0, street.end, tint(white, 0.75))
  if street.zebra is not None:
    stripes = np.arange(-street.left.curb + 0.4, street.right.curb - 0.5, 1.0).tolist()
    _rectangles(road, [(x, x + 0.5, street.zebra, street.zebra + 3.0) for x in stripes], white)
  if street.crossing:
    z = start - (4.8 if street.zebra is not None else 1.0)
    _rectangles(
      road, [(-street.lane / 2 + 0.2, street.ahead[-1] + street.lane / 2, z, z + 0.4)], white
    )
