from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jppf_jax.ops.batch_norm import batch_norm, normalise

LEAKY = partial(jax.nn.leaky_relu, negative_slope=0.01)
ACTIVATIONS = {"leaky": LEAKY, "relu6": jax.nn.relu6, "linear": lambda x: x}
RNG = np.random.default_rng(0)
X = (3 * RNG.normal(size=(4, 3, 5, 2)) + [1, -2]).astype(np.float32)
DY = RNG.normal(size=X.shape).astype(np.float32)
SCALE, BIAS = np.array([1.5, -0.7], np.float32), np.array([0.3, 0.1], np.float32)
WEIGHT = np.array([1, 0, 1, 1], np.float32)


def by_the_book(x, scale, bias, weight=None, epsilon=1e-3, activation=LEAKY):
  """The formula, differentiated by JAX; padding is cut out of the statistics."""
  seen = x if weight is None else x[np.flatnonzero(weight)]
  mean, var = seen.mean((0, 1, 2)), seen.var((0, 1, 2))
  return activation((x - mean) / jnp.sqrt(var + epsilon) * scale + bias), mean, var


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("weight", [None, WEIGHT])
def test_values_and_gradients_are_those_of_the_formula(name, weight):
  activation = ACTIVATIONS[name]

  def ours(*args):
    return batch_norm(*args, epsilon=1e-3, activation=activation, weight=weight)[0]

  def book(*args):
    return by_the_book(*args, weight, activation=activation)[0]

  y, back = jax.vjp(ours, X, SCALE, BIAS)
  expected, expected_back = jax.vjp(book, X, SCALE, BIAS)
  np.testing.assert_allclose(y, expected, atol=1e-5)
  for gradient, wanted in zip(back(DY), expected_back(DY)):
    np.testing.assert_allclose(gradient, wanted, atol=2e-5)


def test_returns_the_statistics_it_used():
  _, mean, var, count = batch_norm(X, SCALE, BIAS, epsilon=1e-3, activation=LEAKY, weight=WEIGHT)
  _, expected_mean, expected_var = by_the_book(X, SCALE, BIAS, WEIGHT)
  np.testing.assert_allclose(mean, expected_mean, rtol=1e-5)
  np.testing.assert_allclose(var, expected_var, rtol=1e-5)
  assert count == 3 * 3 * 5


@pytest.mark.parametrize("weight", [None, WEIGHT])
def test_replicas_equal_one_device_also_with_different_numbers_of_valid_maps(weight):
  def run(axis_name, x, weight, dy):
    call = partial(batch_norm, epsilon=1e-3, activation=LEAKY, weight=weight, axis_name=axis_name)
    (y, *stats), back = jax.vjp(call, x, SCALE, BIAS)
    return y, stats, back((dy, *jax.tree.map(jnp.zeros_like, stats)))

  def split(v):
    return None if v is None else v.reshape(2, -1, *v.shape[1:])

  y, stats, (dx, dscale, dbias) = run(None, X, weight, DY)
  replicas = jax.vmap(partial(run, "r"), axis_name="r")(split(X), split(weight), split(DY))
  replica_y, replica_stats, (replica_dx, replica_dscale, replica_dbias) = replicas
  np.testing.assert_allclose(replica_y.reshape(X.shape), y, atol=1e-5)
  for mine, whole in zip(replica_stats, stats):  # each replica has the statistics of all
    np.testing.assert_allclose(mine, np.broadcast_to(whole, mine.shape), rtol=1e-5)
  np.testing.assert_allclose(replica_dx.reshape(X.shape), dx, atol=1e-5)
  np.testing.assert_allclose(replica_dscale.sum(0), dscale, atol=1e-4)
  np.testing.assert_allclose(replica_dbias.sum(0), dbias, atol=1e-4)


def test_padding_changes_nothing_for_the_others():
  other = X.copy()
  other[1] = 1e3
  for x in (X, other):
    y, *_ = batch_norm(x, SCALE, BIAS, epsilon=1e-3, activation=LEAKY, weight=WEIGHT)
    alone, *_ = batch_norm(x[[0, 2, 3]], SCALE, BIAS, epsilon=1e-3, activation=LEAKY)
    np.testing.assert_allclose(np.asarray(y)[[0, 2, 3]], alone, rtol=1e-5, atol=1e-6)


def test_a_batch_of_padding_only_stays_small_and_has_finite_gradients():
  call = partial(batch_norm, epsilon=1e-5, activation=LEAKY, weight=np.zeros(4, np.float32))
  y, mean, var, count = call(X, SCALE, BIAS)
  assert count == 0 and (mean == 0).all() and (var == 1).all()
  assert np.abs(y).max() < 2 * np.abs(X).max()
  gradients = jax.grad(lambda *args: call(*args)[0].sum(), (0, 1, 2))(X, SCALE, BIAS)
  assert all(np.isfinite(gradient).all() for gradient in gradients)


def test_a_large_mean_does_not_spoil_the_variance():
  x = (1000 + RNG.normal(size=(2, 16, 16, 2))).astype(np.float32)
  _, _, var, _ = batch_norm(x, SCALE, BIAS, epsilon=1e-5, activation=LEAKY)
  np.testing.assert_allclose(var, x.astype(np.float64).var((0, 1, 2)), rtol=1e-3)


def test_bfloat16_in_bfloat16_out_with_float32_statistics():
  x = jnp.asarray(X, jnp.bfloat16)
  y, mean, var, _ = batch_norm(x, SCALE, BIAS, epsilon=1e-3, activation=LEAKY)
  assert y.dtype == jnp.bfloat16 and mean.dtype == var.dtype == jnp.float32
  np.testing.assert_allclose(mean, np.asarray(x, np.float64).mean((0, 1, 2)), rtol=1e-5)
  dx = jax.grad(lambda x: batch_norm(x, SCALE, BIAS, epsilon=1e-3, activation=LEAKY)[0].sum())(x)
  assert dx.dtype == jnp.bfloat16


def test_given_its_own_statistics_normalise_gives_the_same():
  y, mean, var, _ = batch_norm(X, SCALE, BIAS, epsilon=1e-3, activation=LEAKY)
  normalised = normalise(X, SCALE, BIAS, mean, var, epsilon=1e-3, activation=LEAKY)
  np.testing.assert_allclose(normalised, y, atol=1e-6)
