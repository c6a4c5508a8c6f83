"""What a training step carries from one step to the next."""

from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import linen as nn
from flax import struct

from jppf_jax.structs import Array


@struct.dataclass
class TrainState:
  """Everything a checkpoint holds besides the position of the input pipeline."""

  step: Array
  params: Any
  batch_stats: Any
  opt_state: Any


def create_state(
  key: Array, model: nn.Module, optimizer: optax.GradientTransformation, image_size: tuple[int, int]
) -> TrainState:
  """Initialises parameters and optimizer. `image_size` (H, W) only has to be one that the model accepts."""
  image = jnp.zeros((1, *image_size, 3), jnp.uint8)
  variables = jax.jit(lambda key: model.init(key, image, train=False))(key)
  params = variables["params"]
  return TrainState(jnp.int32(0), params, variables["batch_stats"], optimizer.init(params))
