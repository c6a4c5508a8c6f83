"""All losses together; replicas compute the losses of one device."""

import dataclasses
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import jax
import numpy as np
import pytest

from jppf_jax.losses.semantic_part import hard_cross_entropy
from jppf_jax.losses.term import reduce_term
from jppf_jax.losses.total import compute_losses
from jppf_jax.names import LOSSES
from tests.losses.replicas import assert_replicas_equal_one_device
from tests.losses.scenario import scenario

_losses = jax.jit(compute_losses)


def test_each_loss_has_its_name():
  losses = _losses(*scenario())
  assert set(losses) == set(LOSSES)
  assert all(np.isfinite(loss) and loss > 0 for loss in losses.values())


def test_weights_scale_the_losses_they_name():
  weights = {"part": 0.5, "mask": 0.0}
  plain = _losses(*scenario())
  weighted = compute_losses(*scenario(), weights=weights)
  for name in LOSSES:
    expected = plain[name] * weights.get(name, 1.0)
    np.testing.assert_allclose(weighted[name], expected, rtol=1e-6)


def test_a_head_that_the_model_does_not_have_has_no_losses():
  outputs, targets, batch = scenario()
  instances = {"rpn_objectness", "rpn_box", "box_class", "box_deltas", "mask"}
  without = {
    "semantic": dataclasses.replace(outputs, semantic=outputs.semantic[..., :0]),
    "part": dataclasses.replace(outputs, part=outputs.part[..., :0]),
    "instance": dataclasses.replace(outputs, rpn=None, regions=None, region_targets=None),
  }
  for head, rest in without.items():
    losses = jax.eval_shape(compute_losses, rest, targets if rest.rpn else None, batch)
    assert set(losses) == set(LOSSES) - (instances if head == "instance" else {head})
  with pytest.raises(ValueError, match="need rpn_targets"):
    compute_losses(outputs, None, batch)


def test_the_losses_of_pixels_are_those_of_their_labels_without_the_padding():
  outputs, targets, batch = scenario()
  assert (batch.covered < batch.semantic.shape[1:]).any()
  losses = _losses(outputs, targets, batch)
  for name in ("semantic", "part"):
    loss = jax.jit(partial(hard_cross_entropy, covered=batch.covered))
    term = loss(getattr(outputs, name), getattr(batch, name))
    np.testing.assert_allclose(losses[name], reduce_term(term), rtol=1e-5)


def test_a_weight_for_an_unknown_loss_is_refused():
  with pytest.raises(ValueError, match="no loss called parts; weights may name semantic, part"):
    compute_losses(*scenario(), weights={"parts": 1.0})


def test_outputs_of_inference_are_refused():
  outputs, targets, batch = scenario()
  inference = dataclasses.replace(outputs, regions=None)
  with pytest.raises(ValueError, match="train=True"):
    compute_losses(inference, targets, batch)


def test_two_images_on_each_of_two_replicas_equal_one_device():
  def parallel(step):
    return jax.jit(jax.vmap(step, (None, 0), axis_name="batch"))

  assert_replicas_equal_one_device(parallel, replicas=2)


def test_pmap_over_four_devices_equals_one_device():
  # A fresh process, because the number of devices is fixed at start-up.
  run = [sys.executable, "-m", "tests.losses.replicas"]
  root, environment = Path(__file__).parents[2], os.environ | {"JAX_PLATFORMS": "cpu"}
  done = subprocess.run(run, cwd=root, env=environment, capture_output=True, text=True, timeout=120)
  assert done.returncode == 0 and "4 devices agree" in done.stdout, done.stdout + done.stderr
