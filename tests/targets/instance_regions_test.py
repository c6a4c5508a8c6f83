"""Regions for training: all of them against the oracle, then what a draw of them keeps."""

import dataclasses
from functools import partial

import jax
import numpy as np
import pytest

from jppf_jax.ops.boxes import decode
from jppf_jax.structs import Batch, Proposals
from jppf_jax.targets.instance_regions import sample_regions
from tests.oracles import targets as oracles

H, W, R, G = 32, 64, 20, 4
KEY = jax.random.key(0)

_sample = partial(jax.jit, static_argnames=("samples", "positive_fraction", "positive_iou"))(
  sample_regions
)


def _scenes():
  """Image 0: three objects, padding between them; image 1: none; image 2: objects, but no
  proposals.
  """
  rng = np.random.default_rng(0)
  objects = np.zeros((3, G, 4), np.float32)
  objects[0, [0, 2, 3]] = objects[2, [0, 2, 3]] = [[2, 3, 12, 20], [20, 4, 50, 30], [40, 2, 60, 12]]
  valid = objects[..., 2] > 0
  instance = np.zeros((3, H, W), np.int32)
  for b, g in np.argwhere(valid):
    x0, y0, x1, y1 = objects[b, g].astype(int)
    instance[b, y0:y1, x0:x1] = g + 1
  labels = np.where(valid, [[3, 0, 1, 2]], 0).astype(np.int32)
  low = rng.integers(0, 40, (3, R, 2)) * [1, 0.5]
  boxes = np.concatenate([low, low + rng.integers(4, 14, (3, R, 2))], -1).astype(np.float32)
  boxes[:, :8] = objects[0, [0, 2, 3, 0, 2, 3, 0, 2]] + rng.integers(-2, 3, (8, 4))
  present = np.broadcast_to(np.arange(R) < R - 3, (3, R)) & (np.arange(3) < 2)[:, None]
  empty = np.zeros((3, H, W), np.int32)
  batch = Batch(np.zeros((3, H, W, 3), np.uint8), empty, empty, instance, objects, labels, valid)
  return Proposals(
    np.where(present[..., None], boxes, 0), np.zeros((3, R), np.float32), present
  ), batch


PROPOSALS, BATCH = _scenes()


def _all(proposals=PROPOSALS, batch=BATCH):
  """So many samples that every region is drawn, in any order."""
  return _sample(KEY, proposals, batch, samples=100, positive_fraction=0.5)


def _rows(targets, image):
  """Every drawn region as a row that can be sorted: box, label, deltas."""
  columns = targets.boxes[image], targets.labels[image][:, None], targets.deltas[image]
  rows = np.concatenate([np.asarray(c, np.float32) for c in columns], 1)[targets.valid[image]]
  return sorted(map(tuple, rows.round(3).tolist()))


@pytest.mark.parametrize("image", range(3))
def test_without_a_limit_every_region_is_what_the_oracle_says(image):
  objects, valid = BATCH.boxes[image], BATCH.valid[image]
  thresholds = {"positive_iou": 0.5, "negative_iou": 0.5, "min_positive_iou": 0.5}
  assigned = oracles.match(
    PROPOSALS.boxes[image], PROPOSALS.valid[image], objects, valid, **thresholds
  )
  boxes = np.concatenate([objects, PROPOSALS.boxes[image]])
  assigned = np.concatenate([np.where(valid, np.arange(G), -2), assigned])

  found = jax.tree.map(lambda x: np.asarray(x)[image], _all())
  order = np.lexsort(found.boxes[found.valid].T)
  expected_order = np.lexsort(boxes[assigned > -2].T)
  np.testing.assert_array_equal(
    found.boxes[found.valid][order], boxes[assigned > -2][expected_order]
  )
  labels = np.where(assigned >= 0, BATCH.labels[image][assigned], 0)[assigned > -2]
  np.testing.assert_array_equal(found.labels[found.valid][order], labels[expected_order])
  objects_of = objects[assigned[assigned > -2][expected_order]]
  decoded = np.asarray(decode(found.boxes, found.deltas, (0.1, 0.1, 0.2, 0.2)))[found.valid][order]
  is_positive = labels[expected_order] > 0
  np.testing.assert_allclose(decoded[is_positive], objects_of[is_positive], atol=1e-3)
  assert is_positive.sum() >= valid.sum()


def test_positives_come_first_then_background_then_padding():
  drawn = _sample(KEY, PROPOSALS, BATCH, samples=12, positive_fraction=0.25)
  labels, valid = np.asarray(drawn.labels), np.asarray(drawn.valid)
  assert (labels > 0).sum(1).tolist() == [3, 0, 3] and valid.sum(1).tolist() == [12, 12, 3]
  assert (np.sort(labels > 0)[:, ::-1] == (labels > 0)).all() and (
    np.sort(valid)[:, ::-1] == valid
  ).all()
  np.testing.assert_array_equal(drawn.deltas[labels == 0], 0)
  np.testing.assert_array_equal(drawn.boxes[~valid], 0)


def test_the_mask_regions_are_the_first_regions():
  drawn = _sample(KEY, PROPOSALS, BATCH, samples=12, positive_fraction=0.25)
  assert drawn.masks.shape == (3, 3, 28, 28)
  np.testing.assert_array_equal(drawn.mask_boxes, drawn.boxes[:, :3])
  np.testing.assert_array_equal(drawn.mask_labels, drawn.labels[:, :3])
  np.testing.assert_array_equal(drawn.mask_valid, drawn.labels[:, :3] > 0)
  np.testing.assert_array_equal(drawn.masks[~drawn.mask_valid], 0)


