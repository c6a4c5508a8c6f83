from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jppf_jax.encoder.efficientnet import Classifier, EfficientNet
from tests.random_variables import num_parameters, random_variables, shapes_of

IMAGE = np.random.default_rng(0).normal(size=(1, 64, 96, 3)).astype(np.float32)
PARAMETERS = {
  "b0": 3_371_008,
  "b1": 5_390_544,
  "b2": 6_371_856,
  "b3": 8_816_504,
  "b4": 14_402_168,
  "b5": 23_148_912,
  "b6": 33_201_920,
  "b7": 51_813_856,
}
TAPS = {
  "b0": (24, 40, 112, 1280),
  "b5": (40, 64, 176, 2048),
  "b7": (48, 80, 224, 2560),
  "lite4": (32, 56, 160, 1280),
}
# with the ImageNet classifier, in millions, as published with the weights
LITE = {"lite0": 4.65, "lite1": 5.42, "lite2": 6.09, "lite3": 8.20, "lite4": 13.01}


@pytest.mark.parametrize("name", PARAMETERS)
def test_every_variant_has_the_reference_number_of_parameters(name):
  assert num_parameters(shapes_of(EfficientNet(name), IMAGE, train=False)) == PARAMETERS[name]


@pytest.mark.parametrize("name", LITE)
def test_the_lite_family_has_the_published_size(name):
  parameters = num_parameters(shapes_of(Classifier(EfficientNet(name)), IMAGE, train=False))
  assert round(parameters / 1e6, 2) == LITE[name]


def test_every_stage_of_b5_has_the_reference_number_of_parameters():
  stages = {}
  for name, block in shapes_of(EfficientNet("b5"), IMAGE, train=False).items():
    stage = name.split("_")[0]
    stages[stage] = stages.get(stage, 0) + num_parameters(block)
  numbers = [3_504, 100_768, 273_712, 1_320_064, 2_672_224, 9_838_080, 7_886_496]
  expected = {f"stage{index}": number for index, number in enumerate(numbers)}
  assert stages == expected | {"stem": 1_296 + 96, "head": 1_048_576 + 4_096}


@pytest.mark.parametrize("name", TAPS)
def test_the_pyramid_has_four_levels(name):
  net = EfficientNet(name)
  pyramid = jax.eval_shape(lambda: net.init_with_output(jax.random.key(0), IMAGE, train=False))[0]
  assert list(pyramid) == [4, 8, 16, 32]
  for (stride, level), width in zip(pyramid.items(), TAPS[name]):
    assert level.shape == (1, 64 // stride, 96 // stride, width)


@pytest.fixture(scope="module")
def small():
  """A net with one block per stage, and the results of one compiled step in each mode."""
  net = EfficientNet("b0", width=0.25, depth=0.1)
  variables = random_variables(net, IMAGE, train=False)

  def loss(params):
    pyramid, updated = net.apply(
      variables | {"params": params}, IMAGE, train=True, mutable=["batch_stats"]
    )
    return sum(jnp.square(level).sum() for level in pyramid.values()), updated["batch_stats"]

  gradients, stats = jax.jit(jax.grad(loss, has_aux=True))(variables["params"])
  frozen = jax.jit(partial(net.apply, train=False, mutable=["batch_stats"]))(variables, IMAGE)
  return net, variables, gradients, stats, frozen


def test_every_parameter_has_a_gradient(small):
  _, _, gradients, _, _ = small
  for path, leaf in jax.tree_util.tree_leaves_with_path(gradients):
    assert np.isfinite(leaf).all() and np.abs(leaf).max() > 0, path


def test_training_updates_every_statistic_and_frozen_norms_none(small):
  _, variables, _, updated, (_, kept) = small
  same = jax.tree.map(np.array_equal, variables["batch_stats"], kept["batch_stats"])
  assert all(jax.tree.leaves(same))
  same = jax.tree.map(np.array_equal, variables["batch_stats"], updated)
  assert not any(jax.tree.leaves(same))


def test_bfloat16_stays_close_to_float32(small):
  net, variables, _, _, (exact, _) = small
  low = jax.jit(partial(net.clone(dtype=jnp.bfloat16).apply, train=False))(variables, IMAGE)
  for stride, level in low.items():
    assert level.dtype == jnp.bfloat16
    error = np.abs(level.astype(jnp.float32) - exact[stride])
    assert error.mean() < 0.05 * np.abs(exact[stride]).mean()


def test_the_classifier_averages_the_coarsest_level():
  net = Classifier(EfficientNet("lite0", width=0.25, depth=0.1), num_classes=7)
  variables = random_variables(net, IMAGE, train=False)
  encoder = {kind: tree["encoder"] for kind, tree in variables.items()}

  @jax.jit
  def run(image):
    pyramid = net.encoder.apply(encoder, image, train=False)
    return net.apply(variables, image, train=False), pyramid[32]

  logits, coarsest = run(IMAGE)
  assert coarsest.min() >= 0 and coarsest.max() <= 6  # ReLU6 in the Lite family
  layer = variables["params"]["classifier"]
  expected = coarsest.mean((1, 2)) @ layer["kernel"] + layer["bias"]
  np.testing.assert_allclose(logits, expected, rtol=1e-4, atol=1e-5)
