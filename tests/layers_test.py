from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jppf_jax.layers import (
  IABN,
  Conv,
  ConvNorm,
  DepthwiseConv,
  Logits,
  SeparableConvNorm,
  apply,
  relu6,
)
from tests.oracles import network as oracle
from tests.random_variables import random_variables

KEY = jax.random.key(0)


def one_channel(scale, mean=0.0, var=1.0, bias=0.0):
  def wrap(**values):
    return {name: jnp.full(1, value, jnp.float32) for name, value in values.items()}

  return {"params": wrap(scale=scale, bias=bias), "batch_stats": wrap(mean=mean, var=var)}


@pytest.mark.parametrize(
  ("x", "epsilon", "expected"),
  [(2, 1e-3, 0.70067492), (2, 1e-5, 0.70000675), (-2, 1e-3, -0.00901125)],
)
def test_iabn_gives_the_worked_values_of_the_public_code(x, epsilon, expected):
  variables = one_channel(-0.8, mean=0.5, var=4.0, bias=0.1)
  y = IABN(epsilon).apply(variables, jnp.full((1, 1, 1, 1), x, jnp.float32), train=False)
  np.testing.assert_allclose(y.item(), expected, rtol=2e-6)


def test_plain_batch_norm_uses_the_sign_of_its_scale():
  norm = IABN(1e-3, activation=relu6, signed_scale=True)
  x = jnp.array([-1.0, 1.0, -9.0]).reshape(1, 1, 3, 1)
  y = norm.apply(one_channel(-2.0, bias=1.0), x, train=False)
  np.testing.assert_allclose(y.ravel(), [1 + 2 / np.sqrt(1.001), 0, 6], rtol=1e-6)


class Chain(nn.Module):
  remat: bool

  @nn.compact
  def __call__(self, x, *, train):
    for name in ("first", "second"):
      x = apply(ConvNorm(4, (3, 3), name=name), x, train=train, remat=self.remat)
    return x


def test_what_is_computed_again_has_the_same_names_gradients_and_statistics():
  x = jax.random.normal(KEY, (2, 8, 6, 3))
  variables = Chain(remat=False).init(KEY, x, train=False)

  def gradient(remat, train):
    def loss(params):
      found = Chain(remat).apply(
        {**variables, "params": params}, x, train=train, mutable=["batch_stats"]
      )
      return (found[0] ** 2).sum(), found[1]

    return jax.jit(jax.grad(loss, has_aux=True))

  for train in (True, False):
    kept, again = (gradient(remat, train)(variables["params"]) for remat in (False, True))
    assert jax.tree.structure(kept) == jax.tree.structure(again)
    jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-4, atol=1e-5), kept, again)
  programs = [str(jax.make_jaxpr(gradient(r, True))(variables["params"])) for r in (False, True)]
  assert ["optimization_barrier" in program for program in programs] == [False, True]
  again = Chain(remat=True).init(KEY, x, train=False)
  jax.tree.map(np.testing.assert_array_equal, again, variables)


def test_training_uses_the_batch_and_records_the_unbiased_variance():
  x = np.array([1, 2, 3, 6], np.float32).reshape(2, 1, 2, 1)
  norm, variables = IABN(1e-5, activation=None), one_channel(1.0, mean=1.0)
  y, updated = norm.apply(variables, x, train=True, mutable=["batch_stats"])
  np.testing.assert_allclose(y.ravel(), (x.ravel() - 3) / np.sqrt(3.5), rtol=1e-4)
  np.testing.assert_allclose(updated["batch_stats"]["mean"], [0.9 * 1 + 0.1 * 3], rtol=1e-6)
  np.testing.assert_allclose(updated["batch_stats"]["var"], [0.9 * 1 + 0.1 * 14 / 3], rtol=1e-6)


def test_frozen_norms_use_the_running_statistics_and_keep_them():
  variables = one_channel(1.0, mean=2.0, var=4.0)
  x = np.array([2, 6], np.float32).reshape(1, 1, 2, 1)
  y, updated = IABN(0.0, activation=None).apply(variables, x, train=False, mutable=["batch_stats"])
  np.testing.assert_allclose(y.ravel(), [0, 2])
  assert updated["batch_stats"] == variables["batch_stats"]


@pytest.mark.parametrize(("scale", "sign"), [(0.5, 1), (-0.5, -1), (0.0, 1)])
def test_the_gradient_of_the_scale_has_the_sign_of_the_scale_and_is_positive_at_zero(scale, sign):
  x = np.array([1.0, 3.0], np.float32).reshape(1, 1, 2, 1)

  def positive_part(params):
    y = IABN(1e-3).apply(one_channel(0.0, mean=1.0) | {"params": params}, x, train=False)
    return y.sum()

  gradient = jax.grad(positive_part)(one_channel(scale)["params"])["scale"]
  np.testing.assert_allclose(gradient, [sign * 2 / np.sqrt(1.001)], rtol=1e-5)


