"""Daylight of a scene, and the colours of what people paint, wear and build.

Colours are chosen by eye to look like Cityscapes. HSV components are in 0..1.
"""

import colorsys
import dataclasses
import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from jppf_jax.street_scenes.camera import Real
from jppf_jax.street_scenes.canvas import Colour

Range = tuple[Real, Real]  # smallest and largest value; samples are uniform


class ColourRange(NamedTuple):
  """HSV ranges of a sampled colour; a plain number is fixed and takes no random number."""

  hue: Range | Real
  saturation: Range | Real
  value: Range | Real


ANY_HUE = (0.0, 1.0)

# Weather and time of day.
OVERCAST = 0.45  # share of scenes
LOW_SUN = 0.25  # share of sunny scenes with a warm horizon
SUN_ELEVATION = (0.45, 1.1)  # radians above the horizon
FROM_ABOVE = 0.12  # brightness added to a surface that faces the zenith

# A sky covered by clouds: no direct sun and no cast shadows.
OVERCAST_AMBIENT, OVERCAST_DIFFUSE = 0.85, 0.15
OVERCAST_HUE = 0.58
OVERCAST_SKY_SATURATION = (0.0, 0.1)
OVERCAST_HAZE_SATURATION = (0.0, 0.06)
OVERCAST_GREY = (0.7, 0.92)  # HSV value of the sky
OVERCAST_HORIZON = 1.05  # brightness of the horizon relative to the sky
OVERCAST_CLOUDS = (0.5, 1.0)
OVERCAST_HAZE_DISTANCE = (90.0, 220.0)  # metres

# A sunny day.
SUNNY_AMBIENT, SUNNY_DIFFUSE = 0.68, 0.42
SUNNY_SKY = ColourRange(0.58, (0.3, 0.6), (0.75, 0.95))
SUNNY_HAZE = ColourRange(0.57, (0.05, 0.2), 0.95)
WARM_HAZE = ColourRange(0.09, 0.2, 0.95)
SUNNY_SHADOW = (0.3, 0.5)  # how much darker a cast shadow is
SUNNY_CLOUDS = (0.0, 0.6)
SUNNY_HAZE_DISTANCE = (120.0, 350.0)  # metres

# Car paint: half of the cars are white, silver, grey or black.
GREY_PAINT = 0.5  # share of cars
GREY_PAINT_HUE = 0.6
GREY_PAINT_SATURATION = (0.0, 0.08)
GREY_PAINT_VALUES = (0.12, 0.22, 0.4, 0.6, 0.75, 0.9)
GREY_PAINT_SPREAD = (-0.05, 0.05)  # around these values
BRIGHT_PAINT = ColourRange(ANY_HUE, (0.5, 0.95), (0.3, 0.85))

# Cloth, skin and plaster.
DULL_CLOTH = 0.4  # share of clothes with little colour
DULL_SATURATION, VIVID_SATURATION = (0.0, 0.2), (0.3, 0.9)
CLOTH_VALUE = (0.12, 0.92)
SKIN = ColourRange((0.05, 0.09), (0.3, 0.55), (0.42, 0.95))
OCHRE_SHARE, BRICK_SHARE = 0.45, 0.25  # of facades; the rest is grey
OCHRE = ColourRange((0.06, 0.14), (0.08, 0.3), (0.6, 0.85))
BRICK = ColourRange((0.01, 0.06), (0.35, 0.55), (0.4, 0.65))
GREY_PLASTER = ColourRange((0.5, 0.7), (0.02, 0.12), (0.4, 0.8))


@dataclasses.dataclass(frozen=True)
class Light:
  """Where the light comes from.

  Attributes:
    direction: unit vector towards the sun, world axes.
    ambient: light that reaches every surface.
    diffuse: light of the sun on a surface that faces it.
    shadow: how much darker a cast shadow is, 0 under clouds.
    sky: colour overhead.
    haze: colour at the horizon; far objects take this colour.
    haze_distance: metres at which two thirds are haze.
    clouds: 0 clear .. 1 covered.
  """

  direction: Float[np.ndarray, "3"]
  ambient: Real
  diffuse: Real
  shadow: Real
  sky: Colour
  haze: Colour
  haze_distance: Real
  clouds: Real

  def on(self, colour: Colour, normal: Float[np.ndarray, "3"]) -> Colour:
    """Returns a colour on a surface with this normal."""
    return tint(colour, self.falling_on(normal))

  def falling_on(self, normal: Float[np.ndarray, "3"]) -> float:
    """Returns the brightness of a white surface with this normal."""
    facing_sun = max(0.0, float(normal @ self.direction))
    facing_up = float(normal[1])
    return self.ambient + self.diffuse * facing_sun + FROM_ABOVE * facing_up

  def partly_sunlit(self, share: Real) -> float:
    """Returns the brightness of a white surface that gets this share of the sun's light."""
    return self.ambient + share * self.diffuse


