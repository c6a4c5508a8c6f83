"""Regions for training: all of them against the oracle, then the rules that a sample keeps."""

import dataclasses

import jax
import numpy as np
import pytest

from jppf_jax.ops.boxes import decode
from jppf_jax.structs import Batch, Proposals
from jppf_jax.targets.instance_regions import sample_regions
from jppf_jax.targets.matching import image_keys
from tests.oracles import targets as oracles

H, W, R, G = 32, 64, 20, 4
KEYS = image_keys(jax.random.key(0), 3)

_sample = jax.jit(sample_regions, static_argnames=("samples", "positive_fraction", "positive_iou"))


def _scenes():
  """Image 0: three objects, padding between them; image 1: none; image 2: no proposals."""
  objects = np.zeros((3, G, 4), np.float32)
  three = [[2, 3, 12, 20], [20, 4, 50, 30], [40, 2, 60, 12]]
  objects[0, [0, 2, 3]] = objects[2, [0, 2, 3]] = three
  valid = objects[..., 2] > 0
  instance = np.zeros((3, H, W), np.int32)
  for b, g in np.argwhere(valid):
    x0, y0, x1, y1 = objects[b, g].astype(int)
    instance[b, y0:y1, x0:x1] = g + 1
  labels = np.where(valid, [[3, 0, 1, 2]], 0).astype(np.int32)
  empty = np.zeros((3, H, W), np.int32)
  image, covered = np.zeros((3, H, W, 3), np.uint8), np.tile(np.int32([H, W]), (3, 1))
  batch = Batch(image, empty, empty, instance, objects, labels, valid, covered)
  return _proposals(objects[0, [0, 2, 3]]), batch


def _proposals(objects):
  """Eight near an object, the others anywhere; padding in the last rows and in image 2."""
  rng = np.random.default_rng(0)
  low = rng.integers(0, 40, (3, R, 2)) * [1, 0.5]
  high = low + rng.integers(4, 14, (3, R, 2))
  boxes = np.concatenate([low, high], -1).astype(np.float32)
  boxes[:, :8] = objects[[0, 1, 2, 0, 1, 2, 0, 1]] + rng.integers(-2, 3, (8, 4))
  present = np.zeros((3, R), bool)
  present[:2, : R - 3] = True
  boxes[~present] = 0
  return Proposals(boxes, np.zeros((3, R), np.float32), present)


PROPOSALS, BATCH = _scenes()


def _all(proposals=PROPOSALS, batch=BATCH):
  """So many samples that all regions are drawn, in any order."""
  return _sample(KEYS, proposals, batch, samples=100, positive_fraction=0.5)


def _rows(targets, image):
  """Each drawn region as a row that can be sorted: box, label, deltas."""
  columns = targets.boxes[image], targets.labels[image][:, None], targets.deltas[image]
  rows = np.concatenate([np.asarray(column, np.float32) for column in columns], 1)
  drawn = rows[targets.valid[image]].round(3)
  return sorted(map(tuple, drawn.tolist()))


@pytest.mark.parametrize("image", range(3))
def test_without_a_limit_the_regions_are_those_of_the_oracle(image):
  boxes, assigned = _assigned(image)
  takes_part = assigned > -2
  boxes, assigned = boxes[takes_part], assigned[takes_part]
  order = np.lexsort(boxes.T)
  boxes, assigned = boxes[order], assigned[order]

  drawn = jax.tree.map(lambda x: np.asarray(x)[image], _all())
  rows = np.flatnonzero(drawn.valid)
  rows = rows[np.lexsort(drawn.boxes[rows].T)]
  np.testing.assert_array_equal(drawn.boxes[rows], boxes)
  is_positive = assigned >= 0
  labels = np.where(is_positive, BATCH.labels[image][assigned], 0)
  np.testing.assert_array_equal(drawn.labels[rows], labels)
  decoded = decode(drawn.boxes, drawn.deltas, (0.1, 0.1, 0.2, 0.2))[rows]
  objects = BATCH.boxes[image][assigned]
  np.testing.assert_allclose(decoded[is_positive], objects[is_positive], atol=1e-3)
  assert is_positive.sum() >= BATCH.valid[image].sum()


