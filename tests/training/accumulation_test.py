"""Accumulated gradients are those of the whole batch, also if it compares its images."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jppf_jax.training.accumulation import value_and_gradient

RNG = np.random.default_rng(0)
PARAMS = {"w": RNG.normal(size=(3, 4)).astype(np.float32), "b": np.float32([0.1, -0.2, 0.3, 0.0])}
IMAGES = RNG.normal(size=(6, 3)).astype(np.float32)
KEYS = jax.random.split(jax.random.key(1), 6)


def forward(params, inputs):
  """Outputs of several types, one of which depends on the key of the image."""
  images, keys = inputs
  y = jnp.tanh(images @ params["w"] + params["b"])
  chosen = jax.vmap(lambda key: jax.random.bernoulli(key, 0.6, (4,)))(keys)
  outputs = {"y": y, "half": (2 * y[:, :2]).astype(jnp.bfloat16), "chosen": chosen, "none": None}
  outputs["empty"] = jnp.zeros((len(images), 3, 0))
  return outputs, {"mean": images.mean(0)}


def objective(outputs):
  """The mean of the three largest values of the batch, and of the chosen ones."""
  hardest = jax.lax.top_k(outputs["y"].ravel(), 3)[0].mean()
  chosen = jnp.where(outputs["chosen"], outputs["y"] ** 2, 0).sum() / outputs["chosen"].sum()
  half = outputs["half"].astype(jnp.float32).sum() / 7
  return hardest + chosen + half, {"hardest": hardest}


@pytest.mark.parametrize("parts", [2, 3, 6])
def test_the_gradient_in_parts_is_that_of_the_whole_batch(parts):
  run = jax.jit(
    lambda params, parts: value_and_gradient(
      forward, objective, params, (IMAGES, KEYS), parts=parts
    ),
    static_argnums=1,
  )
  for found, wanted in zip(jax.tree.leaves(run(PARAMS, parts)), jax.tree.leaves(run(PARAMS, 1))):
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)


def test_the_gradient_in_one_part_is_that_of_the_objective():
  def whole(params):
    return objective(forward(params, (IMAGES, KEYS))[0])[0]

  _, also, statistics, gradient = value_and_gradient(forward, objective, PARAMS, (IMAGES, KEYS))
  jax.tree.map(np.testing.assert_allclose, gradient, jax.grad(whole)(PARAMS))
  assert list(also) == ["hardest"]
  np.testing.assert_allclose(statistics["mean"], IMAGES.mean(0), rtol=1e-6)


def test_parts_are_consecutive_images():
  def numbers(params, inputs):
    return {"n": inputs * params["one"]}, {"first": inputs[0]}

  def in_order(outputs):
    return (outputs["n"] * jnp.arange(1.0, 7)).sum(), outputs["n"]

  inputs, params = jnp.arange(6.0), {"one": jnp.float32(1)}
  value, order, first, gradient = value_and_gradient(numbers, in_order, params, inputs, parts=3)
  np.testing.assert_array_equal(order, inputs)
  assert value == gradient["one"] == (np.arange(6) * np.arange(1, 7)).sum()
  assert first["first"] == np.mean([0, 2, 4])
