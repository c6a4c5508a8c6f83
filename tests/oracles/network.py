"""Layers of the network in NumPy, one tap at a time, float64, with the weights of our modules."""

import math
from itertools import pairwise

import numpy as np


def conv(x, kernel, stride=1, dilation=(1, 1)):
  """SAME padding with the odd pixel at the end; one input per output channel means depthwise."""
  rows, cols, inputs, outputs = kernel.shape
  x = np.asarray(x, np.float64)
  depthwise = inputs == 1 and outputs == x.shape[-1]
  out = [math.ceil(side / stride) for side in x.shape[1:3]]
  spans = [(side - 1) * stride + 1 for side in out]  # pixels between first and last output
  reach = (rows - 1) * dilation[0], (cols - 1) * dilation[1]
  missing = [max(s + r - side, 0) for s, r, side in zip(spans, reach, x.shape[1:3])]
  x = np.pad(x, ((0, 0), *((m // 2, m - m // 2) for m in missing), (0, 0)))
  y = np.zeros((len(x), *out, outputs))
  for i in range(rows):
    for j in range(cols):
      top, left = i * dilation[0], j * dilation[1]
      seen = x[:, top : top + spans[0] : stride, left : left + spans[1] : stride]
      y += seen * kernel[i, j, 0] if depthwise else seen @ kernel[i, j]
  return y


def iabn(x, params, stats, epsilon):
  """With running statistics and leaky ReLU."""
  mean, var = (np.asarray(stats[name], np.float64) for name in ("mean", "var"))
  normalised = (x - mean) / np.sqrt(var + epsilon)
  scale = np.abs(params["scale"]) + epsilon
  y = normalised * scale + params["bias"]
  return np.where(y >= 0, y, 0.01 * y)


def conv_norm(x, params, stats):
  return iabn(conv(x, params["conv"]["kernel"]), params["norm"], stats["norm"], 1e-5)


def separable(x, params, stats, dilation=(1, 1)):
  y = conv(x, params["depthwise"]["kernel"], dilation=dilation)
  y = iabn(y, params["depthwise_norm"], stats["depthwise_norm"], 1e-5)
  y = conv(y, params["pointwise"]["kernel"])
  return iabn(y, params["pointwise_norm"], stats["pointwise_norm"], 1e-5)


def bilinear(x, size):
  """Pixel centres at +0.5, the border repeats."""
  for axis, wanted in zip((1, 2), size):
    length = x.shape[axis]
    at = (np.arange(wanted) + 0.5) * length / wanted - 0.5
    at = np.clip(at, 0, length - 1)
    low = np.floor(at).astype(int)
    high = np.minimum(low + 1, length - 1)
    part = (at - low).reshape([-1 if a == axis else 1 for a in range(x.ndim)])
    x = x.take(low, axis) * (1 - part) + x.take(high, axis) * part
  return x


def nearest(x, size):
  """Source index floor(target index * ratio)."""
  for axis, wanted in zip((1, 2), size):
    source = np.arange(wanted) * x.shape[axis] // wanted
    x = x.take(source, axis)
  return x


def two_way_fpn(pyramid, params, stats):
  def lateral(kind, s):
    return conv_norm(pyramid[s], params[f"{kind}_{s}"], stats[f"{kind}_{s}"])

  def add_resized(levels, source, target):
    size = levels[target].shape[1:3]
    levels[target] += nearest(levels[source], size)

  strides = sorted(pyramid)
  down, up = ({s: lateral(kind, s) for s in strides} for kind in ("top_down", "bottom_up"))
  for fine, coarse in reversed(list(pairwise(strides))):
    add_resized(down, coarse, fine)
  for fine, coarse in pairwise(strides):
    add_resized(up, fine, coarse)
  return {s: conv_norm(down[s] + up[s], params[f"out_{s}"], stats[f"out_{s}"]) for s in strides}


def semantic_head(pyramid, params, stats):
  """In the order of EfficientPS's code: up-sample all levels, concatenate, 1 x 1 convolution."""
  size = {s: x.shape[1:3] for s, x in pyramid.items()}

  def context(s):
    p, q = params[f"context_{s}"], stats[f"context_{s}"]

    def run(name, x, dilation):
      return separable(x, p[name], q[name], dilation)

    a = run("rate_1_6", pyramid[s], (1, 6))
    b = run("rate_1_1", a, (1, 1))
    c = run("rate_6_21", a, (6, 21))
    d = run("rate_18_15", a, (18, 15))
    e = run("rate_6_3", d, (6, 3))
    return conv_norm(np.concatenate([a, b, c, d, e], -1), p["merge"], q["merge"])

  def two(name, x):
    for conv_name in ("conv0", "conv1"):
      x = separable(x, params[name][conv_name], stats[name][conv_name])
    return x

  x32, x16 = context(32), context(16)
  corrected = two("correct_16_8", x16 + bilinear(x32, size[16]))
  x8 = two("detail_8", pyramid[8]) + bilinear(corrected, size[8])
  corrected = two("correct_8_4", x8)
  x4 = two("detail_4", pyramid[4]) + bilinear(corrected, size[4])
  together = np.concatenate([bilinear(x, size[4]) for x in (x4, x8, x16, x32)], -1)
  return together @ params["logits"]["kernel"] + params["logits"]["bias"]
