"""Geometry without parameters: boxes, anchors, NMS, RoIAlign, masks, resizing, norms.

Every function is here, as in `from jppf_jax.ops import nms, roi_align`; docs/ops.md has an example
of each. Three have the name of their module: here `nms`, `roi_align` and `batch_norm` are the
functions. `from jppf_jax.ops.nms import nms` works too.
"""

from jppf_jax.ops.anchors import level_anchors, pyramid_anchors
from jppf_jax.ops.batch_norm import batch_norm, normalise
from jppf_jax.ops.boxes import area, clip, decode, encode, image_sizes, iou_matrix
from jppf_jax.ops.convolution import convolve, kernel_gradient
from jppf_jax.ops.depthwise import depthwise_conv
from jppf_jax.ops.masks import box_rectangle, crop_mask_targets, paste, paste_reach, paste_weights
from jppf_jax.ops.nms import nms
from jppf_jax.ops.padding import same_padding
from jppf_jax.ops.recompute import recomputed
from jppf_jax.ops.resize import nearest_down2, nearest_up2, resize_bilinear
from jppf_jax.ops.roi_align import assign_levels, roi_align
from jppf_jax.ops.sums import sum_each
from jppf_jax.ops.winograd import conv3x3

__all__ = [
  "area",
  "assign_levels",
  "batch_norm",
  "box_rectangle",
  "clip",
  "conv3x3",
  "convolve",
  "crop_mask_targets",
  "decode",
  "depthwise_conv",
  "encode",
  "image_sizes",
  "iou_matrix",
  "kernel_gradient",
  "level_anchors",
  "nearest_down2",
  "nearest_up2",
  "nms",
  "normalise",
  "paste",
  "paste_reach",
  "paste_weights",
  "pyramid_anchors",
  "recomputed",
  "resize_bilinear",
  "roi_align",
  "same_padding",
  "sum_each",
]
