"""Colours that are told apart: one that looks like another is replaced.

RGB, 0..255. How different two colours look is CIEDE2000, a distance in CIELAB: 2 is just seen side
by side, 100 is black beside white. Written out here, because scikit-image's takes half a second to
import, and each run with a taxonomy of its own needs it; the tests compare the two.
"""

import colorsys
from itertools import product

import numpy as np
from jaxtyping import Float64, UInt8

LEAST = 16.0
"""The difference that colours have at least, as long as there is room: for about 30 colours."""
_BACKDROP = np.array([[grey] * 3 for grey in (0, 48, 96)], np.uint8)  # void, hatched; no part
_SHADES = product(range(24), (0.35, 0.6, 0.9), (0.4, 0.6, 0.8, 1.0))  # hue, saturation, value
_PURE = [colorsys.hsv_to_rgb(hue / 24, *strength) for hue, *strength in _SHADES]
_GREYS = [(grey / 255,) * 3 for grey in (150, 200, 250)]
_CHOICE = np.round(255 * np.array(_PURE + _GREYS)).astype(np.uint8)

_TO_XYZ = np.array(  # of linear RGB (sRGB)
  [
    [0.412453, 0.357580, 0.180423],
    [0.212671, 0.715160, 0.072169],
    [0.019334, 0.119193, 0.950227],
  ]
)
_WHITE = np.array([0.95047, 1.0, 1.08883])  # D65
_HIGH = 25.0**7


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
  choice, used = lab(_CHOICE), lab(np.concatenate([_BACKDROP, taken]))
  nearest = difference(choice[:, None], used).min(1)  # of each choice to what is used
  result = wanted.copy()
  for index, place in enumerate(lab(wanted)[:, None]):  # place: [1, 3]
    if difference(used, place).min() < LEAST:
      farthest = int(nearest.argmax())
      result[index], place = _CHOICE[farthest], choice[[farthest]]
    used = np.concatenate([used, place])
    nearest = np.minimum(nearest, difference(choice, place))
  return result


def lab(colors: UInt8[np.ndarray, "N 3"]) -> Float64[np.ndarray, "N 3"]:
  """Returns colours in CIELAB: lightness, green to red, blue to yellow."""
  stored = colors / 255
  bright = ((stored + 0.055) / 1.055) ** 2.4
  linear = np.where(stored > 0.04045, bright, stored / 12.92)
  share = linear @ _TO_XYZ.T / _WHITE
  dark = 7.787 * share + 16 / 116
  x, y, z = np.where(share > 0.008856, np.cbrt(share), dark).T
  return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], -1)


def difference(
  first: Float64[np.ndarray, "*N 3"], second: Float64[np.ndarray, "*M 3"]
) -> Float64[np.ndarray, "..."]:
  """Returns how different colours of CIELAB look; leading axes are broadcast.

  CIEDE2000 as Sharma, Wu & Dalal (2005) write it out, Eq. 2 to 22.
  """
  light1, a1, b1 = np.moveaxis(first, -1, 0)
  light2, a2, b2 = np.moveaxis(second, -1, 0)
  plain = np.hypot(a1, b1) + np.hypot(a2, b2)
  stretch = 1.5 - 0.5 * _saturated(plain / 2)
  chroma1, hue1 = _polar(stretch * a1, b1)
  chroma2, hue2 = _polar(stretch * a2, b2)
  has_hues = (chroma1 > 0) & (chroma2 > 0)
  short_way = (hue2 - hue1 + 180) % 360 - 180
  turn = np.where(has_hues, short_way, 0)
  middle = (hue1 + turn / 2) % 360
  hue = np.where(has_hues, middle, hue1 + hue2)
  light, chroma = (light1 + light2) / 2, (chroma1 + chroma2) / 2
  from_grey = (light - 50) ** 2
  of_light = 1 + 0.015 * from_grey / np.sqrt(20 + from_grey)
  of_chroma = 1 + 0.045 * chroma
  of_hue = 1 + 0.015 * chroma * _waves(hue)
  by_light = (light2 - light1) / of_light
  by_chroma = (chroma2 - chroma1) / of_chroma
  chord = 2 * np.sin(np.radians(turn / 2))
  by_hue = np.sqrt(chroma1 * chroma2) * chord / of_hue
  from_blue = (hue - 275) / 25
  angle = 60 * np.exp(-(from_blue**2))  # degrees
  rotation = -2 * _saturated(chroma) * np.sin(np.radians(angle))
  squared = by_light**2 + by_chroma**2 + by_hue**2
  squared = squared + rotation * by_chroma * by_hue
  return np.sqrt(np.maximum(squared, 0))


def _polar(
  a: Float64[np.ndarray, "..."], b: Float64[np.ndarray, "..."]
) -> tuple[Float64[np.ndarray, "..."], Float64[np.ndarray, "..."]]:
  """Returns chroma and hue, in degrees from 0."""
  degrees = np.degrees(np.arctan2(b, a))
  return np.hypot(a, b), degrees % 360


def _waves(hue: Float64[np.ndarray, "..."]) -> Float64[np.ndarray, "..."]:
  """Returns how much a turn of the hue counts less than on average, by hue."""
  waves = 1 - 0.17 * _cos(hue - 30)
  waves += 0.24 * _cos(2 * hue)
  waves += 0.32 * _cos(3 * hue + 6)
  waves -= 0.20 * _cos(4 * hue - 63)
  return waves


def _saturated(chroma: Float64[np.ndarray, "..."]) -> Float64[np.ndarray, "..."]:
  """Returns 0 for grey and almost 1 for pure colours."""
  high = chroma**7
  return np.sqrt(high / (high + _HIGH))


def _cos(degrees: Float64[np.ndarray, "..."]) -> Float64[np.ndarray, "..."]:
  return np.cos(np.radians(degrees))
