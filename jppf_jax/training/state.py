"""What a training step carries from one step to the next."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jppf_jax.structs import Array, struct


@struct
class TrainState:
  """What a checkpoint stores, besides the position of the input pipeline.

  Attributes:
    step: number of steps done, a scalar.
    params: of the model.
    batch_stats: running statistics of the norms.
    opt_state: of the optimizer.
    seed: of what is sampled, a scalar. It is no constant of the program, so that runs that differ
      in nothing else share what is compiled.
    ema: the exponential moving average of `params` and `batch_stats`, all values as one vector;
      None if there is none.
  """

  step: Array
  params: Any
  batch_stats: Any
  opt_state: Any
  seed: Array
  ema: Array | None = None


def create_state(
  variables: Any, optimizer: optax.GradientTransformation, *, seed: int = 0, ema: bool = False
) -> TrainState:
  """Returns the state before the first step.

  The optimizer's state is all zeros, as SGD and AdamW start.

  Args:
    variables: `{"params": ..., "batch_stats": ...}`; if these are host arrays, all the state is.
    optimizer: of all phases.
    seed: of the sampling of anchors and regions.
    ema: keep a moving average of the variables, which starts as they do.
  """
  params = variables["params"]
  shapes = jax.eval_shape(optimizer.init, params)
  opt_state = jax.tree.map(lambda x: np.zeros(x.shape, x.dtype), shapes)
  step = np.zeros((), np.int32)
  stats, seeds = variables["batch_stats"], np.array(seed, np.int32)
  average = _vector((params, stats)) if ema else None
  return TrainState(step, params, stats, opt_state, seeds, average)


def _vector(tree: Any) -> Any:
  """Returns all values of a tree as one vector, in the order of its leaves."""
  leaves = [x.reshape(-1) for x in jax.tree.leaves(tree)]
  is_host = all(isinstance(x, np.ndarray) for x in leaves)
  return np.concatenate(leaves) if is_host else jnp.concatenate(leaves)


def average(
  old: Array | None, params: Any, batch_stats: Any, step: Array, decay: float
) -> Array | None:
  """Returns the next `TrainState.ema`; None if there is none.

  Early steps count more, so that the start is soon forgotten: the decay of step t, from 0, is at
  most (1 + t) / (10 + t).

  Args:
    old: the average so far.
    params: after the step.
    batch_stats: after the step.
    step: number of steps done before, a scalar.
    decay: weight of the old average in the new one.
  """
  if old is None:
    return None
  kept = jnp.minimum(decay, (1 + step) / (10 + step))
  new = _vector((params, batch_stats))
  return new + kept * (old - new)


def averaged(state: TrainState) -> dict[str, Any]:
  """Returns the variables that `state.ema` holds, of a state of host arrays that has one."""
  variables = (state.params, state.batch_stats)
  leaves = jax.tree.leaves(variables)
  ends = np.cumsum([leaf.size for leaf in leaves])[:-1]
  parts = np.split(np.asarray(state.ema), ends)
  shaped = [x.reshape(y.shape) for x, y in zip(parts, leaves)]
  params, stats = jax.tree.unflatten(jax.tree.structure(variables), shaped)
  return {"params": params, "batch_stats": stats}
