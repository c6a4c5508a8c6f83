"""Measures the network beside PyTorch: `python -m tests.torch_reference.speed [SIZE [REPEATS]]`.

PyTorch runs eagerly in inference mode, channels last, each norm as one library call. Its stages
read our results, so that both do the same work. RoIAlign and suppression have no counterpart here.
"""

import sys
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from jppf_jax.benchmarks import inference
from tests.torch_reference import network
from tests.torch_reference.network import IABN, PIXEL_MEAN, PIXEL_STD, EfficientPS, Sizes


def library_norm(self: IABN, x: Tensor) -> Tensor:
  weight = self.weight.abs() + self.epsilon
  x = F.batch_norm(x, self.running_mean, self.running_var, weight, self.bias, eps=self.epsilon)
  return F.leaky_relu_(x, 0.01) if self.active else x


def without_the_last(upsample: Callable[[Tensor, int], Tensor]) -> Callable[[Tensor, int], Tensor]:
  """`upsample`, except that logits stay at stride 4, as ours do."""
  return lambda x, factor: x if factor == 4 else upsample(x, factor)


def channels_last(x: Any) -> Tensor:
  """An NHWC array as an NCHW tensor whose channels are still the fastest."""
  return torch.tensor(np.asarray(x)).permute(0, 3, 1, 2)


def rivals(results: Mapping[str, Any]) -> dict[str, Callable[[], object]]:
  """The stages of PyTorch by our names, on our results."""
  IABN.forward = library_norm
  network.upsample = without_the_last(network.upsample)
  net = EfficientPS(Sizes(parts=10)).eval().to(memory_format=torch.channels_last)
  levels = [channels_last(results["pyramid"][stride]) for stride in (4, 8, 16, 32)]
  features = [channels_last(results["encoder"][stride]) for stride in (4, 8, 16, 32)]
  image = channels_last(results["image"]).float()
  mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (PIXEL_MEAN, PIXEL_STD))
  boxes = channels_last(results["RoIAlign 7 x 7"][0]).contiguous()
  regions = channels_last(results["RoIAlign 14 x 14"][0])

  def timed(function: Callable[[], object]) -> Callable[[], object]:
    def call() -> object:
      with torch.inference_mode():
        return function()

    return call

  return {
    "encoder": timed(lambda: net.backbone((image - mean) / std)),
    "pyramid": timed(lambda: net.neck(features)),
    "semantic head": timed(lambda: net.semantic_head(levels)),
    "part head": timed(lambda: net.part_head(levels)),
    "RPN head": timed(lambda: net.rpn_head(levels)),
    "box head": timed(lambda: net.bbox_head(boxes)),
    "mask head": timed(lambda: net.mask_head(regions)),
  }


def main(size: str = "512x1024", repeats: str = "5") -> None:
  rows, columns = (int(side) for side in size.split("x"))
  inference.run(None, size=(rows, columns), repeats=int(repeats), rival="PyTorch", rivals=rivals)


if __name__ == "__main__":
  main(*sys.argv[1:])
