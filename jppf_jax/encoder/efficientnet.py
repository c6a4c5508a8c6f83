"""EfficientNet without squeeze-and-excitation: a feature pyramid, or the pretrained classifier."""

from collections.abc import Callable
from functools import partial
from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Float

from jppf_jax.encoder.blocks import DepthwiseSeparable, InvertedResidual, conv_init
from jppf_jax.encoder.variants import variant
from jppf_jax.layers import IABN, ConvNorm, Logits, apply
from jppf_jax.structs import Array, Pyramid

EPSILON = 1e-3  # of all norms of the encoder, as the pretrained weights expect
_TAPS = {1: 4, 2: 8, 4: 16}  # stage -> stride of the pyramid level that it returns


class EfficientNet(nn.Module):
  """Features at strides 4, 8, 16 and 32 (EfficientPS, Mohan & Valada 2021, Sec. 3.1).

  Attributes:
    variant: "b0" to "b7" or "lite0" to "lite4"; see `variants.py`.
    width: multiplies all widths of the variant; below 1 for a net that a CPU can train.
    depth: multiplies all depths of the variant.
    axis_name: mapped axis whose replicas share norm statistics.
    dtype: compute dtype.
    remat: the gradient computes the inside of each block again, see `layers.apply`.
  """

  variant: str = "b5"
  width: float = 1.0
  depth: float = 1.0
  axis_name: str | None = None
  dtype: Any = jnp.float32
  remat: bool = False

  @nn.compact
  def __call__(self, image: Float[Array, "B H W 3"], *, train: bool) -> Pyramid:
    """Returns the features of a normalised image, keyed by stride 4, 8, 16, 32.

    The level at stride 32 is the output of the last 1 x 1 convolution.
    """
    net = variant(self.variant, width=self.width, depth=self.depth)
    norm = partial(
      IABN,
      epsilon=EPSILON,
      activation=net.activation,
      signed_scale=net.signed_scale,
      axis_name=self.axis_name,
    )
    conv = partial(ConvNorm, kernel_init=conv_init, norm=norm, dtype=self.dtype)
    x = conv(net.stem, (3, 3), (2, 2), name="stem")(image, train=train)
    pyramid = {}
    for index, stage in enumerate(net.stages):
      if stage.expansion is None:
        block: Callable[..., nn.Module] = partial(
          DepthwiseSeparable, active_projection=net.active_projection, norm=norm, dtype=self.dtype
        )
      else:
        block = partial(InvertedResidual, expansion=stage.expansion, norm=norm, dtype=self.dtype)
      for repeat in range(stage.repeats):
        stride = stage.stride if repeat == 0 else 1
        name = f"stage{index}_block{repeat}"
        module = block(stage.channels, kernel=stage.kernel, stride=stride, name=name)
        x = apply(module, x, train=train, remat=self.remat)
      if index in _TAPS:
        pyramid[_TAPS[index]] = x
    pyramid[32] = conv(net.head, name="head")(x, train=train)
    return pyramid


class Classifier(nn.Module):
  """The pretrained network: the mean of the coarsest level, then one linear layer.

  Attributes:
    encoder: the feature extractor.
    num_classes: classes; 1000 in ImageNet.
  """

  encoder: EfficientNet
  num_classes: int = 1000

  @nn.compact
  def __call__(self, image: Float[Array, "B H W 3"], *, train: bool) -> Float[Array, "B N"]:
    """Returns the class logits of a normalised image, float32."""
    coarsest = self.encoder(image, train=train)[32]
    features = coarsest.mean((1, 2))
    return Logits(self.num_classes, dtype=self.encoder.dtype, name="classifier")(features)
