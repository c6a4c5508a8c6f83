"""Batch normalisation and the activation after it as one operation that keeps only its input for
the gradient.

What in-place activated batch norm (Rota Bulò et al. 2018) is made for: left to itself,
differentiation keeps a float32 copy of every intermediate. Here the gradient recomputes them from
the input, also when that is bfloat16. All arithmetic is float32; results have the dtype of the
input.
"""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Float

from jppf_jax.structs import Array

Activation = Callable[[Array], Array]
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
    scale: per channel.
    bias: per channel.
    mean: per channel.
    var: per channel.
    epsilon: added to the variance.
    activation: elementwise; it sees float32.
  """
  y = (x.astype(jnp.float32) - mean) * (lax.rsqrt(var + epsilon) * scale) + bias
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
  """Normalises with the statistics of `x` itself; returns these too: mean, biased variance, number
  of pixels.

  The gradient flows through the statistics that normalise `x`, not through the returned ones.
  Reverse mode only.

  Args:
    x: features.
    scale: per channel.
    bias: per channel.
    epsilon: added to the variance.
    activation: elementwise; it sees float32.
    weight: 1 for maps that count in the statistics, 0 for padding; None: all count. If none does:
      mean 0, variance 1.
    axis_name: the statistics are those of all replicas along this mapped axis.
  """
  return _batch_norm(jnp.asarray(x), scale, bias, weight, epsilon, activation, axis_name)


@functools.partial(jax.custom_vjp, nondiff_argnums=(4, 5, 6))
def _batch_norm(x, scale, bias, weight, epsilon, activation, axis_name):
  return _forward(x, scale, bias, weight, epsilon, activation, axis_name)[0]


def _forward(x, scale, bias, weight, epsilon, activation, axis_name):
  over_replicas = _sum_over(axis_name)
  maps = x.shape[0] if weight is None else weight.sum()
  count = jnp.asarray(over_replicas(maps * x.shape[1] * x.shape[2]), jnp.float32)
  one_at_least = jnp.maximum(count, 1)
  values = x.astype(jnp.float32)
  mean = over_replicas(_weighted(values, weight).sum(_PIXELS)) / one_at_least
  var = over_replicas(_weighted(jnp.square(values - mean), weight).sum(_PIXELS)) / one_at_least
  var = jnp.where(count > 0, var, 1.0)
  y = normalise(x, scale, bias, mean, var, epsilon=epsilon, activation=activation)
  return (y, mean, var, count), (x, scale, bias, weight, mean, var, one_at_least)


def _backward(epsilon, activation, axis_name, saved, cotangents):
  x, scale, bias, weight, mean, var, count = saved
  inverse = lax.rsqrt(var + epsilon)
  normal = (x.astype(jnp.float32) - mean) * inverse
  _, through_activation = jax.vjp(activation, normal * scale + bias)
  (dy,) = through_activation(cotangents[0].astype(jnp.float32))
  dbias, dscale = dy.sum(_PIXELS), (dy * normal).sum(_PIXELS)
  mean_dbias, mean_dscale = (total / count for total in _sum_over(axis_name)((dbias, dscale)))
  through_statistics = _weighted(mean_dbias + normal * mean_dscale, weight)
  dx = (scale * inverse * (dy - through_statistics)).astype(x.dtype)
  return dx, dscale, dbias, None if weight is None else jnp.zeros_like(weight)


_batch_norm.defvjp(_forward, _backward)


def _sum_over(axis_name: str | None) -> Callable:
  return functools.partial(lax.psum, axis_name=axis_name) if axis_name else lambda value: value


def _weighted(values: Array, weight: Array | None) -> Array:
  return values if weight is None else values * weight[:, None, None, None]
