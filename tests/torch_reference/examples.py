"""Random weights, inputs and outputs of the PyTorch network, as NumPy arrays in the JAX layout."""

import numpy as np
import torch
from torch import Tensor, nn

from tests.torch_reference.network import IABN, EfficientPS, InvertedResidual, Sizes


def random_network(sizes: Sizes, seed: int) -> EfficientPS:
  """A network with norm weights of both signs and running statistics near those of random input.

  With these no signal grows or fades between layers, and each mean, variance and bias has an
  effect. All values are rounded to bfloat16, so that a file of them is small.
  """
  generator = torch.Generator().manual_seed(seed)
  net = EfficientPS(sizes).eval()

  def normal(like: Tensor, deviation: float) -> Tensor:
    return deviation * torch.randn(like.shape, generator=generator)

  def between(low: float, high: float, like: Tensor) -> Tensor:
    return low + (high - low) * torch.rand(like.shape, generator=generator)

  with torch.no_grad():
    for module in net.modules():
      if isinstance(module, IABN):
        sign = torch.where(torch.rand(module.weight.shape, generator=generator) < 0.4, -1.0, 1.0)
        _assign(module.weight, sign * between(0.5, 1.5, module.weight))
        _assign(module.bias, normal(module.bias, 0.3))
        module.num_batches_tracked += 1000
      elif isinstance(module, nn.Conv2d | nn.Linear | nn.ConvTranspose2d):
        transposed = isinstance(module, nn.ConvTranspose2d)
        fan_in = module.weight.shape[0] if transposed else module.weight[0].numel()
        _assign(module.weight, normal(module.weight, (2 / fan_in) ** 0.5))
        if module.bias is not None:
          _assign(module.bias, normal(module.bias, 0.3))

    # As in a trained network, a residual block changes its input little; otherwise rounding errors
    # grow over 39 blocks.
    for module in net.modules():
      if getattr(module, "residual", False):
        norm = module.bn3 if isinstance(module, InvertedResidual) else module.bn2
        _assign(norm.weight, 0.3 * norm.weight)
        _assign(norm.bias, 0.3 * norm.bias)

    def set_statistics(module: IABN, inputs: tuple[Tensor]) -> None:
      mean, deviation = inputs[0].mean((0, 2, 3)), inputs[0].std((0, 2, 3))
      # A channel that is constant on this input may vary on another.
      deviation = deviation.maximum(0.5 * deviation.mean())
      _assign(module.running_mean, mean + deviation * normal(mean, 0.3))
      _assign(module.running_var, deviation**2 * between(0.5, 2.0, mean))

    norms = [module for module in net.modules() if isinstance(module, IABN)]
    hooks = [norm.register_forward_pre_hook(set_statistics) for norm in norms]
    image, boxes = random_input((128, 128), batch=1, boxes=4, seed=seed)
    net(_nchw(image), torch.tensor(boxes))
    for hook in hooks:
      hook.remove()
  return net


def _assign(parameter: Tensor, value: Tensor) -> None:
  parameter.copy_(value.to(torch.bfloat16))


def random_input(
  size: tuple[int, int], *, batch: int, boxes: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
  """An image, uint8 [B H W 3], and boxes [B R 4], x1 y1 x2 y2 with the last pixel inside.

  The first box is the whole image.
  """
  rng = np.random.default_rng(seed)
  image = rng.integers(0, 256, (batch, *size, 3), dtype=np.uint8)
  height, width = size
  corners = rng.uniform(0, (width - 1, height - 1), (batch, boxes, 2, 2))
  # Sides of a few pixels and more, so that all levels are read.
  first, second = corners[:, :, 0], corners[:, :, 1]
  corners[:, :, 1] = first + (second - first) * rng.uniform(0.1, 1, (batch, boxes, 1))
  corners.sort(axis=2)
  result = corners.reshape(batch, boxes, 4).astype(np.float32)
  result[:, 0] = 0, 0, width - 1, height - 1
  return image, result


def run(
  net: EfficientPS, image: np.ndarray, boxes: np.ndarray, *, context: tuple[int, int]
) -> dict[str, np.ndarray]:
  """The input and the output of each module, by name; maps are [B h w C], regions [B R h w C].

  `context` is the size of one more random map for the dense prediction cell of stride 16, whose
  dilated convolutions reach beyond the maps of a small image.
  """
  with torch.no_grad():
    outputs = net(_nchw(image), torch.tensor(boxes))
    generator = torch.Generator().manual_seed(image.shape[1])
    x = torch.randn((1, net.sizes.fpn, *context), generator=generator).to(torch.bfloat16).float()
    outputs |= {"context/input": x, "context/output": net.semantic_head.lateral_convs_ss[1](x)}
  arrays = {name: _nhwc(name, x).numpy() for name, x in outputs.items()}
  return arrays | {"image": image, "boxes": boxes}


def train_step(
  net: EfficientPS, image: np.ndarray, boxes: np.ndarray, *, seed: int
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray], dict[str, np.ndarray]]:
  """One gradient of a random objective: the mean of weight times output, summed over outputs.

  Returns:
    The random weights of the final outputs, the gradient of each parameter, and the state dict
    after the step.
  """
  rng = np.random.default_rng(seed)
  outputs = net.train()(_nchw(image), torch.tensor(boxes))
  final = [
    name for name in outputs if not name.startswith(("encoder", "fpn")) and "pooled" not in name
  ]
  weights, objective = {}, torch.zeros(())
  for name in final:
    x = _nhwc(name, outputs[name])
    weights[name] = rng.normal(size=x.shape).astype(np.float32)
    objective = objective + (torch.tensor(weights[name]) * x).mean()
  objective.backward()
  gradients = {name: value.grad.numpy() for name, value in net.named_parameters()}
  return weights, gradients, state_of(net)


def _nchw(image: np.ndarray) -> Tensor:
  return torch.tensor(image).float().permute(0, 3, 1, 2)


def _nhwc(name: str, x: Tensor) -> Tensor:
  """Maps as [B h w C], regions as [B R h w C]; box deltas [B R T+1 4] are no maps and stay."""
  return x.movedim(-3, -1).contiguous() if x.ndim > 3 and name != "box/deltas" else x


def state_of(net: EfficientPS) -> dict[str, np.ndarray]:
  """The state dict as NumPy arrays."""
  return {name: value.numpy() for name, value in net.state_dict().items()}
