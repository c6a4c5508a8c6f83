"""Training as a list of phases: how many steps, which learning rate, whether norms are frozen.

One optimizer state fits all phases, so a run resumes in any of them.
"""

import itertools
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import traverse_util

from jppf_jax.ops.sums import sum_each

_SUMS = 32  # of arrays that one operation adds
_TINY = 1e-6  # PyTorch adds it to the gradient's norm before it divides


@dataclass(frozen=True)
class Phase:
  """A part of training with its own learning rate.

  Attributes:
    steps: number of steps.
    learning_rate: after the warm-up.
    warmup: number of steps in which the learning rate rises linearly, from a third of it.
    drops: milestones, in steps of this phase; at each, the learning rate is divided by 10.
    freeze_norm: norms use their running statistics; neither these nor their parameters change.

  Raises:
    ValueError: there are no steps, or milestones do not increase from the warm-up to the last step.
    ValueError: the learning rate is not positive.
  """

  steps: int
  learning_rate: float
  warmup: int = 0
  drops: tuple[int, ...] = ()
  freeze_norm: bool = False

  def __post_init__(self):
    milestones = (self.warmup, *self.drops)
    increasing = list(milestones) == sorted(set(milestones))
    if self.steps < 1 or self.warmup < 0 or not increasing or milestones[-1] > self.steps:
      raise ValueError(
        "A phase needs steps > 0 and 0 <= warmup < milestone < next milestone <= steps "
        f"(milestones are called drops); got {self}."
      )
    if self.learning_rate <= 0:
      raise ValueError(f"A phase needs a positive learning rate; got {self}.")


