"""JPPF: one shared encoder, and the heads whose outputs the joint fusion combines."""

import dataclasses
from collections.abc import Callable
from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, UInt8

from jppf_jax.encoder.efficientnet import EfficientNet
from jppf_jax.fpn import TwoWayFPN
from jppf_jax.heads.instance_regions import BoxHead, MaskHead, detect
from jppf_jax.heads.instance_rpn import RPNHead, propose
from jppf_jax.heads.semantic_part import SemanticPartHead
from jppf_jax.ops.anchors import pyramid_anchors
from jppf_jax.ops.roi_align import roi_align
from jppf_jax.structs import (
  Array,
  Detections,
  Outputs,
  Proposals,
  Pyramid,
  RegionOutputs,
  RegionTargets,
)

STRIDES = (4, 8, 16, 32)  # of the pyramid's levels, finest first


class JPPF(nn.Module):
  """Semantic, part and instance predictions of an image (Joint Panoptic Part Fusion, Sec. 3.1).

  Attributes:
    part_head: None leaves EfficientPS, panoptic segmentation without parts.
    anchor_scale: side of the square anchor, in strides; smaller for small images.
    anchor_ratios: height / width, one anchor each.
    finest_scale: side in pixels from which on, doubled, a region leaves the finest level; smaller
      for small images.
    train_proposals: candidates per level, and proposals in all, while `sample_regions` is given.
    eval_proposals: the same in inference.
    proposal_nms: overlap above which the RPN drops the lower score.
    score_threshold: what a detection's score must be above.
    detection_nms: overlap above which the lower score of the same class is dropped.
    max_detections: detections per image, padding included.
    legacy: EfficientPS's rounding of anchors, clipping, RoIAlign and pasting of masks, see `ops`. A
      fusion reads it here too.
    pixel_mean: of the training set, RGB, 0..255.
    pixel_std: of the training set, RGB.
  """

  encoder: EfficientNet
  fpn: TwoWayFPN
  semantic_head: SemanticPartHead
  part_head: SemanticPartHead | None
  rpn_head: RPNHead
  box_head: BoxHead
  mask_head: MaskHead
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

  def __call__(
    self,
    image: UInt8[Array, "B H W 3"],
    sample_regions: Callable[[Proposals], RegionTargets] | None = None,
    *,
    train: bool,
  ) -> Outputs:
    """Predictions for a batch of images.

    Args:
      image: RGB, 0..255, sides multiples of 32.
      sample_regions: chooses from the proposals the regions to train on, with their targets; the
        box head and the mask head then see those. None detects instances instead.
      train: norms use and record the statistics of this batch. False with `sample_regions`:
        training with frozen norms.

    Raises:
      ValueError: an image side is no multiple of 32, or `train` without `sample_regions`.
    """
    size = image.shape[1:3]
    coarsest = STRIDES[-1]
    if size[0] % coarsest or size[1] % coarsest:
      raise ValueError(
        f"Image sides must be multiples of {coarsest}; got {size[0]} x {size[1]}. Pad bottom and right."
      )
    if train and sample_regions is None:
      raise ValueError(
        "train=True needs sample_regions, which chooses what the box and mask heads are trained on."
      )
    pixels = (image.astype(jnp.float32) - jnp.asarray(self.pixel_mean)) / jnp.asarray(
      self.pixel_std
    )
    pyramid = self.fpn(self.encoder(pixels, train=train), train=train)
    semantic = self.semantic_head(pyramid, train=train)
    part = (
      self.part_head(pyramid, train=train)
      if self.part_head
      else jnp.zeros((*semantic.shape[:3], 0), jnp.float32)
    )
    rpn = self.rpn_head(pyramid)
    anchors = self.anchors(size)
    count = self.train_proposals if sample_regions else self.eval_proposals
    proposals = propose(
      rpn,
      anchors,
      size,
      pre_nms=count,
      max_proposals=count,
      nms_threshold=self.proposal_nms,
      legacy=self.legacy,
    )
    outputs = Outputs(semantic=semantic, part=part, rpn=rpn, proposals=proposals)
    if sample_regions is None:
      return dataclasses.replace(outputs, detections=self._detect(pyramid, proposals, size))
    targets = sample_regions(proposals)
    class_logits, deltas = self.box_head(self._pool(pyramid, targets.boxes, bins=7))
    masks = self.mask_head(
      self._pool(pyramid, targets.mask_boxes, bins=14), targets.mask_valid, train=train
    )
    return dataclasses.replace(
      outputs, regions=RegionOutputs(class_logits, deltas, masks), region_targets=targets
    )

  @nn.nowrap
  def anchors(self, size: tuple[int, int]) -> dict[int, Float[np.ndarray, "_n 4"]]:
    """Returns the anchors of each level of a padded image, keyed by stride, finest first.

    The network and its training targets use the same ones.
    """
    ratios, legacy = self.anchor_ratios, self.legacy
    return pyramid_anchors(size, STRIDES, scale=self.anchor_scale, ratios=ratios, legacy=legacy)

  def _detect(self, pyramid: Pyramid, proposals: Proposals, size: tuple[int, int]) -> Detections:
    class_logits, deltas = self.box_head(self._pool(pyramid, proposals.boxes, bins=7))
    found = detect(
      proposals,
      class_logits,
      deltas,
      size,
      score_threshold=self.score_threshold,
      nms_threshold=self.detection_nms,
      max_detections=self.max_detections,
      legacy=self.legacy,
    )
    masks = self.mask_head(self._pool(pyramid, found.boxes, bins=14), found.valid, train=False)
    of_label = jnp.take_along_axis(masks, found.labels[:, :, None, None, None], -1)[..., 0]
    return Detections(found.boxes, found.labels, found.scores, of_label, found.valid)

  def _pool(
    self, pyramid: Pyramid, boxes: Float[Array, "B R 4"], *, bins: int
  ) -> Float[Array, "B R bins bins C"]:
    pool = partial(roi_align, bins=bins, finest_scale=self.finest_scale, legacy=self.legacy)
    return jax.vmap(pool)(pyramid, boxes)
