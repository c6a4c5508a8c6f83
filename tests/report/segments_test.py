import numpy as np
import pytest

from jppf_jax.labels.cpp import cpp
from jppf_jax.metrics.cells import count_cells
from jppf_jax.metrics.pq import panoptic_quality
from jppf_jax.panoptic import IGNORE
from jppf_jax.report.segments import compared
from tests.report import small

SPEC = cpp()


def blocks(rng, values, size=(24, 32), side=4):
  """A map of squares with random values."""
  drawn = rng.choice(values, (size[0] // side, size[1] // side))
  return drawn.repeat(side, 0).repeat(side, 1)


def drawn(seed):
  """Uids and channels of few classes, with void, crowd and several instances."""
  rng = np.random.default_rng(seed)
  semantic = blocks(rng, [0, 2, 12, 12, 13, IGNORE])
  instance = blocks(rng, [-1, 1, 2])
  uids = SPEC.to_uids(semantic, instance, np.zeros_like(semantic))
  other, numbers = blocks(rng, [0, 2, 12, 12, 13, IGNORE]), blocks(rng, [1, 2])
  keep = blocks(rng, [True, True, True, False], side=8)
  predicted = np.where(keep, semantic, other)
  found = np.where(keep, np.maximum(instance, 1), numbers)
  return uids, SPEC.to_channels(predicted, found, np.zeros_like(semantic))


def masks_of(classes, instances, exists):
  """{(class, instance): mask}, by a loop over all pairs."""
  pairs = zip(classes[exists].tolist(), instances[exists].tolist())
  return {
    pair: (classes == pair[0]) & (instances == pair[1]) & exists for pair in sorted(set(pairs))
  }


@pytest.mark.parametrize("seed", range(4))
def test_areas_ious_and_outcomes_are_those_of_masks(seed):
  uids, channels = drawn(seed)
  cells = count_cells(SPEC, uids, channels)
  truth, predicted = compared(cells, SPEC)
  decoded = SPEC.decode(uids)
  void, crowd = decoded.semantic == IGNORE, decoded.crowd
  true_masks = masks_of(decoded.semantic, np.maximum(decoded.instance, 0), ~void & ~crowd)
  classes = SPEC.scene_to_train[channels[..., 0]]
  pred_masks = masks_of(classes, channels[..., 1], classes != IGNORE)

  def iou(true, pred):
    return (true & pred).sum() / (true | (pred & ~void)).sum()

  both = ((truth, true_masks, pred_masks), (predicted, pred_masks, true_masks))
  for found, masks, others in both:
    pairs = list(zip(found.classes.tolist(), found.instances.tolist()))
    assert sorted(pairs) == list(masks)
    for place, pair in enumerate(pairs):
      mask = masks[pair]
      same_class = [other for key, other in others.items() if key[0] == pair[0]]
      of_all = [iou(mask, o) if found is truth else iou(o, mask) for o in same_class]
      best = max(of_all, default=0)
      assert found.areas[place] == mask.sum()
      assert found.ious[place] == pytest.approx(best)
      is_matched = best > 0.5
      assert (found.matches[place] >= 0) == is_matched
      if found is truth:
        assert found.outcomes[place] == ("tp" if is_matched else "fn")
      else:
        own_crowd = crowd & (decoded.semantic == pair[0])
        on_nothing = (mask & (void | own_crowd)).sum()
        unmatched = "ignored" if 2 * on_nothing > mask.sum() else "fp"
        assert found.outcomes[place] == ("tp" if is_matched else unmatched)


@pytest.mark.parametrize("seed", range(4))
def test_outcomes_add_up_to_the_counts_of_pq(seed):
  cells = count_cells(SPEC, *drawn(seed))
  truth, predicted = compared(cells, SPEC)
  counts = panoptic_quality(cells, SPEC)
  for found, outcome, expected in (
    (truth, "tp", counts.tp),
    (truth, "fn", counts.fn),
    (predicted, "tp", counts.tp),
    (predicted, "fp", counts.fp),
  ):
    classes = [k for k, said in zip(found.classes, found.outcomes) if said == outcome]
    np.testing.assert_array_equal(np.bincount(classes, minlength=SPEC.num_classes), expected)


@pytest.mark.parametrize("void_columns, outcome", [(4, "fp"), (5, "ignored")])
def test_a_prediction_is_ignored_if_more_than_half_of_it_lies_on_void(void_columns, outcome):
  semantic = np.full((2, 8), small.ROAD)
  semantic[:, :void_columns] = IGNORE
  zero = np.zeros_like(semantic)
  uids = small.SPEC.to_uids(semantic, zero, zero)
  person = small.SPEC.to_channels(np.full_like(zero, small.PERSON), zero + 1, zero)
  _, predicted = compared(count_cells(small.SPEC, uids, person), small.SPEC)
  assert predicted.outcomes == [outcome]


@pytest.mark.parametrize("class_, outcome", [(small.CAR, "fp"), (small.PERSON, "ignored")])
def test_a_prediction_is_ignored_on_crowd_of_its_own_class_only(class_, outcome):
  persons = np.full((2, 8), small.PERSON)
  zero = np.zeros_like(persons)
  uids = small.SPEC.to_uids(persons, zero - 1, zero)
  found = small.SPEC.to_channels(np.full_like(zero, class_), zero + 1, zero)
  truth, predicted = compared(count_cells(small.SPEC, uids, found), small.SPEC)
  assert (truth.outcomes, predicted.outcomes) == ([], [outcome])


def test_matches_name_each_other():
  cells = count_cells(small.SPEC, small.truth(), small.predicted(missed=True, false=True))
  truth, predicted = compared(cells, small.SPEC)
  assert truth.outcomes == ["tp", "tp", "tp", "fn"]
  assert predicted.outcomes == ["tp", "tp", "tp", "fp"]
  assert truth.matches.tolist() == [0, 1, 2, -1]
  assert predicted.instances.tolist() == [0, 0, 1, 5]


def test_an_image_that_is_all_void_has_no_segment():
  void = np.full((2, 3, 3), IGNORE)
  cells = count_cells(SPEC, np.zeros((2, 3), np.int32), void)
  assert [len(found.classes) for found in compared(cells, SPEC)] == [0, 0]
