"""EfficientPS in PyTorch, written from a description of the network.

The JAX modules and the import of weights are compared with it. Module names and tensor layouts are
those of a published checkpoint: `EfficientPS().state_dict()` has its names and shapes. Tensors are
NCHW. Boxes are EfficientPS's: x1 y1 x2 y2 with the last pixel inside, width x2 - x1 + 1.
"""

import dataclasses

import torch
import torch.nn.functional as F
from torch import Tensor, nn

ENCODER_EPSILON = 1e-3
EPSILON = 1e-5  # of all other norms
PIXEL_MEAN, PIXEL_STD = (106.433, 116.617, 119.559), (65.496, 67.6, 74.123)  # RGB, 0..255
DILATIONS = ((1, 6), (1, 1), (6, 21), (18, 15), (6, 3))  # rows, columns
TAPS = (1, 2, 4)  # the stages that give the levels at strides 4, 8, 16

Pyramid = list[Tensor]  # strides 4, 8, 16, 32


@dataclasses.dataclass(frozen=True)
class Sizes:
  """Widths and depths; by default EfficientNet-B5 and the Cityscapes heads.

  Attributes:
    stages: output width and number of blocks of each of the seven stages.
    parts: outputs of the part head; 0 leaves it out.
    finest_scale: boxes up to twice this side (pixels) use the finest level; each doubling goes one
      level coarser.
  """

  stem: int = 48
  stages: tuple[tuple[int, int], ...] = (
    (24, 3),
    (40, 5),
    (64, 5),
    (128, 7),
    (176, 7),
    (304, 9),
    (512, 3),
  )
  head: int = 2048
  fpn: int = 256
  semantic: int = 128
  hidden: int = 1024
  classes: int = 19
  things: int = 8
  parts: int = 0
  finest_scale: float = 56.0


class IABN(nn.Module):
  """Batch norm with the scale |weight| + epsilon, then leaky ReLU or nothing."""

  def __init__(self, channels: int, epsilon: float = EPSILON, *, active: bool = True):
    super().__init__()
    self.epsilon, self.active = epsilon, active
    self.weight = nn.Parameter(torch.ones(channels))
    self.bias = nn.Parameter(torch.zeros(channels))
    self.register_buffer("running_mean", torch.zeros(channels))
    self.register_buffer("running_var", torch.ones(channels))
    self.register_buffer("num_batches_tracked", torch.tensor(0))

  def forward(self, x: Tensor) -> Tensor:
    mean, var = self.running_mean, self.running_var
    if self.training:
      mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)
      count = x.numel() / x.shape[1]
      with torch.no_grad():
        self.running_mean += 0.1 * (mean - self.running_mean)
        self.running_var += 0.1 * (var * count / (count - 1) - self.running_var)
        self.num_batches_tracked += 1
    per_channel = (1, -1, 1, 1)
    x = (x - mean.view(per_channel)) / torch.sqrt(var.view(per_channel) + self.epsilon)
    x = x * (self.weight.abs() + self.epsilon).view(per_channel) + self.bias.view(per_channel)
    return F.leaky_relu(x, 0.01) if self.active else x


def encoder_norm(channels: int, *, active: bool = True) -> IABN:
  return IABN(channels, ENCODER_EPSILON, active=active)


