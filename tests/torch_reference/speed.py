"""Measures the network beside PyTorch: `python -m tests.torch_reference.speed [SIZE [REPEATS
[DTYPE [OUT]]]]`.

PyTorch runs eagerly in inference mode, channels last, each norm as one library call; bfloat16 is
its autocast. On a GPU its convolutions are chosen by trial and its float32 products may use TF32,
as JAX's do. Its stages read our results, so that both do the same work. RoIAlign and suppression
have no counterpart here. Both share the GPU's memory, so set `XLA_PYTHON_CLIENT_PREALLOCATE=false`.
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

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def library_norm(self: IABN, x: Tensor) -> Tensor:
  weight = self.weight.abs() + self.epsilon
  x = F.batch_norm(x, self.running_mean, self.running_var, weight, self.bias, eps=self.epsilon)
  return F.leaky_relu_(x, 0.01) if self.active else x


def without_the_last(upsample: Callable[[Tensor, int], Tensor]) -> Callable[[Tensor, int], Tensor]:
  """`upsample`, except that logits stay at stride 4, as ours do."""
  return lambda x, factor: x if factor == 4 else upsample(x, factor)


def channels_last(x: Any) -> Tensor:
  """An NHWC array as an NCHW tensor whose channels are still the fastest; never bfloat16."""
  x = np.asarray(x)
  x = x if x.dtype == np.uint8 else x.astype(np.float32)
  return torch.tensor(x, device=DEVICE).permute(0, 3, 1, 2)


def use_the_card_well() -> None:
  """Lets PyTorch choose convolutions by trial, and use TF32 as JAX does."""
  torch.backends.cudnn.benchmark = True
  torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = True


def waiting(call: Callable[[], object]) -> Callable[[], None]:
  """`call`, which returns when its work is done."""

  def wait() -> None:
    call()
    if DEVICE == "cuda":
      torch.cuda.synchronize()

  return wait


def rivals(results: Mapping[str, Any], dtype: str) -> dict[str, Callable[[], object]]:
  """The stages of PyTorch by our names, on our results."""
  IABN.forward = library_norm
  network.upsample = without_the_last(network.upsample)
  use_the_card_well()
  net = EfficientPS(Sizes(parts=10)).eval().to(DEVICE, memory_format=torch.channels_last)
  half = dtype == "bfloat16"
  of = torch.bfloat16 if half else torch.float32
  levels = [channels_last(results["pyramid"][stride]).to(of) for stride in (4, 8, 16, 32)]
  features = [channels_last(results["encoder"][stride]).to(of) for stride in (4, 8, 16, 32)]
  image = channels_last(results["image"]).float()
  mean, std = (
    torch.tensor(values, device=DEVICE).view(1, 3, 1, 1) for values in (PIXEL_MEAN, PIXEL_STD)
  )
  boxes = channels_last(results["RoIAlign 7 x 7"][0]).contiguous().to(of)
  regions = channels_last(results["RoIAlign 14 x 14"][0]).to(of)

  def timed(function: Callable[[], object]) -> Callable[[], object]:
    def call() -> None:
      with torch.inference_mode(), torch.autocast(DEVICE, torch.bfloat16, enabled=half):
        function()

    return waiting(call)

  return {
    "encoder": timed(lambda: net.backbone((image - mean) / std)),
    "pyramid": timed(lambda: net.neck(features)),
    "semantic head": timed(lambda: net.semantic_head(levels)),
    "part head": timed(lambda: net.part_head(levels)),
    "RPN head": timed(lambda: net.rpn_head(levels)),
    "box head": timed(lambda: net.bbox_head(boxes)),
    "mask head": timed(lambda: net.mask_head(regions)),
  }


def main(
  size: str = "512x1024", repeats: str = "5", dtype: str = "float32", out: str | None = None
) -> None:
  rows, columns = (int(side) for side in size.split("x"))
  inference.run(
    out,
    size=(rows, columns),
    dtype=dtype,
    repeats=int(repeats),
    rival="PyTorch",
    rivals=lambda results: rivals(results, dtype),
  )


if __name__ == "__main__":
  main(*sys.argv[1:])
