"""What a training step carries from one step to the next."""

from typing import Any

import jax
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
  """

  step: Array
  params: Any
  batch_stats: Any
  opt_state: Any
  seed: Array


def create_state(
  variables: Any, optimizer: optax.GradientTransformation, *, seed: int = 0
) -> TrainState:
  """Returns the state before the first step.

  The optimizer's state is all zeros, as SGD and AdamW start.

  Args:
    variables: `{"params": ..., "batch_stats": ...}`; if these are host arrays, all the state is.
    optimizer: of all phases.
    seed: of the sampling of anchors and regions.
  """
  params = variables["params"]
  shapes = jax.eval_shape(optimizer.init, params)
  opt_state = jax.tree.map(lambda x: np.zeros(x.shape, x.dtype), shapes)
  step = np.zeros((), np.int32)
  return TrainState(step, params, variables["batch_stats"], opt_state, np.array(seed, np.int32))