def _assigned(image):
  """The candidates (objects, then proposals) and what the oracle assigns to them."""
  objects, valid = BATCH.boxes[image], BATCH.valid[image]
  proposals, present = PROPOSALS.boxes[image], PROPOSALS.valid[image]
  thresholds = {"positive_iou": 0.5, "negative_iou": 0.5, "min_positive_iou": 0.5}
  of_proposals = oracles.match(proposals, present, objects, valid, **thresholds)
  of_objects = np.where(valid, np.arange(G), -2)
  return np.concatenate([objects, proposals]), np.concatenate([of_objects, of_proposals])


def test_positives_come_first_then_background_then_padding():
  drawn = _sample(KEYS, PROPOSALS, BATCH, samples=12, positive_fraction=0.25)
  valid = np.asarray(drawn.valid)
  is_positive = np.asarray(drawn.labels) > 0
  assert is_positive.sum(1).tolist() == [3, 0, 3]
  assert valid.sum(1).tolist() == [12, 12, 3]
  for flags in (is_positive, valid):
    true_first = np.sort(flags)[:, ::-1]
    np.testing.assert_array_equal(flags, true_first)
  np.testing.assert_array_equal(drawn.deltas[~is_positive], 0)
  np.testing.assert_array_equal(drawn.boxes[~valid], 0)


def test_the_mask_regions_are_the_first_regions():
  drawn = _sample(KEYS, PROPOSALS, BATCH, samples=12, positive_fraction=0.25)
  assert drawn.masks.shape == (3, 3, 28, 28)
  np.testing.assert_array_equal(drawn.mask_boxes, drawn.boxes[:, :3])
  np.testing.assert_array_equal(drawn.mask_labels, drawn.labels[:, :3])
  np.testing.assert_array_equal(drawn.mask_valid, drawn.labels[:, :3] > 0)
  np.testing.assert_array_equal(drawn.masks[~drawn.mask_valid], 0)


def test_background_takes_the_place_of_missing_positives():
  drawn = _sample(KEYS, PROPOSALS, BATCH, samples=8, positive_fraction=0.75)
  positives = (np.asarray(drawn.labels) > 0).sum(1)
  assert positives.tolist() == [6, 0, 3] and drawn.valid.sum(1).tolist() == [8, 8, 3]


def test_the_mask_of_an_object_s_own_box_is_full():
  drawn = jax.tree.map(np.asarray, _all())
  masks = {}
  for g in np.flatnonzero(BATCH.valid[0]):
    is_own_box = (drawn.mask_boxes[0] == BATCH.boxes[0, g]).all(1)
    (masks[g],) = drawn.masks[0][is_own_box]
  assert len(masks) == 3
  assert all(mask.mean() > 0.7 for mask in masks.values())  # another object may hide a corner
  np.testing.assert_array_equal(masks[3], 1)  # hidden by none


def test_a_mask_target_belongs_to_the_object_that_was_matched():
  instance = np.where(BATCH.instance == 3, 0, BATCH.instance)  # the second object has no pixel
  batch = dataclasses.replace(BATCH, instance=instance)
  drawn = jax.tree.map(np.asarray, _all(batch=batch))
  of_second = drawn.mask_labels == BATCH.labels[0, 2]
  assert of_second.any()
  np.testing.assert_array_equal(drawn.masks[of_second], 0)
  of_others = (drawn.mask_labels > 0) & ~of_second
  assert drawn.masks[of_others].any((1, 2)).all()


