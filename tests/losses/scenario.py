"""Random outputs of a small network with targets, shared by the tests of this folder.

Image 0 has no positive anchor or region; image 1 no sampled region and only ignored pixels; the
others are ordinary.
"""

from functools import partial

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
H, W = 2, 3  # cells of the logits
ANCHORS = {4: 18, 8: 6}  # by stride
REGIONS, MASKS, OBJECTS = 6, 2, 2


def scenario(images: int = 4, seed: int = 0) -> tuple[Outputs, RPNTargets, Batch]:
  rng = np.random.default_rng(seed)
  batch = _batch(rng, images)
  sampled = rng.integers(0, 3, (images, sum(ANCHORS.values())))  # ignored, positive, negative
  positives = rng.integers(0, MASKS + 1, (images, 1))
  valid = np.arange(REGIONS) < rng.integers(MASKS, REGIONS, (images, 1))
  if images > 1:
    sampled[0], positives[0] = 2, 0
    batch.semantic[1], batch.part[1], valid[1], positives[1] = 255, 255, False, 0
  targets = _region_targets(rng, valid, positives)
  deltas = _normal(rng, images, sum(ANCHORS.values()), 4)
  return _outputs(rng, targets), RPNTargets(sampled == 1, sampled == 2, deltas), batch


def _batch(rng, images):
  def labels(below, ignored):
    drawn = rng.integers(0, below, (images, 4 * H, 4 * W), dtype=np.int32)
    drawn[rng.random(drawn.shape) < ignored] = 255
    return drawn

  return Batch(
    image=np.zeros((images, 4 * H, 4 * W, 3), np.uint8),
    semantic=labels(K, ignored=0.2),
    part=labels(P, ignored=0.7),
    instance=labels(OBJECTS + 1, ignored=0),
    boxes=np.tile(np.float32([0, 0, 4, 4]), (images, OBJECTS, 1)),
    labels=np.ones((images, OBJECTS), np.int32),
    valid=np.ones((images, OBJECTS), bool),
    covered=np.int32([[4 * H, 4 * W - image] for image in range(images)]),
  )


def _region_targets(rng, valid, positives):
  images = len(valid)
  is_positive = np.arange(REGIONS) < positives
  labels = rng.integers(1, T1, (images, REGIONS), dtype=np.int32)
  labels[~is_positive] = 0
  deltas = _normal(rng, images, REGIONS, 4)
  deltas[~is_positive] = 0
  masks = rng.integers(0, 2, (images, MASKS, 28, 28))
  return RegionTargets(
    boxes=np.zeros((images, REGIONS, 4), np.float32),
    valid=valid,
    labels=labels,
    deltas=deltas,
    mask_boxes=np.zeros((images, MASKS, 4), np.float32),
    mask_valid=is_positive[:, :MASKS],
    mask_labels=labels[:, :MASKS],
    masks=masks.astype(np.float32),
  )


def _outputs(rng, targets):
  normal = partial(_normal, rng, len(targets.valid))
  objectness = {stride: normal(count) for stride, count in ANCHORS.items()}
  deltas = {stride: normal(count, 4) for stride, count in ANCHORS.items()}
  box, score = np.zeros_like(targets.boxes[:, :1]), np.zeros_like(targets.boxes[:, :1, 0])
  return Outputs(
    semantic=normal(H, W, K),
    part=normal(H, W, P),
    rpn=RPNOutputs(objectness, deltas),
    proposals=Proposals(box, score, targets.valid[:, :1]),
    regions=RegionOutputs(
      class_logits=normal(REGIONS, T1),
      deltas=normal(REGIONS, T1, 4),
      mask_logits=normal(MASKS, 28, 28, T1),
    ),
    region_targets=targets,
  )


def _normal(rng, *shape):
  return rng.normal(size=shape).astype(np.float32)
