"""What the targets teach is what the heads read: a head that has learned them finds the objects."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jppf_jax.heads.instance_regions import detect
from jppf_jax.heads.instance_rpn import propose
from jppf_jax.ops.anchors import pyramid_anchors
from jppf_jax.structs import Batch, Proposals, RPNOutputs
from jppf_jax.targets.instance_regions import sample_regions
from jppf_jax.targets.instance_rpn import rpn_targets
from jppf_jax.targets.matching import image_keys

SIZE = (64, 96)
OBJECTS = np.array([[3, 5, 40, 37], [52, 8, 91, 30]], np.float32)  # x0 y0 x1 y1
LABELS = np.array([2, 1], np.int32)
THINGS = 3
KEYS = image_keys(jax.random.key(0), 1)


def batch() -> Batch:
  instance = np.zeros((1, *SIZE), np.int32)
  for number, (x0, y0, x1, y1) in enumerate(OBJECTS.astype(int), 1):
    instance[0, y0:y1, x0:x1] = number
  empty = np.zeros((1, *SIZE), np.int32)
  return Batch(
    image=np.zeros((1, *SIZE, 3), np.uint8),
    semantic=empty,
    part=empty,
    instance=instance,
    boxes=OBJECTS[None],
    labels=LABELS[None],
    valid=np.ones((1, 2), bool),
    covered=np.array([SIZE], np.int32),
  )


def test_a_box_head_that_predicts_its_targets_finds_the_boxes_of_the_objects():
  shifted = OBJECTS + np.array([[4, -3, 6, 2], [-5, 2, -2, 6]], np.float32)
  proposals = Proposals(shifted[None], np.ones((1, 2), np.float32), np.ones((1, 2), bool))
  taught = sample_regions(KEYS, proposals, batch(), samples=16)
  regions = Proposals(taught.boxes, np.ones((1, 16), np.float32), taught.valid)
  # the objects' own boxes are regions too; only those that have to be corrected are detected here
  is_object = (taught.boxes[0][:, None] == OBJECTS).all(-1).any(-1)
  labels = jnp.where(is_object, 0, taught.labels[0])[None]
  class_logits = 20 * jax.nn.one_hot(labels, THINGS + 1)
  deltas = jnp.repeat(taught.deltas[:, :, None], THINGS + 1, 2)
  found = detect(regions, class_logits, deltas, SIZE, max_detections=4)
  assert np.asarray(found.valid).sum() == 2
  for box, label in zip(OBJECTS, LABELS):
    row = int(np.flatnonzero(np.asarray(found.labels[0]) == label)[0])
    np.testing.assert_allclose(found.boxes[0, row], box, atol=1e-3)


@pytest.mark.parametrize("legacy", [True, False])
def test_an_rpn_that_predicts_its_targets_proposes_the_boxes_of_the_objects(legacy):
  levels = pyramid_anchors(SIZE, (4, 8), scale=4.0, legacy=legacy)
  anchors = np.concatenate([levels[stride] for stride in (4, 8)])
  data = batch()
  taught = rpn_targets(KEYS, anchors, data.boxes, data.valid, SIZE, samples=64)
  ends = [len(levels[4])]
  objectness = jnp.where(taught.positive, 5.0, -5.0)
  scores, deltas = (jnp.split(x, ends, axis=1) for x in (objectness, taught.deltas))
  rpn = RPNOutputs(objectness=dict(zip((4, 8), scores)), deltas=dict(zip((4, 8), deltas)))
  found = propose(rpn, levels, SIZE, pre_nms=50, max_proposals=20, legacy=legacy)
  good = np.asarray(found.boxes[0])[np.asarray(found.scores[0]) > 0.9]
  for box in OBJECTS:
    assert np.abs(good - box).max(-1).min() < 1e-3
