"""The blocks that all stages share: convolutions with in-place activated batch norm.

All convolutions pad SAME by TensorFlow's rule: at stride 2 the odd pixel of padding goes to the
bottom right. Parameters are float32; computation runs in `dtype`. A `Pair` is rows, columns. Layers
that predict logits or box deltas are `Logits`, which returns float32.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from flax.core import lift
from jax.nn import initializers
from jaxtyping import Bool, Float

from jppf_jax.ops.batch_norm import batch_norm, normalise
from jppf_jax.ops.convolution import Pair, convolve
from jppf_jax.ops.depthwise import depthwise_conv
from jppf_jax.ops.recompute import recomputed
from jppf_jax.ops.winograd import conv3x3
from jppf_jax.structs import Array

Activation = Callable[[Array], Array]
Initializer = Callable[..., Array]

leaky_relu: Activation = partial(jax.nn.leaky_relu, negative_slope=0.01)
relu6: Activation = jax.nn.relu6
xavier_uniform: Initializer = initializers.xavier_uniform()
kaiming_normal: Initializer = initializers.variance_scaling(2.0, "fan_out", "normal")


def _identity(x: Array) -> Array:
  """The activation of a linear layer."""
  return x


def apply(module: Any, *inputs: Any, train: bool, remat: bool) -> Any:
  """Returns `module(*inputs, train=train)`.

  Args:
    module: bound, as inside another module.
    *inputs: arrays, or trees of them.
    train: as in `IABN`.
    remat: what the module computes inside is not kept for the gradient but computed again there
      (rematerialisation): less memory for a second forward pass.
  """

  def call(module: Any, *inputs: Any) -> Any:
    return module(*inputs, train=train)

  if not remat or module.is_initializing():
    return call(module, *inputs)
  return nn.transforms.lift_transform(_lifted, call)(module, *inputs)


def _lifted(call: Callable[..., Any]) -> Callable[..., Any]:
  """Returns `call(scope, *inputs)` as a function of the scope that is computed again."""

  def inner(make_scope: Any, pack_scope: Any, variables: Any, keys: Any, *inputs: Any) -> Any:
    del keys  # nothing here is random

    def pure(variables: Any, *inputs: Any) -> Any:
      scope = make_scope(variables, [{}])
      result = call(scope, *inputs)
      return result, pack_scope(scope)

    return recomputed(pure)(variables, *inputs)

  return lift.pack(inner, (True,), (True,), (True,), name="remat")


class IABN(nn.Module):
  """Batch norm with its activation (in-place activated batch norm; Rota Bulò et al. 2018).

  `activation((x - mean) / sqrt(var + epsilon) * (|scale| + epsilon) + bias)`, with one epsilon for
  both, as in the public code. The gradient of |scale| at exactly 0 is that of +scale, also as
  there. Statistics and arithmetic are float32; the result has the dtype of `x`. The running
  variance is the unbiased one.

  Attributes:
    epsilon: 1e-3 in the encoder, 1e-5 elsewhere.
    activation: applied to the result; None for a linear layer.
    signed_scale: use `scale` itself instead of |scale| + epsilon: plain batch norm.
    momentum: weight of the old running statistics in the new ones.
    axis_name: replicas along this mapped axis share their statistics, each weighted by the number
      of its pixels.
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
    """Returns `x` normalised and activated.

    Args:
      x: features.
      train: normalise with the statistics of `x` and record them. False: with the running ones
        (frozen norms).
      valid: the maps that count in the statistics; the others are padding and are normalised with
        the same numbers. If no map is valid, the running statistics stay as they are.
    """
    channels = (x.shape[-1],)
    scale = self.param("scale", initializers.ones, channels, jnp.float32)
    bias = self.param("bias", initializers.zeros, channels, jnp.float32)
    running_mean = self.variable("batch_stats", "mean", jnp.zeros, channels, jnp.float32)
    running_var = self.variable("batch_stats", "var", jnp.ones, channels, jnp.float32)
    if not self.signed_scale:
      scale = jnp.where(scale >= 0, scale, -scale) + self.epsilon
    activation = self.activation or _identity
    if not train:
      running = (running_mean.value, running_var.value)
      return normalise(x, scale, bias, *running, epsilon=self.epsilon, activation=activation)
    y, mean, var, count = batch_norm(
      x,
      scale,
      bias,
      epsilon=self.epsilon,
      activation=activation,
      weight=None if valid is None else valid.astype(jnp.float32),
      axis_name=None if self.is_initializing() else self.axis_name,
    )
    if not self.is_initializing():
      change = jnp.where(count > 0, 1 - self.momentum, 0.0)
      unbiased_var = var * count / jnp.maximum(count - 1, 1)
      running_mean.value += change * (mean - running_mean.value)
      running_var.value += change * (unbiased_var - running_var.value)
    return y


