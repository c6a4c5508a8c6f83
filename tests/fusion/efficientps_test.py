"""EfficientPS's panoptic fusion against the dense one, and its peculiarities."""

import dataclasses
from functools import cache, partial

import jax
import numpy as np
import pytest
from hypothesis import given, settings

from jppf_jax.fusion import instances
from jppf_jax.fusion.config import PAPER
from jppf_jax.fusion.efficientps import efficientps_fusion
from tests.fusion.scenes import CAR, PERSON, SIZE, SPEC, TRAIN, detections, logits, scenes
from tests.oracles import fusion as oracle


@pytest.fixture(scope="module", autouse=True)
def windows_smaller_than_the_image():
  before, instances._CPU_WINDOW = instances._CPU_WINDOW, (8, 16)
  yield
  instances._CPU_WINDOW = before


@cache
def fuse(**choices):
  return jax.jit(
    partial(efficientps_fusion, spec=SPEC, size=SIZE, **{"min_stuff_area": 20, **choices})
  )


@settings(max_examples=25, deadline=None)
@given(scenes())
def test_equals_the_dense_oracle(scene):
  semantic_logits, _, found = scene
  semantic_logits = semantic_logits - 5  # also negative, where far instances compete with their 0
  result = fuse()(semantic_logits, found)
  options = {
    "config": dataclasses.replace(PAPER, min_stuff_area=20),
    "answer": np.asarray(result.instance),
  }
  semantic, instance, margin = oracle.efficientps_fusion(
    semantic_logits, found, spec=SPEC, size=SIZE, **options
  )
  clear = margin > 1e-3
  assert clear.mean() > 0.9
  np.testing.assert_array_equal(options["answer"][clear], instance[clear])
  if clear.all():  # one unclear pixel may decide over a whole class
    np.testing.assert_array_equal(result.semantic, semantic)


def test_negative_stuff_logits_give_far_pixels_to_the_first_instance_that_is_not_there():
  found = detections(([0, 0, 16, 22], CAR, 0.9, -5.0), ([20, 0, 38, 22], PERSON, 0.8, -5.0))
  result = fuse()(np.full((6, 10, SPEC.num_classes), -1, np.float32), found)
  assert (
    np.asarray(result.instance)[:, 24:] == 1
  ).all()  # here the person is, so the car has the first 0
  assert (np.asarray(result.instance)[2:20, 4:12] == 2).all()  # here the car is
  assert not np.asarray(fuse()(np.full((6, 10, SPEC.num_classes), 1, np.float32), found).instance)[
    :, 24:
  ].any()


def test_a_zero_fused_logit_ties_with_the_zero_of_instances_elsewhere():
  semantic = np.full((6, 10, SPEC.num_classes), -1, np.float32)
  semantic[..., SPEC.num_stuff :] = 0
  left, right = [0, 0, 16, 22], [20, 0, 38, 22]
  for boxes in ([left, right], [right, left]):
    found = detections((boxes[0], CAR, 0.9, 0.0), (boxes[1], PERSON, 0.8, 0.0))
    assert (np.asarray(fuse()(semantic, found).instance) == 1).all()  # the first maximum


def test_equal_channels_go_to_stuff_first_then_to_the_better_score():
  flat, same = np.zeros((6, 10, SPEC.num_classes), np.float32), [4, 4, 34, 20]
  both = detections((same, TRAIN, 0.9, 3.0), (same, CAR, 0.8, 3.0))
  result = fuse(overlap_threshold=1.0)(flat, both)
  assert (np.asarray(result.instance)[6:18, 8:30] == 1).all()
  zero = detections(
    (same, TRAIN, 0.9, 0.0)
  )  # the fused logit of two zeros is 0, as are those of stuff
  assert not np.asarray(fuse()(flat, zero).instance).any()


def test_the_scale_of_the_mask_logits_matters():
  semantic = np.zeros((6, 10, SPEC.num_classes), np.float32)
  semantic[..., 0] = 3
  found = detections(
    ([0, 0, 38, 22], CAR, 0.9, 1.0)
  )  # (sigmoid(4) + 1/2) * 4 > 3 > (sigmoid(1) + 1/2) * 1
  assert fuse()(semantic, found).instance[10, 19] == 1
  assert fuse(instance_logit_scale=1.0)(semantic, found).instance[10, 19] == 0


def test_parts_are_unknown_where_there_is_a_choice():
  found = detections(([0, 0, 18, 22], CAR, 0.9, 9.0), ([20, 0, 38, 22], TRAIN, 0.8, 9.0))
  result = fuse()(np.zeros((6, 10, SPEC.num_classes), np.float32), found)
  assert result.part[10, 9] == 255 and result.part[10, 29] == 0 and result.instance[10, 29] == 2


def test_wrong_channels_are_refused():
  with pytest.raises(ValueError, match="20 semantic channels; cpp_grouped has 19"):
    efficientps_fusion(logits(0, 20), detections(), spec=SPEC, size=SIZE)
