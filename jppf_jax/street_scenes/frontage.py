"""The frontage of a street: houses, walls, fences, hedges and trees behind the sidewalks, and the
end of the street.

Measures are metres. Shares are chosen by eye to look like Cityscapes.
"""

from collections.abc import Callable
from functools import partial

import numpy as np

from jppf_jax.street_scenes import buildings, plants, walls
from jppf_jax.street_scenes.camera import Real
from jppf_jax.street_scenes.canvas import Canvas
from jppf_jax.street_scenes.items import Block, Ground, Item
from jppf_jax.street_scenes.light import Light
from jppf_jax.street_scenes.street import FAR, Side, Street

KINDS = {"building": 0.55, "wall": 0.12, "fence": 0.13, "park": 0.2}  # shares of segments

# Segments along a side.
FIRST_SEGMENT, LAST_SEGMENT = (1.0, 5.0), 110.0  # where they begin
SEGMENT_LENGTH, SHORTEST_SEGMENT = (7.0, 16.0), 2.5
SPACES, SPACE = 0.3, (0.0, 2.0)  # share of segments followed by a free space
CORNER = 2.6  # free on both sides of a crossing street

# What stands in a segment.
HOUSE_DEPTH, HOUSE_SHADOW = 9.0, 9.0  # shadow: height of the shadow's source
WALL_DEPTH, WALL_SHADOW = 0.25, 2.2
BACK = (3.0, 6.0)  # depth of the garden behind a wall or fence, or of a park
PARK_HEDGE, GARDEN_HEDGES, GARDEN_HEDGE = (0.8, 1.6), 0.35, (1.5, 3.5)  # heights; share of gardens
HEDGE_FROM, HEDGE_TO = 1.5, 0.2  # before the back
BACK_HOUSES, BACK_HOUSE_FROM, BACK_HOUSE_TO = 0.6, 3.0, 11.0  # share of gardens; behind the back
TREES, TREE_FROM_BACK, TREE_FROM_ENDS = (1, 3), (0.3, 1.7), 0.5  # the upper limit is excluded
TRUNK_HALF, TREE_SHADOW = 0.2, 3.0

# The end of the street.
DEAD_END_SIDEWALK, SKYLINE_BEFORE_FAR = 3.0, 30.0
END_HALF_WIDTH = 0.75  # share of the distance
END_WIDTH, END_HOUSES = (8.0, 18.0), 0.7  # width of a house or hedge; share of houses
END_HOUSE_DEPTH, END_HEDGE_DEPTH, END_HEDGE = 8.0, 2.0, (3.0, 7.0)


class Frontage:
  """Collects the items that line a street."""

  def __init__(
    self, canvas: Canvas, light: Light, rng: np.random.Generator, street: Street, ground: Ground
  ):
    self.canvas, self.light, self.rng, self.street, self.ground = canvas, light, rng, street, ground
    self.items: list[Item] = []

  def line(self) -> list[Item]:
    """Returns all items of both sides and of the end of the street."""
    # the two sides begin with different kinds, so that all kinds are seen often
    first = self.rng.permutation(list(KINDS)).tolist()
    self._side(self.street.left, first[:2])
    self._side(self.street.right, first[2:])
    self._end()
    return self.items

  def _add(
    self, block: Block, height: Real, draw: Callable[[], None], *, covers: bool = True
  ) -> None:
    self.ground.occupy(block, covers=covers)
    self.items.append(Item(block, height, draw))

  def _side(self, side: Side, first: list[str]) -> None:
    """Adds segments, beginning with the kinds `first` where the image begins; a crossing leaves a
    gap.
    """
    rng = self.rng
    z = rng.uniform(*FIRST_SEGMENT)
    crossing = self.street.crossing
    gap_start, gap_end = (crossing[0] - CORNER, crossing[1] + CORNER) if crossing else (FAR, FAR)
    while z < min(self.street.end, LAST_SEGMENT):
      end = min(z + rng.uniform(*SEGMENT_LENGTH), self.street.end)
      if gap_start <= z < gap_end:
        z = gap_end
        continue
      if z < gap_start < end:
        end = gap_start
      if end - z > SHORTEST_SEGMENT:
        self._segment(side, self._kind(side, end, first), z, end)
      z = end + (rng.uniform(*SPACE) if rng.random() < SPACES else 0.0)

  def _kind(self, side: Side, end: Real, first: list[str]) -> str:
    """The next of the kinds `first` if the segment is in the image, else a random one."""
    low, high = self.canvas.camera.visible_range(end)
    visible = side.front < (high if side.sign > 0 else -low)
    if visible and first:
      return first.pop(0)
    return str(self.rng.choice(list(KINDS), p=list(KINDS.values())))

  def _segment(self, side: Side, kind: str, z0: Real, z1: Real) -> None:
    canvas, light, rng = self.canvas, self.light, self.rng
    if kind == "building":
      self._house((*side.span(side.front, side.front + HOUSE_DEPTH), z0, z1), HOUSE_SHADOW)
      return
    thin = (*side.span(side.front, side.front + WALL_DEPTH), z0, z1)
    if kind == "wall":
      self._add(thin, WALL_SHADOW, partial(walls.wall, canvas, light, rng, thin))
    elif kind == "fence":
      self._add(thin, 0.0, partial(walls.fence, canvas, light, rng, thin), covers=False)
    back = side.front + rng.uniform(*BACK)
    park = kind == "park"
    if park or rng.random() < GARDEN_HEDGES:
      height = rng.uniform(*(PARK_HEDGE if park else GARDEN_HEDGE))
      bushes = (*side.span(back - HEDGE_FROM, back - HEDGE_TO), z0, z1)
      self._hedge(bushes, height, height)
    if rng.random() < BACK_HOUSES:
      span = side.span(back + BACK_HOUSE_FROM, back + BACK_HOUSE_TO)
      self._house((*span, z0, z1), HOUSE_SHADOW)
    for _ in range(int(rng.integers(*TREES))):
      x = side.sign * (back + rng.uniform(*TREE_FROM_BACK))
      z = float(rng.uniform(z0 + TREE_FROM_ENDS, z1 - TREE_FROM_ENDS))
      self._tree(x, z)

  def _house(self, block: Block, shadow: Real) -> None:
    draw = partial(buildings.building, self.canvas, self.light, self.rng, block)
    self._add(block, shadow, draw)

  def _hedge(self, block: Block, height: Real, shadow: Real) -> None:
    draw = partial(plants.hedge, self.canvas, self.light, self.rng, block, height)
    self._add(block, shadow, draw)

  def _tree(self, x: Real, z: Real) -> None:
    half = TRUNK_HALF
    trunk = (x - half, x + half, z - half, z + half)
    position = np.array([x, 0.0, z])
    draw = partial(plants.tree, self.canvas, self.light, self.rng, position)
    self._add(trunk, TREE_SHADOW, draw, covers=False)

  def _end(self) -> None:
    """Adds houses and hedges across the end of the street, or far away as the skyline."""
    rng, end = self.rng, self.street.end
    z = end + DEAD_END_SIDEWALK if end < FAR else FAR - SKYLINE_BEFORE_FAR
    x = -END_HALF_WIDTH * z
    while x < END_HALF_WIDTH * z:
      width = rng.uniform(*END_WIDTH)
      if rng.random() < END_HOUSES:
        self._house((x, x + width, z, z + END_HOUSE_DEPTH), 0.0)
      else:
        block = (x, x + width, z, z + END_HEDGE_DEPTH)
        self._hedge(block, rng.uniform(*END_HEDGE), 0.0)
      x += width