def within_steps(values: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
  """Returns the values of a `Phase` that was shortened, and a line that says what was changed.

  A milestone after the last step is dropped, and a warm-up ends with the last step. The line is
  empty if nothing was changed.

  Args:
    values: the arguments of `Phase`.
  """
  steps = values["steps"]
  warmup, drops = values.get("warmup", 0), tuple(values.get("drops", ()))
  kept = tuple(drop for drop in drops if drop < steps)
  changes = []
  if len(kept) < len(drops):
    after = ", ".join(str(drop) for drop in drops if drop >= steps)
    changes.append(f"no drop of the learning rate at {after}")
  if warmup > steps:
    changes.append(f"warm-up cut from {warmup}")
  line = f"The phase ends at step {steps}: {', '.join(changes)}." if changes else ""
  return {**values, "warmup": min(warmup, steps), "drops": kept}, line


def main_then_frozen(main: Phase, frozen: Phase) -> tuple[Phase, ...]:
  """Returns the default order: the schedule of Sec. 4, then EfficientPS's epochs with frozen norms.

  Differs from the paper: its text has the frozen epochs before the main schedule, see `paper_text`.
  Freezing norms that have hardly been trained makes little sense, and EfficientPS, whose schedule
  this is, freezes them last.
  """
  return main, frozen


def paper_text(main: Phase, frozen: Phase) -> tuple[Phase, ...]:
  """Returns the order of the paper's text (Sec. 4): warm-up, frozen epochs, main schedule.

  The main schedule then has no warm-up of its own.
  """
  rest = Phase(steps=main.steps, learning_rate=main.learning_rate, drops=main.drops)
  if not main.warmup:
    return frozen, rest
  warmup = Phase(steps=main.warmup, learning_rate=main.learning_rate, warmup=main.warmup)
  return warmup, frozen, rest


ORDERS = {"main_then_frozen": main_then_frozen, "paper_text": paper_text}


def learning_rate(phases: Sequence[Phase]) -> optax.Schedule:
  """Returns the learning rate as a function of the step, counted from 0 over all phases."""
  schedules = [_schedule(phase) for phase in phases]
  ends = list(itertools.accumulate(phase.steps for phase in phases))
  return optax.join_schedules(schedules, ends[:-1])


def _schedule(phase: Phase) -> optax.Schedule:
  """The learning rate of one phase, by its own step."""
  peak = phase.learning_rate
  factors = {milestone - phase.warmup: 0.1 for milestone in phase.drops}
  decay = optax.piecewise_constant_schedule(peak, factors)
  if not phase.warmup:
    return decay
  rise = optax.linear_schedule(peak / 3, peak, phase.warmup)
  return optax.join_schedules([rise, decay], [phase.warmup])


def sgd(
  schedule: optax.Schedule,
  *,
  momentum: float = 0.9,
  weight_decay: float = 1e-4,
  clip_norm: float = 35.0,
) -> optax.GradientTransformation:
  """Returns EfficientPS's optimizer: PyTorch's SGD with momentum, gradients clipped by global norm.

  Weight decay is added after clipping and applies to all parameters, norms and biases included.

  Args:
    schedule: learning rate by step.
    momentum: factor of the previous update.
    weight_decay: factor of the parameters.
    clip_norm: largest global norm of the gradients.
  """
  return _as_one_array(
    clip_by_global_norm(clip_norm),
    optax.add_decayed_weights(weight_decay),
    optax.trace(momentum),
    optax.scale_by_learning_rate(schedule),
  )


def adamw(
  schedule: optax.Schedule,
  *,
  momentum: float = 0.9,
  weight_decay: float = 1e-4,
  clip_norm: float = 35.0,
) -> optax.GradientTransformation:
  """Returns AdamW on clipped gradients; it learns more than SGD in the few steps of small runs.

  Differs from the paper: it trains with SGD, see `sgd`.

  Args:
    schedule: learning rate by step.
    momentum: decay of the gradient's running mean (b1).
    weight_decay: factor of the parameters.
    clip_norm: largest global norm of the gradients.
  """
  return _as_one_array(
    clip_by_global_norm(clip_norm),
    optax.scale_by_adam(b1=momentum),
    optax.add_decayed_weights(weight_decay),
    optax.scale_by_learning_rate(schedule),
  )


def _as_one_array(*transformations: optax.GradientTransformation) -> optax.GradientTransformation:
  """Returns the chain, applied to one vector of all parameters; its state has such vectors.

  Some 400 small arrays would take thousands of kernels to compile, and of files to save.
  """
  return optax.flatten(optax.chain(*transformations))


OPTIMIZERS = {"sgd": sgd, "adamw": adamw}


def apply_updates(params: Any, updates: Any) -> Any:
  """Returns the sums of two trees of float32 arrays, as `optax.apply_updates` does.

  Arrays of one shape are added by one operation, a sum over pairs. The updates are parts of one
  vector (`_as_one_array`), and XLA would compile a kernel of its own for each of some 400 parts, as
  each begins elsewhere.
  """
  old, structure = jax.tree.flatten(params)
  added = jax.tree.leaves(updates)
  alike = defaultdict(list)
  for index, leaf in enumerate(old):
    alike[leaf.shape].append(index)
  new = list(old)
  for indices in alike.values():
    for start in range(0, len(indices), _SUMS):
      few = indices[start : start + _SUMS]
      pairs = [jnp.stack([old[index], added[index]]) for index in few]
      for index, total in zip(few, sum_each(pairs, axes=(0,))):
        new[index] = total
  return jax.tree.unflatten(structure, new)


def clip_by_global_norm(max_norm: float) -> optax.GradientTransformation:
  """Returns `optax.clip_by_global_norm`, but divides by the norm + 1e-6, as PyTorch does."""

  def update(updates: Any, state: Any, params: Any = None) -> tuple[Any, Any]:
    del params
    norm = optax.tree.norm(updates)
    scale = jnp.minimum(1, max_norm / (norm + _TINY))
    return jax.tree.map(lambda gradient: gradient * scale, updates), state

  return optax.GradientTransformation(lambda params: optax.EmptyState(), update)


def freeze_norms(optimizer: optax.GradientTransformation) -> optax.GradientTransformation:
  """Returns the optimizer for phases with `freeze_norm`: the parameters of norms do not change.

  It has the same state as `optimizer`. The gradients of norms do not count in the global norm
  either, and their momentum decays.
  """

  def update(updates: Any, state: Any, params: Any = None) -> tuple[Any, Any]:
    if params is not None:
      params = zero_norms(params)  # no weight decay
    updates, state = optimizer.update(zero_norms(updates), state, params)
    return zero_norms(updates), state

  return optax.GradientTransformation(optimizer.init, update)


def zero_norms(tree: dict[str, Any]) -> dict[str, Any]:
  """Returns the tree with the parameters of norms set to 0.

  A layer is a norm if it has a `scale`; no other layer has one.
  """
  flat = traverse_util.flatten_dict(tree)
  norms = {path[:-1] for path in flat if path[-1] == "scale"}
  for path, value in flat.items():
    if path[:-1] in norms:
      flat[path] = jnp.zeros_like(value)
  return traverse_util.unflatten_dict(flat)
