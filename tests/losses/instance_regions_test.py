"""Region losses against the loop oracle, padding, and batches without positives."""

import jax
import numpy as np
import pytest

from jppf_jax.losses.instance_regions import region_losses
from jppf_jax.losses.term import reduce_term
from jppf_jax.structs import RegionOutputs
from tests.losses.scenario import scenario
from tests.oracles import losses as oracles


@jax.jit
def _losses(outputs, targets):
  return {name: reduce_term(term) for name, term in region_losses(outputs, targets).items()}


_gradient = jax.jit(jax.grad(lambda outputs, targets: sum(_losses(outputs, targets).values())))


@pytest.mark.parametrize("seed", range(3))
def test_equals_the_loop_oracle(seed):
  outputs, _, _ = scenario(seed=seed)
  ours = _losses(outputs.regions, outputs.region_targets)
  expected = oracles.regions(outputs.regions, outputs.region_targets)
  np.testing.assert_allclose(
    [ours["box_class"], ours["box_deltas"], ours["mask"]], expected, rtol=1e-5
  )


def test_only_the_channel_of_the_class_learns_boxes_and_masks():
  outputs, _, _ = scenario()
  targets, gradient = outputs.region_targets, _gradient(outputs.regions, outputs.region_targets)
  for b, r in np.ndindex(targets.labels.shape):
    learned = np.abs(gradient.deltas[b, r]).sum(-1) > 0  # per class
    label = targets.labels[b, r]
    assert list(np.flatnonzero(learned)) == ([label] if targets.valid[b, r] and label else [])
  for b, m in np.ndindex(targets.mask_labels.shape):
    learned = np.abs(gradient.mask_logits[b, m]).sum((0, 1)) > 0
    assert list(np.flatnonzero(learned)) == (
      [targets.mask_labels[b, m]] if targets.mask_valid[b, m] else []
    )


def test_what_stands_in_the_padding_does_not_matter():
  outputs, _, _ = scenario()
  targets, regions, rng = outputs.region_targets, outputs.regions, np.random.default_rng(1)

  def scramble(x, keep):
    return np.where(
      keep.reshape(*keep.shape, *(1,) * (x.ndim - 2)), x, rng.integers(0, 200, x.shape)
    ).astype(x.dtype)

  scrambled = RegionOutputs(
    scramble(regions.class_logits, targets.valid),
    scramble(regions.deltas, targets.valid),
    scramble(regions.mask_logits, targets.mask_valid),
  )
  other = targets.replace(
    labels=scramble(targets.labels, targets.valid),
    deltas=scramble(targets.deltas, targets.valid),
    mask_labels=scramble(targets.mask_labels, targets.mask_valid),
    masks=scramble(targets.masks, targets.mask_valid),
  )
  assert not np.array_equal(other.labels, targets.labels)
  jax.tree.map(np.testing.assert_array_equal, _losses(scrambled, other), _losses(regions, targets))


def test_the_order_of_the_regions_does_not_matter():
  outputs, _, _ = scenario()
  turn = jax.tree.map(lambda x: x[:, ::-1], (outputs.regions, outputs.region_targets))
  expected = _losses(outputs.regions, outputs.region_targets)
  jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5), _losses(*turn), expected)


def test_without_regions_everything_is_zero_and_finite():
  outputs, _, _ = scenario()
  targets = outputs.region_targets
  nothing = targets.replace(
    valid=np.zeros_like(targets.valid), mask_valid=np.zeros_like(targets.mask_valid)
  )
  assert set(map(float, _losses(outputs.regions, nothing).values())) == {0.0}
  jax.tree.map(lambda g: np.testing.assert_array_equal(g, 0), _gradient(outputs.regions, nothing))


def test_without_positives_only_the_class_is_learned():
  outputs, _, _ = scenario()
  targets = outputs.region_targets
  background = targets.replace(
    labels=np.zeros_like(targets.labels), mask_valid=np.zeros_like(targets.mask_valid)
  )
  losses = _losses(outputs.regions, background)
  assert losses["box_class"] > 0 and losses["box_deltas"] == 0 and losses["mask"] == 0
