"""Random outputs of a small network with targets, shared by the tests of this folder.

Image 0 has no object, image 1 no sampled region and only ignored pixels, the others are ordinary.
"""

import numpy as np

from jppf_jax.structs import (
  Batch,
  Outputs,
  Proposals,
  RegionOutputs,
  RegionTargets,
  RPNOutputs,
  RPNTargets,
)

K, P, T1 = 5, 4, 3  # classes, part channels, region classes with background


def scenario(images: int = 4, seed: int = 0) -> tuple[Outputs, RPNTargets, Batch]:
  rng = np.random.default_rng(seed)

  def normal(*shape):
    return rng.normal(size=(images, *shape)).astype(np.float32)

  def labels(below, *shape, ignored=0.0):
    drawn = rng.integers(0, below, (images, *shape), dtype=np.int32)
    return np.where(rng.random(drawn.shape) < ignored, 255, drawn).astype(np.int32)

  h, w, anchors, regions, masks, objects = 2, 3, {4: 18, 8: 6}, 6, 2, 2
  batch = Batch(
    image=np.zeros((images, 4 * h, 4 * w, 3), np.uint8),
    semantic=labels(K, 4 * h, 4 * w, ignored=0.2),
    part=labels(P, 4 * h, 4 * w, ignored=0.7),
    instance=labels(objects + 1, 4 * h, 4 * w),
    boxes=np.tile(np.float32([0, 0, 4, 4]), (images, objects, 1)),
    labels=np.ones((images, objects), np.int32),
    valid=np.ones((images, objects), bool),
  )
  sampled = rng.integers(0, 3, (images, sum(anchors.values())))
  positives = np.minimum(rng.integers(0, masks + 1, (images, 1)), masks)
  valid = np.arange(regions) < rng.integers(masks, regions, (images, 1))
  if images > 1:
    batch.semantic[1], batch.part[1], positives[:2], valid[1], sampled[0] = 255, 255, 0, False, 2
  region_labels = np.where(
    np.arange(regions) < positives, rng.integers(1, T1, (images, regions)), 0
  ).astype(np.int32)
  outputs = Outputs(
    semantic=normal(h, w, K),
    part=normal(h, w, P),
    rpn=RPNOutputs(
      {s: normal(n) for s, n in anchors.items()}, {s: normal(n, 4) for s, n in anchors.items()}
    ),
    proposals=Proposals(
      np.zeros((images, 1, 4), np.float32), np.zeros((images, 1), np.float32), ~valid[:, :1]
    ),
    regions=RegionOutputs(normal(regions, T1), normal(regions, T1, 4), normal(masks, 28, 28, T1)),
    region_targets=RegionTargets(
      boxes=np.zeros((images, regions, 4), np.float32),
      valid=valid,
      labels=region_labels,
      deltas=np.where(region_labels[..., None] > 0, normal(regions, 4), 0).astype(np.float32),
      mask_boxes=np.zeros((images, masks, 4), np.float32),
      mask_valid=np.arange(masks) < positives,
      mask_labels=region_labels[:, :masks],
      masks=labels(2, masks, 28, 28).astype(np.float32),
    ),
  )
  return outputs, RPNTargets(sampled == 1, sampled == 2, normal(sum(anchors.values()), 4)), batch
