"""The table of EfficientNets (Tan & Le 2019), B0 to B7 and Lite0 to Lite4: one base net, scaled.

Differs from the paper: no squeeze-and-excitation, and leaky ReLU or ReLU6 in place of swish, as in
EfficientPS and in the Lite family.
"""

import dataclasses
import math

from jppf_jax.layers import Activation, leaky_relu, relu6


@dataclasses.dataclass(frozen=True)
class Stage:
  """Blocks of one width; the first of them has the stride.

  Attributes:
    kernel: side of the depthwise kernel.
    stride: of the first block.
    expansion: channels of the depthwise convolution per input channel; None for
      depthwise-separable blocks, which do not expand.
    channels: output channels.
    repeats: number of blocks.
  """

  kernel: int
  stride: int
  expansion: int | None
  channels: int
  repeats: int


@dataclasses.dataclass(frozen=True)
class Variant:
  """The numbers that define one EfficientNet.

  Attributes:
    stem: channels of the first convolution.
    stages: the seven groups of blocks.
    head: channels of the last convolution.
    activation: of all norms that are not linear.
    signed_scale: plain batch norm, without |scale| + epsilon.
    active_projection: whether the depthwise-separable blocks end with the activation.
  """

  stem: int
  stages: tuple[Stage, ...]
  head: int
  activation: Activation
  signed_scale: bool
  active_projection: bool


_BASE = (
  Stage(3, 1, None, 16, 1),
  Stage(3, 2, 6, 24, 2),
  Stage(5, 2, 6, 40, 2),
  Stage(3, 2, 6, 80, 3),
  Stage(5, 1, 6, 112, 3),
  Stage(5, 2, 6, 192, 4),
  Stage(3, 1, 6, 320, 1),
)
_STEM, _HEAD = 32, 1280

# multipliers of width and depth
_SCALES = {
  "b0": (1.0, 1.0),
  "b1": (1.0, 1.1),
  "b2": (1.1, 1.2),
  "b3": (1.2, 1.4),
  "b4": (1.4, 1.8),
  "b5": (1.6, 2.2),
  "b6": (1.8, 2.6),
  "b7": (2.0, 3.1),
  "lite0": (1.0, 1.0),
  "lite1": (1.0, 1.1),
  "lite2": (1.1, 1.2),
  "lite3": (1.2, 1.4),
  "lite4": (1.4, 1.8),
}
NAMES = tuple(_SCALES)
LITE_MEAN, LITE_STD = 127.0, 128.0  # ImageNet weights of the Lite family: (pixel - 127) / 128


def scaled_width(channels: float) -> int:
  """Returns the nearest multiple of 8, at least 8 and at most 10 % below `channels`."""
  nearest = int(channels + 4) // 8 * 8
  rounded = max(8, nearest)
  return rounded + 8 if rounded < 0.9 * channels else rounded


def variant(name: str, *, width: float = 1.0, depth: float = 1.0) -> Variant:
  """Returns the net called `name`, with all widths and depths multiplied by `width` and `depth`.

  In the Lite family (EfficientNet-Lite, 2020) the stem, the head and the depth of the first and the
  last stage are those of the base net. `width` and `depth` scale these too, so that a small net is
  small everywhere.

  Args:
    name: one of `NAMES`.
    width: multiplies the width of stem, stages and head.
    depth: multiplies the number of blocks of each stage, rounded up.

  Raises:
    ValueError: no variant has this name.
  """
  if name not in _SCALES:
    raise ValueError(f"No EfficientNet is called {name!r}; there are {', '.join(NAMES)}.")
  lite = name.startswith("lite")
  width_scale, depth_scale = _SCALES[name]
  end_width, end_depth = (1.0, 1.0) if lite else (width_scale, depth_scale)
  stages = []
  for index, stage in enumerate(_BASE):
    is_end = index in (0, len(_BASE) - 1)
    stage_depth = depth * (end_depth if is_end else depth_scale)
    channels = scaled_width(stage.channels * width_scale * width)
    repeats = math.ceil(stage.repeats * stage_depth)
    stages.append(dataclasses.replace(stage, channels=channels, repeats=repeats))
  return Variant(
    stem=scaled_width(_STEM * end_width * width),
    stages=tuple(stages),
    head=scaled_width(_HEAD * end_width * width),
    activation=relu6 if lite else leaky_relu,
    signed_scale=lite,
    active_projection=not lite,
  )
