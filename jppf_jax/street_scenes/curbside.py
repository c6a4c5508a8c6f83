"""The objects along the curb: trees, lamps, traffic lights, signs, bollards, railings, and clutter
that is void.

Measures are metres. Shares are chosen by eye to look like Cityscapes.
"""

from collections.abc import Callable
from functools import partial

import numpy as np

from jppf_jax.street_scenes import furniture, plants, signals, walls
from jppf_jax.street_scenes.camera import Real
from jppf_jax.street_scenes.canvas import Canvas
from jppf_jax.street_scenes.items import Ground, Item
from jppf_jax.street_scenes.light import ANY_HUE, ColourRange, Light, sample_colour
from jppf_jax.street_scenes.street import Side, Street

# Room for a pole: half of its block, the gap, and the share of its width that must be visible.
POLE_HALF, POLE_GAP, POLE_SEEN, POLE_SHADOW = 0.15, 0.15, 0.5, 2.5  # shadow: height of its source
CROSSING_GAP = 0.3  # free on both sides of a crossing street

# Traffic lights: places along the street.
LIGHTS_FROM_CROSSING = 0.8  # on both sides of a crossing street
LIGHTS_BEFORE_ZEBRA, LIGHTS_AFTER_ZEBRA = 0.5, 3.5  # both from the zebra's start
FREE_LIGHTS = 0.5  # share of streets without crossing and zebra
FREE_LIGHT_DISTANCES = ((7.0, 14.0), (9.0, 18.0))
ARMS, ARM_REACH = 0.35, (2.5, 4.0)  # share of traffic lights with an arm over the road
LIGHTS_PRESENT = 0.8  # share of these places that have a traffic light
LIGHT_FROM_CURB = (0.3, 0.6)

# Signs.
SIGNS, SIGN_TRIES = (0, 3), 6  # per side; the upper limit is excluded
SMALL_SIGNS = 0.7  # share of signs; the others are signposts
SIGN_FROM_CURB, SIGN_DISTANCE, SIGN_HALF = (0.3, 1.2), (6.0, 18.0), 0.4

# Rows along the curb: first one, last possible one, distance between them.
LAMP_START, LAMP_END, LAMP_PITCH, LAMP_FROM_CURB = (6.0, 14.0), 80.0, (14.0, 22.0), 0.45
TREES = 0.3  # share of sides
TREE_START, TREE_END, TREE_PITCH, TREE_FROM_CURB = (8.0, 15.0), 80.0, (9.0, 14.0), 0.8
BOLLARDS = 0.25  # share of sides
BOLLARD_START, BOLLARD_END, BOLLARD_PITCH, BOLLARD_FROM_CURB = 6.5, 22.0, (1.6, 2.5), 0.25
BOLLARD_COLOUR = ColourRange(ANY_HUE, (0.0, 0.6), (0.2, 0.8))

# Railings that keep pedestrians off the road.
RAILINGS = 0.3  # share of sides without bollards
RAILING_START, RAILING_LENGTH = (6.0, 12.0), (3.0, 9.0)
RAILING_FROM, RAILING_TO, RAILING_GAP = 0.2, 0.28, 0.1  # from the curb; gap: free around

# Clutter.
CLUTTER, CLUTTER_TRIES = (0, 3), 4  # per side; the upper limit is excluded
CLUTTER_FROM_VERGE, CLUTTER_FROM_EDGE, CLUTTER_DISTANCE = 0.8, 0.3, (6.0, 20.0)


