"""What a run begins with: its checked config, its state, its compiled steps, and lines about it."""

import dataclasses
import functools
import json
from typing import Any

import grain
import jax
import numpy as np

from jppf_jax import build
from jppf_jax.checkpoints import run_folder, weights
from jppf_jax.checkpoints.store import Checkpoints
from jppf_jax.config_rules import ConfigError
from jppf_jax.training.evaluations import Schedule
from jppf_jax.training.logs import say
from jppf_jax.training.parallel import AXIS, Runner, Step, check_divisible, make_runner
from jppf_jax.training.state import TrainState, create_state
from jppf_jax.training.step import make_step
from jppf_jax.training.writers import check_installed


def checked(config: build.Config) -> tuple[build.Training, Any]:
  """Returns what is trained, and the shapes of its variables.

  Raises:
    ConfigError: a value of the config is not allowed.
  """
  try:
    run = build.training(config, axis_name=AXIS)
    check_divisible(run.batch_size, jax.device_count(), parts=run.accumulate)
    schedule(run)
    check_installed(run.wandb_project)
    return run, build.variable_shapes(run.model)
  except ValueError as error:  # only the config is read here
    raise ConfigError(str(error)) from error


def schedule(run: build.Training) -> Schedule:
  """Returns when a run is evaluated.

  Raises:
    ValueError: values have no meaning without evaluations.
  """
  return Schedule(run.evaluate_every, run.evaluate_images, run.patience)


def size(shapes: Any) -> int:
  """Returns the number of parameters."""
  return sum(leaf.size for leaf in jax.tree.leaves(shapes))


def _accept(run: build.Training, record: dict[str, Any], *, modules: set[str]) -> None:
  """Compares the run with a checkpoint of it; what may change is said in one line.

  Raises:
    WeightsError: the weights of the checkpoint mean something else.
  """
  step = record["step"]
  what, advice = f"The checkpoint of step {step}", "choose another --workdir"
  weights.check_meaning(record, run.meaning, modules, what=what, advice=advice)
  known = build.optional_values()
  before, now = (run_folder.filled(values, known) for values in (record["config"], run.stored))
  decay = before["train"].get("ema_decay", 0.0)
  if (decay > 0) != (run.ema_decay > 0):
    has = "a" if decay else "no"
    raise weights.WeightsError(
      f"{what} has {has} moving average of the weights, and a run cannot change that on its way. "
      f"Set --config.train.ema_decay={decay:g}, or {advice}."
    )
  changes = run_folder.changes(before, now)
  if changes:
    say(f"Changed since step {step} was saved: {', '.join(changes)}")


def initial_state(config: build.Config, run: build.Training) -> TrainState:
  """Returns the state before the first step, host arrays; says what it was loaded from.

  Raises:
    WeightsError: the pretrained weights do not fit.
  """
  variables, report = build.start(config, run.model)
  if report:
    say(f"Started from the weights {run.pretrained}; numbers of tensors:\n{report}")
  if run.random_start:
    say(run.random_start)
  return create_state(variables, run.optimizer, seed=run.seed, ema=run.ema_decay > 0)


def restored(
  run: build.Training, shapes: Any, checkpoints: Checkpoints, iterator: grain.DatasetIterator
) -> TrainState:
  """Returns the newest state that was saved, and sets the position of the data."""
  make = functools.partial(create_state, optimizer=run.optimizer, ema=run.ema_decay > 0)
  template = jax.eval_shape(make, shapes)
  accept = functools.partial(_accept, run, modules=set(shapes["params"]))
  found = checkpoints.restore(template, iterator, accept=accept)
  assert found is not None  # there are checkpoints
  step, state = found
  say(f"resuming from step {step}")
  return dataclasses.replace(state, seed=np.array(run.seed, np.int32))


def plan(run: build.Training) -> str:
  """Returns lines about devices and steps."""
  processes = f" of {jax.process_count()} processes" if jax.process_count() > 1 else ""
  devices = f"devices: {jax.device_count()} x {jax.devices()[0].device_kind}{processes}"
  steps = " + ".join(str(phase.steps) for phase in run.phases)
  lines = [
    f"{devices}, {run.parallel}",
    f"steps: {steps}, a checkpoint every {run.checkpoint_every}",
    *run.notes,
  ]
  return "\n".join(lines)


class Runners:
  """The compiled steps of runs of one process; those that differ only in their seed share them.

  The steps of the last config are kept.
  """

  def __init__(self) -> None:
    self._config = ""
    self._by_phase: dict[bool, Runner] = {}

  def get(self, run: build.Training, *, freeze_norm: bool) -> Runner:
    """Returns the step of a phase, compiled or not.

    Args:
      run: what is trained; its seed is in the state.
      freeze_norm: of the phase.
    """
    config = json.dumps(run.stored | {"seed": None}, sort_keys=True)
    if config != self._config:
      self._config, self._by_phase = config, {}
    if freeze_norm not in self._by_phase:
      say("compiling (about a minute) ...")
      step = step_of(run, freeze_norm=freeze_norm)
      self._by_phase[freeze_norm] = make_runner(run.parallel, step)
    return self._by_phase[freeze_norm]


def step_of(run: build.Training, *, freeze_norm: bool) -> Step:
  """Returns the step of a phase, of one replica."""
  return make_step(
    run.model,
    run.optimizer,
    learning_rate=run.learning_rate,
    anchors_per_image=run.anchors_per_image,
    regions_per_image=run.regions_per_image,
    freeze_norm=freeze_norm,
    loss_weights=run.loss_weights,
    accumulate=run.accumulate,
    ema_decay=run.ema_decay,
  )