def tint(colour: Colour, factor: Real) -> Colour:
  """Returns a darker (`factor` < 1) or brighter colour, limited to 0..1."""
  red, green, blue = colour
  return min(1.0, red * factor), min(1.0, green * factor), min(1.0, blue * factor)


def blend(first: Colour, second: Colour, share: Real) -> Colour:
  """Returns the first colour mixed with a `share` in 0..1 of the second."""
  red, green, blue = (a + (b - a) * share for a, b in zip(first, second))
  return red, green, blue


def hsv(hue: Real, saturation: Real, value: Real) -> Colour:
  """Returns the colour of a hue (any number, period 1), saturation and value."""
  return colorsys.hsv_to_rgb(hue % 1.0, saturation, value)


def sample_colour(rng: np.random.Generator, ranges: ColourRange) -> Colour:
  """Samples hue, saturation and value, in this order."""
  hue, saturation, value = (_component(rng, component) for component in ranges)
  return hsv(hue, saturation, value)


def _component(rng: np.random.Generator, component: Range | Real) -> Real:
  return rng.uniform(*component) if isinstance(component, tuple) else component


def sample_light(rng: np.random.Generator) -> Light:
  """Samples a sunny, hazy or overcast day, morning to evening."""
  overcast = rng.random() < OVERCAST
  elevation, azimuth = rng.uniform(*SUN_ELEVATION), rng.uniform(-math.pi, math.pi)
  level = math.cos(elevation)
  right, ahead = level * math.sin(azimuth), level * math.cos(azimuth)
  direction = np.array([right, math.sin(elevation), ahead])
  return _overcast_light(rng, direction) if overcast else _sunny_light(rng, direction)


def _overcast_light(rng: np.random.Generator, direction: Float[np.ndarray, "3"]) -> Light:
  grey = rng.uniform(*OVERCAST_GREY)
  sky = hsv(OVERCAST_HUE, rng.uniform(*OVERCAST_SKY_SATURATION), grey)
  clouds = rng.uniform(*OVERCAST_CLOUDS)
  horizon = min(1.0, grey * OVERCAST_HORIZON)
  haze = hsv(OVERCAST_HUE, rng.uniform(*OVERCAST_HAZE_SATURATION), horizon)
  distance = rng.uniform(*OVERCAST_HAZE_DISTANCE)
  return Light(direction, OVERCAST_AMBIENT, OVERCAST_DIFFUSE, 0.0, sky, haze, distance, clouds)


def _sunny_light(rng: np.random.Generator, direction: Float[np.ndarray, "3"]) -> Light:
  warm = rng.random() < LOW_SUN
  sky = sample_colour(rng, SUNNY_SKY)
  haze = sample_colour(rng, WARM_HAZE if warm else SUNNY_HAZE)
  shadow = rng.uniform(*SUNNY_SHADOW)
  distance, clouds = rng.uniform(*SUNNY_HAZE_DISTANCE), rng.uniform(*SUNNY_CLOUDS)
  return Light(direction, SUNNY_AMBIENT, SUNNY_DIFFUSE, shadow, sky, haze, distance, clouds)


def car_paint(rng: np.random.Generator) -> Colour:
  """Samples the colour of a car: often white, silver, grey or black, else any."""
  if rng.random() < GREY_PAINT:
    saturation = rng.uniform(*GREY_PAINT_SATURATION)
    grey = float(rng.choice(GREY_PAINT_VALUES))
    return hsv(GREY_PAINT_HUE, saturation, grey + rng.uniform(*GREY_PAINT_SPREAD))
  return sample_colour(rng, BRIGHT_PAINT)


def cloth(rng: np.random.Generator) -> Colour:
  """Samples the colour of clothes: any, many of them dark, grey or pale."""
  dull = rng.random() < DULL_CLOTH
  saturation = rng.uniform(*(DULL_SATURATION if dull else VIVID_SATURATION))
  return hsv(rng.random(), saturation, rng.uniform(*CLOTH_VALUE))


def skin(rng: np.random.Generator) -> Colour:
  """Samples the colour of a skin, from dark to pale."""
  return sample_colour(rng, SKIN)


def plaster(rng: np.random.Generator) -> Colour:
  """Samples the colour of a facade: pale, ochre, brick or grey."""
  kind = rng.random()
  if kind < OCHRE_SHARE:
    return sample_colour(rng, OCHRE)
  if kind < OCHRE_SHARE + BRICK_SHARE:
    return sample_colour(rng, BRICK)
  return sample_colour(rng, GREY_PLASTER)