class Curbside:
  """Collects the objects along both curbs, where the road users have left room."""

  def __init__(
    self, canvas: Canvas, light: Light, rng: np.random.Generator, street: Street, ground: Ground
  ):
    self.canvas, self.light, self.rng, self.street, self.ground = canvas, light, rng, street, ground
    self.items: list[Item] = []

  def furnish(self) -> list[Item]:
    """Returns all objects of both sides."""
    self._traffic_lights()
    for side in (self.street.left, self.street.right):
      self._signs(side)
      self._lamps(side)
      if self.rng.random() < TREES:
        self._trees(side)
      if self.rng.random() < BOLLARDS:
        self._bollards(side)
      elif self.rng.random() < RAILINGS:
        self._railing(side)
      self._clutter(side)
    return self.items

  def _near(self, low: Real, high: Real) -> float:
    """A distance, small ones more often (uniform in its logarithm)."""
    return float(np.exp(self.rng.uniform(np.log(low), np.log(high))))

  def _row(self, start: Real, end: Real, pitch: Real) -> list[float]:
    return np.arange(start, end, pitch).tolist()

  def _free(self, z: Real) -> bool:
    if z >= self.street.end:
      return False
    crossing = self.street.crossing
    return crossing is None or not crossing[0] - CROSSING_GAP < z < crossing[1] + CROSSING_GAP

  def _post(
    self,
    x: Real,
    z: Real,
    draw: Callable[..., None],
    *,
    half: Real = POLE_HALF,
    seen: Real = POLE_SEEN,
  ) -> bool:
    """Adds an object on a pole if it is in the image, not hidden, and the place is free; returns
    whether it was added.
    """
    block = (x - half, x + half, z - half, z + half)
    if not self._free(z) or not self.ground.fits(block, gap=POLE_GAP, seen=seen):
      return False
    self.ground.occupy(block, covers=False)
    position = np.array([x, 0.0, z])
    self.items.append(Item(block, POLE_SHADOW, partial(draw, position=position)))
    return True

  def _traffic_lights(self) -> None:
    """Adds them on the corners of a crossing, or at a zebra; without either, sometimes anywhere."""
    rng, street = self.rng, self.street
    if street.crossing:
      start, end = street.crossing
      distances = [start - LIGHTS_FROM_CROSSING, end + LIGHTS_FROM_CROSSING]
    elif street.zebra is not None:
      distances = [street.zebra - LIGHTS_BEFORE_ZEBRA, street.zebra + LIGHTS_AFTER_ZEBRA]
    elif rng.random() < FREE_LIGHTS:
      distances = [self._near(*limits) for limits in FREE_LIGHT_DISTANCES]
    else:
      return
    for side in (street.right, street.left):
      for z in distances:
        reach = -side.sign * rng.uniform(*ARM_REACH) if rng.random() < ARMS else None
        draw = partial(signals.traffic_light, self.canvas, self.light, rng, over_road=reach)
        if rng.random() < LIGHTS_PRESENT:
          self._post(side.sign * (side.curb + rng.uniform(*LIGHT_FROM_CURB)), z, draw)

  def _signs(self, side: Side) -> None:
    rng = self.rng
    for _ in range(int(rng.integers(*SIGNS))):
      sign = signals.traffic_sign if rng.random() < SMALL_SIGNS else signals.signpost
      draw = partial(sign, self.canvas, self.light, rng)
      for _ in range(SIGN_TRIES):
        x = side.sign * (side.curb + rng.uniform(*SIGN_FROM_CURB))
        if self._post(x, self._near(*SIGN_DISTANCE), draw, half=SIGN_HALF):
          break

  def _lamps(self, side: Side) -> None:
    rng, towards = self.rng, float(-side.sign)
    draw = partial(furniture.lamp_post, self.canvas, self.light, rng, towards=towards)
    for z in self._row(rng.uniform(*LAMP_START), LAMP_END, rng.uniform(*LAMP_PITCH)):
      self._post(side.sign * (side.curb + LAMP_FROM_CURB), z, draw)

  def _trees(self, side: Side) -> None:
    rng = self.rng
    draw = partial(plants.tree, self.canvas, self.light, rng)
    for z in self._row(rng.uniform(*TREE_START), TREE_END, rng.uniform(*TREE_PITCH)):
      self._post(side.sign * (side.curb + TREE_FROM_CURB), z, draw, seen=0.0)

  def _bollards(self, side: Side) -> None:
    colour = sample_colour(self.rng, BOLLARD_COLOUR)
    draw = partial(furniture.bollard, self.canvas, self.light, colour=colour)
    for z in self._row(BOLLARD_START, BOLLARD_END, self.rng.uniform(*BOLLARD_PITCH)):
      self._post(side.sign * (side.curb + BOLLARD_FROM_CURB), z, draw)

  def _railing(self, side: Side) -> None:
    """Adds a fence that keeps pedestrians off the road."""
    rng = self.rng
    start = rng.uniform(*RAILING_START)
    end = start + rng.uniform(*RAILING_LENGTH)
    block = (*side.span(side.curb + RAILING_FROM, side.curb + RAILING_TO), start, end)
    free = all(self._free(z) for z in (start, end, (start + end) / 2))
    if free and self.ground.fits(block, gap=RAILING_GAP):
      self.ground.occupy(block, covers=False)
      draw = partial(walls.fence, self.canvas, self.light, rng, block)
      self.items.append(Item(block, 0.0, draw))

  def _clutter(self, side: Side) -> None:
    rng = self.rng
    draw = partial(furniture.clutter, self.canvas, self.light, rng)
    low, high = side.verge + CLUTTER_FROM_VERGE, side.sidewalk - CLUTTER_FROM_EDGE
    for _ in range(int(rng.integers(*CLUTTER))):
      for _ in range(CLUTTER_TRIES):
        x = side.sign * rng.uniform(low, high)
        if self._post(x, self._near(*CLUTTER_DISTANCE), draw):
          break
