"""The merge rule, class by class; and the baseline as a whole."""

from functools import partial

import jax
import numpy as np

from jppf_jax.fusion.efficientps import efficientps_fusion
from jppf_jax.fusion.top_down import part_map, top_down_merge
from jppf_jax.labels.ppp import ppp
from jppf_jax.labels.registry import load_spec
from jppf_jax.structs import PanopticParts, Segments
from tests.fusion.scenes import CAR, PERSON, SIZE, SPEC, TRAIN, detections, logits
from tests.oracles import fusion as oracle


def panoptic(semantic):
  nothing = np.zeros(3, np.int32)
  table = Segments(
    labels=nothing, scores=nothing.astype(np.float32), areas=nothing, valid=nothing > 0
  )
  semantic = np.asarray(semantic, np.int32)
  return PanopticParts(
    semantic=semantic, instance=semantic, part=np.full_like(semantic, 77), segments=table
  )


def test_a_conflict_makes_only_the_part_unknown():
  person, rider, car, train = (
    SPEC.class_names.index(name) for name in ("person", "rider", "car", "train")
  )
  semantic = [[person, person, person, rider], [car, car, train, train], [0, 0, 255, 255]]
  parts = np.array([[2, 7, 0, 2], [7, 2, 0, 7], [0, 2, 0, 2]], np.int32)
  merged = top_down_merge(panoptic(semantic), parts, spec=SPEC)
  np.testing.assert_array_equal(merged.part, [[2, 255, 255, 2], [7, 255, 0, 0], [0, 0, 0, 0]])
  np.testing.assert_array_equal(merged.semantic, semantic)
  np.testing.assert_array_equal(merged.instance, semantic)


def test_a_class_with_one_part_has_it_everywhere():
  boat = ppp().class_names.index("boat")
  merged = top_down_merge(panoptic([[boat, boat]]), np.array([[0, 3]], np.int32), spec=ppp())
  np.testing.assert_array_equal(merged.part, [[12, 12]])


def test_the_part_map_is_the_best_channel_after_upsampling():
  x = np.random.default_rng(0).normal(size=(6, 10, 10)).astype(np.float32)
  np.testing.assert_array_equal(
    part_map(x, spec=SPEC, size=SIZE), oracle.upsample(x, SIZE).argmax(-1)
  )


def test_every_background_of_the_part_head_is_no_part():
  spec = load_spec("cpp_grouped_sembg")
  x = np.random.default_rng(0).normal(size=(6, 10, spec.num_part_outputs)).astype(np.float32)
  best = oracle.upsample(x, SIZE).argmax(-1)
  assert (best >= spec.num_parts).mean() > 0.3
  parts = part_map(x, spec=spec, size=SIZE)
  np.testing.assert_array_equal(parts, np.where(best < spec.num_parts, best, 0))
  person = np.full(SIZE, spec.class_names.index("person"))
  merged = np.asarray(top_down_merge(panoptic(person), parts, spec=spec).part)
  np.testing.assert_array_equal(merged, np.where(np.isin(best, [1, 2, 3, 4]), best, 255))


def test_the_baseline_keeps_the_panoptic_answer_and_adds_parts():
  semantic, part = logits(1, SPEC.num_classes), logits(2, SPEC.num_parts)
  found = detections(
    ([0, 0, 18, 20], CAR, 0.9, 6.0),
    ([20, 2, 36, 20], TRAIN, 0.8, 6.0),
    ([9, 9, 30, 22], PERSON, 0.7, 6.0),
  )
  alone = jax.jit(partial(efficientps_fusion, spec=SPEC, size=SIZE, min_stuff_area=20))(
    semantic, found
  )
  whole = top_down_merge(alone, part_map(part, spec=SPEC, size=SIZE), spec=SPEC)
  np.testing.assert_array_equal(whole.semantic, alone.semantic)
  np.testing.assert_array_equal(whole.instance, alone.instance)
  allowed = np.vstack([SPEC.part_matrix, np.zeros((256 - 19, 10), bool)])[
    whole.semantic, np.minimum(whole.part, 9)
  ]
  known = ~np.isin(np.asarray(whole.part), [0, 255])
  assert known.any() and allowed[known].all()
