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
  normal = (x - stats["mean"]) / np.sqrt(stats["var"] + 1e-3)
  scale = np.abs(params["scale"]) + 1e-3
  return normal * scale + params["bias"]


@pytest.mark.parametrize(("features", "stride"), [(4, 1), (6, 1), (4, 2), (6, 2)])
def test_inverted_residual_equals_the_oracle(features, stride):
  block = InvertedResidual(features, kernel=5, stride=stride, expansion=6, norm=NORM)
  variables = random_variables(block, X, train=False)
  p, s = variables["params"], variables["batch_stats"]
  y = oracle.conv(X, p["expand"]["conv"]["kernel"])
  y = oracle.iabn(y, p["expand"]["norm"], s["expand"]["norm"], 1e-3)
  y = oracle.conv(y, p["depthwise"]["kernel"], stride)
  y = oracle.iabn(y, p["depthwise_norm"], s["depthwise_norm"], 1e-3)
  y = oracle.conv(y, p["project"]["conv"]["kernel"])
  y = linear_norm(y, p["project"]["norm"], s["project"]["norm"])
  has_skip = (features, stride) == (4, 1)
  expected = X + y if has_skip else y
  np.testing.assert_allclose(block.apply(variables, X, train=False), expected, atol=1e-4)


@pytest.mark.parametrize("active", [True, False])
@pytest.mark.parametrize("features", [4, 6])
def test_depthwise_separable_equals_the_oracle(features, active):
  block = DepthwiseSeparable(features, kernel=3, stride=1, active_projection=active, norm=NORM)
  variables = random_variables(block, X, train=False)
  p, s = variables["params"], variables["batch_stats"]
  y = oracle.conv(X, p["depthwise"]["kernel"])
  y = oracle.iabn(y, p["depthwise_norm"], s["depthwise_norm"], 1e-3)
  y = oracle.conv(y, p["project"]["conv"]["kernel"])
  norm = partial(oracle.iabn, epsilon=1e-3) if active else linear_norm
  y = norm(y, p["project"]["norm"], s["project"]["norm"])
  expected = X + y if features == 4 else y  # the sum comes after the activation
  np.testing.assert_allclose(block.apply(variables, X, train=False), expected, atol=1e-4)


def test_the_activation_is_that_of_the_norm():
  norm = partial(NORM, activation=relu6)
  block = DepthwiseSeparable(6, kernel=3, stride=1, active_projection=True, norm=norm)
  variables = random_variables(block, X, train=False)
  y = block.apply(variables, 100 * X, train=False)
  assert y.min() == 0 and y.max() == 6


@pytest.mark.parametrize(
  ("shape", "fan_out"), [((1, 1, 64, 256), 256), ((5, 5, 1, 4096), 25)], ids=["dense", "depthwise"]
)
def test_kernels_start_with_the_variance_of_their_fan_out(shape, fan_out):
  kernel = conv_init(jax.random.key(0), shape)
  np.testing.assert_allclose(kernel.std(), (2 / fan_out) ** 0.5, rtol=0.02)
