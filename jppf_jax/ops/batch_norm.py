"""Batch normalisation and its activation as one operation that saves only its input.

Made for in-place activated batch norm (Rota Bulò et al. 2018). Plain differentiation keeps a
float32 copy of every intermediate result. Here the gradient recomputes them from the input, which
may be bfloat16. All arithmetic is float32; results have the dtype of the input.
"""

import functools
from collections.abc import Callable
from typing import TypeVar

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Float

from jppf_jax.structs import Array

Activation = Callable[[Array], Array]
_T = TypeVar("_T")
_PIXELS = (0, 1, 2)


def normalise(
  x: Float[Array, "B h w C"],
  scale: Float[Array, "C"],
  bias: Float[Array, "C"],
  mean: Float[Array, "C"],
  var: Float[Array, "C"],
  *,
  epsilon: float,
  activation: Activation,
) -> Float[Array, "B h w C"]:
  """Returns `activation((x - mean) / sqrt(var + epsilon) * scale + bias)`.

  Args:
    x: features.
    scale: factor of each channel.
    bias: added to each channel.
    mean: mean of each channel.
    var: variance of each channel.
    epsilon: added to the variance.
    activation: elementwise; its input is float32.
  """
  return _normalised_once(x, scale, bias, mean, var, epsilon, activation)


@functools.partial(jax.jit, static_argnums=(5, 6))
def _normalised_once(x, scale, bias, mean, var, epsilon, activation):
  """The same; layers of equal shapes are traced once."""
  centred = x.astype(jnp.float32) - mean
  factor = lax.rsqrt(var + epsilon) * scale
  y = centred * factor + bias
  return activation(y).astype(x.dtype)


def batch_norm(
  x: Float[Array, "B h w C"],
  scale: Float[Array, "C"],
  bias: Float[Array, "C"],
  *,
  epsilon: float,
  activation: Activation,
  weight: Float[Array, "B"] | None = None,
  axis_name: str | None = None,
) -> tuple[Float[Array, "B h w C"], Float[Array, "C"], Float[Array, "C"], Float[Array, ""]]:
  """Normalises `x` with its own statistics, which are returned too.

  The gradient flows through the statistics that normalise `x`, not through the returned ones.
  Reverse mode only.

  Args:
    x: features.
    scale: factor of each channel.
    bias: added to each channel.
    epsilon: added to the variance.
    activation: elementwise; its input is float32.
    weight: 1 for maps that count in the statistics, 0 for padding; None: all count. If none
      counts, the mean is 0 and the variance 1.
    axis_name: the statistics are those of all replicas along this mapped axis.

  Returns:
    The normalised features, the mean, the biased variance, and the number of pixels that counted.
  """
  return _traced_once(jnp.asarray(x), scale, bias, weight, epsilon, activation, axis_name)


@functools.partial(jax.custom_vjp, nondiff_argnums=(4, 5, 6))
def _batch_norm(x, scale, bias, weight, epsilon, activation, axis_name):
  return _forward(x, scale, bias, weight, epsilon, activation, axis_name)[0]


def _forward(x, scale, bias, weight, epsilon, activation, axis_name):
  sum_replicas = _sum_over(axis_name)
  maps = x.shape[0] if weight is None else weight.sum()
  pixels = maps * x.shape[1] * x.shape[2]
  count = jnp.asarray(sum_replicas(pixels), jnp.float32)
  divisor = jnp.maximum(count, 1)
  values = x.astype(jnp.float32)
  totals = _weighted(values, weight).sum(_PIXELS)
  mean = sum_replicas(totals) / divisor
  squares = jnp.square(values - mean)
  square_totals = _weighted(squares, weight).sum(_PIXELS)
  var = sum_replicas(square_totals) / divisor
  var = jnp.where(count > 0, var, 1.0)
  y = normalise(x, scale, bias, mean, var, epsilon=epsilon, activation=activation)
  return (y, mean, var, count), (x, scale, bias, weight, mean, var, divisor)


def _backward(epsilon, activation, axis_name, saved, cotangents):
  x, scale, bias, weight, mean, var, divisor = saved
  inverse_std = lax.rsqrt(var + epsilon)
  normal = (x.astype(jnp.float32) - mean) * inverse_std
  _, through_activation = jax.vjp(activation, normal * scale + bias)
  dy_activated = cotangents[0].astype(jnp.float32)
  (dy,) = through_activation(dy_activated)
  dbias = dy.sum(_PIXELS)
  dscale = (dy * normal).sum(_PIXELS)
  total_dbias, total_dscale = _sum_over(axis_name)((dbias, dscale))
  mean_dbias, mean_dscale = total_dbias / divisor, total_dscale / divisor
  through_statistics = _weighted(mean_dbias + normal * mean_dscale, weight)
  dx = scale * inverse_std * (dy - through_statistics)
  dweight = None if weight is None else jnp.zeros_like(weight)
  return dx.astype(x.dtype), dscale, dbias, dweight


_batch_norm.defvjp(_forward, _backward)
_traced_once = jax.jit(_batch_norm, static_argnums=(4, 5, 6))  # for layers of equal shapes


def _sum_over(axis_name: str | None) -> Callable[[_T], _T]:
  """Sums over all replicas; the identity if there is one, or no axis of replicas."""
  if axis_name is None or lax.axis_size(axis_name) == 1:  # sums of one are slow to compile
    return lambda value: value
  return functools.partial(lax.psum, axis_name=axis_name)


def _weighted(values: Array, weight: Array | None) -> Array:
  """Multiplies each map by its weight."""
  return values if weight is None else values * weight[:, None, None, None]
