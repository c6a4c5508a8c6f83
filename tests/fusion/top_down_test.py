"""The merge rule, class by class; and the baseline as a whole."""

from functools import partial

import jax
import numpy as np

from jppf_jax.fusion.efficientps import efficientps_fusion
from jppf_jax.fusion.top_down import class_map, part_map, top_down_merge
from jppf_jax.labels.ppp import ppp
from jppf_jax.labels.registry import load_spec
from jppf_jax.structs import PanopticParts, Segments
from tests.fusion.scenes import (
  CAR,
  CELLS,
  PERSON,
  RIDER,
  SIZE,
  SPEC,
  TRAIN,
  detections,
  logits,
  train_id,
)
from tests.oracles import fusion as oracle


def normal(channels):
  return np.random.default_rng(0).normal(size=(*CELLS, channels)).astype(np.float32)


def panoptic(semantic):
  ids = np.zeros(3, np.int32)
  scores = np.zeros(3, np.float32)
  table = Segments(labels=ids, scores=scores, areas=ids, valid=ids > 0)
  semantic = np.asarray(semantic, np.int32)
  part = np.full_like(semantic, 77)
  return PanopticParts(semantic=semantic, instance=semantic, part=part, segments=table)


def test_a_conflict_makes_only_the_part_unknown():
  person, rider, car, train = map(train_id, (PERSON, RIDER, CAR, TRAIN))
  semantic = [[person, person, person, rider], [car, car, train, train], [0, 0, 255, 255]]
  parts = np.array([[2, 7, 0, 2], [7, 2, 0, 7], [0, 2, 0, 2]], np.int32)
  merged = top_down_merge(panoptic(semantic), parts, spec=SPEC)
  np.testing.assert_array_equal(merged.part, [[2, 255, 255, 2], [7, 255, 0, 0], [0, 0, 0, 0]])
  np.testing.assert_array_equal(merged.semantic, semantic)
  np.testing.assert_array_equal(merged.instance, semantic)


def test_a_class_with_one_part_has_it_everywhere():
  boat = ppp().class_names.index("boat")
  parts = np.array([[0, 3]], np.int32)
  merged = top_down_merge(panoptic([[boat, boat]]), parts, spec=ppp())
  np.testing.assert_array_equal(merged.part, [[12, 12]])


def test_the_part_map_is_the_best_channel_after_upsampling():
  x = normal(SPEC.num_part_outputs)
  parts = part_map(x, spec=SPEC, size=SIZE)
  np.testing.assert_array_equal(parts, oracle.upsample(x, SIZE).argmax(-1))


def test_the_class_map_is_the_best_class_after_upsampling_and_the_first_of_equals():
  x = normal(SPEC.num_classes)
  x[..., 12] = x[..., 3]
  expected = oracle.upsample(x, SIZE).argmax(-1)
  np.testing.assert_array_equal(class_map(x, size=SIZE), expected)


def test_each_background_of_the_part_head_is_no_part():
  spec = load_spec("cpp_grouped_sembg")
  x = normal(spec.num_part_outputs)
  best = oracle.upsample(x, SIZE).argmax(-1)
  assert (best >= spec.num_parts).mean() > 0.3
  parts = part_map(x, spec=spec, size=SIZE)
  np.testing.assert_array_equal(parts, np.where(best < spec.num_parts, best, 0))
  person = np.full(SIZE, train_id(PERSON))
  merged = np.asarray(top_down_merge(panoptic(person), parts, spec=spec).part)
  of_a_person = np.isin(best, [1, 2, 3, 4])
  np.testing.assert_array_equal(merged, np.where(of_a_person, best, 255))


def test_the_baseline_keeps_the_panoptic_answer_and_adds_parts():
  semantic, part = logits(1, SPEC.num_classes), logits(2, SPEC.num_parts)
  found = detections(
    ([0, 0, 18, 20], CAR, 0.9, 6.0),
    ([20, 2, 36, 20], TRAIN, 0.8, 6.0),
    ([9, 9, 30, 22], PERSON, 0.7, 6.0),
  )
  fuse = jax.jit(partial(efficientps_fusion, spec=SPEC, size=SIZE, min_stuff_area=20))
  alone = fuse(semantic, found)
  whole = top_down_merge(alone, part_map(part, spec=SPEC, size=SIZE), spec=SPEC)
  np.testing.assert_array_equal(whole.semantic, alone.semantic)
  np.testing.assert_array_equal(whole.instance, alone.instance)
  classes, parts = np.asarray(whole.semantic), np.asarray(whole.part)
  known = ~np.isin(parts, [0, 255])
  assert known.any() and SPEC.part_matrix[classes[known], parts[known]].all()
