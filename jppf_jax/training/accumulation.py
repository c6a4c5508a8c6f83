"""Gradient accumulation: the gradient of a batch of which the memory holds one part at a time."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from jppf_jax.structs import Array

Forward = Callable[[Any, Any], tuple[Any, Any]]
Objective = Callable[[Any], tuple[Array, Any]]


def value_and_gradient(
  forward: Forward, objective: Objective, params: Any, inputs: Any, *, parts: int = 1
) -> tuple[Array, Any, Any, Any]:
  """Returns the objective, what it returns beside its value, the running statistics, and the
  gradient for the parameters.

  With several parts, all of them are predicted first. The objective sees the outputs of the whole
  batch, so what it counts and compares over the batch (OHEM, the number of regions) is that of the
  batch, and gives the gradient for the outputs. Then each part is predicted again, and this
  gradient goes back through it. So the result is that of the whole batch, for a second forward
  pass, but for norms in training mode: they see one part at a time. Their running statistics are
  the mean over the parts.

  Args:
    forward: maps the parameters and inputs to the outputs and the new running statistics.
    objective: maps outputs to the value to differentiate, and anything else.
    params: of the model.
    inputs: a tree of arrays whose first axis is that of the images.
    parts: how many equal parts the images make; their number must divide by it.
  """

  def whole(params: Any) -> tuple[Array, Any]:
    outputs, statistics = forward(params, inputs)
    value, also = objective(outputs)
    return value, (also, statistics)

  if parts == 1:
    (value, (also, statistics)), gradient = jax.value_and_grad(whole, has_aux=True)(params)
    return value, also, statistics, gradient

  def split(x: Array) -> Array:
    return x.reshape(parts, x.shape[0] // parts, *x.shape[1:])  # no -1: x may be empty

  def join(x: Array) -> Array:
    return x.reshape(x.shape[0] * x.shape[1], *x.shape[2:])

  of_parts = jax.tree.map(split, inputs)
  outputs, statistics = lax.map(lambda part: forward(params, part), of_parts)
  leaves, tree = jax.tree.flatten(jax.tree.map(join, outputs))

  def of_leaves(floats: list[Array]) -> tuple[Array, Any]:
    rest = iter(floats)
    return objective(jax.tree.unflatten(tree, [next(rest) if _is_float(x) else x for x in leaves]))

  floats = list(filter(_is_float, leaves))
  (value, also), cotangents = jax.value_and_grad(of_leaves, has_aux=True)(floats)

  def add(total: Any, part: tuple[Any, list[Array]]) -> tuple[Any, None]:
    inputs, cotangents = part

    def pulled(params: Any) -> Array:
      floats = filter(_is_float, jax.tree.leaves(forward(params, inputs)[0]))
      return jnp.asarray(sum(jnp.vdot(x, y) for x, y in zip(floats, cotangents, strict=True)))

    return jax.tree.map(jnp.add, total, jax.grad(pulled)(params)), None

  nothing = jax.tree.map(jnp.zeros_like, params)
  gradient, _ = lax.scan(add, nothing, (of_parts, jax.tree.map(split, cotangents)))
  return value, also, jax.tree.map(lambda x: x.mean(0), statistics), gradient


def _is_float(x: Array) -> bool:
  return jnp.issubdtype(x.dtype, jnp.floating)
