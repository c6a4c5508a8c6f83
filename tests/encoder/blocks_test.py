from functools import partial

import jax
import numpy as np
import pytest

from jppf_jax.encoder.blocks import DepthwiseSeparable, InvertedResidual, conv_init
from jppf_jax.layers import IABN, relu6
from tests.oracles import network as oracle
from tests.random_variables import random_variables

NORM = partial(IABN, epsilon=1e-3)
X = np.random.default_rng(0).normal(size=(2, 6, 8, 4)).astype(np.float32)


def linear_norm(x, params, stats):
  mean, var = stats["mean"], stats["var"]
  return (x - mean) / np.sqrt(var + 1e-3) * (np.abs(params["scale"]) + 1e-3) + params["bias"]


@pytest.mark.parametrize(("features", "stride"), [(4, 1), (6, 1), (4, 2), (6, 2)])
def test_inverted_residual_equals_the_oracle(features, stride):
  block = InvertedResidual(features, kernel=5, stride=stride, expansion=6, norm=NORM)
  variables = random_variables(block, X, train=False)
  p, s = variables["params"], variables["batch_stats"]
  y = oracle.iabn(
    oracle.conv(X, p["expand"]["conv"]["kernel"]), p["expand"]["norm"], s["expand"]["norm"], 1e-3
  )
  y = oracle.conv(y, p["depthwise"]["kernel"], stride)
  y = oracle.iabn(y, p["depthwise_norm"], s["depthwise_norm"], 1e-3)
  y = linear_norm(
    oracle.conv(y, p["project"]["conv"]["kernel"]), p["project"]["norm"], s["project"]["norm"]
  )
  expected = X + y if (features, stride) == (4, 1) else y
  np.testing.assert_allclose(block.apply(variables, X, train=False), expected, atol=1e-4)


@pytest.mark.parametrize("active", [True, False])
@pytest.mark.parametrize("features", [4, 6])
def test_depthwise_separable_equals_the_oracle(features, active):
  block = DepthwiseSeparable(features, kernel=3, stride=1, active_projection=active, norm=NORM)
  variables = random_variables(block, X, train=False)
  p, s = variables["params"], variables["batch_stats"]
  y = oracle.iabn(
    oracle.conv(X, p["depthwise"]["kernel"]), p["depthwise_norm"], s["depthwise_norm"], 1e-3
  )
  y = oracle.conv(y, p["project"]["conv"]["kernel"])
  y = (partial(oracle.iabn, epsilon=1e-3) if active else linear_norm)(
    y, p["project"]["norm"], s["project"]["norm"]
  )
  expected = X + y if features == 4 else y  # the sum comes after the activation
  np.testing.assert_allclose(block.apply(variables, X, train=False), expected, atol=1e-4)


def test_the_activation_is_that_of_the_norm():
  block = DepthwiseSeparable(
    6, kernel=3, stride=1, active_projection=True, norm=partial(NORM, activation=relu6)
  )
  variables = random_variables(block, X, train=False)
  y = block.apply(variables, 100 * X, train=False)
  assert y.min() == 0 and y.max() == 6


def test_kernels_start_with_the_variance_of_what_one_input_reaches():
  key = jax.random.key(0)
  np.testing.assert_allclose(conv_init(key, (1, 1, 64, 256)).std(), (2 / 256) ** 0.5, rtol=0.02)
  np.testing.assert_allclose(
    conv_init(key, (5, 5, 1, 4096)).std(), (2 / 25) ** 0.5, rtol=0.02
  )  # one channel each
