"""Measures a training step beside PyTorch: `python -m tests.torch_reference.training_speed
[ENCODER [SIZE [BATCH [REPEATS [DTYPE [OUT]]]]]]`.

PyTorch runs eagerly, channels last, each norm as one library call; bfloat16 is its autocast. On a
GPU its convolutions are chosen by trial and its float32 products may use TF32, as JAX's do. Its
step has the work of ours: all heads on as many regions, the same losses at the same resolutions,
SGD with momentum on clipped gradients. Which anchors and regions are trained is drawn without
looking at the labels, which costs it nothing; ours looks.

Both share the GPU's memory, so set `XLA_PYTHON_CLIENT_PREALLOCATE=false`.
"""

import sys
from collections.abc import Callable

import ml_collections
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from jppf_jax.benchmarks import train
from jppf_jax.structs import Batch
from jppf_jax_configs import cpp_generated
from tests.torch_reference import network
from tests.torch_reference.network import (
  IABN,
  PIXEL_MEAN,
  PIXEL_STD,
  EfficientPS,
  Sizes,
  upsample,
)
from tests.torch_reference.speed import (
  DEVICE,
  channels_last,
  use_the_card_well,
  waiting,
  without_the_last,
)

B0 = ((16, 1), (24, 2), (40, 2), (80, 3), (112, 3), (192, 4), (320, 1))
SIZES = {"b0": Sizes(stem=32, stages=B0, head=1280, parts=10), "b5": Sizes(parts=10)}
HARD = 0.25  # of the pixels
LEVELS = 4


def library_norm(self: IABN, x: Tensor) -> Tensor:
  weight = self.weight.abs() + self.epsilon
  x = F.batch_norm(
    x, self.running_mean, self.running_var, weight, self.bias, self.training, 0.1, self.epsilon
  )
  return F.leaky_relu_(x, 0.01) if self.active else x


def pooled(pyramid: list[Tensor], boxes: Tensor, levels: Tensor, bins: int) -> Tensor:
  """RoIAlign of the boxes [B R 4] with 2 x 2 samples in a bin: [B * R C bins bins]."""
  count, channels = boxes.shape[1], pyramid[0].shape[1]
  regions = pyramid[0].new_zeros(*boxes.shape[:2], channels, bins, bins)
  steps = (torch.arange(2 * bins, device=DEVICE) + 0.5) / (2 * bins)
  for image in range(len(boxes)):
    for level in range(LEVELS):
      rows = torch.nonzero(levels[image] == level).flatten()
      if not len(rows):
        continue
      features = pyramid[level][image : image + 1]
      size = 4 * 2**level * torch.tensor(features.shape[:1:-1], device=DEVICE)  # width, height
      low, high = boxes[image, rows, :2] / size, boxes[image, rows, 2:] / size
      at = low[:, None] + steps[:, None] * (high - low)[:, None]  # [R 2 bins, 2]
      at = 2 * at - 1
      x, y = at[:, None, :, 0], at[:, :, None, 1]
      grid = torch.stack([x.expand(-1, 2 * bins, -1), y.expand(-1, -1, 2 * bins)], -1)
      grid = grid.reshape(1, -1, 2 * bins, 2).to(features.dtype)
      samples = F.grid_sample(features, grid, padding_mode="border", align_corners=False)
      means = F.avg_pool2d(samples, 2).reshape(channels, len(rows), bins, bins)
      means = means.to(regions.dtype)  # autocast samples in float32
      regions = regions.index_put(
        (torch.full_like(rows, image), rows), means.transpose(0, 1), accumulate=False
      )
  return regions.reshape(len(boxes) * count, channels, bins, bins)


def hard_pixels(logits: Tensor, labels: Tensor) -> Tensor:
  """The mean cross entropy of the hardest quarter of the pixels, logits up-sampled."""
  logits = F.interpolate(logits, size=labels.shape[1:], mode="bilinear", align_corners=False)
  losses = F.cross_entropy(logits, labels, ignore_index=255, reduction="none").flatten()
  return losses.topk(int(HARD * losses.numel())).values.mean()


