"""Box head and mask head (Mask R-CNN, He et al. 2017; EfficientPS, Sec. 3.4), and the detections.

Axes: `R` regions, `M` regions with a mask, `D` detections, `T1` thing classes after background.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.nn import initializers
from jaxtyping import Bool, Float, Int

from jppf_jax.layers import IABN, Logits, SeparableConvNorm, kaiming_normal, xavier_uniform
from jppf_jax.ops.boxes import BOX_HEAD_STDS, ImageSize, ImageSizes, clip, decode, image_sizes
from jppf_jax.ops.nms import nms
from jppf_jax.structs import Array, Proposals


class BoxHead(nn.Module):
  """Predicts the class and the refined box of each region; two hidden layers without norm.

  Attributes:
    num_things: thing classes; the outputs have one more channel, 0 = background.
    hidden: width of both hidden layers.
    dtype: compute dtype; the outputs are float32.
  """

  num_things: int
  hidden: int = 1024
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(
    self, regions: Float[Array, "B R bins bins C"]
  ) -> tuple[Float[Array, "B R T1"], Float[Array, "B R T1 4"]]:
    """Returns class logits, and box deltas per class in units of `BOX_HEAD_STDS`.

    Args:
      regions: pooled features.
    """
    batch, count = regions.shape[:2]
    dense = partial(nn.Dense, self.hidden, kernel_init=xavier_uniform, dtype=self.dtype)
    x = regions.reshape(batch, count, -1)  # rows, columns, channels; channels fastest
    x = jax.nn.relu(dense(name="hidden0")(x))
    x = jax.nn.relu(dense(name="hidden1")(x))
    num_classes = self.num_things + 1
    classify = Logits(num_classes, initializers.normal(0.01), self.dtype, name="classes")
    refine = Logits(4 * num_classes, initializers.normal(0.001), self.dtype, name="deltas")
    class_logits, deltas = classify(x), refine(x)
    return class_logits, deltas.reshape(batch, count, num_classes, 4)


class MaskHead(nn.Module):
  """Predicts a mask per class of each region: four separable convolutions, then up-sampling.

  Attributes:
    num_things: thing classes; the logits have one more channel, 0 = background, which nothing uses.
    channels: width of the convolutions.
    axis_name: mapped axis whose replicas share norm statistics.
    dtype: compute dtype; the logits are float32.
  """

  num_things: int
  channels: int = 256
  axis_name: str | None = None
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(
    self, regions: Float[Array, "B M bins bins _c"], valid: Bool[Array, "B M"], *, train: bool
  ) -> Float[Array, "B M masks masks T1"]:
    """Returns raw mask logits at twice the resolution of `regions`.

    Args:
      regions: pooled features.
      valid: the regions that count in the norm statistics; the others are padding.
      train: as in `IABN`.
    """
    batch, count = valid.shape
    x = regions.reshape(batch * count, *regions.shape[2:])
    valid = valid.reshape(-1)
    norm = partial(IABN, axis_name=self.axis_name)
    conv = partial(SeparableConvNorm, self.channels, norm=norm, dtype=self.dtype)
    for index in range(4):
      x = conv(name=f"conv{index}")(x, train=train, valid=valid)
    upsample = DoubleResolution(self.channels, dtype=self.dtype, name="upsample")
    classify = Logits(self.num_things + 1, kaiming_normal, self.dtype, name="logits")
    logits = upsample(x, lambda pixels: classify(jax.nn.relu(pixels)))
    return logits.reshape(batch, count, *logits.shape[1:])


class DoubleResolution(nn.Module):
  """A transposed 2 x 2 convolution with stride 2: each pixel becomes a block of four.

  `kernel[i, j]` has the weights of row i, column j of the block (PyTorch's transposed kernel with
  axes 2, 3, 0, 1, not flipped).

  Attributes:
    features: output channels.
    dtype: compute dtype.
  """

  features: int
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(
    self, x: Float[Array, "B h w c"], pixelwise: Callable[[Array], Array]
  ) -> Float[Array, "B 2*h 2*w _k"]:
    """Returns `pixelwise` of twice the resolution, which is linear and in the compute dtype.

    Args:
      x: features.
      pixelwise: computes each pixel from its own channels. It is called for the four pixels of the
        blocks, one after the other: the image is put together from its results only.
    """
    batch, height, width, channels = x.shape
    kernel = self.param("kernel", kaiming_normal, (2, 2, channels, self.features), jnp.float32)
    bias = self.param("bias", initializers.zeros, (self.features,), jnp.float32)
    x, kernel, bias = (jnp.asarray(value, self.dtype) for value in (x, kernel, bias))
    rows = x.reshape(-1, channels)
    pixels = [pixelwise(jnp.dot(rows, kernel[i, j]) + bias) for i, j in np.ndindex(2, 2)]
    blocks = jnp.stack(pixels, 1).reshape(batch, height, width, 2, 2, -1)
    image = blocks.swapaxes(2, 3)  # [B h 2 w 2 k]
    return image.reshape(batch, 2 * height, 2 * width, -1)


class ScoredBoxes(NamedTuple):
  """Detections before they have masks; fields as in `structs.Detections`."""

  boxes: Float[Array, "B D 4"]
  labels: Int[Array, "B D"]
  scores: Float[Array, "B D"]
  valid: Bool[Array, "B D"]


def detect(
  proposals: Proposals,
  class_logits: Float[Array, "B R T1"],
  deltas: Float[Array, "B R T1 4"],
  image_size: ImageSizes,
  *,
  score_threshold: float = 0.5,
  nms_threshold: float = 0.5,
  max_detections: int = 100,
  legacy: bool = True,
) -> ScoredBoxes:
  """Returns the final boxes of each image, highest score first.

  A candidate is a pair of a proposal and a thing class; its score is the softmax probability. The
  best R candidates above the threshold go through non-maximum suppression per class. At a threshold
  of 0.5 or more these are all candidates, because then a proposal has at most one class.

  Args:
    proposals: of the whole batch; padding is never detected.
    class_logits: of the box head, channel 0 = background.
    deltas: of the box head.
    image_size: height and width to clip to: those of the image without its padding.
    score_threshold: a score must be above it.
    nms_threshold: overlap above which the lower score of the same class is dropped.
    max_detections: rows of the result.
    legacy: clip as EfficientPS does; see `ops.boxes.clip`.
  """
  one_image = partial(
    _detect_one,
    score_threshold=score_threshold,
    nms_threshold=nms_threshold,
    max_detections=max_detections,
    legacy=legacy,
  )
  sizes = image_sizes(image_size, len(class_logits))
  found = jax.vmap(one_image)(proposals.boxes, proposals.valid, class_logits, deltas, sizes)
  return ScoredBoxes(*found)


def _detect_one(
  proposals: Float[Array, "R 4"],
  valid: Bool[Array, "R"],
  class_logits: Float[Array, "R T1"],
  deltas: Float[Array, "R T1 4"],
  image_size: ImageSize,
  *,
  score_threshold: float,
  nms_threshold: float,
  max_detections: int,
  legacy: bool,
) -> tuple[Float[Array, "D 4"], Int[Array, "D"], Float[Array, "D"], Bool[Array, "D"]]:
  """The boxes, labels and scores of one image, and which of them are not padding."""
  num_proposals, num_classes = class_logits.shape
  num_things = num_classes - 1
  probabilities = jax.nn.softmax(class_logits)
  scores = jnp.where(valid[:, None], probabilities[:, 1:], 0)  # [R T]
  scores, candidates = lax.top_k(scores.reshape(-1), num_proposals)
  region, thing = candidates // num_things, candidates % num_things
  labels = 1 + thing
  boxes = decode(proposals[region], deltas[region, labels], BOX_HEAD_STDS)
  boxes = clip(boxes, image_size, legacy=legacy)
  above = scores > score_threshold
  keep = nms(boxes, scores, above, threshold=nms_threshold, classes=labels)
  count = min(max_detections, num_proposals)
  scores, best = lax.top_k(jnp.where(keep, scores, -jnp.inf), count)
  found = scores > -jnp.inf
  boxes = boxes[best] * found[:, None]
  labels = labels[best] * found
  scores = jnp.where(found, scores, 0)
  padding = (0, max_detections - count)
  padded_boxes = jnp.pad(boxes, (padding, (0, 0)))
  return padded_boxes, jnp.pad(labels, padding), jnp.pad(scores, padding), jnp.pad(found, padding)
