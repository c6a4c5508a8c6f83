"""What all vehicles have in common: measures, glass, licence plates.

Measures are metres and chosen by eye, unless a comment says otherwise.
"""

import dataclasses

import numpy as np

from jppf_jax.street_scenes.camera import Real
from jppf_jax.street_scenes.canvas import Colour
from jppf_jax.street_scenes.classes import PLATE, WINDOW
from jppf_jax.street_scenes.light import ColourRange, blend, sample_colour
from jppf_jax.street_scenes.solids import Panel, Solid

TAIL: Colour = (0.75, 0.05, 0.05)
DARK: Colour = (0.08, 0.08, 0.09)
TINTED_GLASS = ColourRange((0.5, 0.62), (0.1, 0.35), (0.13, 0.4))

# The slanted reflection in a pane: places along its lower and its upper edge, shares of its width.
REFLECTION_LOW, REFLECTION_HIGH = (0.25, 0.45), (0.7, 0.5)
REFLECTION: Colour = (0.85, 0.9, 0.95)
REFLECTION_SHARE = 0.25  # share of this colour, the rest is glass

# Licence plates, larger than real ones (0.52 x 0.11), so that they are seen.
PLATE_HALF_WIDTH, PLATE_HEIGHT, PLATE_RIM = 0.29, 0.15, 0.02
WHITE_PLATES = 0.75  # share of plates; the others are yellow
WHITE_PLATE: Colour = (0.93, 0.93, 0.9)
YELLOW_PLATE: Colour = (0.9, 0.8, 0.25)
PLATE_RIM_COLOUR: Colour = (0.1, 0.1, 0.1)
CHARACTERS = (0, 1, 2, 4, 5, 6)  # places of the characters; a gap in the middle
CHARACTER_START, CHARACTER_PITCH, CHARACTER_WIDTH = 0.75, 0.23, 0.13  # shares of half the width
CHARACTER_EDGE = 0.03  # above and below
CHARACTER_COLOUR: Colour = (0.1, 0.1, 0.12)
LARGE_PLATE = 1.25  # scale of the plates of buses and trucks


@dataclasses.dataclass(frozen=True)
class Vehicle:
  """A body with its outer measures in metres."""

  solid: Solid
  length: Real
  width: Real
  height: Real


def tinted_glass(rng: np.random.Generator) -> Colour:
  """Samples the colour of a vehicle's windows."""
  return sample_colour(rng, TINTED_GLASS)


def pane(
  panel: Panel, a0: Real, b0: Real, a1: Real, b1: Real, glass: Colour, part: int = WINDOW
) -> None:
  """Adds a window with a slanted reflection."""
  panel.box(a0, b0, a1, b1, glass, part)
  width = a1 - a0
  low = tuple((a0 + share * width, b0) for share in REFLECTION_LOW)
  high = tuple((a0 + share * width, b1) for share in REFLECTION_HIGH)
  panel.add(low + high, blend(glass, REFLECTION, REFLECTION_SHARE), part)


def licence_plate(
  rng: np.random.Generator, panel: Panel, y: Real, z: Real, scale: Real = 1.0
) -> None:
  """Adds a licence plate with dark characters; `y` is its middle, `z` its lower edge."""
  half, high = PLATE_HALF_WIDTH * scale, PLATE_HEIGHT * scale
  white = rng.random() < WHITE_PLATES
  left, right, top = y - half, y + half, z + high
  rim = (left - PLATE_RIM, z - PLATE_RIM, right + PLATE_RIM, top + PLATE_RIM)
  panel.box(*rim, PLATE_RIM_COLOUR, PLATE)
  panel.box(left, z, right, top, WHITE_PLATE if white else YELLOW_PLATE, PLATE)
  edge = CHARACTER_EDGE * scale
  for k in CHARACTERS:
    start = y - CHARACTER_START * half + k * CHARACTER_PITCH * half
    end = start + CHARACTER_WIDTH * half
    panel.box(start, z + edge, end, top - edge, CHARACTER_COLOUR, PLATE)
