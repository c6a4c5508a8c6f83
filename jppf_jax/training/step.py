"""One training step: forward pass, losses, gradients, update.

The step is a pure function; `parallel.py` maps it over the devices.
"""

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.flatten_util import ravel_pytree

from jppf_jax.losses.total import compute_losses
from jppf_jax.model import JPPF
from jppf_jax.optimization import apply_updates, freeze_norms
from jppf_jax.structs import Array, Batch, Outputs, RPNTargets
from jppf_jax.targets.instance_regions import sample_regions
from jppf_jax.targets.instance_rpn import rpn_targets
from jppf_jax.targets.matching import image_keys
from jppf_jax.training.accumulation import value_and_gradient
from jppf_jax.training.parallel import AXIS, Step
from jppf_jax.training.state import TrainState, average


def make_step(
  model: JPPF,
  optimizer: optax.GradientTransformation,
  *,
  learning_rate: optax.Schedule,
  anchors_per_image: int,
  regions_per_image: int,
  freeze_norm: bool,
  loss_weights: Mapping[str, float] = MappingProxyType({}),
  accumulate: int = 1,
  ema_decay: float = 0.0,
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
    accumulate: parts of the images of a replica that are differentiated one after the other, see
      `accumulation.value_and_gradient`.
    ema_decay: of the moving average of the weights, of states that have one.
  """
  update = make_update(optimizer, freeze_norm=freeze_norm, ema_decay=ema_decay)

  def step(state: TrainState, batch: Batch) -> tuple[TrainState, dict[str, Array]]:
    keys = jax.random.split(jax.random.fold_in(jax.random.key(state.seed), state.step))
    key_anchors, key_regions = (image_keys(key, len(batch.image), AXIS) for key in keys)
    anchor_targets = _anchor_targets(model, key_anchors, batch, samples=anchors_per_image)

    def forward(params: Any, inputs: tuple[Batch, Array]) -> tuple[Outputs, Any]:
      images, keys = inputs
      outputs, updated = model.apply(
        {"params": params, "batch_stats": state.batch_stats},
        images.image,
        partial(sample_regions, keys, batch=images, samples=regions_per_image),
        train=not freeze_norm,
        covered=images.covered,
        mutable=["batch_stats"],
      )
      return outputs, updated["batch_stats"]

    def objective(outputs: Outputs) -> tuple[Array, dict[str, Array]]:
      losses = compute_losses(outputs, anchor_targets, batch, weights=loss_weights, axis_name=AXIS)
      return jnp.asarray(sum(losses.values())), losses

    loss, losses, batch_stats, grads = value_and_gradient(
      forward, objective, state.params, (batch, key_regions), parts=accumulate
    )
    if jax.lax.axis_size(AXIS) > 1:  # the mean of one would be slow to compile
      loss, losses, grads = jax.lax.pmean((loss, losses, grads), AXIS)
    metrics = {f"loss/{name}": value for name, value in losses.items()}
    metrics["loss"] = loss
    metrics["learning_rate"] = learning_rate(state.step)
    metrics["grad_norm"] = jnp.linalg.norm(ravel_pytree(grads)[0])  # as one array: few kernels
    return update(state, batch_stats, grads), metrics

  return step


def make_update(
  optimizer: optax.GradientTransformation, *, freeze_norm: bool, ema_decay: float
) -> Callable[[TrainState, Any, Any], TrainState]:
  """Returns `update(state, batch_stats, gradients) -> state`: what a step does with its gradients.

  Args:
    optimizer: of all phases.
    freeze_norm: the norms' parameters do not change.
    ema_decay: of the moving average of the weights, of states that have one.
  """
  of_phase = freeze_norms(optimizer).update if freeze_norm else optimizer.update

  def update(state: TrainState, batch_stats: Any, gradients: Any) -> TrainState:
    updates, opt_state = of_phase(gradients, state.opt_state, state.params)
    params = apply_updates(state.params, updates)
    ema = average(state.ema, params, batch_stats, state.step, ema_decay)
    return TrainState(state.step + 1, params, batch_stats, opt_state, state.seed, ema)

  return update


def _anchor_targets(model: JPPF, keys: Array, batch: Batch, *, samples: int) -> RPNTargets | None:
  """Returns what the RPN is to learn; None without an instance head."""
  if "instance" not in model.heads:
    return None
  _, height, width, _ = batch.image.shape
  anchors = np.concatenate(list(model.anchors((height, width)).values()))
  return rpn_targets(
    keys,
    anchors,
    batch.boxes,
    batch.valid,
    batch.covered,
    samples=samples,
  )
