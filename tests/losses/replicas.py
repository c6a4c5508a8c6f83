"""Replicas against one device: the losses and the gradient of parameters that all images share.

`python -m tests.losses.replicas` does so under `pmap` over four devices.
"""

import dataclasses
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from jppf_jax.losses.total import compute_losses
from tests.losses.scenario import scenario


def _parameters(outputs):
  """A bias for each output channel, shared by the images, as in the last layers of a network."""
  return jax.tree.map(lambda x: np.zeros(x.shape[1:], np.float32), _predictions(outputs))


def _predictions(outputs):
  return outputs.semantic, outputs.part, outputs.rpn, outputs.regions


def _step(parameters, example, axis_name=None):
  outputs, targets, batch = example

  def objective(parameters):
    predictions = jax.tree.map(jnp.add, _predictions(outputs), parameters)
    semantic, part, rpn, regions = predictions
    biased = dataclasses.replace(outputs, semantic=semantic, part=part, rpn=rpn, regions=regions)
    losses = compute_losses(biased, targets, batch, axis_name=axis_name)
    return sum(losses.values()), losses

  gradient, losses = jax.grad(objective, has_aux=True)(parameters)
  return (gradient, losses) if axis_name is None else jax.lax.pmean((gradient, losses), axis_name)


def assert_replicas_equal_one_device(parallel, replicas, images=4):
  """`parallel(step)` runs `step(parameters, example)` on `replicas` slices of the batch, over the
  axis "batch".
  """
  example = scenario(images)
  parameters = _parameters(example[0])
  expected = jax.jit(_step)(parameters, example)
  slices = jax.tree.map(lambda x: x.reshape(replicas, images // replicas, *x.shape[1:]), example)
  step = parallel(lambda parameters, example: _step(parameters, example, "batch"))
  found = step(parameters, slices)

  def check(ours, theirs):
    for replica in np.asarray(ours):
      np.testing.assert_allclose(replica, theirs, rtol=1e-5, atol=1e-7)

  jax.tree.map(check, found, expected)
  assert all(np.abs(leaf).max() > 1e-4 for leaf in jax.tree.leaves(expected))


if __name__ == "__main__":
  jax.config.update("jax_num_cpu_devices", 4)
  jax.config.update("jax_enable_compilation_cache", False)  # see training/step_test.py
  assert jax.local_device_count() == 4
  over_devices = partial(jax.pmap, axis_name="batch", in_axes=(None, 0))
  assert_replicas_equal_one_device(over_devices, 4)
  print("4 devices agree")
