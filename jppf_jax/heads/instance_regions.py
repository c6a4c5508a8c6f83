"""Box head and mask head (Mask R-CNN, He et al. 2017; EfficientPS, Sec. 3.4), and how detections
are chosen.
"""

from functools import partial
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import lax
from jax.nn import initializers
from jaxtyping import Bool, Float, Int

from jppf_jax.layers import IABN, Logits, SeparableConvNorm, kaiming_normal, xavier_uniform
from jppf_jax.ops.boxes import BOX_HEAD_STDS, clip, decode
from jppf_jax.ops.nms import nms
from jppf_jax.structs import Array, Proposals


class BoxHead(nn.Module):
  """Class and refined box of each region, from its pooled features; two hidden layers without norm.

  Attributes:
    num_things: thing classes; the outputs have one more, channel 0 = background.
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
    """Class logits, and box deltas per class, in units of `BOX_HEAD_STDS`."""
    x = regions.reshape(*regions.shape[:2], -1)  # rows, columns, channels; channels fastest
    for index in range(2):
      x = nn.Dense(
        self.hidden, kernel_init=xavier_uniform, dtype=self.dtype, name=f"hidden{index}"
      )(x)
      x = jax.nn.relu(x)
    num_classes = self.num_things + 1
    class_logits = Logits(num_classes, initializers.normal(0.01), self.dtype, name="classes")(x)
    deltas = Logits(4 * num_classes, initializers.normal(0.001), self.dtype, name="deltas")(x)
    return class_logits, deltas.reshape(*deltas.shape[:2], num_classes, 4)


class MaskHead(nn.Module):
  """A mask per class for each region: four separable convolutions, then twice the resolution.

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
    """Raw mask logits at twice the resolution of `regions`; only `valid` regions enter the norm
    statistics.
    """
    batch, count = valid.shape
    x, valid = regions.reshape(batch * count, *regions.shape[2:]), valid.reshape(-1)
    norm = partial(IABN, axis_name=self.axis_name)
    for index in range(4):
      x = SeparableConvNorm(self.channels, norm=norm, dtype=self.dtype, name=f"conv{index}")(
        x, train=train, valid=valid
      )
    x = jax.nn.relu(DoubleResolution(self.channels, dtype=self.dtype, name="upsample")(x))
    x = Logits(self.num_things + 1, kaiming_normal, self.dtype, name="logits")(x)
    return x.reshape(batch, count, *x.shape[1:])


class DoubleResolution(nn.Module):
  """Transposed 2 x 2 convolution with stride 2: every pixel becomes a block of four, each with
  weights of its own.

  `kernel[i, j]` makes row i, column j of the block (PyTorch's transposed kernel with axes 2, 3, 0,
  1, not flipped).
  """

  features: int
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(self, x: Float[Array, "B h w c"]) -> Float[Array, "B 2*h 2*w C"]:
    kernel = self.param("kernel", kaiming_normal, (2, 2, x.shape[-1], self.features), jnp.float32)
    bias = self.param("bias", initializers.zeros, (self.features,), jnp.float32)
    x, kernel = x.astype(self.dtype), kernel.astype(self.dtype)
    batch, height, width, channels = x.shape
    blocks = jnp.dot(x.reshape(-1, channels), jnp.moveaxis(kernel, 2, 0).reshape(channels, -1))
    blocks = blocks.reshape(batch, height, width, 2, 2, self.features).swapaxes(
      2, 3
    )  # [B h 2 w 2 C]
    return blocks.reshape(batch, 2 * height, 2 * width, self.features) + bias.astype(self.dtype)


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
  image_size: tuple[int, int],
  *,
  score_threshold: float = 0.5,
  nms_threshold: float = 0.5,
  max_detections: int = 100,
  legacy: bool = True,
) -> ScoredBoxes:
  """The final boxes of each image, highest score first.

  A candidate is a proposal seen as one of the thing classes, with its softmax probability as the
  score. Candidates above the threshold are thinned by non-maximum suppression per class. At most R
  candidates are looked at, the best ones: all there can be at a threshold of 0.5 or more, where a
  proposal is one class at most.

  Args:
    proposals: of the whole batch; padding is never detected.
    class_logits: of the box head, channel 0 = background.
    deltas: of the box head.
    image_size: height and width to clip to.
    score_threshold: a score must be above it.
    nms_threshold: overlap from which on the lower score of the same class is dropped.
    max_detections: rows of the result.
    legacy: clip as EfficientPS does; see `ops.boxes.clip`.
  """
  one_image = partial(
    _detect_one,
    image_size=image_size,
    score_threshold=score_threshold,
    nms_threshold=nms_threshold,
    max_detections=max_detections,
    legacy=legacy,
  )
  return ScoredBoxes(*jax.vmap(one_image)(proposals.boxes, proposals.valid, class_logits, deltas))


def _detect_one(
  proposals: Float[Array, "R 4"],
  valid: Bool[Array, "R"],
  class_logits: Float[Array, "R T1"],
  deltas: Float[Array, "R T1 4"],
  *,
  image_size: tuple[int, int],
  score_threshold: float,
  nms_threshold: float,
  max_detections: int,
  legacy: bool,
) -> tuple[Float[Array, "D 4"], Int[Array, "D"], Float[Array, "D"], Bool[Array, "D"]]:
  num_proposals, num_things = len(proposals), class_logits.shape[-1] - 1
  scores = jnp.where(valid[:, None], jax.nn.softmax(class_logits)[:, 1:], 0)  # [R T]
  scores, best = lax.top_k(scores.reshape(-1), num_proposals)
  region, thing = best // num_things, best % num_things
  labels = 1 + thing
  boxes = clip(
    decode(proposals[region], deltas[region, labels], BOX_HEAD_STDS), image_size, legacy=legacy
  )
  keep = nms(boxes, scores, scores > score_threshold, threshold=nms_threshold, classes=labels)
  count = min(max_detections, num_proposals)
  scores, best = lax.top_k(jnp.where(keep, scores, -jnp.inf), count)
  valid = scores > -jnp.inf
  rows = (boxes[best] * valid[:, None], labels[best] * valid, jnp.where(valid, scores, 0), valid)
  return tuple(
    jnp.pad(row, [(0, max_detections - count)] + [(0, 0)] * (row.ndim - 1)) for row in rows
  )