def test_background_takes_the_place_of_missing_positives():
  drawn = _sample(KEY, PROPOSALS, BATCH, samples=8, positive_fraction=0.75)
  positives = (np.asarray(drawn.labels) > 0).sum(1)
  assert positives.tolist() == [6, 0, 3] and drawn.valid.sum(1).tolist() == [8, 8, 3]


def test_the_mask_of_an_object_s_own_box_is_full():
  drawn, checked = jax.tree.map(np.asarray, _all()), 0
  for g in np.flatnonzero(BATCH.valid[0]):
    for m in np.flatnonzero((drawn.mask_boxes[0] == BATCH.boxes[0, g]).all(1)):
      covered = (
        BATCH.instance[0][int(BATCH.boxes[0, g, 1]) + 1, int(BATCH.boxes[0, g, 0]) + 1] == g + 1
      )
      assert covered and drawn.masks[0, m].mean() > 0.7  # another object may hide a corner
      checked += 1
  assert checked == 3
  full = drawn.masks[0][(drawn.mask_boxes[0] == BATCH.boxes[0, 3]).all(1)]  # hidden by none
  np.testing.assert_array_equal(full, 1)


def test_a_mask_target_belongs_to_the_object_that_was_matched():
  batch = BATCH.replace(
    instance=np.where(BATCH.instance == 3, 0, BATCH.instance)
  )  # the second object has no pixel
  drawn = jax.tree.map(np.asarray, _all(batch=batch))
  of_second = drawn.mask_labels == BATCH.labels[0, 2]
  assert of_second.any()
  np.testing.assert_array_equal(drawn.masks[of_second], 0)
  assert drawn.masks[(drawn.mask_labels > 0) & ~of_second].any((1, 2)).all()


def test_without_objects_all_regions_are_background():
  drawn = _all()
  assert drawn.valid[1].sum() == PROPOSALS.valid[1].sum() and not drawn.labels[1].any()
  assert not drawn.mask_valid[1].any() and not drawn.masks[1].any()


def test_without_objects_and_proposals_nothing_is_drawn_and_all_is_finite():
  nothing = dataclasses.replace(PROPOSALS, valid=np.zeros_like(PROPOSALS.valid))
  drawn = _all(nothing, dataclasses.replace(BATCH, valid=np.zeros_like(BATCH.valid)))
  assert not drawn.valid.any() and not drawn.mask_valid.any()
  assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(drawn))


def test_an_object_larger_than_the_image_is_learned_from_its_own_box():
  objects = BATCH.boxes.copy()
  objects[1, 1] = [-100, -100, 200, 200]
  batch = BATCH.replace(
    boxes=objects,
    valid=objects[..., 2] > objects[..., 0],
    labels=np.maximum(BATCH.labels, objects[..., 2] > 100).astype(np.int32),
  )
  drawn = _all(batch=batch)
  assert drawn.labels[1, 0] == 1 and not drawn.labels[1, 1:].any()
  np.testing.assert_array_equal(drawn.deltas[1], 0)
  assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(drawn))


def test_what_stands_in_the_padding_does_not_matter():
  proposals = PROPOSALS.replace(
    boxes=np.where(PROPOSALS.valid[..., None], PROPOSALS.boxes, [[[20, 4, 50, 30]]])
  )
  batch = BATCH.replace(
    boxes=np.where(BATCH.valid[..., None], BATCH.boxes, [[[2, 3, 12, 20]]]).astype(np.float32),
    labels=np.where(BATCH.valid, BATCH.labels, 7).astype(np.int32),
  )
  scrambled = _all(dataclasses.replace(proposals, boxes=proposals.boxes.astype(np.float32)), batch)
  jax.tree.map(np.testing.assert_array_equal, scrambled, _all())


def test_the_order_of_objects_does_not_matter():
  order, to_new = (
    np.array([2, 3, 0, 1]),
    np.array([0, 3, 4, 1, 2]),
  )  # id of an object at its new row
  turned = BATCH.replace(
    boxes=BATCH.boxes[:, order],
    labels=BATCH.labels[:, order],
    valid=BATCH.valid[:, order],
    instance=to_new[BATCH.instance].astype(np.int32),
  )
  for image in range(3):
    assert _rows(_all(batch=turned), image) == _rows(_all(), image)
  assert _all(batch=turned).masks.sum() == _all().masks.sum()


def test_the_key_alone_decides_the_draw():
  draws = [_sample(jax.random.key(seed), PROPOSALS, BATCH, samples=12) for seed in (1, 1, 2)]
  jax.tree.map(np.testing.assert_array_equal, draws[0], draws[1])
  assert (draws[0].boxes[:2] != draws[2].boxes[:2]).any((1, 2)).all()


def test_replicas_draw_what_one_device_draws():
  def replica(proposals, batch):
    return sample_regions(KEY, proposals, batch, samples=12, axis_name="batch")

  shards = jax.tree.map(lambda x: x[:, None], (PROPOSALS, BATCH))
  sharded = jax.jit(jax.vmap(replica, axis_name="batch"))(*shards)
  whole = _sample(KEY, PROPOSALS, BATCH, samples=12)
  jax.tree.map(lambda a, b: np.testing.assert_array_equal(a[:, 0], b), sharded, whole)


def test_no_gradient_flows_into_the_proposals():
  def total(boxes):
    return sample_regions(
      KEY, dataclasses.replace(PROPOSALS, boxes=boxes), BATCH, samples=12
    ).deltas.sum()

  np.testing.assert_array_equal(jax.jit(jax.grad(total))(PROPOSALS.boxes), 0)


def test_settings_without_room_for_a_positive_are_refused():
  with pytest.raises(ValueError, match=r"3 samples with a positive_fraction of 0\.25"):
    sample_regions(KEY, PROPOSALS, BATCH, samples=3)
