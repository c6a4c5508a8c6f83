"""What lines a street: houses, walls, fences, hedges and trees behind the sidewalks, and the end of
the street.
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

_KINDS = ("building", "wall", "fence", "park")


class Frontage:
  """Collects the items that line a street."""

  def __init__(
    self, canvas: Canvas, light: Light, rng: np.random.Generator, street: Street, ground: Ground
  ):
    self.canvas, self.light, self.rng, self.street, self.ground = canvas, light, rng, street, ground
    self.items: list[Item] = []

  def line(self) -> list[Item]:
    """Everything, for both sides and the end of the street."""
    first = self.rng.permutation(
      _KINDS
    )  # the two sides begin differently, so that all kinds are seen often
    self._side(self.street.left, first[:2].tolist())
    self._side(self.street.right, first[2:].tolist())
    self._end()
    return self.items

  def _add(
    self, block: Block, height: Real, draw: Callable[[], None], *, covers: bool = True
  ) -> None:
    self.ground.occupy(block, covers=covers)
    self.items.append(Item(block, height, draw))

  def _side(self, side: Side, first: list[str]) -> None:
    """Segments of 7 to 16 m, beginning with the kinds `first` where the image begins; a crossing
    leaves a gap.
    """
    z = self.rng.uniform(1.0, 5.0)
    crossing = self.street.crossing
    gap = (crossing[0] - 2.6, crossing[1] + 2.6) if crossing else (FAR, FAR)
    while z < min(self.street.end, 110.0):
      end = min(z + self.rng.uniform(7.0, 16.0), self.street.end)
      if gap[0] <= z < gap[1]:
        z = gap[1]
        continue
      if z < gap[0] < end:
        end = gap[0]
      if end - z > 2.5:
        low, high = self.canvas.camera.visible_range(end)
        visible = side.front < (high if side.sign > 0 else -low)
        kind = (
          first.pop(0)
          if visible and first
          else str(self.rng.choice(_KINDS, p=[0.55, 0.12, 0.13, 0.2]))
        )
        self._segment(side, kind, z, end)
      z = end + (self.rng.uniform(0.0, 2.0) if self.rng.random() < 0.3 else 0.0)

  def _segment(self, side: Side, kind: str, z0: Real, z1: Real) -> None:
    rng, canvas, light = self.rng, self.canvas, self.light
    deep = (*side.span(side.front, side.front + 9.0), z0, z1)
    if kind == "building":
      self._add(deep, 9.0, partial(buildings.building, canvas, light, rng, deep))
      return
    thin = (*side.span(side.front, side.front + 0.25), z0, z1)
    if kind == "wall":
      self._add(thin, 2.2, partial(walls.wall, canvas, light, rng, thin))
    elif kind == "fence":
      self._add(thin, 0.0, partial(walls.fence, canvas, light, rng, thin), covers=False)
    back = side.front + rng.uniform(3.0, 6.0)
    if kind == "park" or rng.random() < 0.35:
      height = rng.uniform(0.8, 1.6) if kind == "park" else rng.uniform(1.5, 3.5)
      bushes = (*side.span(back - 1.5, back - 0.2), z0, z1)
      self._add(bushes, height, partial(plants.hedge, canvas, light, rng, bushes, height))
    if rng.random() < 0.6:
      house = (*side.span(back + 3.0, back + 11.0), z0, z1)
      self._add(house, 9.0, partial(buildings.building, canvas, light, rng, house))
    for _ in range(int(rng.integers(1, 3))):
      x, z = side.sign * (back + rng.uniform(0.3, 1.7)), float(rng.uniform(z0 + 0.5, z1 - 0.5))
      trunk = (x - 0.2, x + 0.2, z - 0.2, z + 0.2)
      self._add(
        trunk, 3.0, partial(plants.tree, canvas, light, rng, np.array([x, 0.0, z])), covers=False
      )

  def _end(self) -> None:
    """Houses across the end of the street, or far away the skyline."""
    rng = self.rng
    z = self.street.end + 3.0 if self.street.end < FAR else FAR - 30.0
    x = -0.75 * z
    while x < 0.75 * z:
      width = rng.uniform(8.0, 18.0)
      block = (x, x + width, z, z + 8.0)
      if rng.random() < 0.7:
        self._add(block, 0.0, partial(buildings.building, self.canvas, self.light, rng, block))
      else:
        low = (x, x + width, z, z + 2.0)
        self._add(
          low, 0.0, partial(plants.hedge, self.canvas, self.light, rng, low, rng.uniform(3.0, 7.0))
        )
      x += width
