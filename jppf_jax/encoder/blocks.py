"""The two blocks of EfficientNet. No convolution here has a bias."""

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
  """Draws a kernel from a normal distribution of variance 2 / fan_out.

  fan_out is the number of outputs that read one input: of a depthwise kernel, those of one channel.
  """
  height, width, inputs_per_group, outputs = shape
  groups = outputs if inputs_per_group == 1 else 1
  fan_out = height * width * outputs / groups
  return jax.random.normal(key, shape, dtype) * (2 / fan_out) ** 0.5


class DepthwiseSeparable(nn.Module):
  """Depthwise convolution, then a projection: the block of stage 0.

  Attributes:
    features: output channels.
    kernel: side of the depthwise kernel.
    stride: of the depthwise convolution.
    active_projection: whether the norm of the projection has an activation, as in EfficientPS.
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
    """Returns features at 1 / stride of the resolution, plus `x` if the shapes are equal."""
    depthwise = partial(DepthwiseConv, kernel_init=conv_init, dtype=self.dtype)
    project = partial(ConvNorm, self.features, kernel_init=conv_init, dtype=self.dtype)
    kernel, strides = (self.kernel, self.kernel), (self.stride, self.stride)
    y = depthwise(kernel, strides, name="depthwise")(x)
    y = self.norm(name="depthwise_norm")(y, train=train)
    norm = self.norm if self.active_projection else partial(self.norm, activation=None)
    y = project(norm=norm, name="project")(y, train=train)
    return x + y if x.shape == y.shape else y


class InvertedResidual(nn.Module):
  """Expansion, depthwise convolution, linear projection (MBConv; Sandler et al. 2018).

  Attributes:
    features: output channels.
    kernel: side of the depthwise kernel.
    stride: of the depthwise convolution.
    expansion: channels of the depthwise convolution per input channel.
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
    """Returns features at 1 / stride of the resolution, plus `x` if the shapes are equal."""
    conv = partial(ConvNorm, kernel_init=conv_init, dtype=self.dtype)
    depthwise = partial(DepthwiseConv, kernel_init=conv_init, dtype=self.dtype)
    linear_norm = partial(self.norm, activation=None)
    kernel, strides = (self.kernel, self.kernel), (self.stride, self.stride)
    y = conv(self.expansion * x.shape[-1], norm=self.norm, name="expand")(x, train=train)
    y = depthwise(kernel, strides, name="depthwise")(y)
    y = self.norm(name="depthwise_norm")(y, train=train)
    y = conv(self.features, norm=linear_norm, name="project")(y, train=train)
    return x + y if self.stride == 1 and x.shape == y.shape else y
