"""One training step: forward pass, losses, gradients, update.

The step is a pure function; `parallel.py` maps it over the devices.
"""

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jppf_jax.losses.total import compute_losses
from jppf_jax.model import JPPF
from jppf_jax.optimization import freeze_norms
from jppf_jax.structs import Array, Batch, RPNTargets
from jppf_jax.targets.instance_regions import sample_regions
from jppf_jax.targets.instance_rpn import rpn_targets
from jppf_jax.training.parallel import AXIS, Step
from jppf_jax.training.state import TrainState


def make_step(
  model: JPPF,
  optimizer: optax.GradientTransformation,
  *,
  learning_rate: optax.Schedule,
  anchors_per_image: int,
  regions_per_image: int,
  freeze_norm: bool,
  loss_weights: Mapping[str, float] = MappingProxyType({}),
) -> Step:
  """Returns `step(state, batch) -> (state, metrics)` of one replica on the axis `parallel.AXIS`.

  Gradients are those of the global batch. Randomness depends only on the seed and the step of the
  state and the position of an image in the global batch, so a resumed run repeats the run that it
  resumes, on any number of devices.

  Args:
    model: with `axis_name` = `parallel.AXIS`.
    optimizer: of all phases.
    learning_rate: by step, for the metrics.
    anchors_per_image: sampled for the RPN losses.
    regions_per_image: sampled for the box and mask losses.
    freeze_norm: norms use their running statistics; neither these nor their parameters change.
    loss_weights: factors by name, see `losses.total.compute_losses`.
  """
  update = freeze_norms(optimizer).update if freeze_norm else optimizer.update

  def step(state: TrainState, batch: Batch) -> tuple[TrainState, dict[str, Array]]:
    key = jax.random.fold_in(jax.random.key(state.seed), state.step)
    key_anchors, key_regions = jax.random.split(key)
    anchor_targets = None
    if "instance" in model.heads:
      anchor_targets = _anchor_targets(model, key_anchors, batch, samples=anchors_per_image)
    sample = partial(
      sample_regions, key_regions, batch=batch, samples=regions_per_image, axis_name=AXIS
    )

    def objective(params: Any) -> tuple[Array, Any]:
      outputs, updated = model.apply(
        {"params": params, "batch_stats": state.batch_stats},
        batch.image,
        sample,
        train=not freeze_norm,
        covered=batch.covered,
        mutable=["batch_stats"],
      )
      losses = compute_losses(outputs, anchor_targets, batch, weights=loss_weights, axis_name=AXIS)
      total = jnp.asarray(sum(losses.values()))
      return total, (losses, updated["batch_stats"])

    with_gradients = jax.value_and_grad(objective, has_aux=True)
    (loss, (losses, batch_stats)), grads = with_gradients(state.params)
    if jax.lax.axis_size(AXIS) > 1:  # the mean of one would be slow to compile
      loss, losses, grads = jax.lax.pmean((loss, losses, grads), AXIS)
    updates, opt_state = update(grads, state.opt_state, state.params)
    metrics = {f"loss/{name}": value for name, value in losses.items()}
    metrics["loss"] = loss
    metrics["grad_norm"] = optax.tree.norm(grads)
    metrics["learning_rate"] = learning_rate(state.step)
    params = optax.apply_updates(state.params, updates)
    return TrainState(state.step + 1, params, batch_stats, opt_state, state.seed), metrics

  return step


def _anchor_targets(model: JPPF, key: jax.Array, batch: Batch, *, samples: int) -> RPNTargets:
  _, height, width, _ = batch.image.shape
  anchors = np.concatenate(list(model.anchors((height, width)).values()))
  return rpn_targets(
    key,
    anchors,
    batch.boxes,
    batch.valid,
    batch.covered,
    samples=samples,
    axis_name=AXIS,
  )
