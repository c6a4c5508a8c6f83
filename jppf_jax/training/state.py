"""What a training step carries from one step to the next."""

from typing import Any

import jax
import numpy as np
import optax

from jppf_jax.structs import Array, struct


@struct
class TrainState:
  """Everything a checkpoint holds besides the position of the input pipeline."""

  step: Array
  params: Any
  batch_stats: Any
  opt_state: Any


def create_state(variables: Any, optimizer: optax.GradientTransformation) -> TrainState:
  """Returns the state before the first step, host arrays throughout."""
  opt_state = jax.tree.map(
    lambda x: np.zeros(x.shape, x.dtype), jax.eval_shape(optimizer.init, variables["params"])
  )  # momentum and counters of SGD start at zero
  return TrainState(
    np.zeros((), np.int32), variables["params"], variables["batch_stats"], opt_state
  )