class Step:
  """A step on one batch: `forward()`, `update()`, or all of it."""

  def __init__(self, sizes: Sizes, batch: Batch, config: ml_collections.ConfigDict):
    self.net = EfficientPS(sizes).train().to(DEVICE, memory_format=torch.channels_last)
    optimizer = config.optimizer
    self.optimizer = torch.optim.SGD(
      self.net.parameters(), lr=1e-6, momentum=optimizer.momentum, weight_decay=1e-4
    )
    self.clip = optimizer.clip_norm
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (PIXEL_MEAN, PIXEL_STD))
    image = (channels_last(batch.image).float() - mean.to(DEVICE)) / std.to(DEVICE)
    half = config.model.dtype == "bfloat16"
    self.autocast = torch.autocast(DEVICE, torch.bfloat16, enabled=half)
    images, self.regions = len(batch.image), config.sampling.regions
    self.masks = self.regions // 4
    generator = torch.Generator().manual_seed(0)
    height, width = batch.image.shape[1:3]
    corners = torch.rand(images, self.regions, 2, 2, generator=generator).sort(2).values
    boxes = (corners * torch.tensor([width, height])).flatten(2)
    sides = (boxes[..., 2:] - boxes[..., :2] + 1).prod(-1).sqrt()
    levels = (sides / sizes.finest_scale).log2().floor().clamp(0, LEVELS - 1)
    labels = torch.randint(0, sizes.things + 1, (images, self.regions), generator=generator)
    targets = torch.rand(images * self.masks, 28, 28, generator=generator).round()
    anchors = torch.randint(0, height * width // 1024, (images, config.sampling.anchors))
    semantic = torch.tensor(np.asarray(batch.semantic, np.int64))
    part = torch.tensor(np.asarray(batch.part, np.int64))
    self.image, self.semantic, self.part = image, semantic.to(DEVICE), part.to(DEVICE)
    self.boxes, self.levels, self.labels = boxes.to(DEVICE), levels.to(DEVICE), labels.to(DEVICE)
    self.targets, self.anchors = targets.to(DEVICE), anchors.to(DEVICE)

  def forward(self) -> Tensor:
    """The loss."""
    with self.autocast:
      net = self.net
      pyramid = net.neck(net.backbone(self.image))
      semantic = hard_pixels(net.semantic_head(pyramid), self.semantic)
      part = hard_pixels(net.part_head(pyramid), self.part)
      return semantic + part + self._proposals(pyramid) + self._regions(pyramid)

  def _proposals(self, pyramid: list[Tensor]) -> Tensor:
    objectness, deltas = (torch.cat(levels, 1) for levels in self.net.rpn_head(pyramid))
    chosen = objectness.gather(1, self.anchors)
    boxes = deltas.gather(1, self.anchors[..., None].expand(-1, -1, 4))
    objective = F.binary_cross_entropy_with_logits(chosen, torch.ones_like(chosen))
    return objective + F.l1_loss(boxes, torch.zeros_like(boxes))

  def _regions(self, pyramid: list[Tensor]) -> Tensor:
    net = self.net
    logits, deltas = net.bbox_head(pooled(pyramid, self.boxes, self.levels, 7))
    labels = self.labels.flatten()
    own = deltas[torch.arange(len(labels)), labels]
    found = F.cross_entropy(logits, labels) + F.smooth_l1_loss(own, torch.zeros_like(own))
    few = slice(0, self.masks)
    masks = net.mask_head(pooled(pyramid, self.boxes[:, few], self.levels[:, few], 14))
    of_class = masks[torch.arange(len(masks)), self.labels[:, few].flatten()]
    return found + F.binary_cross_entropy_with_logits(of_class, self.targets)

  def __call__(self) -> None:
    self.optimizer.zero_grad()
    self.forward().backward()
    self.update()

  def update(self) -> None:
    """What is done with the gradient."""
    nn.utils.clip_grad_norm_(self.net.parameters(), self.clip)
    self.optimizer.step()


def prepare() -> None:
  """Lets PyTorch use what it has: a norm in one call, convolutions chosen by trial, TF32."""
  IABN.forward = library_norm
  network.upsample = without_the_last(upsample)
  use_the_card_well()


def config_of(
  encoder: str, size: tuple[int, int], batch: int, dtype: str
) -> ml_collections.ConfigDict:
  """The paper's run on eight generated scenes of that size, from random weights."""
  config = cpp_generated.get_config().unlock()
  config.model.update(encoder=encoder, dtype=dtype)
  config.data.update(train_size=size, batch_size=batch)
  config.data.synthetic.update(size=size, train=8, validation=1)
  return config.lock()


def main(
  encoder: str = "b0",
  size: str = "256x512",
  batch: str = "2",
  repeats: str = "5",
  dtype: str = "float32",
  out: str | None = None,
) -> None:
  prepare()
  rows, columns = (int(side) for side in size.split("x"))
  config = config_of(encoder, (rows, columns), int(batch), dtype)

  def rivals(batch: Batch) -> dict[str, Callable[[], object]]:
    step = Step(SIZES[encoder], batch, config)
    calls = {train.FORWARD: step.forward, train.UPDATE: step.update, train.STEP: step}
    return {name: waiting(call) for name, call in calls.items()}

  train.run(out, config=config, repeats=int(repeats), rival="PyTorch", rivals=rivals)


if __name__ == "__main__":
  main(*sys.argv[1:])
