"""How long to train at which learning rate, and when norms are frozen: a list of phases, and the
optimizer over them.

One optimizer state fits every phase, so a run resumes in any of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import traverse_util

_TINY = 1e-6  # PyTorch adds it to the gradient's norm before dividing


@dataclass(frozen=True)
class Phase:
  """A stretch of training with its own learning rate.

  Attributes:
    steps: how many.
    learning_rate: after the warm-up.
    warmup: steps in which the rate rises linearly from a third of it.
    drops: steps, counted within the phase, from which on the rate is a tenth of what it was.
    freeze_norm: norms use their running statistics, and neither those nor their parameters change.

  Raises:
    ValueError: steps, warm-up and drops do not follow each other, or a learning rate is not
      positive.
  """

  steps: int
  learning_rate: float
  warmup: int = 0
  drops: tuple[int, ...] = ()
  freeze_norm: bool = False

  def __post_init__(self):
    order = (self.warmup, *self.drops)
    if (
      self.steps < 1
      or self.warmup < 0
      or list(order) != sorted(set(order))
      or order[-1] > self.steps
    ):
      raise ValueError(
        f"A phase needs steps > 0 and 0 <= warmup < drop < next drop <= steps; got {self}."
      )
    if self.learning_rate <= 0:
      raise ValueError(f"A phase needs a positive learning rate; got {self}.")


def main_then_frozen(main: Phase, frozen: Phase) -> tuple[Phase, ...]:
  """The default: the schedule of Sec. 4, then the epochs with frozen norms that EfficientPS
  fine-tunes with.

  Differs from the paper: its text has the frozen epochs before the main schedule, see `paper_text`.
  Freezing norms that have hardly been trained makes little sense, and EfficientPS, whose recipe
  this is, freezes them last.
  """
  return main, frozen


def paper_text(main: Phase, frozen: Phase) -> tuple[Phase, ...]:
  """The order of the paper's text (Sec. 4): warm-up, the frozen epochs, then the main schedule
  without a warm-up.
  """
  rest = Phase(steps=main.steps, learning_rate=main.learning_rate, drops=main.drops)
  if not main.warmup:
    return frozen, rest
  return (
    Phase(steps=main.warmup, learning_rate=main.learning_rate, warmup=main.warmup),
    frozen,
    rest,
  )


ORDERS = {"main_then_frozen": main_then_frozen, "paper_text": paper_text}


def learning_rate(phases: Sequence[Phase]) -> optax.Schedule:
  """Returns the learning rate as a function of the step, counted from 0 over all phases."""
  schedules, ends = [], []
  for phase in phases:
    peak = phase.learning_rate
    steady = optax.piecewise_constant_schedule(
      peak, {drop - phase.warmup: 0.1 for drop in phase.drops}
    )
    if phase.warmup:
      rise = optax.linear_schedule(peak / 3, peak, phase.warmup)
      steady = optax.join_schedules([rise, steady], [phase.warmup])
    schedules.append(steady)
    ends.append((ends[-1] if ends else 0) + phase.steps)
  return optax.join_schedules(schedules, ends[:-1])


def sgd(
  schedule: optax.Schedule,
  *,
  momentum: float = 0.9,
  weight_decay: float = 1e-4,
  clip_norm: float = 35.0,
) -> optax.GradientTransformation:
  """Returns EfficientPS's optimizer: PyTorch's SGD with momentum, on gradients clipped to a global
  norm.

  The decay is added after clipping and applies to every parameter, norms and biases included.
  """
  return optax.chain(
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
  """Returns AdamW on clipped gradients: where there are few steps, as for the small weights, it
  gets further than SGD.

  Differs from the paper: which trains with SGD, see `sgd`.
  """
  return optax.chain(
    clip_by_global_norm(clip_norm),
    optax.scale_by_adam(b1=momentum),
    optax.add_decayed_weights(weight_decay),
    optax.scale_by_learning_rate(schedule),
  )


OPTIMIZERS = {"sgd": sgd, "adamw": adamw}


def clip_by_global_norm(max_norm: float) -> optax.GradientTransformation:
  """As `optax.clip_by_global_norm`, but divides by the norm + 1e-6, as PyTorch."""

  def update(updates, state, params=None):
    del params
    scale = jnp.minimum(1, max_norm / (optax.tree.norm(updates) + _TINY))
    return jax.tree.map(lambda g: g * scale, updates), state

  return optax.GradientTransformation(lambda params: optax.EmptyState(), update)


def freeze_norms(optimizer: optax.GradientTransformation) -> optax.GradientTransformation:
  """Returns the optimizer for phases with `freeze_norm`: the same state, but the parameters of
  norms stay as they are.

  Their gradients do not count in the global norm either, and what momentum they had fades.
  """

  def update(updates, state, params=None):
    updates = zero_norms(updates)
    updates, state = optimizer.update(
      updates, state, None if params is None else zero_norms(params)
    )
    return zero_norms(updates), state

  return optax.GradientTransformation(optimizer.init, update)


def zero_norms(tree: dict[str, Any]) -> dict[str, Any]:
  """Sets the parameters of norms to 0: whatever stands beside a `scale`, which no other layer has."""
  flat = traverse_util.flatten_dict(tree)
  norms = {path[:-1] for path in flat if path[-1] == "scale"}
  return traverse_util.unflatten_dict(
    {k: jnp.zeros_like(v) if k[:-1] in norms else v for k, v in flat.items()}
  )
