import jax
import jax.numpy as jnp
import numpy as np

from jppf_jax.ops.recompute import recomputed

SIDE, LAYERS = 256, 8
KEYS = jax.random.split(jax.random.key(0), LAYERS + 1)
WEIGHTS = [jax.random.normal(key, (SIDE, SIDE)) / SIDE**0.5 for key in KEYS[1:]]
X = jax.random.normal(KEYS[0], (SIDE, SIDE))


def wide(weight, x):
  """What it computes inside is four times as much as what it takes and gives."""
  inside = [jnp.tanh(k * (x @ weight)) @ weight for k in range(1, 5)]
  return x + jnp.sin(sum(jnp.tanh(y) for y in inside)) @ weight


def loss(layer):
  def of_layers(weights, x):
    for weight in weights:
      x = layer(weight, x)
    return jnp.square(x).sum()

  return of_layers


def test_gradients_are_those_of_the_function_itself():
  plain, again = (jax.jit(jax.grad(loss(layer), (0, 1))) for layer in (wide, recomputed(wide)))
  expected, found = plain(WEIGHTS[:2], X), again(WEIGHTS[:2], X)
  jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol=1e-4, atol=1e-4), expected, found)


def test_the_compiled_gradient_needs_less_memory():
  def temporary(layer):
    program = jax.jit(jax.grad(loss(layer))).lower(WEIGHTS, X).compile()
    return program.memory_analysis().temp_size_in_bytes

  assert temporary(recomputed(wide)) < 0.5 * temporary(wide)


def test_trees_integers_and_empty_arrays_pass():
  @recomputed
  def pick(weights, inputs, index):
    return {"row": inputs["x"][index] * weights["w"], "index": index, "none": inputs["none"]}

  inputs, weights = {"x": X, "none": jnp.zeros((0, 3))}, {"w": jnp.arange(SIDE, dtype=jnp.float32)}

  def of_row(weights, inputs, index):
    return pick(weights, inputs, index)["row"].sum()

  dweights, dinputs = jax.grad(of_row, (0, 1))(weights, inputs, jnp.int32(7))
  np.testing.assert_allclose(dweights["w"], X[7])
  assert np.flatnonzero(dinputs["x"].sum(1)).tolist() == [7] and dinputs["none"].shape == (0, 3)
  assert pick(weights, inputs, jnp.int32(7))["index"] == 7


def test_a_gradient_that_is_not_finite_stays_so():
  found = jax.grad(lambda x: recomputed(lambda w, x: w * x)(2.0, x) * jnp.inf)(jnp.float32(1))
  assert not np.isfinite(found)
