"""The losses one pixel, anchor and region at a time: NumPy, float64, loops."""

import math

import numpy as np


def upsample(logits, size):
  """Bilinear between pixel centres, border repeated; one image [h w K]."""
  (h, w, k), (height, width) = logits.shape, size
  logits = logits.astype(np.float64)
  out = np.zeros((height, width, k))
  for i in range(height):
    for j in range(width):
      y = min(max((i + 0.5) * h / height - 0.5, 0), h - 1)
      x = min(max((j + 0.5) * w / width - 0.5, 0), w - 1)
      y0, x0 = int(y), int(x)
      y1, x1 = min(y0 + 1, h - 1), min(x0 + 1, w - 1)
      fy, fx = y - y0, x - x0
      top = (1 - fx) * logits[y0, x0] + fx * logits[y0, x1]
      bottom = (1 - fx) * logits[y1, x0] + fx * logits[y1, x1]
      out[i, j] = (1 - fy) * top + fy * bottom
  return out


def cross_entropy(logits, label):
  logits = np.asarray(logits, np.float64)
  peak = logits.max()
  log_sum = peak + math.log(np.exp(logits - peak).sum())
  return log_sum - logits[label]


def binary_cross_entropy(logit, target):
  logit = float(logit)
  return max(logit, 0) - logit * float(target) + math.log1p(math.exp(-abs(logit)))


def smooth_l1(error, beta):
  error = abs(float(error))
  return 0.5 * error**2 / beta if error < beta else error - 0.5 * beta


def pixel_cross_entropy(logits, labels):
  out = np.zeros(labels.shape)
  for b, image in enumerate(labels):
    up = upsample(logits[b], image.shape)
    for pixel, label in np.ndenumerate(image):
      out[b][pixel] = 0 if label == 255 else cross_entropy(up[pixel], label)
  return out


def hard_cross_entropy(logits, labels, fraction=0.25):
  losses = np.sort(pixel_cross_entropy(logits, labels).ravel())[::-1]
  return losses[: math.ceil(fraction * losses.size)].mean()


def rpn(logits, deltas, positive, negative, target_deltas):
  """Objectness and box loss; arrays [B N] and [B N 4], levels concatenated."""
  objectness = box = count = 0
  for b in range(len(logits)):
    for n in range(len(logits[b])):
      if positive[b, n] or negative[b, n]:
        objectness += binary_cross_entropy(logits[b, n], positive[b, n])
      if positive[b, n]:
        errors = deltas[b, n] - target_deltas[b, n]
        box += sum(smooth_l1(error, 1 / 9) for error in errors)
    count += max(positive[b].sum(), 1)
    count += max(negative[b].sum(), 1)
  return objectness / count, box / count


def regions(outputs, targets):
  """Class, box and mask loss of `RegionOutputs` and `RegionTargets`."""
  class_losses, box, mask_losses = [], 0, []
  for b, r in np.ndindex(targets.valid.shape):
    if targets.valid[b, r]:
      label = targets.labels[b, r]
      class_losses.append(cross_entropy(outputs.class_logits[b, r], label))
      if label > 0:
        errors = outputs.deltas[b, r, label] - targets.deltas[b, r]
        box += sum(smooth_l1(error, 1) for error in errors)
  for b, m in np.ndindex(targets.mask_valid.shape):
    if targets.mask_valid[b, m]:
      logits = outputs.mask_logits[b, m, ..., targets.mask_labels[b, m]]
      pixels = zip(logits.ravel(), targets.masks[b, m].ravel())
      mask_losses += [binary_cross_entropy(logit, target) for logit, target in pixels]
  sampled = max(len(class_losses), 1)
  return sum(class_losses) / sampled, box / sampled, sum(mask_losses) / max(len(mask_losses), 1)
