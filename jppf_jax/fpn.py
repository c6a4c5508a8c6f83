"""Two-way feature pyramid (EfficientPS, Mohan & Valada 2021, Sec. 3.2), keyed by stride."""

from functools import partial
from itertools import pairwise
from typing import Any

import flax.linen as nn
import jax.numpy as jnp

from jppf_jax.layers import IABN, ConvNorm, Pair, xavier_uniform
from jppf_jax.ops.resize import nearest_down2, nearest_up2
from jppf_jax.structs import Pyramid


class TwoWayFPN(nn.Module):
  """Adds context from coarser levels and detail from finer levels to each level.

  Each direction has its own lateral convolutions. Differs from the paper: the output
  convolutions are dense, not separable, as in the public code.

  Attributes:
    channels: width of each output level.
    axis_name: mapped axis whose replicas share norm statistics.
    dtype: compute dtype; parameters stay float32.
  """

  channels: int = 256
  axis_name: str | None = None
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(self, pyramid: Pyramid, *, train: bool) -> Pyramid:
    """Returns the same strides and resolutions, each level `channels` wide.

    Raises:
      ValueError: the strides do not double from level to level.
    """
    strides = sorted(pyramid)  # finest first
    neighbours = list(pairwise(strides))
    if any(coarse != 2 * fine for fine, coarse in neighbours):
      raise ValueError(f"TwoWayFPN needs strides that double, e.g. 4, 8, 16, 32; got {strides}.")
    norm = partial(IABN, axis_name=self.axis_name)
    conv = partial(ConvNorm, self.channels, kernel_init=xavier_uniform, norm=norm, dtype=self.dtype)

    def convolve(levels: Pyramid, kernel: Pair, name: str) -> Pyramid:
      convs = {stride: conv(kernel, name=f"{name}_{stride}") for stride in strides}
      return {stride: convs[stride](levels[stride], train=train) for stride in strides}

    top_down = convolve(pyramid, (1, 1), "top_down")
    bottom_up = convolve(pyramid, (1, 1), "bottom_up")
    for fine, coarse in reversed(neighbours):
      top_down[fine] += nearest_up2(top_down[coarse])
    for fine, coarse in neighbours:
      bottom_up[coarse] += nearest_down2(bottom_up[fine])
    merged = {stride: top_down[stride] + bottom_up[stride] for stride in strides}
    return convolve(merged, (3, 3), "out")
