"""The blocks that all stages share: convolution + in-place activated batch norm, plain and
separable.

All convolutions pad SAME (at stride 2 the odd pixel goes to the bottom right, TensorFlow's rule),
parameters are float32, and computation runs in `dtype`. What ends in logits or box deltas ends in
`Logits`, which returns float32.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import lax
from jax.nn import initializers
from jaxtyping import Bool, Float

from jppf_jax.ops.batch_norm import batch_norm, normalise
from jppf_jax.ops.depthwise import depthwise_conv
from jppf_jax.structs import Array

Activation = Callable[[Array], Array]
Initializer = Callable[..., Array]
Pair = tuple[int, int]

leaky_relu: Activation = partial(jax.nn.leaky_relu, negative_slope=0.01)
relu6: Activation = jax.nn.relu6
xavier_uniform: Initializer = initializers.xavier_uniform()
kaiming_normal: Initializer = initializers.variance_scaling(2.0, "fan_out", "normal")


def _identity(x: Array) -> Array:
  return x


class IABN(nn.Module):
  """Batch norm with its activation (in-place activated batch norm; Rota Bulò et al. 2018).

  `activation((x - mean) / sqrt(var + epsilon) * (|scale| + epsilon) + bias)`: as in the public
  code, the same epsilon stands in both places. The gradient of |scale| at exactly 0 is that of
  +scale, as there. Statistics and arithmetic are float32 whatever the dtype of `x`, which is the
  dtype of the result. The running variance is the unbiased one.

  Attributes:
    epsilon: 1e-3 in the encoder, 1e-5 elsewhere.
    activation: applied to the result; None for a linear layer.
    signed_scale: use `scale` as it is, without magnitude and epsilon: plain batch norm.
    momentum: how much of the running statistics survives a step.
    axis_name: replicas along this mapped axis share their statistics, weighted by what each of them
      saw.
  """

  epsilon: float = 1e-5
  activation: Activation | None = leaky_relu
  signed_scale: bool = False
  momentum: float = 0.9
  axis_name: str | None = None

  @nn.compact
  def __call__(
    self, x: Float[Array, "B h w C"], *, train: bool, valid: Bool[Array, "B"] | None = None
  ) -> Float[Array, "B h w C"]:
    """Normalises with the statistics of `x` and records them if `train`, else with the running ones
    (frozen norms).

    `valid` tells which of the B maps count in the statistics; the others are padding and are only
    normalised along. Where nothing at all is valid, the running statistics stay as they are.
    """
    channels = (x.shape[-1],)
    scale = self.param("scale", initializers.ones, channels, jnp.float32)
    bias = self.param("bias", initializers.zeros, channels, jnp.float32)
    running_mean = self.variable("batch_stats", "mean", jnp.zeros, channels, jnp.float32)
    running_var = self.variable("batch_stats", "var", jnp.ones, channels, jnp.float32)
    if not self.signed_scale:
      scale = jnp.where(scale >= 0, scale, -scale) + self.epsilon
    rule = {"epsilon": self.epsilon, "activation": self.activation or _identity}
    if not train:
      return normalise(x, scale, bias, running_mean.value, running_var.value, **rule)
    axis_name = None if self.is_initializing() else self.axis_name
    weight = None if valid is None else valid.astype(jnp.float32)
    y, mean, var, count = batch_norm(x, scale, bias, weight=weight, axis_name=axis_name, **rule)
    if not self.is_initializing():
      change = jnp.where(count > 0, 1 - self.momentum, 0.0)
      unbiased = var * count / jnp.maximum(count - 1, 1)
      running_mean.value += change * (mean - running_mean.value)
      running_var.value += change * (unbiased - running_var.value)
    return y


class Conv(nn.Module):
  """A convolution without bias; the kernel is [rows, columns, inputs, outputs] whatever its size.

  A 1 x 1 convolution is written as a product of two matrices: on CPU the kernel's gradient is then
  twice as fast.
  """

  features: int
  kernel: Pair = (1, 1)
  strides: Pair = (1, 1)
  kernel_init: Initializer = kaiming_normal
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(self, x: Float[Array, "B h w _c"]) -> Float[Array, "B oh ow C"]:
    kernel = self.param(
      "kernel", self.kernel_init, (*self.kernel, x.shape[-1], self.features), jnp.float32
    )
    x, kernel = x.astype(self.dtype), kernel.astype(self.dtype)
    if self.kernel == self.strides == (1, 1):
      return jnp.dot(x.reshape(-1, x.shape[-1]), kernel[0, 0]).reshape(*x.shape[:-1], self.features)
    return lax.conv_general_dilated(
      x, kernel, self.strides, "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
    )


class ConvNorm(nn.Module):
  """A convolution without bias, then its norm and activation.

  Attributes:
    features: output channels.
    kernel: its size.
    strides: step of the output grid.
    kernel_init: how the kernel starts.
    norm: makes the norm; takes `name`.
    dtype: compute dtype.
  """

  features: int
  kernel: Pair = (1, 1)
  strides: Pair = (1, 1)
  kernel_init: Initializer = kaiming_normal
  norm: Callable[..., IABN] = IABN
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(self, x: Float[Array, "B h w _c"], *, train: bool) -> Float[Array, "B oh ow C"]:
    x = Conv(self.features, self.kernel, self.strides, self.kernel_init, self.dtype, name="conv")(x)
    return self.norm(name="norm")(x, train=train)


class DepthwiseConv(nn.Module):
  """One kernel per channel, no bias; the kernel has the layout of `nn.Conv` with one group per
  channel.
  """

  kernel: Pair = (3, 3)
  strides: Pair = (1, 1)
  dilation: Pair = (1, 1)
  kernel_init: Initializer = kaiming_normal
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(self, x: Float[Array, "B h w C"]) -> Float[Array, "B oh ow C"]:
    kernel = self.param("kernel", self.kernel_init, (*self.kernel, 1, x.shape[-1]), jnp.float32)
    return depthwise_conv(x.astype(self.dtype), kernel, self.strides, self.dilation)


class SeparableConvNorm(nn.Module):
  """Depthwise 3 x 3, norm, pointwise 1 x 1, norm: both norms with activation.

  Attributes:
    features: output channels.
    dilation: of the depthwise taps, in rows and columns.
    norm: makes the norms; takes `name`.
    dtype: compute dtype.
  """

  features: int
  dilation: Pair = (1, 1)
  norm: Callable[..., IABN] = IABN
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(
    self, x: Float[Array, "B h w _c"], *, train: bool, valid: Bool[Array, "B"] | None = None
  ) -> Float[Array, "B h w C"]:
    """`valid` as in `IABN`."""
    x = DepthwiseConv(dilation=self.dilation, dtype=self.dtype, name="depthwise")(x)
    x = self.norm(name="depthwise_norm")(x, train=train, valid=valid)
    x = Conv(self.features, dtype=self.dtype, name="pointwise")(x)
    return self.norm(name="pointwise_norm")(x, train=train, valid=valid)


def dot_float32(x: Float[Array, "*B c"], kernel: Float[Array, "c C"]) -> Float[Array, "*B C"]:
  """Multiplies the channels by a matrix, in the dtype of both, and returns the float32 sums."""
  rows = x.reshape(-1, x.shape[-1])  # as in `Conv`
  return jnp.dot(rows, kernel, preferred_element_type=jnp.float32).reshape(
    *x.shape[:-1], kernel.shape[1]
  )


class Logits(nn.Module):
  """A linear layer on the channels, the last of its head: multiplies in `dtype`, sums and returns
  in float32.
  """

  features: int
  kernel_init: Initializer = kaiming_normal
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(self, x: Float[Array, "*B c"]) -> Float[Array, "*B C"]:
    kernel = self.param("kernel", self.kernel_init, (x.shape[-1], self.features), jnp.float32)
    bias = self.param("bias", initializers.zeros, (self.features,), jnp.float32)
    return dot_float32(x.astype(self.dtype), kernel.astype(self.dtype)) + bias
