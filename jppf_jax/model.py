"""JPPF: a shared encoder and the heads; the joint fusion combines their outputs."""

import dataclasses
from collections.abc import Callable, Collection
from functools import partial
from typing import cast

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int, UInt8

from jppf_jax.encoder.efficientnet import EfficientNet
from jppf_jax.fpn import TwoWayFPN
from jppf_jax.heads.instance_regions import BoxHead, MaskHead, ScoredBoxes, detect
from jppf_jax.heads.instance_rpn import RPNHead, propose
from jppf_jax.heads.semantic_part import SemanticPartHead
from jppf_jax.layers import apply
from jppf_jax.names import HEADS
from jppf_jax.ops.anchors import pyramid_anchors
from jppf_jax.ops.boxes import ImageSizes
from jppf_jax.ops.roi_align import roi_align
from jppf_jax.structs import (
  Array,
  Detections,
  Outputs,
  Proposals,
  Pyramid,
  RegionOutputs,
  RegionTargets,
  RPNOutputs,
)

STRIDES = (4, 8, 16, 32)  # of the pyramid's levels, finest first


class JPPF(nn.Module):
  """Predicts semantic classes, parts and instances (Joint Panoptic Part Fusion, Sec. 3.1).

  A head that is None does not exist: the network has no parameters for it and predicts nothing in
  its place. Without a part head it is EfficientPS.

  Attributes:
    encoder: features at strides 4 to 32.
    fpn: two-way feature pyramid.
    semantic_head: predicts semantic classes.
    part_head: predicts parts.
    rpn_head: scores the anchors; the three modules of the instance head exist together.
    box_head: predicts the class and the box of each region.
    mask_head: predicts the masks of each region.
    anchor_scale: side of the square anchor, in strides; smaller for small images.
    anchor_ratios: height / width, one anchor each.
    finest_scale: regions up to twice this side (pixels) use the finest level; each doubling goes
      one level coarser. Smaller for small images.
    train_proposals: candidates per level, and proposals in total, if `sample_regions` is given.
    eval_proposals: the same in inference.
    proposal_nms: overlap above which the RPN drops the lower score.
    score_threshold: the score of a detection must be above it.
    detection_nms: overlap above which the lower score of the same class is dropped.
    max_detections: detections per image, padding included.
    legacy: anchors, clipping, RoIAlign and pasted masks as in EfficientPS, see `ops`. The fusion
      reads this value too.
    pixel_mean: mean of the training set, RGB, 0..255.
    pixel_std: standard deviation of the training set, RGB.
    remat: the gradient computes the inside of the pyramid and of the pixel heads again, see
      `layers.apply`; `EfficientNet.remat` is that of the encoder.
  """

  encoder: EfficientNet
  fpn: TwoWayFPN
  semantic_head: SemanticPartHead | None
  part_head: SemanticPartHead | None
  rpn_head: RPNHead | None
  box_head: BoxHead | None
  mask_head: MaskHead | None
  anchor_scale: float = 8.0
  anchor_ratios: tuple[float, ...] = (0.5, 1.0, 2.0)
  finest_scale: float = 56.0
  train_proposals: int = 2000
  eval_proposals: int = 1000
  proposal_nms: float = 0.7
  score_threshold: float = 0.5
  detection_nms: float = 0.5
  max_detections: int = 100
  legacy: bool = True
  pixel_mean: tuple[float, float, float] = (106.433, 116.617, 119.559)
  pixel_std: tuple[float, float, float] = (65.496, 67.6, 74.123)
  remat: bool = False

  def __call__(
    self,
    image: UInt8[Array, "B H W 3"],
    sample_regions: Callable[[Proposals], RegionTargets] | None = None,
    *,
    train: bool,
    covered: Int[Array, "B 2"] | None = None,
  ) -> Outputs:
    """Returns the predictions for a batch of images.

    Args:
      image: RGB, 0..255, sides multiples of 32.
      sample_regions: chooses the regions to train on from the proposals, and gives their targets;
        the box head and the mask head then predict for these regions. None: detect instances.
      train: norms use and record the statistics of this batch. False with `sample_regions`:
        training with frozen norms.
      covered: rows and columns that each image covers, from the top left; the rest is padding.
        Proposals and detections are clipped to it. None: there is no padding.

    Raises:
      ValueError: a side of the image is not a multiple of 32.
      ValueError: `train` without `sample_regions`, but with an instance head.
    """
    _, height, width, _ = image.shape
    coarsest = STRIDES[-1]
    if height % coarsest or width % coarsest:
      raise ValueError(
        f"Image sides must be multiples of {coarsest}; got {height} x {width}. "
        "Pad at the bottom and on the right."
      )
    if train and sample_regions is None and self.rpn_head is not None:
      raise ValueError("train=True needs sample_regions, the regions for the box and mask heads.")
    pixels = self.normalise(image)
    features = self.encoder(pixels, train=train)
    pyramid = apply(self.fpn, features, train=train, remat=self.remat)
    outputs = Outputs(*self.logits(pyramid, train=train))
    if self.rpn_head is None:
      return outputs
    rpn = self.rpn_head(pyramid)
    count = self.train_proposals if sample_regions else self.eval_proposals
    clip_to: ImageSizes = (height, width) if covered is None else covered
    proposals = self.propose(rpn, self.anchors((height, width)), clip_to, count)
    outputs = dataclasses.replace(outputs, rpn=rpn, proposals=proposals)
    if sample_regions is None:
      detections = self._detect(pyramid, proposals, clip_to)
      return dataclasses.replace(outputs, detections=detections)
    targets = sample_regions(proposals)
    regions = self._regions(pyramid, targets, train=train)
    return dataclasses.replace(outputs, regions=regions, region_targets=targets)

  @nn.nowrap
  def logits(
    self, pyramid: Pyramid, *, train: bool
  ) -> tuple[Float[Array, "B _h _w K"], Float[Array, "B _h _w O"]]:
    """Returns the logits of classes and of parts at stride 4; no channel if there is no head.

    Args:
      pyramid: features.
      train: as in `__call__`.
    """
    none = jnp.zeros((*pyramid[STRIDES[0]].shape[:3], 0), jnp.float32)

    def of_head(head: Callable[..., Array] | None) -> Array:
      if head is None:
        return none
      return cast(Array, apply(head, pyramid, train=train, remat=self.remat))

    return of_head(self.semantic_head), of_head(self.part_head)

  @property
  def heads(self) -> tuple[str, ...]:
    """The heads that exist, in the order of `names.HEADS`."""
    exist = (self.semantic_head, self.part_head, self.rpn_head)
    return tuple(name for name, head in zip(HEADS, exist) if head is not None)

  @nn.nowrap
  def with_heads(self, heads: Collection[str]) -> "JPPF":
    """Returns the network without the heads that are not named."""
    has_instances = "instance" in heads
    return self.clone(
      semantic_head=self.semantic_head if "semantic" in heads else None,
      part_head=self.part_head if "part" in heads else None,
      rpn_head=self.rpn_head if has_instances else None,
      box_head=self.box_head if has_instances else None,
      mask_head=self.mask_head if has_instances else None,
    )

  @nn.nowrap
  def anchors(self, size: tuple[int, int]) -> dict[int, Float[np.ndarray, "_n 4"]]:
    """Returns the anchors of each level, keyed by stride, finest first.

    The network and the training targets use these.

    Args:
      size: height and width of the padded image.
    """
    ratios, legacy = self.anchor_ratios, self.legacy
    return pyramid_anchors(size, STRIDES, scale=self.anchor_scale, ratios=ratios, legacy=legacy)

  @nn.nowrap
  def normalise(self, image: UInt8[Array, "B H W 3"]) -> Float[Array, "B H W 3"]:
    """Subtracts the mean of the training set and divides by its standard deviation."""
    centred = image.astype(jnp.float32) - jnp.asarray(self.pixel_mean)
    return centred / jnp.asarray(self.pixel_std)

  @nn.nowrap
  def propose(
    self,
    rpn: RPNOutputs,
    anchors: dict[int, Float[np.ndarray, "_n 4"]],
    size: ImageSizes,
    count: int,
  ) -> Proposals:
    """Returns at most `count` proposals, from at most `count` candidates per level.

    Args:
      rpn: of the whole batch.
      anchors: of each level.
      size: height and width to clip to.
      count: candidates per level, and rows of the result.
    """
    return propose(
      rpn,
      anchors,
      size,
      pre_nms=count,
      max_proposals=count,
      nms_threshold=self.proposal_nms,
      legacy=self.legacy,
    )

  def _regions(self, pyramid: Pyramid, targets: RegionTargets, *, train: bool) -> RegionOutputs:
    """What the box head and the mask head say about the sampled regions."""
    assert self.box_head is not None and self.mask_head is not None
    class_logits, deltas = self.box_head(self.pool(pyramid, targets.boxes, bins=7))
    mask_features = self.pool(pyramid, targets.mask_boxes, bins=14)
    masks = self.mask_head(mask_features, targets.mask_valid, train=train)
    return RegionOutputs(class_logits, deltas, masks)

  def _detect(self, pyramid: Pyramid, proposals: Proposals, size: ImageSizes) -> Detections:
    """The detections among the proposals, with the mask of their class."""
    assert self.box_head is not None and self.mask_head is not None
    class_logits, deltas = self.box_head(self.pool(pyramid, proposals.boxes, bins=7))
    found = self.detect(proposals, class_logits, deltas, size)
    mask_features = self.pool(pyramid, found.boxes, bins=14)
    masks = self.mask_head(mask_features, found.valid, train=False)  # of all classes
    channels = found.labels[:, :, None, None, None]
    mask_logits = jnp.take_along_axis(masks, channels, -1)[..., 0]
    return Detections(found.boxes, found.labels, found.scores, mask_logits, found.valid)

  @nn.nowrap
  def detect(
    self,
    proposals: Proposals,
    class_logits: Float[Array, "B R T1"],
    deltas: Float[Array, "B R T1 4"],
    size: ImageSizes,
  ) -> ScoredBoxes:
    """Returns the detections among the proposals, without masks.

    Args:
      proposals: of the whole batch.
      class_logits: of the box head.
      deltas: of the box head.
      size: height and width to clip to.
    """
    return detect(
      proposals,
      class_logits,
      deltas,
      size,
      score_threshold=self.score_threshold,
      nms_threshold=self.detection_nms,
      max_detections=self.max_detections,
      legacy=self.legacy,
    )

  @nn.nowrap
  def pool(
    self, pyramid: Pyramid, boxes: Float[Array, "B R 4"], *, bins: int
  ) -> Float[Array, "B R bins bins C"]:
    """Returns the features of the boxes, each read from its level of the pyramid.

    Args:
      pyramid: features.
      boxes: image pixels.
      bins: cells per side of the result.
    """
    align = partial(roi_align, bins=bins, finest_scale=self.finest_scale, legacy=self.legacy)
    return jax.vmap(align)(pyramid, boxes)
