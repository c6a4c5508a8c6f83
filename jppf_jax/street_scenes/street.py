"""The plan of a street, and its ground: road with markings, sidewalks, grass, and the sky above.

Measures are metres and chosen by eye to look like Cityscapes, unless a comment says otherwise.
"""

import dataclasses
import itertools

import numpy as np

from jppf_jax.street_scenes.camera import Real
from jppf_jax.street_scenes.canvas import Brush, Canvas, Colour, Texture
from jppf_jax.street_scenes.classes import ROAD, SIDEWALK, SKY, TERRAIN
from jppf_jax.street_scenes.light import ColourRange, Light, Range, blend, sample_colour, tint

FAR = 160.0  # a street without an end is cut off here

# Plan of the street.
LANE_WIDTH = (2.9, 3.4)
SECOND_LANE_AHEAD, SECOND_LANE_ONCOMING = 0.15, 0.2  # shares of streets
PARKING_STRIPS, PARKING_WIDTH = 0.55, (2.0, 2.4)  # share of sides
VERGES, VERGE_WIDTH = 0.4, (1.0, 2.5)  # share of sides
SIDEWALK_WIDTH = (1.8, 4.0)
FRONT_GARDENS, FRONT_GARDEN_WIDTH = 0.45, (1.5, 5.0)  # share of sides
CROSSINGS, CROSSING_START, CROSSING_WIDTH = 0.55, (9.0, 17.0), (6.5, 9.0)  # share of streets
ZEBRAS, ZEBRA_START, ZEBRA_BEFORE_CROSSING = 0.6, (6.0, 14.0), 4.0  # share of streets
ZEBRA_DEPTH = 3.0
DEAD_ENDS, DEAD_END = 0.35, (38.0, 70.0)  # share of streets
TRAMS = 0.3  # share of streets with rails

# Ground. The rectangles reach beyond the image.
SUNLIT = 0.8  # share of the sun's light on the ground
GRASS = ColourRange((0.12, 0.3), (0.25, 0.55), (0.35, 0.5))
PAVING = ColourRange((0.02, 0.12), (0.02, 0.2), (0.5, 0.68))
ASPHALT = ColourRange((0.5, 0.7), (0.0, 0.08), (0.26, 0.42))
CURB_TINT, CURB_WIDTH = 1.2, 0.18
GRASS_HALF_WIDTH, GRASS_END = 300, 600
BEHIND = -5.0  # the ground begins behind the camera
CROSSING_HALF_LENGTH = 90
CROSSING_SIDEWALK, END_SIDEWALK = 2.5, 3  # widths along the crossing street and at a dead end
SKY_HAZE, SKY_MARGIN = 0.5, 9  # share of the haze's colour; pixels beyond the image

# Markings.
MARKING: Colour = (0.86, 0.86, 0.84)
DARK_SHADE = 0.75  # of rails and manholes, relative to the asphalt
DASH_START, DASH_PITCH, DASH_END = 1.5, 4.5, 120.0
DASH_FREE_BEFORE, DASH_FREE_AFTER = 5, 1  # no dashes this close to a crossing
DASH_LENGTH, DASH_HALF_WIDTH = 2.4, 0.07
UNBROKEN_LINES = 0.3  # share of lines between the two directions
PARKING_HALF_WIDTH = 0.06
PATCHES = 4  # repaired spots: x, z, width, depth
PATCH_Z, PATCH_WIDTH, PATCH_DEPTH, PATCH_FROM_CURB = (3.0, 30.0), (0.6, 1.5), (1.0, 4.0), 1.5
PATCH_WHITE = 0.12  # share of the marking's colour
MANHOLES, MANHOLE_START, MANHOLE_END = 2, 0.2, 0.6  # on the first patches
RAIL_HALF_GAUGE = 0.72  # standard gauge is 1.435 between the rails
GROOVE_HALF_WIDTH, RAIL_HALF_WIDTH, RAIL_SHADE = 0.1, 0.03, 0.75
STRIPE_PITCH, STRIPE_WIDTH, STRIPE_LEFT, STRIPE_RIGHT = 1.0, 0.5, 0.4, 0.5  # zebra; from the curbs
STOP_LINE_DEPTH, STOP_LINE_LEFT = 0.4, 0.2
STOP_BEFORE, STOP_BEFORE_ZEBRA = 1.0, 4.8  # before the crossing street

