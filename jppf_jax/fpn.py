"""Two-way feature pyramid (EfficientPS, Mohan & Valada 2021, Sec. 3.2). Levels are keyed by stride."""

from functools import partial
from itertools import pairwise
from typing import Any

import flax.linen as nn
import jax.numpy as jnp

from jppf_jax.layers import IABN, ConvNorm, xavier_uniform
from jppf_jax.ops.resize import nearest_down2, nearest_up2
from jppf_jax.structs import Pyramid


class TwoWayFPN(nn.Module):
  """Gives every level context from the coarser and detail from the finer ones.

  Both directions have lateral convolutions of their own. Differs from the paper: the output
  convolutions are dense, not separable, as in the public code.

  Attributes:
    channels: width of every output level.
    axis_name: mapped axis whose replicas share norm statistics.
    dtype: compute dtype; parameters stay float32.
  """

  channels: int = 256
  axis_name: str | None = None
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(self, pyramid: Pyramid, *, train: bool) -> Pyramid:
    """Returns the same strides and resolutions, every level `channels` wide.

    Raises:
      ValueError: the strides do not double from level to level.
    """
    strides = sorted(pyramid)  # finest first
    if any(coarse != 2 * fine for fine, coarse in pairwise(strides)):
      raise ValueError(f"TwoWayFPN needs strides that double, e.g. 4, 8, 16, 32; got {strides}.")
    norm = partial(IABN, axis_name=self.axis_name)
    conv = partial(ConvNorm, self.channels, kernel_init=xavier_uniform, norm=norm, dtype=self.dtype)
    down = {s: conv((1, 1), name=f"top_down_{s}")(pyramid[s], train=train) for s in strides}
    up = {s: conv((1, 1), name=f"bottom_up_{s}")(pyramid[s], train=train) for s in strides}
    for fine, coarse in reversed(list(pairwise(strides))):
      down[fine] += nearest_up2(down[coarse])
    for fine, coarse in pairwise(strides):
      up[coarse] += nearest_down2(up[fine])
    return {s: conv((3, 3), name=f"out_{s}")(down[s] + up[s], train=train) for s in strides}
