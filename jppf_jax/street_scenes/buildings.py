"""The buildings of a street, with windows and shops.

Measures are metres and chosen by eye to look like Cityscapes.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from jppf_jax.street_scenes.camera import Real
from jppf_jax.street_scenes.canvas import Canvas, Colour, Texture
from jppf_jax.street_scenes.classes import BUILDING
from jppf_jax.street_scenes.facades import Block, Facade, boxes, visible_sides
from jppf_jax.street_scenes.light import (
  ANY_HUE,
  ColourRange,
  Light,
  blend,
  hsv,
  plaster,
  sample_colour,
  tint,
)

# Houses.
FLOORS = (2, 7)  # number of floors; the upper limit is excluded
FLOOR_HEIGHT = (2.8, 3.4)
ATTIC_HEIGHT = (0.3, 1.0)  # wall above the upper floor
CORNICE_HEIGHT, CORNICE_SHADE = 0.35, 0.9
BASE_HEIGHT, BASE_SHADE = 0.4, 0.6  # the dark strip above the sidewalk
LEDGE_HEIGHT, LEDGE_TRIM = 0.12, 0.6  # strip below each floor; its share of the trim's colour
PITCHED_ROOFS = 0.5  # share of houses
ROOF_HEIGHT, ROOF_INSET, ROOF_DEPTH = 1.8, 0.4, 0.2  # inset at both ends; depth behind the facade
ROOF_TILES = hsv(0.03, 0.4, 0.33)
SHOPS = 0.55  # share of houses with a shop on the ground floor; the others have a door
DOOR_PLACE = (0.2, 0.7)  # share of the facade's length
DOOR_FRAME, DOOR_LEAF = (0.0, 1.2, 2.3), (0.1, 1.1, 2.2)  # start, end, height
DOOR = ColourRange(ANY_HUE, 0.5, 0.3)

# Windows.
WINDOW_PITCH = (1.7, 2.8)  # from one window to the next
WINDOW_WIDTH = (0.45, 0.7)  # share of the pitch
WINDOW_HEIGHT = (0.5, 0.68)  # share of the floor's height
WINDOW_MIDDLE = 0.55  # share of the floor's height
GLASS = ColourRange((0.5, 0.62), (0.1, 0.3), (0.2, 0.45))
REFLECTED_SKY, REFLECTION = (0.8, 0.85, 0.9), 0.5  # colour and largest share of it in the glass
DARK_WINDOWS = 0.85  # share of windows; the others are lit
LAMPLIGHT = (0.85, 0.78, 0.55)
FRAME_WIDTH, FRAME_TINT = 0.1, 1.15
BAR_HALF_WIDTH = 0.04
SILL_OVERHANG, SILL_LOW, SILL_HIGH, SILL_SHADE = 0.15, 0.18, 0.06, 0.7  # low, high: below the pane
DETAIL_DISTANCE = 45.0  # farther away, bars and sills are too small to be seen

# Shops. Heights with "below" count from the ceiling of the ground floor.
SHOP_WIDTH = (3.0, 5.0)
SHOP_TOP = 0.9  # below
SHOP_WINDOW_EDGE, SHOP_WINDOW_LOW = 0.2, 0.3
GOODS, GOODS_SHARE = ColourRange(ANY_HUE, 0.5, 0.7), 0.3  # share of their colour in the window's
SHOP_DOOR_START, SHOP_DOOR_END, SHOP_DOOR_GAP, SHOP_DOOR_SHADE = 0.3, 1.2, 0.1, 0.6
SIGN = ColourRange(ANY_HUE, (0.2, 0.9), (0.25, 0.9))
SIGN_EDGE, SIGN_LOW, SIGN_HIGH = 0.1, 0.1, 0.75  # low, high: above the shop window
LETTERS = (0.95, 0.95, 0.9)
LETTER_PITCH, LETTER_START, LETTER_END = 0.3, 0.8, 0.98
LETTER_LOW, LETTER_HIGH = 0.65, 0.35  # below
SIGN_WITHOUT_LETTERS = 1.6
AWNINGS = 0.35  # share of shops
AWNING_LOW, AWNING_HIGH, AWNING_REACH, AWNING_SHADE = 1.3, 0.7, 1.2, 0.9  # low, high: below


class _House(NamedTuple):
  """Colours and measures of a house; see the constants of the same names."""

  plaster: Colour
  trim: Colour
  glass: Colour
  floors: int
  floor: Real
  height: Real
  pitch: Real
  window_width: Real
  window_height: Real
  shop: bool
  pitched: bool


def building(canvas: Canvas, light: Light, rng: np.random.Generator, block: Block) -> None:
  """Draws a house of a few floors, many with a shop on the ground floor."""
  brush = canvas.brush(BUILDING, texture=Texture.MASONRY)
  house = _sample_house(rng)
  for origin, along, length in visible_sides(block):
    facade = Facade(brush, light, origin, along, length)
    _house_front(facade, house)
    _windows(facade, rng, house)
    if house.shop:
      _shop(facade, rng, house)
    else:
      _door(facade, rng, house)
    facade.box(0, 0, length, BASE_HEIGHT, tint(house.plaster, BASE_SHADE))


def _sample_house(rng: np.random.Generator) -> _House:
  walls, trim = plaster(rng), plaster(rng)
  floor, floors = rng.uniform(*FLOOR_HEIGHT), int(rng.integers(*FLOORS))
  height = floors * floor + rng.uniform(*ATTIC_HEIGHT)
  pitch = rng.uniform(*WINDOW_PITCH)
  width, high = rng.uniform(*WINDOW_WIDTH), rng.uniform(*WINDOW_HEIGHT)
  shop, pitched = rng.random() < SHOPS, rng.random() < PITCHED_ROOFS
  glass = sample_colour(rng, GLASS)
  return _House(walls, trim, glass, floors, floor, height, pitch, width, high, shop, pitched)


def _house_front(facade: Facade, house: _House) -> None:
  """Draws the wall, the cornice, the roof and the ledges between the floors."""
  length, height = facade.length, house.height
  facade.box(0, 0, length, height, house.plaster)
  facade.box(0, height - CORNICE_HEIGHT, length, height, tint(house.trim, CORNICE_SHADE))
  if house.pitched:
    ridge = height + ROOF_HEIGHT
    eaves = [(0, height), (length, height)]
    top = [(length - ROOF_INSET, ridge), (ROOF_INSET, ridge)]
    facade.polygon(eaves + top, ROOF_TILES, -ROOF_DEPTH)
  ledge = blend(house.plaster, house.trim, LEDGE_TRIM)
  for level in range(1, house.floors):
    low = level * house.floor
    facade.box(0, low, length, low + LEDGE_HEIGHT, ledge)


def _windows(facade: Facade, rng: np.random.Generator, house: _House) -> None:
  columns = max(1, int(facade.length / house.pitch))
  pitch = facade.length / columns
  levels = np.arange(1 if house.shop else 0, house.floors)
  middles = levels * house.floor + WINDOW_MIDDLE * house.floor
  grid = np.meshgrid((np.arange(columns) + 0.5) * pitch, middles)
  u, v = (axis.ravel() for axis in grid)
  half_width, half_height = house.window_width * pitch / 2, house.window_height * house.floor / 2
  left, right = u - half_width, u + half_width
  low, high = v - half_height, v + half_height
  panes = boxes(left, low, right, high)
  colours = [_pane_colour(house.glass, chance) for chance in rng.random(len(u)).tolist()]
  frame = tint(house.trim, FRAME_TINT)
  facade.rectangles(panes + FRAME_WIDTH * np.array([-1, -1, 1, 1]), [frame] * len(u))
  facade.rectangles(panes, colours)
  if facade.distance < DETAIL_DISTANCE:
    bars = boxes(u - BAR_HALF_WIDTH, low, u + BAR_HALF_WIDTH, high)
    facade.rectangles(bars, [frame] * len(u))
    sill_left, sill_right = left - SILL_OVERHANG, right + SILL_OVERHANG
    sills = boxes(sill_left, low - SILL_LOW, sill_right, low - SILL_HIGH)
    facade.rectangles(sills, [tint(house.trim, SILL_SHADE)] * len(u))


def _pane_colour(glass: Colour, chance: Real) -> Colour:
  """Lamplight or more or less reflected sky, from a random number in 0..1."""
  if chance < DARK_WINDOWS:
    return blend(glass, REFLECTED_SKY, REFLECTION * chance)
  return LAMPLIGHT


def _door(facade: Facade, rng: np.random.Generator, house: _House) -> None:
  left = rng.uniform(*DOOR_PLACE) * facade.length
  places = (DOOR_FRAME, DOOR_LEAF)
  edges = [[left + start, 0.0, left + end, height] for start, end, height in places]
  facade.rectangles(np.array(edges), [house.trim, sample_colour(rng, DOOR)])


def _shop(facade: Facade, rng: np.random.Generator, house: _House) -> None:
  """Draws shop windows, doors, signs and awnings on the ground floor."""
  count = max(1, int(facade.length / rng.uniform(*SHOP_WIDTH)))
  width = facade.length / count
  starts = np.arange(count) * width
  ends = starts + width
  goods = [blend(house.glass, sample_colour(rng, GOODS), GOODS_SHARE) for _ in range(count)]
  top = house.floor - SHOP_TOP
  windows = boxes(starts + SHOP_WINDOW_EDGE, SHOP_WINDOW_LOW, ends - SHOP_WINDOW_EDGE, top)
  facade.rectangles(windows, goods)
  doors = boxes(starts + SHOP_DOOR_START, 0, starts + SHOP_DOOR_END, top - SHOP_DOOR_GAP)
  facade.rectangles(doors, [tint(house.glass, SHOP_DOOR_SHADE)] * count)
  colours = [sample_colour(rng, SIGN) for _ in range(count)]
  signs = boxes(starts + SIGN_EDGE, top + SIGN_LOW, ends - SIGN_EDGE, top + SIGN_HIGH)
  facade.rectangles(signs, colours)
  _letters(facade, house, starts, width)
  for start, colour in zip(starts.tolist(), colours):
    if rng.random() < AWNINGS:
      _awning(facade, house, start, start + width, colour)


def _letters(facade: Facade, house: _House, starts: Float[np.ndarray, "n"], width: Real) -> None:
  """Draws the letters on the signs of the shops."""
  count = int((width - SIGN_WITHOUT_LETTERS) / LETTER_PITCH)
  steps = LETTER_PITCH * np.arange(count)
  left = (starts[:, None] + LETTER_START + steps).ravel()
  right = (starts[:, None] + LETTER_END + steps).ravel()
  letters = boxes(left, house.floor - LETTER_LOW, right, house.floor - LETTER_HIGH)
  facade.rectangles(letters, [LETTERS] * len(letters))


def _awning(facade: Facade, house: _House, start: Real, end: Real, colour: Colour) -> None:
  low, high = house.floor - AWNING_LOW, house.floor - AWNING_HIGH
  near = facade.points(np.array([[start, low], [end, low]]), AWNING_REACH)
  far = facade.points(np.array([[end, high], [start, high]]))
  facade.brush.face(np.concatenate([near, far]), tint(colour, AWNING_SHADE))