Rectangle = tuple[Real, Real, Real, Real]  # x0 x1 z0 z1 on the ground


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
  """Samples a street of two to four lanes, with or without a crossing."""
  lane = rng.uniform(*LANE_WIDTH)
  ahead = (0.0, lane) if rng.random() < SECOND_LANE_AHEAD else (0.0,)
  oncoming = (-lane, -2 * lane) if rng.random() < SECOND_LANE_ONCOMING else (-lane,)
  left = _sample_side(rng, -1, -oncoming[-1] + lane / 2)
  right = _sample_side(rng, 1, ahead[-1] + lane / 2)
  crossing = zebra = None
  if rng.random() < CROSSINGS:
    start = rng.uniform(*CROSSING_START)
    crossing = (start, start + rng.uniform(*CROSSING_WIDTH))
  if rng.random() < ZEBRAS:
    zebra = crossing[0] - ZEBRA_BEFORE_CROSSING if crossing else rng.uniform(*ZEBRA_START)
  end = rng.uniform(*DEAD_END) if rng.random() < DEAD_ENDS else FAR
  rails = bool(rng.random() < TRAMS)
  return Street(left, right, lane, ahead, oncoming, crossing, zebra, end, rails)


def _sample_side(rng: np.random.Generator, sign: int, lanes: Real) -> Side:
  """Samples what lies beside the lanes, which end at a distance of `lanes`."""
  parking = _sample_strip(rng, PARKING_STRIPS, PARKING_WIDTH)
  curb = lanes + parking
  verge = curb + _sample_strip(rng, VERGES, VERGE_WIDTH)
  sidewalk = verge + rng.uniform(*SIDEWALK_WIDTH)
  front = sidewalk + _sample_strip(rng, FRONT_GARDENS, FRONT_GARDEN_WIDTH)
  return Side(sign, curb, parking, verge, sidewalk, front)


def _sample_strip(rng: np.random.Generator, share: Real, width: Range) -> float:
  """The width of a strip that this share of sides has; 0 = none."""
  return rng.uniform(*width) if rng.random() < share else 0.0


def _rectangle(brush: Brush, x0: Real, x1: Real, z0: Real, z1: Real, colour: Colour) -> None:
  brush.face(np.array([[x0, 0.0, z0], [x1, 0.0, z0], [x1, 0.0, z1], [x0, 0.0, z1]]), colour)


def _rectangles(brush: Brush, boxes: list[Rectangle], colour: Colour) -> None:
  """Draws many rectangles; those not fully in front of the camera are left out."""
  if boxes:
    edges = np.array(boxes)
    x, z = edges[:, [0, 1, 1, 0]], edges[:, [2, 2, 3, 3]]
    brush.faces(np.stack([x, np.zeros(x.shape), z], axis=-1), [colour] * len(boxes))


def draw_sky(canvas: Canvas, light: Light) -> None:
  """Draws the sky over the whole image; `shade.py` adds the gradient and the clouds."""
  height, width = canvas.camera.size
  brush = canvas.brush(SKY, texture=Texture.SKY)
  colour = blend(light.sky, light.haze, SKY_HAZE)
  right, low = width + SKY_MARGIN, height + SKY_MARGIN
  corners = [-SKY_MARGIN, -SKY_MARGIN, right, -SKY_MARGIN, right, low, -SKY_MARGIN, low]
  brush.polygon(corners, 0.0, colour)


def draw_ground(canvas: Canvas, light: Light, rng: np.random.Generator, street: Street) -> None:
  """Draws grass everywhere, sidewalks along the road, the road and the street that crosses it."""
  lit = light.partly_sunlit(SUNLIT)
  grass = tint(sample_colour(rng, GRASS), lit)
  brush = canvas.brush(TERRAIN, texture=Texture.GRASS)
  _rectangle(brush, -GRASS_HALF_WIDTH, GRASS_HALF_WIDTH, BEHIND, GRASS_END, grass)
  paving = canvas.brush(SIDEWALK, texture=Texture.PAVING)
  slabs = tint(sample_colour(rng, PAVING), lit)
  _draw_sidewalks(paving, street, slabs)
  asphalt = tint(sample_colour(rng, ASPHALT), lit)
  road = canvas.brush(ROAD, texture=Texture.ASPHALT)
  _rectangle(road, -street.left.curb, street.right.curb, BEHIND, street.end, asphalt)
  half = CROSSING_HALF_LENGTH
  if street.end < FAR:
    _rectangle(paving, -half, half, street.end, street.end + END_SIDEWALK, slabs)
  if street.crossing:
    _rectangle(road, -half, half, *street.crossing, asphalt)
  white, dark = tint(MARKING, lit), tint(asphalt, DARK_SHADE)
  _draw_lines(road, rng, street, white)
  _draw_patches(road, rng, street, white, dark)
  _draw_rails(road, street, white, dark)
  _draw_crossing(road, street, white)


