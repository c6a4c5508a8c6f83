"""Region losses against the loop oracle, padding, and batches without positives."""

import dataclasses

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
  losses = [ours[name] for name in ("box_class", "box_deltas", "mask")]
  np.testing.assert_allclose(losses, expected, rtol=1e-5)


def test_only_the_channel_of_the_class_learns_boxes_and_masks():
  outputs, _, _ = scenario()
  targets = outputs.region_targets
  gradient = _gradient(outputs.regions, targets)
  learns_box = np.any(gradient.deltas, axis=-1)  # [B R T1]
  learns_mask = np.any(gradient.mask_logits, axis=(2, 3))  # [B M T1]
  for region in np.ndindex(targets.labels.shape):
    label = targets.labels[region]
    expected = [label] if targets.valid[region] and label else []
    assert np.flatnonzero(learns_box[region]).tolist() == expected
  for region in np.ndindex(targets.mask_labels.shape):
    expected = [targets.mask_labels[region]] if targets.mask_valid[region] else []
    assert np.flatnonzero(learns_mask[region]).tolist() == expected


def test_the_contents_of_padding_do_not_matter():
  outputs, _, _ = scenario()
  targets, regions = outputs.region_targets, outputs.regions
  rng = np.random.default_rng(1)

  def scramble(x, keep):
    garbage = rng.integers(0, 200, x.shape).astype(x.dtype)
    scrambled = x.copy()
    scrambled[~keep] = garbage[~keep]
    return scrambled

  scrambled = RegionOutputs(
    scramble(regions.class_logits, targets.valid),
    scramble(regions.deltas, targets.valid),
    scramble(regions.mask_logits, targets.mask_valid),
  )
  other = dataclasses.replace(
    targets,
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
  no_region, no_mask = np.zeros_like(targets.valid), np.zeros_like(targets.mask_valid)
  nothing = dataclasses.replace(targets, valid=no_region, mask_valid=no_mask)
  losses = _losses(outputs.regions, nothing)
  assert all(loss == 0 for loss in losses.values())
  for gradient in jax.tree.leaves(_gradient(outputs.regions, nothing)):
    np.testing.assert_array_equal(gradient, 0)


def test_without_positives_only_the_class_is_learned():
  outputs, _, _ = scenario()
  targets = outputs.region_targets
  labels, no_mask = np.zeros_like(targets.labels), np.zeros_like(targets.mask_valid)
  background = dataclasses.replace(targets, labels=labels, mask_valid=no_mask)
  losses = _losses(outputs.regions, background)
  assert losses["box_class"] > 0 and losses["box_deltas"] == 0 and losses["mask"] == 0
