"""The table of EfficientNets (Tan & Le 2019), B0 to B7 and Lite0 to Lite4: how one base net is
widened and deepened.

Differs from the paper: no squeeze-and-excitation, and leaky ReLU or ReLU6 in place of swish, as
EfficientPS and the Lite family have it.
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
    expansion: how many times wider a block is inside; None for a depthwise-separable block without
      expansion.
    channels: output width.
    repeats: number of blocks.
  """

  kernel: int
  stride: int
  expansion: int | None
  channels: int
  repeats: int


@dataclasses.dataclass(frozen=True)
class Variant:
  """Everything that tells one EfficientNet from another.

  Attributes:
    stem: width after the first convolution.
    stages: the seven groups of blocks.
    head: width after the last convolution.
    activation: after every norm that is not linear.
    signed_scale: plain batch norm instead of |scale| + epsilon.
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

# width and depth multipliers
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
LITE_MEAN, LITE_STD = 127.0, 128.0  # the Lite family's ImageNet weights expect (pixel - 127) / 128


def scaled_width(channels: float) -> int:
  """The nearest multiple of 8, at least 8, and never more than 10 % below `channels`."""
  rounded = max(8, int(channels + 4) // 8 * 8)
  return rounded + 8 if rounded < 0.9 * channels else rounded


def variant(name: str, *, width: float = 1.0, depth: float = 1.0) -> Variant:
  """The net called `name`, its widths and depths multiplied once more by `width` and `depth`.

  The Lite family (EfficientNet-Lite, 2020) keeps stem, head and the depth of the first and the last
  stage as in the base net; `width` and `depth` scale those too, since a net that is to be small
  must be small everywhere.

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
    deeper = depth * (end_depth if index in (0, len(_BASE) - 1) else depth_scale)
    channels = scaled_width(stage.channels * width_scale * width)
    stages.append(
      dataclasses.replace(stage, channels=channels, repeats=math.ceil(stage.repeats * deeper))
    )
  return Variant(
    stem=scaled_width(_STEM * end_width * width),
    stages=tuple(stages),
    head=scaled_width(_HEAD * end_width * width),
    activation=relu6 if lite else leaky_relu,
    signed_scale=lite,
    active_projection=not lite,
  )
