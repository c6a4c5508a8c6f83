"""Semantic segmentation head (EfficientPS, Mohan & Valada 2021, Sec. 3.3); JPPF has two, for
classes and for parts.
"""

from functools import partial
from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jax.nn import initializers
from jaxtyping import Float

from jppf_jax.layers import IABN, ConvNorm, SeparableConvNorm, dot_float32, kaiming_normal
from jppf_jax.ops.resize import resize_bilinear
from jppf_jax.structs import Array, Pyramid


class DensePredictionCell(nn.Module):
  """Context at many scales: five dilated convolutions, four of them reading another's result (Chen
  et al. 2018).

  The convolutions inside are as wide as the input.

  Attributes:
    features: output channels.
    norm: makes the norms; takes `name`.
    dtype: compute dtype.
  """

  features: int
  norm: Any
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(self, x: Float[Array, "B h w _c"], *, train: bool) -> Float[Array, "B h w C"]:
    conv = partial(SeparableConvNorm, x.shape[-1], norm=self.norm, dtype=self.dtype)
    first = conv((1, 6), name="rate_1_6")(x, train=train)
    narrow = conv((1, 1), name="rate_1_1")(first, train=train)
    wide = conv((6, 21), name="rate_6_21")(first, train=train)
    widest = conv((18, 15), name="rate_18_15")(first, train=train)
    last = conv((6, 3), name="rate_6_3")(widest, train=train)
    context = jnp.concatenate([first, narrow, wide, widest, last], -1)
    return ConvNorm(self.features, norm=self.norm, dtype=self.dtype, name="merge")(
      context, train=train
    )


class TwoSeparableConvs(nn.Module):
  """Two 3 x 3 separable convolutions: the extractor of large-scale features, and the core of
  mismatch correction.
  """

  features: int
  norm: Any
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(self, x: Float[Array, "B h w _c"], *, train: bool) -> Float[Array, "B h w C"]:
    for index in range(2):
      x = SeparableConvNorm(self.features, norm=self.norm, dtype=self.dtype, name=f"conv{index}")(
        x, train=train
      )
    return x


class PyramidLogits(nn.Module):
  """A 1 x 1 convolution of all levels, up-sampled to the finest and concatenated, finest first.

  Convolution and up-sampling are both linear and act on different axes, so the convolution comes
  first, one block of kernel rows per level: the same numbers, but it is `features` channels that
  are up-sampled, not all levels' hundreds. Multiplies in `dtype`, sums and returns in float32.
  """

  features: int
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(self, pyramid: Pyramid) -> Float[Array, "B h w C"]:
    levels = [pyramid[stride] for stride in sorted(pyramid)]
    ends = [sum(level.shape[-1] for level in levels[: index + 1]) for index in range(len(levels))]
    kernel = self.param("kernel", kaiming_normal, (ends[-1], self.features), jnp.float32)
    bias = self.param("bias", initializers.zeros, (self.features,), jnp.float32)
    total = bias
    for level, rows in zip(levels, jnp.split(kernel.astype(self.dtype), ends[:-1]), strict=True):
      logits = dot_float32(level.astype(self.dtype), rows)
      total = total + resize_bilinear(logits, levels[0].shape[1:3])
    return total


class SemanticPartHead(nn.Module):
  """Logits of every pixel at stride 4: over semantic classes, or over parts.

  Fine levels are read by two separable convolutions, coarse ones by a dense prediction cell;
  context flows from coarse to fine (JPPF, Sec. 3.1: the part head has the same design as the
  semantic one).

  Attributes:
    num_outputs: classes, or parts with background.
    channels: width of every level inside.
    axis_name: mapped axis whose replicas share norm statistics.
    dtype: compute dtype; logits are float32.
  """

  num_outputs: int
  channels: int = 128
  axis_name: str | None = None
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(self, pyramid: Pyramid, *, train: bool) -> Float[Array, "B h w C"]:
    """Raw logits at a quarter of the image's resolution.

    Raises:
      ValueError: the pyramid has other strides than 4, 8, 16, 32.
    """
    if sorted(pyramid) != [4, 8, 16, 32]:
      raise ValueError(f"SemanticPartHead reads strides 4, 8, 16 and 32; got {sorted(pyramid)}.")
    config = {"norm": partial(IABN, axis_name=self.axis_name), "dtype": self.dtype}
    fine = partial(TwoSeparableConvs, self.channels, **config)
    coarse = partial(DensePredictionCell, self.channels, **config)

    def up_to(stride: int, x: Array) -> Array:
      return resize_bilinear(x, pyramid[stride].shape[1:3])

    x32 = coarse(name="context_32")(pyramid[32], train=train)
    x16 = coarse(name="context_16")(pyramid[16], train=train)
    x8 = fine(name="detail_8")(pyramid[8], train=train)
    x4 = fine(name="detail_4")(pyramid[4], train=train)
    x8 += up_to(8, fine(name="correct_16_8")(x16 + up_to(16, x32), train=train))
    x4 += up_to(4, fine(name="correct_8_4")(x8, train=train))
    levels = {4: x4, 8: x8, 16: x16, 32: x32}  # x16 without what came from x32
    return PyramidLogits(self.num_outputs, dtype=self.dtype, name="logits")(levels)