def test_without_objects_all_regions_are_background():
  drawn = _all()
  assert drawn.valid[1].sum() == PROPOSALS.valid[1].sum()
  assert not drawn.labels[1].any()
  assert not drawn.mask_valid[1].any() and not drawn.masks[1].any()


def test_without_objects_and_proposals_nothing_is_drawn_and_all_is_finite():
  nothing = dataclasses.replace(PROPOSALS, valid=np.zeros_like(PROPOSALS.valid))
  drawn = _all(nothing, dataclasses.replace(BATCH, valid=np.zeros_like(BATCH.valid)))
  assert not drawn.valid.any() and not drawn.mask_valid.any()
  assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(drawn))


def test_an_object_larger_than_the_image_is_learned_from_its_own_box():
  objects = BATCH.boxes.copy()
  objects[1, 1] = [-100, -100, 200, 200]
  valid, labels = BATCH.valid.copy(), BATCH.labels.copy()
  valid[1, 1], labels[1, 1] = True, 1
  batch = dataclasses.replace(BATCH, boxes=objects, valid=valid, labels=labels)
  drawn = _all(batch=batch)
  assert drawn.labels[1, 0] == 1 and not drawn.labels[1, 1:].any()
  np.testing.assert_array_equal(drawn.deltas[1], 0)
  assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(drawn))


def test_the_contents_of_padding_do_not_matter():
  boxes, objects, labels = PROPOSALS.boxes.copy(), BATCH.boxes.copy(), BATCH.labels.copy()
  boxes[~PROPOSALS.valid] = [20, 4, 50, 30]
  objects[~BATCH.valid] = [2, 3, 12, 20]
  labels[~BATCH.valid] = 7
  proposals = dataclasses.replace(PROPOSALS, boxes=boxes)
  batch = dataclasses.replace(BATCH, boxes=objects, labels=labels)
  jax.tree.map(np.testing.assert_array_equal, _all(proposals, batch), _all())


def test_the_order_of_objects_does_not_matter():
  order = np.array([2, 3, 0, 1])
  to_new = np.array([0, 3, 4, 1, 2])  # id of an object at its new row
  turned = dataclasses.replace(
    BATCH,
    boxes=BATCH.boxes[:, order],
    labels=BATCH.labels[:, order],
    valid=BATCH.valid[:, order],
    instance=to_new[BATCH.instance].astype(np.int32),
  )
  for image in range(3):
    assert _rows(_all(batch=turned), image) == _rows(_all(), image)
  assert _all(batch=turned).masks.sum() == _all().masks.sum()


def test_the_key_alone_decides_the_sample():
  draws = [
    _sample(image_keys(jax.random.key(seed), 3), PROPOSALS, BATCH, samples=12) for seed in (1, 1, 2)
  ]
  jax.tree.map(np.testing.assert_array_equal, draws[0], draws[1])
  different = draws[0].boxes[:2] != draws[2].boxes[:2]
  assert different.any((1, 2)).all()


def test_an_image_alone_draws_what_it_draws_in_a_batch():
  whole = _sample(KEYS, PROPOSALS, BATCH, samples=12)
  for image in range(3):
    alone = jax.tree.map(lambda x, i=image: x[i : i + 1], (KEYS, PROPOSALS, BATCH, whole))
    drawn = _sample(*alone[:3], samples=12)
    jax.tree.map(np.testing.assert_array_equal, drawn, alone[3])


def test_no_gradient_flows_into_the_proposals():
  def total(boxes):
    proposals = dataclasses.replace(PROPOSALS, boxes=boxes)
    return sample_regions(KEYS, proposals, BATCH, samples=12).deltas.sum()

  np.testing.assert_array_equal(jax.jit(jax.grad(total))(PROPOSALS.boxes), 0)


def test_settings_without_room_for_a_positive_are_refused():
  with pytest.raises(ValueError, match=r"3 samples with a positive_fraction of 0\.25"):
    sample_regions(KEYS, PROPOSALS, BATCH, samples=3)
