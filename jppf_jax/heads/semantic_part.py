"""Semantic head (EfficientPS, Mohan & Valada 2021, Sec. 3.3); JPPF has a second one for parts.

Its modules: dense prediction cell (DPC), large scale feature extractor (LSFE), mismatch correction
(MC).
"""

from functools import partial
from itertools import accumulate
from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jax.nn import initializers
from jaxtyping import Float

from jppf_jax.layers import IABN, ConvNorm, SeparableConvNorm, dot_float32, kaiming_normal
from jppf_jax.ops.resize import resize_bilinear
from jppf_jax.structs import Array, Pyramid


class DensePredictionCell(nn.Module):
  """Dense prediction cell (DPC, Chen et al. 2018): context at many scales.

  Five dilated separable convolutions, as wide as the input. Three of them read the result of the
  first, one that of the fourth; a 1 x 1 convolution merges all five.

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
    """Returns features of the same resolution; `train` as in `IABN`."""
    conv = partial(SeparableConvNorm, x.shape[-1], norm=self.norm, dtype=self.dtype)
    merge = ConvNorm(self.features, norm=self.norm, dtype=self.dtype, name="merge")
    first = conv((1, 6), name="rate_1_6")(x, train=train)
    narrow = conv((1, 1), name="rate_1_1")(first, train=train)
    wide = conv((6, 21), name="rate_6_21")(first, train=train)
    widest = conv((18, 15), name="rate_18_15")(first, train=train)
    last = conv((6, 3), name="rate_6_3")(widest, train=train)
    context = jnp.concatenate([first, narrow, wide, widest, last], -1)
    return merge(context, train=train)


class TwoSeparableConvs(nn.Module):
  """Two 3 x 3 separable convolutions.

  They are the large scale feature extractor (LSFE), and mismatch correction (MC) without the
  up-sampling at its end.

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
    """Returns features of the same resolution; `train` as in `IABN`."""
    conv = partial(SeparableConvNorm, self.features, norm=self.norm, dtype=self.dtype)
    x = conv(name="conv0")(x, train=train)
    return conv(name="conv1")(x, train=train)


class PyramidLogits(nn.Module):
  """A 1 x 1 convolution of all levels, up-sampled to the finest and concatenated, finest first.

  Convolution and up-sampling are both linear and act on different axes, so here the convolution
  comes first, with one block of kernel rows per level. The numbers are the same, but only
  `features` channels are up-sampled, instead of the hundreds of all levels.

  Attributes:
    features: output channels.
    dtype: products are computed in it; sums and results are float32.
  """

  features: int
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(self, pyramid: Pyramid) -> Float[Array, "B h w C"]:
    """Returns raw float32 logits at the resolution of the finest level."""
    levels = [pyramid[stride] for stride in sorted(pyramid)]
    _, height, width, _ = levels[0].shape
    *splits, num_rows = accumulate(level.shape[-1] for level in levels)
    kernel = self.param("kernel", kaiming_normal, (num_rows, self.features), jnp.float32)
    bias = self.param("bias", initializers.zeros, (self.features,), jnp.float32)
    blocks = jnp.split(kernel.astype(self.dtype), splits)
    total: Array = bias
    for level, block in zip(levels, blocks, strict=True):
      logits = dot_float32(level.astype(self.dtype), block)
      total = total + resize_bilinear(logits, (height, width))
    return total


class SemanticPartHead(nn.Module):
  """Predicts logits of semantic classes, or of parts, at stride 4.

  The two coarse levels go through a DPC, the two fine levels through an LSFE. MC aligns coarse
  context to the next finer level, where it is added. The part head has the design of the semantic
  head (JPPF, Sec. 3.1).

  Attributes:
    num_outputs: classes, or parts with background.
    channels: width of each level inside.
    axis_name: mapped axis whose replicas share norm statistics.
    dtype: compute dtype; logits are float32.
  """

  num_outputs: int
  channels: int = 128
  axis_name: str | None = None
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(self, pyramid: Pyramid, *, train: bool) -> Float[Array, "B h w C"]:
    """Returns raw float32 logits at a quarter of the resolution of the image.

    Raises:
      ValueError: the strides of the pyramid are not 4, 8, 16, 32.
    """
    strides = sorted(pyramid)
    if strides != [4, 8, 16, 32]:
      raise ValueError(f"SemanticPartHead reads strides 4, 8, 16 and 32; got {strides}.")
    norm = partial(IABN, axis_name=self.axis_name)
    dpc = partial(DensePredictionCell, self.channels, norm=norm, dtype=self.dtype)
    lsfe = mc = partial(TwoSeparableConvs, self.channels, norm=norm, dtype=self.dtype)

    def up_to(stride: int, x: Array) -> Array:
      _, height, width, _ = pyramid[stride].shape
      return resize_bilinear(x, (height, width))

    x32 = dpc(name="context_32")(pyramid[32], train=train)
    x16 = dpc(name="context_16")(pyramid[16], train=train)
    x8 = lsfe(name="detail_8")(pyramid[8], train=train)
    x4 = lsfe(name="detail_4")(pyramid[4], train=train)
    context_16 = x16 + up_to(16, x32)
    corrected_16 = mc(name="correct_16_8")(context_16, train=train)
    x8 += up_to(8, corrected_16)  # MC ends with up-sampling
    corrected_8 = mc(name="correct_8_4")(x8, train=train)
    x4 += up_to(4, corrected_8)
    levels = {4: x4, 8: x8, 16: x16, 32: x32}  # x16, not context_16
    return PyramidLogits(self.num_outputs, dtype=self.dtype, name="logits")(levels)
