"""Daylight of a scene, and the colours of what people paint, wear and build."""

import colorsys
import dataclasses
import math

import numpy as np
from jaxtyping import Float

from jppf_jax.street_scenes.camera import Real
from jppf_jax.street_scenes.canvas import Colour


@dataclasses.dataclass(frozen=True)
class Light:
  """Where the light comes from.

  Attributes:
    direction: unit vector towards the sun, world axes.
    ambient: light that reaches every surface.
    diffuse: light of the sun on a surface that faces it.
    shadow: how much darker a cast shadow is, 0 under clouds.
    sky: colour overhead.
    haze: colour at the horizon, which distance turns everything into.
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
    """A colour on a surface with this normal."""
    return tint(colour, self.falling_on(normal))

  def falling_on(self, normal: Float[np.ndarray, "3"]) -> float:
    """Brightness of a white surface with this normal."""
    return (
      self.ambient
      + self.diffuse * max(0.0, float(normal @ self.direction))
      + 0.12 * float(normal[1])
    )


def tint(colour: Colour, factor: Real) -> Colour:
  """A colour made darker (`factor` < 1) or brighter, kept within 0..1."""
  red, green, blue = colour
  return min(1.0, red * factor), min(1.0, green * factor), min(1.0, blue * factor)


def blend(first: Colour, second: Colour, share: Real) -> Colour:
  """The first colour with a `share` in 0..1 of the second."""
  return (
    first[0] + (second[0] - first[0]) * share,
    first[1] + (second[1] - first[1]) * share,
    first[2] + (second[2] - first[2]) * share,
  )


def hsv(hue: Real, saturation: Real, value: Real) -> Colour:
  """Hue (any number, period 1), saturation and value as a colour."""
  return colorsys.hsv_to_rgb(hue % 1.0, saturation, value)


def sample_light(rng: np.random.Generator) -> Light:
  """Sunny, hazy or overcast, morning to evening."""
  overcast = rng.random() < 0.45
  elevation, azimuth = rng.uniform(0.45, 1.1), rng.uniform(-math.pi, math.pi)
  direction = np.array(
    [
      math.cos(elevation) * math.sin(azimuth),
      math.sin(elevation),
      math.cos(elevation) * math.cos(azimuth),
    ]
  )
  if overcast:
    grey = rng.uniform(0.7, 0.92)
    sky, clouds = hsv(0.58, rng.uniform(0, 0.1), grey), rng.uniform(0.5, 1.0)
    haze = hsv(0.58, rng.uniform(0, 0.06), min(1.0, grey * 1.05))
    return Light(direction, 0.85, 0.15, 0.0, sky, haze, rng.uniform(90, 220), clouds)
  warm = rng.random() < 0.25
  sky = hsv(0.58, rng.uniform(0.3, 0.6), rng.uniform(0.75, 0.95))
  haze = hsv(0.09, 0.2, 0.95) if warm else hsv(0.57, rng.uniform(0.05, 0.2), 0.95)
  shadow = rng.uniform(0.3, 0.5)
  return Light(
    direction, 0.68, 0.42, shadow, sky, haze, rng.uniform(120, 350), rng.uniform(0.0, 0.6)
  )


def car_paint(rng: np.random.Generator) -> Colour:
  """Mostly white, silver, grey and black, and every other colour."""
  if rng.random() < 0.5:
    return hsv(
      0.6,
      rng.uniform(0, 0.08),
      float(rng.choice([0.12, 0.22, 0.4, 0.6, 0.75, 0.9])) + rng.uniform(-0.05, 0.05),
    )
  return hsv(rng.random(), rng.uniform(0.5, 0.95), rng.uniform(0.3, 0.85))


def cloth(rng: np.random.Generator) -> Colour:
  """Any colour, many of them dark, grey or pale."""
  saturation = rng.uniform(0.0, 0.2) if rng.random() < 0.4 else rng.uniform(0.3, 0.9)
  return hsv(rng.random(), saturation, rng.uniform(0.12, 0.92))


def skin(rng: np.random.Generator) -> Colour:
  """From dark to pale."""
  return hsv(rng.uniform(0.05, 0.09), rng.uniform(0.3, 0.55), rng.uniform(0.42, 0.95))


def plaster(rng: np.random.Generator) -> Colour:
  """Facades: pale, ochre, brick or grey."""
  kind = rng.random()
  if kind < 0.45:
    return hsv(rng.uniform(0.06, 0.14), rng.uniform(0.08, 0.3), rng.uniform(0.6, 0.85))
  if kind < 0.7:
    return hsv(rng.uniform(0.01, 0.06), rng.uniform(0.35, 0.55), rng.uniform(0.4, 0.65))
  return hsv(rng.uniform(0.5, 0.7), rng.uniform(0.02, 0.12), rng.uniform(0.4, 0.8))