def test_maps_that_are_not_valid_stay_out_of_the_statistics():
  x = np.random.default_rng(0).normal(size=(3, 2, 2, 1)).astype(np.float32)
  x[1] = 50
  run = partial(IABN().apply, one_channel(1.0), train=True, mutable=["batch_stats"])
  y, updated = run(x, valid=np.array([True, False, True]))
  alone, expected = run(x[[0, 2]])
  np.testing.assert_allclose(y[jnp.array([0, 2])], alone, atol=1e-6)
  var, expected_var = updated["batch_stats"]["var"], expected["batch_stats"]["var"]
  np.testing.assert_allclose(var, expected_var, rtol=1e-6)


def test_without_any_valid_map_the_running_statistics_stay():
  variables = one_channel(1.0, mean=2.0, var=4.0)
  x, valid = np.ones((2, 2, 2, 1), np.float32), np.zeros(2, bool)
  _, updated = IABN().apply(variables, x, train=True, valid=valid, mutable=["batch_stats"])
  assert updated["batch_stats"] == variables["batch_stats"]


def test_replicas_record_the_same_statistics_as_one_device():
  x = np.random.default_rng(0).normal(size=(4, 3, 3, 1)).astype(np.float32)
  valid = np.array([True, True, True, False])  # the second replica has one valid map less

  def step(axis_name, x, valid):
    norm = IABN(axis_name=axis_name)
    y, updated = norm.apply(one_channel(1.0), x, train=True, valid=valid, mutable=["batch_stats"])
    return y, updated["batch_stats"]

  y, whole = step(None, x, valid)
  replicas = jax.vmap(partial(step, "r"), axis_name="r")
  ys, each = replicas(x.reshape(2, 2, 3, 3, 1), valid.reshape(2, 2))
  np.testing.assert_allclose(ys.reshape(x.shape), y, atol=1e-6)
  for name in ("mean", "var"):
    np.testing.assert_allclose(each[name], [whole[name]] * 2, rtol=1e-6)


def test_statistics_are_float32_under_bfloat16():
  x = jnp.asarray(np.random.default_rng(0).normal(size=(2, 8, 8, 1)), jnp.bfloat16)
  y, updated = IABN().apply(one_channel(1.0), x, train=True, mutable=["batch_stats"])
  assert y.dtype == jnp.bfloat16
  expected = 0.1 * np.asarray(x, np.float64).mean()
  np.testing.assert_allclose(updated["batch_stats"]["mean"], expected, rtol=1e-5)


@pytest.mark.parametrize(
  ("kernel", "strides"), [((1, 1), (1, 1)), ((1, 1), (2, 2)), ((3, 3), (1, 1)), ((3, 3), (2, 2))]
)
def test_conv_equals_flax_and_the_oracle(kernel, strides):
  x = np.random.default_rng(0).normal(size=(2, 6, 4, 3)).astype(np.float32)
  conv = Conv(5, kernel, strides)
  variables = random_variables(conv, x)
  y = conv.apply(variables, x)
  of_flax = nn.Conv(5, kernel, strides, use_bias=False).apply(variables, x)
  np.testing.assert_allclose(y, of_flax, atol=1e-5)
  of_oracle = oracle.conv(x, variables["params"]["kernel"], strides[0])
  np.testing.assert_allclose(y, of_oracle, atol=1e-5)


def test_conv_norm_and_separable_conv_equal_the_oracle():
  x = np.random.default_rng(0).normal(size=(2, 6, 5, 3)).astype(np.float32)
  for module, reference in (
    (ConvNorm(4), oracle.conv_norm),
    (SeparableConvNorm(4, (1, 2)), partial(oracle.separable, dilation=(1, 2))),
  ):
    variables = random_variables(module, x, train=False)
    expected = reference(x, variables["params"], variables["batch_stats"])
    np.testing.assert_allclose(module.apply(variables, x, train=False), expected, atol=1e-5)


def test_compute_dtype_is_the_result_dtype_and_parameters_stay_float32():
  x = np.ones((1, 4, 4, 3), np.float32)
  for module in (ConvNorm(2, dtype=jnp.bfloat16), SeparableConvNorm(2, dtype=jnp.bfloat16)):
    y, variables = jax.eval_shape(partial(module.init_with_output, train=True), KEY, x)
    assert y.dtype == jnp.bfloat16
    assert {leaf.dtype for leaf in jax.tree.leaves(variables)} == {np.dtype(np.float32)}


def test_logits_multiply_in_bfloat16_but_sum_in_float32():
  layer = Logits(1, dtype=jnp.bfloat16)
  params = {"kernel": np.ones((257, 1), np.float32), "bias": np.array([0.125], np.float32)}
  y = layer.apply({"params": params}, np.ones((2, 257), np.float32))
  assert y.dtype == jnp.float32
  np.testing.assert_array_equal(y, [[257.125]] * 2)  # in bfloat16: 256


def test_kernels_start_with_the_variance_of_kaiming():
  depthwise = DepthwiseConv().init(KEY, np.ones((1, 1, 1, 4096), np.float32))
  fan_out = 9 * 4096  # the outputs of all channels, as in PyTorch
  std = depthwise["params"]["kernel"].std()
  np.testing.assert_allclose(std, (2 / fan_out) ** 0.5, rtol=0.02)
  pointwise = ConvNorm(64).init(KEY, np.ones((1, 1, 1, 256), np.float32), train=False)
  std = pointwise["params"]["conv"]["kernel"].std()
  np.testing.assert_allclose(std, (2 / 64) ** 0.5, rtol=0.02)