class Conv(nn.Module):
  """A convolution; its kernel is always [rows, columns, inputs, outputs].

  A 1 x 1 convolution is a product of two matrices: on CPU that makes the gradient of the kernel
  twice as fast. A 3 x 3 convolution at stride 1 is `ops.winograd.conv3x3`.

  Attributes:
    features: output channels.
    kernel: size of the kernel.
    strides: step of the output grid.
    kernel_init: initializer of the kernel.
    dtype: compute dtype.
    use_bias: add a bias, which starts at 0.
  """

  features: int
  kernel: Pair = (1, 1)
  strides: Pair = (1, 1)
  kernel_init: Initializer = kaiming_normal
  dtype: Any = jnp.float32
  use_bias: bool = False

  @nn.compact
  def __call__(self, x: Float[Array, "B h w _c"]) -> Float[Array, "B oh ow C"]:
    """Returns ceil(h / stride) rows and ceil(w / stride) columns, in the compute dtype."""
    shape = (*self.kernel, x.shape[-1], self.features)
    kernel = self.param("kernel", self.kernel_init, shape, jnp.float32)
    y = _convolve(jnp.asarray(x, self.dtype), jnp.asarray(kernel, self.dtype), self.strides)
    if not self.use_bias:
      return y
    bias = self.param("bias", initializers.zeros, (self.features,), jnp.float32)
    return y + bias.astype(self.dtype)


def _convolve(x: jax.Array, kernel: jax.Array, strides: Pair) -> Array:
  """Returns the convolution in its fastest form."""
  size = kernel.shape[:2]
  if size == strides == (1, 1):
    pixels = jnp.dot(x.reshape(-1, x.shape[-1]), kernel[0, 0])
    return pixels.reshape(*x.shape[:-1], -1)
  if size == (3, 3) and strides == (1, 1):
    return conv3x3(x, kernel)
  return convolve(x, kernel, strides=strides)


class ConvNorm(nn.Module):
  """A convolution without bias, then its norm and activation.

  Attributes:
    features: output channels.
    kernel: size of the kernel.
    strides: step of the output grid.
    kernel_init: initializer of the kernel.
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
    """Returns activated features; `train` as in `IABN`."""
    conv = Conv(self.features, self.kernel, self.strides, self.kernel_init, self.dtype, name="conv")
    return self.norm(name="norm")(conv(x), train=train)


class DepthwiseConv(nn.Module):
  """A convolution with one kernel per channel, without bias.

  The kernel has the layout of `nn.Conv` with one group per channel.

  Attributes:
    kernel: size of the kernel.
    strides: step of the output grid.
    dilation: distance of the taps.
    kernel_init: initializer of the kernel.
    dtype: compute dtype.
  """

  kernel: Pair = (3, 3)
  strides: Pair = (1, 1)
  dilation: Pair = (1, 1)
  kernel_init: Initializer = kaiming_normal
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(self, x: Float[Array, "B h w C"]) -> Float[Array, "B oh ow C"]:
    """Returns ceil(h / stride) rows and ceil(w / stride) columns, in the compute dtype."""
    shape = (*self.kernel, 1, x.shape[-1])
    kernel = self.param("kernel", self.kernel_init, shape, jnp.float32)
    return depthwise_conv(x.astype(self.dtype), kernel, self.strides, self.dilation)


class SeparableConvNorm(nn.Module):
  """Depthwise 3 x 3, norm, pointwise 1 x 1, norm: both norms with activation.

  Attributes:
    features: output channels.
    dilation: distance of the depthwise taps.
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
    """Returns activated features of the same size; `train` and `valid` as in `IABN`."""
    x = DepthwiseConv(dilation=self.dilation, dtype=self.dtype, name="depthwise")(x)
    x = self.norm(name="depthwise_norm")(x, train=train, valid=valid)
    x = Conv(self.features, dtype=self.dtype, name="pointwise")(x)
    return self.norm(name="pointwise_norm")(x, train=train, valid=valid)


def dot_float32(x: Float[Array, "*B c"], kernel: Float[Array, "c C"]) -> Float[Array, "*B C"]:
  """Multiplies the channels by a matrix, in the dtype of both, and returns the float32 sums."""
  inputs, outputs = kernel.shape
  pixels = x.reshape(-1, inputs)  # as in `Conv`
  sums = jnp.dot(pixels, kernel, preferred_element_type=jnp.float32)
  return sums.reshape(*x.shape[:-1], outputs)


class Logits(nn.Module):
  """A linear layer on the channels, the last of its head.

  Attributes:
    features: output channels.
    kernel_init: initializer of the kernel; the bias starts at 0.
    dtype: products are computed in it; sums and results are float32.
  """

  features: int
  kernel_init: Initializer = kaiming_normal
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(self, x: Float[Array, "*B c"]) -> Float[Array, "*B C"]:
    """Returns raw float32 outputs."""
    kernel = self.param("kernel", self.kernel_init, (x.shape[-1], self.features), jnp.float32)
    bias = self.param("bias", initializers.zeros, (self.features,), jnp.float32)
    return dot_float32(x.astype(self.dtype), kernel.astype(self.dtype)) + bias
