"""Colours: of classes and parts as the label spec says, of instances as shades of their class, of
numbers as heat.
"""

import colorsys

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from jppf_jax.labels.spec import LabelSpec
from jppf_jax.structs import Array

_HUES = (
  0.0,
  0.055,
  -0.055,
  0.028,
  -0.028,
  0.08,
  -0.08,
)  # 7 hues x 4 strengths: 28 instances before a shade returns
_STRENGTHS = ((0.80, 0.95), (0.45, 1.00), (0.95, 0.62), (0.60, 0.78))  # saturation, value
_HEAT = (
  (20, 11, 53),
  (88, 15, 109),
  (159, 42, 99),
  (212, 72, 66),
  (245, 125, 21),
  (250, 193, 39),
  (252, 255, 164),
)


def class_colors(spec: LabelSpec) -> UInt8[np.ndarray, "256 3"]:
  """Returns the colour of every train id; black for void and for ids that the spec does not have."""
  table = np.zeros((256, 3), np.uint8)
  table[: spec.num_classes] = spec.colors
  return table


def part_colors(spec: LabelSpec) -> UInt8[np.ndarray, "256 3"]:
  """Returns the colour of every part channel; dark grey for the background, black for unknown
  parts.
  """
  table = np.zeros((256, 3), np.uint8)
  table[: spec.num_parts] = spec.part_colors
  table[0] = 48
  return table


def instance_color(base: UInt8[np.ndarray, "3"], index: int) -> UInt8[np.ndarray, "3"]:
  """Returns the shade of an instance: a hue close to that of its class, a strength unlike that of
  its neighbours.

  Args:
    base: colour of the class; only its hue is used, so that dark classes can be told apart too.
    index: number of the instance within its class, from 0.
  """
  hue, saturation, _ = colorsys.rgb_to_hsv(*(base.astype(float) / 255))
  strength, value = _STRENGTHS[index % len(_STRENGTHS)]
  shade = colorsys.hsv_to_rgb(
    (hue + _HUES[index % len(_HUES)]) % 1, strength if saturation > 0.1 else 0.1, value
  )
  return np.round(255 * np.array(shade)).astype(np.uint8)


def heat(
  values: Float[Array, "H W"] | Int[Array, "H W"],
  low: float | int | None = None,
  high: float | int | None = None,
) -> UInt8[np.ndarray, "H W 3"]:
  """Returns numbers as colours from dark violet (`low`) to light yellow (`high`); grey where they
  are not finite.

  Args:
    values: e.g. logits or probabilities.
    low: what is darkest; by default the smallest finite value.
    high: what is lightest; by default the largest.
  """
  values = np.asarray(values, np.float64)
  finite = np.isfinite(values)
  known = values[finite] if finite.any() else np.zeros(1)
  low, high = known.min() if low is None else low, known.max() if high is None else high
  share = np.clip((np.where(finite, values, low) - low) / max(high - low, 1e-12), 0, 1)
  anchors = np.array(_HEAT, np.float64)
  channels = [np.interp(share, np.linspace(0, 1, len(anchors)), anchors[:, c]) for c in range(3)]
  return np.where(finite[..., None], np.round(np.stack(channels, -1)), 128).astype(np.uint8)


def hatch(size: tuple[int, int], *, period: int = 12) -> UInt8[np.ndarray, "H W 3"]:
  """Returns diagonal grey stripes on black, the sign of void and of unknown parts; for an image of
  height and width.
  """
  y, x = np.ogrid[: size[0], : size[1]]
  stripe: Bool[np.ndarray, "H W"] = (x + y) % period < max(1, period // 4)
  return np.where(stripe[..., None], 96, 0).astype(np.uint8).repeat(3, axis=-1)