def _draw_sidewalks(paving: Brush, street: Street, slabs: Colour) -> None:
  """Draws the sidewalks and curbs, which end at a crossing street and have corners there."""
  sides = (street.left, street.right)
  stretches = [(BEHIND, street.end)]
  if street.crossing:
    start, end = street.crossing
    stretches = [(BEHIND, start), (end, street.end)]
    for z0, z1 in ((start - CROSSING_SIDEWALK, start), (end, end + CROSSING_SIDEWALK)):
      for side in sides:
        _rectangle(paving, *side.span(side.curb, CROSSING_HALF_LENGTH), z0, z1, slabs)
  for side in sides:
    for z0, z1 in stretches:
      curb = side.span(side.curb, side.curb + CURB_WIDTH)
      _rectangle(paving, *side.span(side.verge, side.sidewalk), z0, z1, slabs)
      _rectangle(paving, *curb, z0, z1, tint(slabs, CURB_TINT))


def _draw_lines(road: Brush, rng: np.random.Generator, street: Street, white: Colour) -> None:
  """Draws the lines between lanes and beside parking strips."""
  free = np.arange(DASH_START, min(street.end, DASH_END), DASH_PITCH).tolist()
  if street.crossing:
    start, end = street.crossing
    first, last = start - DASH_FREE_BEFORE, end + DASH_FREE_AFTER
    free = [z for z in free if not first < z < last]
  lanes = sorted((*street.oncoming, *street.ahead))
  for left, right in itertools.pairwise(lanes):
    middle = (left + right) / 2
    between_directions = left < 0 <= right
    unbroken = between_directions and rng.random() < UNBROKEN_LINES
    length = DASH_PITCH if unbroken else DASH_LENGTH
    start, end = middle - DASH_HALF_WIDTH, middle + DASH_HALF_WIDTH
    _rectangles(road, [(start, end, z, z + length) for z in free], white)
  for side in (street.left, street.right):
    if side.parking:
      edge = side.curb - side.parking
      low, high = side.span(edge - PARKING_HALF_WIDTH, edge + PARKING_HALF_WIDTH)
      _rectangles(road, [(low, high, z, z + DASH_PITCH) for z in free], white)


def _draw_patches(
  road: Brush, rng: np.random.Generator, street: Street, white: Colour, dark: Colour
) -> None:
  """Draws repaired spots, some of them with a manhole."""
  x = (-street.left.curb, street.right.curb - PATCH_FROM_CURB)
  low, high = zip(x, PATCH_Z, PATCH_WIDTH, PATCH_DEPTH)
  patches = rng.uniform(low, high, (PATCHES, 4)).tolist()
  boxes = [(x, x + width, z, z + depth) for x, z, width, depth in patches]
  _rectangles(road, boxes, blend(dark, white, PATCH_WHITE))
  start, end = MANHOLE_START, MANHOLE_END
  _rectangles(road, [(x + start, x + end, z, z + end) for x, z, _, _ in patches[:MANHOLES]], dark)


def _draw_rails(road: Brush, street: Street, white: Colour, dark: Colour) -> None:
  if not street.rails:
    return
  track = street.oncoming[0]
  layers = ((GROOVE_HALF_WIDTH, dark), (RAIL_HALF_WIDTH, tint(white, RAIL_SHADE)))
  for x in (track - RAIL_HALF_GAUGE, track + RAIL_HALF_GAUGE):
    for half, colour in layers:
      _rectangle(road, x - half, x + half, 0, street.end, colour)


def _draw_crossing(road: Brush, street: Street, white: Colour) -> None:
  """Draws the zebra and the stop line."""
  left, right = -street.left.curb + STRIPE_LEFT, street.right.curb - STRIPE_RIGHT
  if street.zebra is not None:
    low, high = street.zebra, street.zebra + ZEBRA_DEPTH
    stripes = np.arange(left, right, STRIPE_PITCH).tolist()
    _rectangles(road, [(x, x + STRIPE_WIDTH, low, high) for x in stripes], white)
  if street.crossing:
    before = STOP_BEFORE if street.zebra is None else STOP_BEFORE_ZEBRA
    z = street.crossing[0] - before
    left, right = -street.lane / 2 + STOP_LINE_LEFT, street.ahead[-1] + street.lane / 2
    _rectangles(road, [(left, right, z, z + STOP_LINE_DEPTH)], white)
