"""EfficientPS's panoptic fusion against the dense oracle, and its special cases."""

import dataclasses
from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jppf_jax.fusion.config import PAPER
from jppf_jax.fusion.efficientps import efficientps_fusion
from tests.fusion.scenes import (
  CAR,
  PERSON,
  SIZE,
  SPEC,
  TRAIN,
  constant_logits,
  detections,
  logit_views,
  logits,
  scenes,
)
from tests.oracles import fusion as oracle


@cache
def fuse(**choices):
  choices = {"min_stuff_area": 20, **choices}
  return jax.jit(partial(efficientps_fusion, spec=SPEC, size=SIZE, **choices))


def instances_of(result, rows=slice(None), columns=slice(None)):
  return np.asarray(result.instance)[rows, columns]


@settings(max_examples=25, deadline=None)
@given(scenes(), st.sampled_from([0.0, 0.0, 0.2]))
def test_equals_the_dense_oracle(scene, box_margin):
  semantic_logits, _, found = scene
  semantic_logits = semantic_logits - 5  # also negative, where far instances compete with their 0
  result = fuse(box_margin=box_margin)(semantic_logits, found)
  answer = np.asarray(result.instance)
  config = dataclasses.replace(PAPER, min_stuff_area=20, box_margin=box_margin)
  semantic, instance, margin = oracle.efficientps_fusion(
    semantic_logits, found, spec=SPEC, size=SIZE, config=config, answer=answer
  )
  clear = margin > 1e-3
  assert clear.mean() > 0.9
  np.testing.assert_array_equal(answer[clear], instance[clear])
  if clear.all():  # one unclear pixel may decide over a whole class
    np.testing.assert_array_equal(result.semantic, semantic)


def test_views_are_fused_as_the_oracle_fuses_their_mean():
  views = logit_views(0, SPEC.num_classes, count=2)
  found = detections(([3, 2, 21, 18], PERSON, 0.9, 1.5), ([15, 6, 37, 20], CAR, 0.8, 2.5))
  scene = jax.tree.map(jnp.asarray, (views, found))
  options = {"xla_backend_optimization_level": 0}
  run = partial(efficientps_fusion, spec=SPEC, size=SIZE, min_stuff_area=20)
  result = jax.jit(run, compiler_options=options)(*scene, covered=jnp.array(SIZE), zoom=jnp.ones(2))
  config = dataclasses.replace(PAPER, min_stuff_area=20)
  *expected, margin = oracle.efficientps_fusion(
    views, found, spec=SPEC, size=SIZE, config=config, answer=np.asarray(result.instance)
  )
  clear = margin > 1e-4
  assert clear.mean() > 0.95 and set(np.unique(result.instance)) >= {1, 2}
  for own, wanted in zip((result.semantic, result.instance), expected):
    np.testing.assert_array_equal(np.asarray(own)[clear], wanted[clear])


def test_negative_stuff_logits_give_far_pixels_to_the_first_instance_that_is_not_there():
  found = detections(([0, 0, 16, 22], CAR, 0.9, -5.0), ([20, 0, 38, 22], PERSON, 0.8, -5.0))
  negative = fuse()(constant_logits(SPEC.num_classes, -1), found)
  at_the_car, at_the_person = (slice(2, 20), slice(4, 12)), (slice(None), slice(24, None))
  assert (instances_of(negative, *at_the_person) == 1).all()  # the car is not there: the first 0
  assert (instances_of(negative, *at_the_car) == 2).all()
  positive = fuse()(constant_logits(SPEC.num_classes, 1), found)
  assert not instances_of(positive, *at_the_person).any()


def test_a_zero_fused_logit_ties_with_the_zero_of_instances_elsewhere():
  semantic = constant_logits(SPEC.num_classes, -1)
  semantic[..., SPEC.num_stuff :] = 0
  left, right = [0, 0, 16, 22], [20, 0, 38, 22]
  for boxes in ([left, right], [right, left]):
    found = detections((boxes[0], CAR, 0.9, 0.0), (boxes[1], PERSON, 0.8, 0.0))
    assert (instances_of(fuse()(semantic, found)) == 1).all()  # the first maximum


def test_equal_channels_go_to_stuff_first_then_to_the_better_score():
  flat, same = constant_logits(SPEC.num_classes), [4, 4, 34, 20]
  both = detections((same, TRAIN, 0.9, 3.0), (same, CAR, 0.8, 3.0))
  result = fuse(overlap_threshold=1.0)(flat, both)
  assert (instances_of(result, slice(6, 18), slice(8, 30)) == 1).all()
  zero = detections((same, TRAIN, 0.9, 0.0))  # its fused logit is 0, as are those of stuff
  assert not instances_of(fuse()(flat, zero)).any()


def test_the_scale_of_the_mask_logits_matters():
  semantic = constant_logits(SPEC.num_classes)
  semantic[..., 0] = 3  # (sigmoid(4) + 1/2) * 4 > 3 > (sigmoid(1) + 1/2) * 1
  found = detections(([0, 0, 38, 22], CAR, 0.9, 1.0))
  assert fuse()(semantic, found).instance[10, 19] == 1
  assert fuse(instance_logit_scale=1.0)(semantic, found).instance[10, 19] == 0


def test_parts_are_unknown_if_the_class_has_several():
  found = detections(([0, 0, 18, 22], CAR, 0.9, 9.0), ([20, 0, 38, 22], TRAIN, 0.8, 9.0))
  result = fuse()(constant_logits(SPEC.num_classes), found)
  car, train = (10, 9), (10, 29)
  assert result.part[car] == 255
  assert (result.part[train], result.instance[train]) == (0, 2)


def test_wrong_channels_are_refused():
  with pytest.raises(ValueError, match="20 semantic channels; cpp_grouped has 19"):
    efficientps_fusion(logits(0, 20), detections(), spec=SPEC, size=SIZE)
