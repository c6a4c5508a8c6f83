"""Colours that are told apart: one that looks like another is replaced.

RGB, 0..255. How different two colours look is CIEDE2000, a distance in CIELAB: 2 is just seen side
by side, 100 is black beside white.
"""

import colorsys
from itertools import product

import numpy as np
from jaxtyping import Float64, UInt8
from skimage import color

LEAST = 16.0
"""The difference that colours have at least, as long as there is room: for about 30 colours."""
_BACKDROP = np.array([[grey] * 3 for grey in (0, 48, 96)], np.uint8)  # void, hatched; no part
_SHADES = product(range(24), (0.35, 0.6, 0.9), (0.4, 0.6, 0.8, 1.0))  # hue, saturation, value
_PURE = [colorsys.hsv_to_rgb(hue / 24, *strength) for hue, *strength in _SHADES]
_GREYS = [(grey / 255,) * 3 for grey in (150, 200, 250)]
_CHOICE = np.round(255 * np.array(_PURE + _GREYS)).astype(np.uint8)


def apart(
  wanted: UInt8[np.ndarray, "N 3"], taken: UInt8[np.ndarray, "M 3"]
) -> UInt8[np.ndarray, "N 3"]:
  """Returns the wanted colours; those that look like another one are replaced.

  One after the other: a colour that differs by less than `LEAST` from one that is taken, from void
  or from an earlier result becomes the one that differs most from all of these.

  Args:
    wanted: in their order; a result depends on earlier ones only.
    taken: colours that stay.
  """
  choice, used = _lab(_CHOICE), _lab(np.concatenate([_BACKDROP, taken]))
  nearest = _difference(choice, used).min(1)  # of each choice to what is used
  result = wanted.copy()
  for index, place in enumerate(_lab(wanted)[:, None]):  # place: [1, 3]
    if _difference(used, place).min() < LEAST:
      farthest = int(nearest.argmax())
      result[index], place = _CHOICE[farthest], choice[[farthest]]
    used = np.concatenate([used, place])
    nearest = np.minimum(nearest, _difference(choice, place)[:, 0])
  return result


def _lab(colors: UInt8[np.ndarray, "N 3"]) -> Float64[np.ndarray, "N 3"]:
  return np.asarray(color.rgb2lab(colors / 255), np.float64)


def _difference(
  first: Float64[np.ndarray, "N 3"], second: Float64[np.ndarray, "M 3"]
) -> Float64[np.ndarray, "N M"]:
  """Of each colour of CIELAB to each other one."""
  return np.asarray(color.deltaE_ciede2000(first[:, None], second[None]))
