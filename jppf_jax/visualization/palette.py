"""Colours of classes and parts (from the label spec), of instances, and of numbers (heat)."""

import colorsys

import numpy as np
from jaxtyping import Float, Int, UInt8

from jppf_jax.labels.spec import LabelSpec
from jppf_jax.structs import Array

# Shades of instances, 7 hues x 4 strengths: 28 instances before a shade returns.
_HUES = (0.0, 0.055, -0.055, 0.028, -0.028, 0.08, -0.08)
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
NOT_FINITE = 128  # grey of values that are not finite


def class_colors(spec: LabelSpec) -> UInt8[np.ndarray, "256 3"]:
  """Returns the colour of each train id; black for void and ids that the spec does not have."""
  table = np.zeros((256, 3), np.uint8)
  table[: spec.num_classes] = spec.colors
  return table


def part_colors(spec: LabelSpec) -> UInt8[np.ndarray, "256 3"]:
  """Returns the colour of each part channel; background is dark grey, unknown parts are black."""
  table = np.zeros((256, 3), np.uint8)
  table[: spec.num_parts] = spec.part_colors
  table[0] = 48
  return table


def instance_color(base: UInt8[np.ndarray, "3"], index: int) -> UInt8[np.ndarray, "3"]:
  """Returns the shade of an instance.

  Its hue is close to that of the class, its strength differs from that of the next instance.

  Args:
    base: colour of the class; only its hue is used, so that instances of dark classes differ too.
    index: number of the instance within its class, from 0.
  """
  hue, base_saturation, _ = colorsys.rgb_to_hsv(*(base.astype(float) / 255))
  hue_shift = _HUES[index % len(_HUES)]
  saturation, value = _STRENGTHS[index % len(_STRENGTHS)]
  if base_saturation <= 0.1:  # a grey class has grey instances
    saturation = 0.1
  shade = colorsys.hsv_to_rgb((hue + hue_shift) % 1, saturation, value)
  return np.round(255 * np.array(shade)).astype(np.uint8)


def heat(
  values: Float[Array, "H W"] | Int[Array, "H W"],
  low: float | int | None = None,
  high: float | int | None = None,
) -> UInt8[np.ndarray, "H W 3"]:
  """Returns numbers as colours from dark violet (`low`) to light yellow (`high`).

  Values that are not finite are grey.

  Args:
    values: e.g. logits or probabilities.
    low: the darkest value; by default the smallest finite one.
    high: the lightest value; by default the largest finite one.
  """
  values = np.asarray(values, np.float64)
  finite = np.isfinite(values)
  low, high = finite_range(values, low, high)
  distance = np.where(finite, values, low) - low
  share = np.clip(distance / max(high - low, 1e-12), 0, 1)
  colors = np.array(_HEAT, np.float64)
  positions = np.linspace(0, 1, len(colors))
  channels = [np.interp(share, positions, channel) for channel in colors.T]
  picture = np.round(np.stack(channels, -1))
  return np.where(finite[..., None], picture, NOT_FINITE).astype(np.uint8)


def finite_range(
  values: Float[np.ndarray, "..."], low: float | int | None = None, high: float | int | None = None
) -> tuple[float, float]:
  """Returns `low` and `high`; the smallest and largest finite value (or 0) for None."""
  finite = values[np.isfinite(values)]
  if finite.size == 0:
    finite = np.zeros(1)
  low = float(finite.min()) if low is None else float(low)
  high = float(finite.max()) if high is None else float(high)
  return low, high


def hatch(size: tuple[int, int], *, period: int = 12) -> UInt8[np.ndarray, "H W 3"]:
  """Returns diagonal grey stripes on black, the sign of void and of unknown parts; read-only.

  Args:
    size: height and width.
    period: pixels from stripe to stripe; a quarter of it is grey.
  """
  height, width = size
  is_stripe = np.arange(height + width) % period < max(1, period // 4)
  line = np.where(is_stripe, 96, 0).astype(np.uint8)
  grey = np.lib.stride_tricks.sliding_window_view(line, width)[:height]  # row y starts at y
  return np.broadcast_to(grey[..., None], (height, width, 3))
