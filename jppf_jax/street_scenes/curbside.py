"""What stands along the curb: trees, lamps, traffic lights, signs, bollards, railings, and clutter
that is void.
"""

from collections.abc import Callable
from functools import partial

import numpy as np

from jppf_jax.street_scenes import furniture, plants, signals, walls
from jppf_jax.street_scenes.camera import Real
from jppf_jax.street_scenes.canvas import Canvas
from jppf_jax.street_scenes.items import Ground, Item
from jppf_jax.street_scenes.light import Light, hsv
from jppf_jax.street_scenes.street import Side, Street


class Curbside:
  """Collects what stands along both curbs, where the road users have left room."""

  def __init__(
    self, canvas: Canvas, light: Light, rng: np.random.Generator, street: Street, ground: Ground
  ):
    self.canvas, self.light, self.rng, self.street, self.ground = canvas, light, rng, street, ground
    self.items: list[Item] = []

  def furnish(self) -> list[Item]:
    """Everything, for both sides."""
    self._traffic_lights()
    for side in (self.street.left, self.street.right):
      self._signs(side)
      self._lamps(side)
      if self.rng.random() < 0.3:
        self._trees(side)
      if self.rng.random() < 0.25:
        self._bollards(side)
      elif self.rng.random() < 0.3:
        self._railing(side)
      self._clutter(side)
    return self.items

  def _near(self, low: Real, high: Real) -> float:
    """A distance, small ones more often."""
    return float(np.exp(self.rng.uniform(np.log(low), np.log(high))))

  def _free(self, z: Real) -> bool:
    crossing = self.street.crossing
    return z < self.street.end and (
      crossing is None or not crossing[0] - 0.3 < z < crossing[1] + 0.3
    )

  def _post(
    self, x: Real, z: Real, draw: Callable[..., None], *, half: Real = 0.15, seen: Real = 0.5
  ) -> bool:
    """Something on a pole, where it is in the image, not hidden, and nothing stands yet; says
    whether it is.
    """
    block = (x - half, x + half, z - half, z + half)
    if not self._free(z) or not self.ground.fits(block, gap=0.15, seen=seen):
      return False
    self.ground.occupy(block, covers=False)
    self.items.append(Item(block, 2.5, partial(draw, position=np.array([x, 0.0, z]))))
    return True

  def _traffic_lights(self) -> None:
    """On the corners of a crossing, or before a zebra; without either now and then somewhere."""
    rng, street = self.rng, self.street
    if street.crossing:
      distances = [street.crossing[0] - 0.8, street.crossing[1] + 0.8]
    elif street.zebra is not None:
      distances = [street.zebra - 0.5, street.zebra + 3.5]
    elif rng.random() < 0.5:
      distances = [self._near(7.0, 14.0), self._near(9.0, 18.0)]
    else:
      return
    for side in (street.right, street.left):
      for z in distances:
        reach = -side.sign * rng.uniform(2.5, 4.0) if rng.random() < 0.35 else None
        draw = partial(signals.traffic_light, self.canvas, self.light, rng, over_road=reach)
        if rng.random() < 0.8:
          self._post(side.sign * (side.curb + rng.uniform(0.3, 0.6)), z, draw)

  def _signs(self, side: Side) -> None:
    rng = self.rng
    for _ in range(int(rng.integers(0, 3))):
      draw = signals.traffic_sign if rng.random() < 0.7 else signals.signpost
      for _ in range(6):
        x = side.sign * (side.curb + rng.uniform(0.3, 1.2))
        if self._post(
          x, self._near(6.0, 18.0), partial(draw, self.canvas, self.light, rng), half=0.4
        ):
          break

  def _lamps(self, side: Side) -> None:
    draw = partial(
      furniture.lamp_post, self.canvas, self.light, self.rng, towards=float(-side.sign)
    )
    for z in np.arange(self.rng.uniform(6.0, 14.0), 80.0, self.rng.uniform(14.0, 22.0)).tolist():
      self._post(side.sign * (side.curb + 0.45), z, draw)

  def _trees(self, side: Side) -> None:
    draw = partial(plants.tree, self.canvas, self.light, self.rng)
    for z in np.arange(self.rng.uniform(8.0, 15.0), 80.0, self.rng.uniform(9.0, 14.0)).tolist():
      self._post(side.sign * (side.curb + 0.8), z, draw, seen=0.0)

  def _bollards(self, side: Side) -> None:
    colour = hsv(self.rng.random(), self.rng.uniform(0, 0.6), self.rng.uniform(0.2, 0.8))
    draw = partial(furniture.bollard, self.canvas, self.light, colour=colour)
    for z in np.arange(6.5, 22.0, self.rng.uniform(1.6, 2.5)).tolist():
      self._post(side.sign * (side.curb + 0.25), z, draw)

  def _railing(self, side: Side) -> None:
    """A fence that keeps pedestrians off the road."""
    rng = self.rng
    start = rng.uniform(6.0, 12.0)
    end = start + rng.uniform(3.0, 9.0)
    if self._free(start) and self._free(end) and self._free((start + end) / 2):
      block = (*side.span(side.curb + 0.2, side.curb + 0.28), start, end)
      if self.ground.fits(block, gap=0.1):
        self.ground.occupy(block, covers=False)
        self.items.append(
          Item(block, 0.0, partial(walls.fence, self.canvas, self.light, rng, block))
        )

  def _clutter(self, side: Side) -> None:
    rng = self.rng
    for _ in range(int(rng.integers(0, 3))):
      for _ in range(4):
        x = side.sign * rng.uniform(side.verge + 0.8, side.sidewalk - 0.3)
        if self._post(
          x, self._near(6.0, 20.0), partial(furniture.clutter, self.canvas, self.light, rng)
        ):
          break