class SameConv(nn.Conv2d):
  """A convolution without bias: ceil(size / stride) pixels, an odd pixel of padding at the end."""

  def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1):
    super().__init__(inputs, outputs, kernel, stride, bias=False, groups=groups)

  def forward(self, x: Tensor) -> Tensor:
    padding = []
    for size in (x.shape[3], x.shape[2]):  # F.pad starts with the last axis
      stride, kernel = self.stride[0], self.kernel_size[0]
      out = -(-size // stride)  # divided and rounded up
      total = max((out - 1) * stride + kernel - size, 0)
      padding += [total // 2, total - total // 2]
    return super().forward(F.pad(x, padding))


class DepthwiseSeparable(nn.Module):
  """The projection is activated; the input is added after the activation."""

  def __init__(self, inputs: int, outputs: int, kernel: int, stride: int):
    super().__init__()
    self.conv_dw = SameConv(inputs, inputs, kernel, stride, groups=inputs)
    self.bn1 = encoder_norm(inputs)
    self.conv_pw = SameConv(inputs, outputs, 1)
    self.bn2 = encoder_norm(outputs)
    self.residual = stride == 1 and inputs == outputs

  def forward(self, x: Tensor) -> Tensor:
    y = self.bn1(self.conv_dw(x))
    y = self.bn2(self.conv_pw(y))
    return x + y if self.residual else y


class InvertedResidual(nn.Module):
  """Six times wider inside; the projection is linear."""

  def __init__(self, inputs: int, outputs: int, kernel: int, stride: int):
    super().__init__()
    inside = 6 * inputs
    self.conv_pw = SameConv(inputs, inside, 1)
    self.bn1 = encoder_norm(inside, active=False)
    self.conv_dw = SameConv(inside, inside, kernel, stride, groups=inside)
    self.bn2 = encoder_norm(inside)
    self.conv_pwl = SameConv(inside, outputs, 1)
    self.bn3 = encoder_norm(outputs, active=False)
    self.residual = stride == 1 and inputs == outputs

  def forward(self, x: Tensor) -> Tensor:
    y = F.leaky_relu(self.bn1(self.conv_pw(x)), 0.01)
    y = self.bn2(self.conv_dw(y))
    y = self.bn3(self.conv_pwl(y))
    return x + y if self.residual else y


class Encoder(nn.Module):
  """EfficientNet without squeeze-and-excitation."""

  _KERNELS = (3, 3, 5, 3, 5, 5, 3)
  _STRIDES = (1, 2, 2, 2, 1, 2, 1)

  def __init__(self, sizes: Sizes):
    super().__init__()
    self.conv_stem = SameConv(3, sizes.stem, 3, 2)
    self.bn1 = encoder_norm(sizes.stem)
    stages, width = [], sizes.stem
    for index, (channels, repeats) in enumerate(sizes.stages):
      block = InvertedResidual if index else DepthwiseSeparable
      kernel, stride = self._KERNELS[index], self._STRIDES[index]
      blocks = []
      for repeat in range(repeats):
        blocks.append(block(width, channels, kernel, 1 if repeat else stride))
        width = channels
      stages.append(nn.Sequential(*blocks))
    self.blocks = nn.Sequential(*stages)
    self.conv_head = SameConv(width, sizes.head, 1)
    self.bn2 = encoder_norm(sizes.head)

  def forward(self, image: Tensor) -> Pyramid:
    x = self.bn1(self.conv_stem(image))
    pyramid = []
    for index, stage in enumerate(self.blocks):
      x = stage(x)
      if index in TAPS:
        pyramid.append(x)
    return [*pyramid, self.bn2(self.conv_head(x))]


class ConvABN(nn.Module):
  """Convolution at stride 1, without bias, then norm and leaky ReLU."""

  def __init__(
    self,
    inputs: int,
    outputs: int,
    kernel: int,
    *,
    dilation: tuple[int, int] = (1, 1),
    groups: int = 1,
  ):
    super().__init__()
    padding = tuple(rate * (kernel // 2) for rate in dilation)
    self.conv = nn.Conv2d(
      inputs, outputs, kernel, padding=padding, dilation=dilation, groups=groups, bias=False
    )
    self.bn = IABN(outputs)

  def forward(self, x: Tensor) -> Tensor:
    return self.bn(self.conv(x))


def nearest(x: Tensor, like: Tensor) -> Tensor:
  return F.interpolate(x, size=like.shape[2:], mode="nearest")


class TwoWayFPN(nn.Module):
  """Two sets of lateral convolutions; those of the bottom-up path are stored coarsest first."""

  def __init__(self, widths: list[int], channels: int):
    super().__init__()
    self.lateral_convs_top = nn.ModuleList(ConvABN(width, channels, 1) for width in widths)
    self.lateral_convs_bottom = nn.ModuleList(
      ConvABN(width, channels, 1) for width in reversed(widths)
    )
    self.fpn_convs = nn.ModuleList(ConvABN(channels, channels, 3) for _ in widths)

  def forward(self, pyramid: Pyramid) -> Pyramid:
    top = [conv(level) for conv, level in zip(self.lateral_convs_top, pyramid)]
    bottom = [conv(level) for conv, level in zip(reversed(self.lateral_convs_bottom), pyramid)]
    for fine in (2, 1, 0):
      top[fine] = top[fine] + nearest(top[fine + 1], like=top[fine])
    for coarse in (1, 2, 3):
      bottom[coarse] = bottom[coarse] + nearest(bottom[coarse - 1], like=bottom[coarse])
    return [conv(down + up) for conv, down, up in zip(self.fpn_convs, top, bottom)]


class RPNHead(nn.Module):
  def __init__(self, channels: int, anchors: int = 3):
    super().__init__()
    self.rpn_conv = nn.Conv2d(channels, channels, 3, padding=1)
    self.rpn_cls = nn.Conv2d(channels, anchors, 1)
    self.rpn_reg = nn.Conv2d(channels, 4 * anchors, 1)

  def forward(self, pyramid: Pyramid) -> tuple[list[Tensor], list[Tensor]]:
    """Objectness [B n] and deltas [B n 4] of each level; n runs over rows, columns, anchors."""
    features = [F.relu(self.rpn_conv(level)) for level in pyramid]
    objectness = [self.rpn_cls(x).permute(0, 2, 3, 1).flatten(1) for x in features]
    deltas = [self.rpn_reg(x).permute(0, 2, 3, 1).reshape(len(x), -1, 4) for x in features]
    return objectness, deltas


class BoxHead(nn.Module):
  def __init__(self, channels: int, hidden: int, things: int):
    super().__init__()
    first, second = nn.Linear(channels * 7 * 7, hidden), nn.Linear(hidden, hidden)
    self.shared_fcs = nn.ModuleList([first, second])
    self.fc_cls = nn.Linear(hidden, things + 1)
    self.fc_reg = nn.Linear(hidden, 4 * (things + 1))

  def forward(self, regions: Tensor) -> tuple[Tensor, Tensor]:
    """Class logits [R T+1] and deltas [R T+1 4] of [R C 7 7]."""
    x = regions.flatten(1)
    for layer in self.shared_fcs:
      x = F.relu(layer(x))
    return self.fc_cls(x), self.fc_reg(x).view(len(x), -1, 4)


class SeparableABN(nn.Module):
  """Depthwise 3 x 3 and pointwise 1 x 1, each with norm and leaky ReLU."""

  def __init__(self, inputs: int, outputs: int, dilation: tuple[int, int] = (1, 1)):
    super().__init__()
    self.depthwise_conv = ConvABN(inputs, inputs, 3, dilation=dilation, groups=inputs)
    self.pointwise_conv = ConvABN(inputs, outputs, 1)

  def forward(self, x: Tensor) -> Tensor:
    return self.pointwise_conv(self.depthwise_conv(x))


class MaskHead(nn.Module):
  def __init__(self, channels: int, things: int):
    super().__init__()
    self.convs = nn.ModuleList(SeparableABN(channels, channels) for _ in range(4))
    self.upsample = nn.ConvTranspose2d(channels, channels, 2, stride=2)
    self.conv_logits = nn.Conv2d(channels, things + 1, 1)

  def forward(self, regions: Tensor) -> Tensor:
    """Logits [R T+1 28 28] of [R C 14 14]."""
    for conv in self.convs:
      regions = conv(regions)
    return self.conv_logits(F.relu(self.upsample(regions)))


def bilinear(x: Tensor, like: Tensor) -> Tensor:
  return F.interpolate(x, size=like.shape[2:], mode="bilinear", align_corners=False)


def upsample(x: Tensor, factor: int) -> Tensor:
  return F.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)


class DensePredictionCell(nn.Module):
  """DPC: three convolutions read the result of the first, the fifth that of the fourth."""

  def __init__(self, inputs: int, outputs: int):
    super().__init__()
    self.convs = nn.ModuleList(SeparableABN(inputs, inputs, dilation) for dilation in DILATIONS)
    self.conv = ConvABN(5 * inputs, outputs, 1)

  def forward(self, x: Tensor) -> Tensor:
    a = self.convs[0](x)
    b, c, d = (conv(a) for conv in self.convs[1:4])
    e = self.convs[4](d)
    return self.conv(torch.cat([a, b, c, d, e], 1))


class TwoSeparable(nn.Module):
  """The large scale feature extractor (LSFE); with `double`, mismatch correction (MC)."""

  def __init__(self, inputs: int, outputs: int, *, double: bool = False):
    super().__init__()
    self.convs = nn.ModuleList([SeparableABN(inputs, outputs), SeparableABN(outputs, outputs)])
    self.double = double

  def forward(self, x: Tensor) -> Tensor:
    for conv in self.convs:
      x = conv(x)
    return upsample(x, 2) if self.double else x


class SemanticHead(nn.Module):
  def __init__(self, inputs: int, channels: int, outputs: int):
    super().__init__()
    dpc = [DensePredictionCell(inputs, channels) for _ in range(2)]
    lsfe = [TwoSeparable(inputs, channels) for _ in range(2)]
    mc = [TwoSeparable(channels, channels, double=True) for _ in range(2)]
    self.lateral_convs_ss = nn.ModuleList(dpc)  # strides 32, 16
    self.lateral_convs_ls = nn.ModuleList(lsfe)  # strides 8, 4
    self.aligning_convs = nn.ModuleList(mc)  # 16 to 8, 8 to 4
    self.conv_logits = nn.Conv2d(4 * channels, outputs, 1)

  def forward(self, pyramid: Pyramid) -> Tensor:
    """Logits of the size of the image."""
    p4, p8, p16, p32 = pyramid
    f32 = self.lateral_convs_ss[0](p32)
    f16 = self.lateral_convs_ss[1](p16)
    f8 = self.lateral_convs_ls[0](p8)
    corrected = self.aligning_convs[0](f16 + bilinear(f32, f16))
    f8 = f8 + bilinear(corrected, f8)
    f4 = self.lateral_convs_ls[1](p4)
    corrected = self.aligning_convs[1](f8)
    f4 = f4 + bilinear(corrected, f4)
    together = torch.cat([f4, bilinear(f8, f4), bilinear(f16, f4), bilinear(f32, f4)], 1)
    return upsample(self.conv_logits(together), 4)


def level_of(box: Tensor, finest_scale: float) -> int:
  """Index of the level that a box is read from."""
  width, height = (box[2] - box[0] + 1).item(), (box[3] - box[1] + 1).item()
  scale = torch.tensor((width * height) ** 0.5 / finest_scale + 1e-6)
  level = torch.floor(torch.log2(scale)).item()
  return int(min(max(level, 0), 3))


def sampling_matrix(low: float, high: float, size: int, bins: int) -> Tensor:
  """Weights [bins size] of the cells of one axis: two samples per bin, cell i at coordinate i."""
  matrix = torch.zeros(bins, size)
  step = max(high - low, 0) / bins
  for bin_index in range(bins):
    for sample in range(2):
      at = low + (bin_index + (sample + 0.5) / 2) * step
      if at < -1 or at > size:
        continue
      at = max(at, 0)
      cell = int(at)
      if cell >= size - 1:
        matrix[bin_index, size - 1] += 0.5
      else:
        matrix[bin_index, cell] += 0.5 * (1 - (at - cell))
        matrix[bin_index, cell + 1] += 0.5 * (at - cell)
  return matrix


def roi_align(pyramid: Pyramid, boxes: Tensor, bins: int, finest_scale: float) -> Tensor:
  """Legacy RoIAlign of the boxes [B R 4]: [B R C bins bins]; samples form a grid, so separable."""
  images = []
  for index, image_boxes in enumerate(boxes):
    regions = []
    for box in image_boxes:
      level = level_of(box, finest_scale)
      features, scale = pyramid[level][index], 1 / 4 / 2**level
      x1, y1, x2, y2 = box.tolist()
      rows = sampling_matrix(y1 * scale, (y2 + 1) * scale, features.shape[1], bins)
      columns = sampling_matrix(x1 * scale, (x2 + 1) * scale, features.shape[2], bins)
      regions.append(rows @ features @ columns.T)
    images.append(torch.stack(regions))
  return torch.stack(images)


class EfficientPS(nn.Module):
  """The whole network; with `sizes.parts`, a second semantic head called `part_head`."""

  def __init__(self, sizes: Sizes | None = None):
    super().__init__()
    self.sizes = sizes = sizes or Sizes()
    self.backbone = Encoder(sizes)
    self.neck = TwoWayFPN([*(sizes.stages[index][0] for index in TAPS), sizes.head], sizes.fpn)
    self.rpn_head = RPNHead(sizes.fpn)
    self.bbox_head = BoxHead(sizes.fpn, sizes.hidden, sizes.things)
    self.mask_head = MaskHead(sizes.fpn, sizes.things)
    self.semantic_head = SemanticHead(sizes.fpn, sizes.semantic, sizes.classes)
    if sizes.parts:
      self.part_head = SemanticHead(sizes.fpn, sizes.semantic, sizes.parts)

  def forward(self, image: Tensor, boxes: Tensor) -> dict[str, Tensor]:
    """The outputs of all modules for an RGB image [B 3 H W] (0..255) and boxes [B R 4], by name."""
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (PIXEL_MEAN, PIXEL_STD))
    encoder = self.backbone((image - mean) / std)
    fpn = self.neck(encoder)
    objectness, deltas = self.rpn_head(fpn)
    outputs = {"semantic": self.semantic_head(fpn)}
    if self.sizes.parts:
      outputs["part"] = self.part_head(fpn)
    levels = {"encoder": encoder, "fpn": fpn, "rpn/objectness": objectness, "rpn/deltas": deltas}
    for name, tensors in levels.items():
      outputs |= {f"{name}/{stride}": tensor for stride, tensor in zip((4, 8, 16, 32), tensors)}
    batch_and_boxes = boxes.shape[:2]
    pooled = {bins: roi_align(fpn, boxes, bins, self.sizes.finest_scale) for bins in (7, 14)}
    class_logits, box_deltas = self.bbox_head(pooled[7].flatten(0, 1))
    masks = self.mask_head(pooled[14].flatten(0, 1))
    return outputs | {
      "box/pooled": pooled[7],
      "box/class_logits": class_logits.unflatten(0, batch_and_boxes),
      "box/deltas": box_deltas.unflatten(0, batch_and_boxes),
      "mask/pooled": pooled[14],
      "mask/logits": masks.unflatten(0, batch_and_boxes),
    }
