"""What lines a street: houses, walls, fences, hedges, trees along the curb, and the poles on it."""

from functools import partial

import numpy as np

from jppf_jax.input_pipeline.synthetic import buildings, furniture, plants
from jppf_jax.input_pipeline.synthetic.canvas import Canvas
from jppf_jax.input_pipeline.synthetic.items import Block, Ground, Item
from jppf_jax.input_pipeline.synthetic.light import Light, hsv
from jppf_jax.input_pipeline.synthetic.street import FAR, Side, Street

_KINDS = ("building", "wall", "fence", "park")


class Frontage:
  """Collects the items that line a street."""

  def __init__(self, canvas: Canvas, light: Light, rng: np.random.Generator, street: Street, ground: Ground):
    self.canvas, self.light, self.rng, self.street, self.ground = canvas, light, rng, street, ground
    self.items: list[Item] = []

  def line(self) -> list[Item]:
    """Everything, for both sides and the end of the street."""
    first = self.rng.permutation(_KINDS)  # the two sides begin differently, so that all kinds are seen often
    for side, kinds in ((self.street.left, first[:2]), (self.street.right, first[2:])):
      self._side(side, list(kinds))
      self._curb(side)
    self._end()
    return self.items

  def _add(self, block: Block, height: float, draw) -> None:
    self.items.append(Item(block, height, draw))

  def _side(self, side: Side, first: list[str]) -> None:
    """Segments of 7 to 16 m; a crossing street leaves a gap."""
    z = self.rng.uniform(1.0, 5.0)
    crossing = self.street.crossing
    gap = (crossing[0] - 2.6, crossing[1] + 2.6) if crossing else (FAR, FAR)
    while z < min(self.street.end, 110.0):
      end = min(z + self.rng.uniform(7.0, 16.0), self.street.end)
      if z < gap[0] < end:
        end = gap[0]
      elif gap[0] <= z < gap[1]:
        z = gap[1]
        continue
      if end - z > 2.5:
        visible = self.canvas.camera.visible_range(end)
        near = side.front < (visible[1] if side.sign > 0 else -visible[0])
        if near and first:
          kind = first.pop(0)
        else:
          kind = str(self.rng.choice(_KINDS, p=[0.55, 0.12, 0.13, 0.2]))
        self._segment(side, kind, z, end)
      z = end + (self.rng.uniform(0.0, 2.0) if self.rng.random() < 0.3 else 0.0)

  def _segment(self, side: Side, kind: str, z0: float, z1: float) -> None:
    rng, canvas, light = self.rng, self.canvas, self.light
    deep = (*side.span(side.front, side.front + 9.0), z0, z1)
    if kind == "building":
      self._add(deep, 9.0, partial(buildings.building, canvas, light, rng, deep))
      return
    thin = (*side.span(side.front, side.front + 0.25), z0, z1)
    if kind == "wall":
      self._add(thin, 2.2, partial(buildings.wall, canvas, light, rng, thin))
    elif kind == "fence":
      self._add(thin, 0.0, partial(buildings.fence, canvas, light, rng, thin))
    back = side.front + rng.uniform(3.0, 6.0)
    if kind == "park" or rng.random() < 0.35:
      height = rng.uniform(0.8, 1.6) if kind == "park" else rng.uniform(1.5, 3.5)
      bushes = (*side.span(back - 1.5, back - 0.2), z0, z1)
      self._add(bushes, height, partial(plants.hedge, canvas, light, rng, bushes, height))
    if rng.random() < 0.6:
      house = (*side.span(back + 3.0, back + 11.0), z0, z1)
      self._add(house, 9.0, partial(buildings.building, canvas, light, rng, house))
    for _ in range(int(rng.integers(1, 3))):
      distance, z = back + rng.uniform(0.3, 1.7), rng.uniform(z0 + 0.5, z1 - 0.5)
      self._tree(side.sign * distance, z)

  def _tree(self, x: float, z: float) -> None:
    block = (x - 0.2, x + 0.2, z - 0.2, z + 0.2)
    self.ground.occupy(block, covers=False)
    position = np.array([x, 0.0, z])
    self._add(block, 3.0, partial(plants.tree, self.canvas, self.light, self.rng, position))

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
        self._add(low, 0.0, partial(plants.hedge, self.canvas, self.light, rng, low, rng.uniform(3.0, 7.0)))
      x += width

  def _curb(self, side: Side) -> None:
    """Trees, lamps, bollards, lights, signs and clutter near the curb."""
    rng, canvas, light = self.rng, self.canvas, self.light
    x = side.sign * (side.curb + 0.45)
    if rng.random() < 0.4:
      for z in np.arange(rng.uniform(7.0, 14.0), 90.0, rng.uniform(8.0, 13.0)):
        if self._free(z):
          self._tree(x, float(z))
    for z in np.arange(rng.uniform(6.0, 14.0), 80.0, rng.uniform(14.0, 22.0)):
      self._post(x, float(z), partial(furniture.lamp_post, canvas, light, rng, towards=-side.sign))
    if self.street.crossing and rng.random() < 0.85:
      z = self.street.crossing[0] - 0.8 if side.sign > 0 or rng.random() < 0.5 else self.street.crossing[1] + 0.8
      reach = -side.sign * rng.uniform(2.5, 4.0) if rng.random() < 0.4 else None
      self._post(x, z, partial(furniture.traffic_light, canvas, light, rng, over_road=reach))
    elif rng.random() < 0.3:
      z = self.street.zebra or rng.uniform(7.0, 16.0)
      self._post(x, z, partial(furniture.traffic_light, canvas, light, rng))
    for _ in range(int(rng.integers(0, 3))):
      draw = furniture.traffic_sign if rng.random() < 0.75 else furniture.signpost
      self._post(x, float(np.exp(rng.uniform(np.log(6.5), np.log(22.0)))), partial(draw, canvas, light, rng))
    if rng.random() < 0.3:
      colour = hsv(rng.random(), rng.uniform(0, 0.6), rng.uniform(0.2, 0.8))
      for z in np.arange(7.0, 22.0, rng.uniform(1.6, 2.5)):
        self._post(side.sign * (side.curb + 0.25), float(z), partial(furniture.bollard, canvas, light, colour=colour))
    for _ in range(int(rng.integers(0, 3))):
      x = side.sign * rng.uniform(side.verge + 0.8, side.sidewalk - 0.3)
      self._post(
        x, float(np.exp(rng.uniform(np.log(7.0), np.log(25.0)))), partial(furniture.clutter, canvas, light, rng)
      )

  def _free(self, z: float) -> bool:
    crossing = self.street.crossing
    return z < self.street.end and (crossing is None or not crossing[0] - 0.3 < z < crossing[1] + 0.3)

  def _post(self, x: float, z: float, draw) -> None:
    """Something on a pole, where it is in the image and nothing stands yet."""
    block = (x - 0.15, x + 0.15, z - 0.15, z + 0.15)
    if self._free(z) and self.ground.fits(block):
      self.ground.occupy(block, covers=False)
      self._add(block, 2.5, partial(draw, position=np.array([x, 0.0, z])))
