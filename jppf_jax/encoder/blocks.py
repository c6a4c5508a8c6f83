"""The two blocks EfficientNet is made of. No convolution here has a bias."""

from collections.abc import Callable
from functools import partial
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Float

from jppf_jax.layers import IABN, ConvNorm, DepthwiseConv
from jppf_jax.structs import Array


def conv_init(key: Array, shape: tuple[int, ...], dtype: Any = jnp.float32) -> Array:
  """Normal with variance 2 / (outputs that one input reaches): for a depthwise kernel, one
  channel's.
  """
  height, width, inputs_per_group, outputs = shape
  groups = outputs if inputs_per_group == 1 else 1
  return jax.random.normal(key, shape, dtype) * (2 / (height * width * outputs / groups)) ** 0.5


class DepthwiseSeparable(nn.Module):
  """Depthwise convolution, then a projection; what stage 0 uses.

  Attributes:
    features: output channels.
    kernel: side of the depthwise kernel.
    stride: of the depthwise convolution.
    active_projection: whether the projection's norm has an activation. In EfficientPS it has.
    norm: makes the norms; takes `name` and `activation`.
    dtype: compute dtype.
  """

  features: int
  kernel: int
  stride: int
  active_projection: bool
  norm: Callable[..., IABN]
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(self, x: Float[Array, "B h w _c"], *, train: bool) -> Float[Array, "B oh ow C"]:
    sides, strides = (self.kernel,) * 2, (self.stride,) * 2
    y = DepthwiseConv(sides, strides, kernel_init=conv_init, dtype=self.dtype, name="depthwise")(x)
    y = self.norm(name="depthwise_norm")(y, train=train)
    norm = self.norm if self.active_projection else partial(self.norm, activation=None)
    y = ConvNorm(self.features, kernel_init=conv_init, norm=norm, dtype=self.dtype, name="project")(
      y, train=train
    )
    return x + y if x.shape == y.shape else y


class InvertedResidual(nn.Module):
  """Expansion, depthwise convolution, linear projection (MBConv; Sandler et al. 2018).

  Attributes:
    features: output channels.
    kernel: side of the depthwise kernel.
    stride: of the depthwise convolution.
    expansion: width inside, in widths of the input.
    norm: makes the norms; takes `name` and `activation`.
    dtype: compute dtype.
  """

  features: int
  kernel: int
  stride: int
  expansion: int
  norm: Callable[..., IABN]
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(self, x: Float[Array, "B h w _c"], *, train: bool) -> Float[Array, "B oh ow C"]:
    conv = partial(ConvNorm, kernel_init=conv_init, dtype=self.dtype)
    sides, strides = (self.kernel,) * 2, (self.stride,) * 2
    y = conv(self.expansion * x.shape[-1], norm=self.norm, name="expand")(x, train=train)
    y = DepthwiseConv(sides, strides, kernel_init=conv_init, dtype=self.dtype, name="depthwise")(y)
    y = self.norm(name="depthwise_norm")(y, train=train)
    y = conv(self.features, norm=partial(self.norm, activation=None), name="project")(
      y, train=train
    )
    return x + y if self.stride == 1 and x.shape == y.shape else y
