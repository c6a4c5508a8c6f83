"""Rematerialisation: what a function computes inside is computed again for its gradient."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from jppf_jax.structs import Array


def recomputed(function: Callable[..., Any]) -> Callable[..., Any]:
  """Returns `function(weights, *inputs)` with a gradient that keeps only these.

  Rematerialisation (Chen et al. 2016, "Training Deep Nets with Sublinear Memory Cost"). As
  `jax.checkpoint`, but the second computation also waits, by its data, for the gradient that comes
  from behind. `jax.checkpoint` relies on an optimization barrier, which the compiler for CPUs drops
  before it decides the order: there the second computation follows the first at once, and what it
  gives is kept all the same. Reverse mode only.

  Args:
    function: of trees of arrays, to a tree of arrays. It must not use arrays from around it.
  """

  @jax.custom_vjp
  def call(weights: Any, *inputs: Any) -> Any:
    return function(weights, *inputs)

  def forward(weights: Any, *inputs: Any) -> tuple[Any, Any]:
    return function(weights, *inputs), (weights, inputs)

  def backward(kept: Any, cotangents: Any) -> Any:
    (weights, inputs), cotangents = lax.optimization_barrier((kept, cotangents))
    _, gradient = jax.vjp(function, weights, *_after(cotangents, inputs))
    return gradient(cotangents)

  call.defvjp(forward, backward)
  return call


def _after(cotangents: Any, inputs: Any) -> Any:
  """Returns the inputs as they are, as values that depend on the cotangents."""
  floats = [x for x in jax.tree.leaves(cotangents) if _is_float(x) and x.size]
  # no compiler may drop a product with 0: it is NaN if the other factor is not finite
  nothing = jnp.asarray(0 * sum(x.ravel()[0].astype(jnp.float32) for x in floats))
  return jax.tree.map(lambda x: x + nothing.astype(x.dtype) if _is_float(x) else x, inputs)


def _is_float(x: Array) -> bool:
  return jnp.issubdtype(x.dtype, jnp.floating)
