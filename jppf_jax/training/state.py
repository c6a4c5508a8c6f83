"""What a training step carries from one step to the next."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import linen as nn
from flax import struct

from jppf_jax.structs import Array

_SIZE = (64, 64)  # any size the model accepts: parameters do not depend on it


@struct.dataclass
class TrainState:
  """Everything a checkpoint holds besides the position of the input pipeline."""

  step: Array
  params: Any
  batch_stats: Any
  opt_state: Any


def variable_shapes(model: nn.Module) -> Any:
  """Returns the shapes of `{"params", "batch_stats"}` without computing anything."""
  return jax.eval_shape(_init(model), jax.random.key(0))


def init_variables(key: Array, model: nn.Module) -> Any:
  """Returns freshly initialised `{"params", "batch_stats"}` as host arrays."""
  return jax.device_get(jax.jit(_init(model))(key))


def create_state(variables: Any, optimizer: optax.GradientTransformation) -> TrainState:
  """Returns the state before the first step, host arrays throughout."""
  opt_state = jax.tree.map(
    lambda x: np.zeros(x.shape, x.dtype), jax.eval_shape(optimizer.init, variables["params"])
  )  # momentum and counters of SGD start at zero
  return TrainState(np.zeros((), np.int32), variables["params"], variables["batch_stats"], opt_state)


def _init(model: nn.Module):
  return lambda key: model.init(key, jnp.zeros((1, *_SIZE, 3), jnp.uint8), train=False)
