"""The streaming fusion against the dense oracle, Eq. 1 by hand, and the rules around it."""

import dataclasses
import math
from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings

from jppf_jax.fusion.config import FusionConfig
from jppf_jax.fusion.joint import joint_fusion
from jppf_jax.labels.registry import load_spec
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.labels.variants import semantic_background
from jppf_jax.structs import IGNORE
from tests.fusion.scenes import (
  BICYCLE,
  CAR,
  CELLS,
  PERSON,
  SIZE,
  SPEC,
  TRAIN,
  constant_logits,
  detections,
  logit_views,
  logits,
  scenes,
  train_id,
)
from tests.oracles import fusion as oracle
from tests.small_spec import first_classes_without_parts

SMALL = FusionConfig(min_stuff_area=20)  # the default limit is larger than the test image
READINGS = {
  "the defaults": SMALL,
  "mask probabilities, confined to the box": dataclasses.replace(
    SMALL, instance_logit_activation="sigmoid", outside_value=-math.inf
  ),
  "mask logits times 4, every overlap, means, no small things": dataclasses.replace(
    SMALL,
    instance_logit_scale=4.0,
    overlap_threshold=1.0,
    score_threshold=0.7,
    fuse_reduce="mean",
    min_thing_area=30,
  ),
  "parts may be void, stuff only": dataclasses.replace(
    SMALL, allow_void_part=True, stuff_fill="stuff_only", min_stuff_relative=0.1
  ),
  "parts renormalised, fused stuff, masks on whole boxes": dataclasses.replace(
    SMALL, stuff_fill="fused", renormalise_parts=True
  ),
  "evidence counts beyond the box": dataclasses.replace(SMALL, box_margin=0.2),
}
QUICK = {"xla_backend_optimization_level": 0}
SEMBG = load_spec("cpp_grouped_sembg")
SEMBG_READINGS = {
  "a background per class": SMALL,
  "a background per class, parts renormalised or void, fused stuff": dataclasses.replace(
    SMALL, allow_void_part=True, renormalise_parts=True, stuff_fill="fused"
  ),
}


@cache
def fuse(config, spec=SPEC, legacy=True):
  return jax.jit(partial(joint_fusion, spec=spec, size=SIZE, config=config, legacy=legacy))


def instances_of(result, rows=slice(None), columns=slice(None)):
  return np.asarray(result.instance)[rows, columns]


@pytest.mark.parametrize("reading", [*READINGS, *SEMBG_READINGS])
def test_streaming_equals_the_dense_oracle_ties_included(reading):
  config = (READINGS | SEMBG_READINGS)[reading]
  spec = SEMBG if reading in SEMBG_READINGS else SPEC
  legacy = "whole boxes" not in reading
  fast = fuse(config, spec, legacy)

  @settings(max_examples=8, deadline=None)
  @given(scenes(spec))
  def check(scene):
    result = fast(*scene)
    answer = np.asarray(result.instance)
    semantic, instance, part, margin = oracle.joint_fusion(
      *scene, spec=spec, size=SIZE, config=config, answer=answer, legacy=legacy
    )
    clear = margin > 1e-4
    assert clear.mean() > 0.9
    if clear.all():  # one unclear pixel may decide over a whole class
      np.testing.assert_array_equal(result.semantic, semantic)
    np.testing.assert_array_equal(answer[clear], instance[clear])
    np.testing.assert_array_equal(np.asarray(result.part)[clear], part[clear])

  check()


def test_views_are_fused_as_the_oracle_fuses_their_mean_probabilities():
  heads = logit_views(0, SPEC.num_classes, count=2), logit_views(1, SPEC.num_parts, count=2)
  found = detections(
    ([3, 2, 21, 18], PERSON, 0.9, 1.5),
    ([15, 6, 37, 20], CAR, 0.8, 2.5),
    ([0, 0, 9, 9], TRAIN, 0.7, 1),
  )
  frame = {"size": SIZE, "spec": SPEC, "config": SMALL}
  scene = jax.tree.map(jnp.asarray, (*heads, found))
  compiled = jax.jit(partial(joint_fusion, **frame), compiler_options=QUICK)
  result = compiled(*scene, covered=jnp.array(SIZE), zoom=jnp.ones(2))
  *expected, margin = oracle.joint_fusion(
    *heads, found, answer=np.asarray(result.instance), **frame
  )
  clear = margin > 1e-4
  assert clear.mean() > 0.95 and set(np.unique(result.instance)) >= {1, 2}
  for own, wanted in zip((result.semantic, result.instance, result.part), expected):
    np.testing.assert_array_equal(np.asarray(own)[clear], wanted[clear])


def test_without_stuff_negative_logits_decide_by_eq_1_too():
  # Far below 0, Eq. 1 falls with a probability: the less probable part has the larger logit.
  head, torso = 0.7, 0.2
  assert oracle.fused_logits([[-9], [1], [torso]]) > oracle.fused_logits([[-9], [1], [head]])
  person = {"id": 1, "color": [9, 9, 9], "parts": {"head": [1], "torso": [2]}}
  spec = LabelSpec.from_dict({"things": {"person": person}}, name="people")
  semantic, part = constant_logits(1), constant_logits(3)
  part[:] = np.log([1 - head - torso, head, torso])
  run = jax.jit(partial(joint_fusion, spec=spec, size=SIZE))
  result = run(semantic, part, detections(([0, 0, 38, 22], PERSON, 0.9, -9.0)))
  assert np.asarray(result.part)[10, 19] == 2 and np.asarray(result.instance)[10, 19] == 1


@pytest.mark.parametrize("mask_logit, wins", [(-2.05, False), (-1.95, True)])
def test_an_agreed_person_is_won_above_the_documented_mask_logit(mask_logit, wins):
  semantic = constant_logits(SPEC.num_classes, -50)
  part = constant_logits(SPEC.num_parts, -50)
  semantic[..., train_id(PERSON)] = 50
  part[..., 2] = 50  # head
  result = fuse(SMALL)(semantic, part, detections(([0, 0, 38, 22], PERSON, 0.9, mask_logit)))
  part_and_instance = result.part[10, 19], result.instance[10, 19]
  assert part_and_instance == ((2, 1) if wins else (0, 0))


def test_equal_channels_go_to_parts_first_then_to_the_better_score_then_to_the_first_part():
  same = [4, 4, 34, 20]
  rows = [
    (same, BICYCLE, 0.9, 3.0),
    (same, TRAIN, 0.8, 3.0),
    (same, CAR, 0.7, 3.0),
    (same, CAR, 0.6, 3.0),
  ]
  flat = constant_logits(SPEC.num_classes), constant_logits(SPEC.num_parts)
  keep_all = fuse(dataclasses.replace(SMALL, overlap_threshold=1.0))
  result = keep_all(*flat, detections(*rows))
  inside = slice(6, 18), slice(8, 30)
  # The first of the two cars wins, although bicycle and train score better.
  assert (instances_of(result, *inside) == 3).all()
  first_part = SPEC.class_parts[train_id(CAR)][0]
  assert (np.asarray(result.part)[inside] == first_part).all()
  assert result.segments.valid.tolist() == [False, False, True, False, False, False]
  result = keep_all(*flat, detections(*rows[:2]))
  assert (instances_of(result, *inside) == 1).all()


def person_everywhere():
  """Logits so large that the probability of all stuff is exactly 0, and so is FLS."""
  semantic, part = constant_logits(SPEC.num_classes), constant_logits(SPEC.num_parts)
  semantic[..., train_id(PERSON)] = 300
  part[..., 1] = 300
  return semantic, part


def test_stuff_whose_probabilities_underflow_does_not_fall_to_a_far_instance():
  result = fuse(SMALL)(*person_everywhere(), detections(([2, 2, 12, 12], PERSON, 0.9, 3.0)))
  far = slice(16, None)
  assert not instances_of(result, columns=far).any()
  # Void: the semantic head says person, but no instance won the pixel.
  assert (np.asarray(result.semantic)[:, far] == 255).all()


def test_a_tie_between_a_thing_and_stuff_goes_to_the_thing():
  on_the_grid = [4, 2, 33, 17]  # 28 x 14 pixels for 28 x 28 cells: the pasted mask logits are exact
  found = detections((on_the_grid, PERSON, 0.9, -2.0))  # FL = ... * (-2 + 1 + 1) = 0
  result = fuse(SMALL)(*person_everywhere(), found)
  assert (instances_of(result, slice(5, 14), slice(8, 28)) == 1).all()


def test_confined_instances_do_not_spoil_the_rim_of_their_box_for_others():
  config = dataclasses.replace(SMALL, outside_value=-math.inf)
  with_nan_at_the_rim = [10, 5, 30, 18], PERSON, 0.9, -300.0  # 0 * -inf
  rows = [with_nan_at_the_rim, ([0, 0, 38, 22], PERSON, 0.8, 5.0)]
  flat = constant_logits(SPEC.num_classes), constant_logits(SPEC.num_parts)
  result = fuse(config)(*flat, detections(*rows))
  assert (instances_of(result, slice(3, 20), slice(3, 35)) == 2).all()


def test_segments_describe_the_instances_that_won_pixels():
  scene = logits(3, SPEC.num_classes), logits(4, SPEC.num_parts)
  rows = [
    ([0, 0, 18, 20], CAR, 0.9, 5.0),
    ([20, 2, 36, 20], TRAIN, 0.8, 5.0),
    ([5, 5, 9, 9], PERSON, 0.7, -9.0),
  ]
  result = fuse(SMALL)(*scene, detections(*rows))
  segments = result.segments
  assert segments.valid.tolist() == [True, True, False, False, False, False]
  assert segments.labels[:2].tolist() == [train_id(CAR), train_id(TRAIN)]
  np.testing.assert_allclose(segments.scores[:2], [0.9, 0.8])
  for slot in (0, 1):
    mine = instances_of(result) == slot + 1
    assert segments.areas[slot] == mine.sum() > 0
    classes = np.asarray(result.semantic)[mine]
    assert (classes == segments.labels[slot]).all()


def test_zero_detections_leave_stuff_and_void():
  scene = logits(1, SPEC.num_classes), logits(2, SPEC.num_parts)
  result = fuse(SMALL)(*scene, detections())
  assert not result.segments.valid.any() and not instances_of(result).any()
  semantic = np.asarray(result.semantic)
  assert ((semantic < SPEC.num_stuff) | (semantic == 255)).all()
  assert not np.asarray(result.part).any()


def test_a_batch_gives_what_its_images_give():
  a_car = detections(([0, 0, 30, 20], CAR, 0.9, 2.0))
  first = logits(5, SPEC.num_classes), logits(6, SPEC.num_parts), a_car
  second = logits(7, SPEC.num_classes), logits(8, SPEC.num_parts), detections()
  alone = [fuse(SMALL)(*scene) for scene in (first, second)]
  expected = jax.tree.map(lambda *images: np.stack(images), *alone)
  fuse_batch = jax.jit(jax.vmap(partial(joint_fusion, spec=SPEC, size=SIZE, config=SMALL)))
  batch = fuse_batch(*jax.tree.map(lambda *images: np.stack(images), first, second))
  jax.tree.map(np.testing.assert_array_equal, batch, expected)


def test_the_background_of_the_class_decides_between_things_without_parts_and_between_stuff():
  background = SEMBG.class_background
  semantic = constant_logits(SPEC.num_classes)
  part = constant_logits(SEMBG.num_part_outputs)
  part[:3, :, background[train_id(BICYCLE)]] = 9
  part[3:, :, background[train_id(TRAIN)]] = 9
  rows = [([2, 0, 24, 22], TRAIN, 0.9, 3.0), ([14, 0, 36, 22], BICYCLE, 0.8, 3.0)]
  config = SEMBG_READINGS["a background per class, parts renormalised or void, fused stuff"]
  result = fuse(config, SEMBG)(semantic, part, detections(*rows))
  in_both_boxes = instances_of(result, columns=slice(16, 22))
  assert (in_both_boxes[3:10] == 2).all() and (in_both_boxes[14:19] == 1).all()

  part[:, :5, background[2]] = 18
  part[:, 5:, background[3]] = 18
  result = fuse(config, SEMBG)(semantic, part, detections())
  classes = np.asarray(result.semantic)
  assert (classes[:, :18] == 2).all() and (classes[:, 22:] == 3).all()
  assert not np.asarray(result.part).any()


def test_a_single_background_of_its_own_changes_no_bit():
  plain = first_classes_without_parts(1)
  found = detections(([0, 0, 30, 20], CAR, 0.9, 2.0), ([12, 4, 36, 20], PERSON, 0.8, 2.0))
  scene = logits(3, plain.num_classes), logits(4, plain.num_part_outputs), found
  config = dataclasses.replace(SMALL, allow_void_part=True)
  results = [fuse(config, spec)(*scene) for spec in (plain, semantic_background(plain))]
  jax.tree.map(np.testing.assert_array_equal, *results)
  assert {0, 255} < set(np.unique(results[0].part))


def test_the_order_of_the_backgrounds_does_not_matter():
  rng = np.random.default_rng(0)
  semantic = rng.normal(size=(*CELLS, SPEC.num_classes)).astype(np.float32)
  part = rng.normal(size=(*CELLS, SEMBG.num_part_outputs)).astype(np.float32)
  rows = [
    ([0, 0, 18, 20], TRAIN, 0.9, 1.0),
    ([8, 2, 30, 20], PERSON, 0.8, 1.0),
    ([20, 0, 38, 20], BICYCLE, 0.7, 1.0),
  ]
  old = np.array(SEMBG.background_outputs)
  new = np.append(rng.permutation(old), IGNORE)
  places = np.searchsorted(old, SEMBG.class_background)
  background = tuple(new[places].tolist())
  assert background != SEMBG.class_background
  shuffled = part.copy()
  shuffled[..., new[:-1]] = part[..., old]
  config = SEMBG_READINGS["a background per class, parts renormalised or void, fused stuff"]
  other_spec = dataclasses.replace(SEMBG, class_background=background)
  first = fuse(config, SEMBG)(semantic, part, detections(*rows))
  second = fuse(config, other_spec)(semantic, shuffled, detections(*rows))
  jax.tree.map(np.testing.assert_array_equal, first, second)
  assert first.segments.valid[:3].all()
  assert len(np.unique(first.semantic)) > 5  # two stuff classes, three things, void


@pytest.mark.parametrize(
  "classes, parts, size",
  [(18, 10, SIZE), (19, 9, SIZE), (19, 23, SIZE), (19, 10, (25, 38)), (19, 10, (0, 4))],
)
def test_wrong_channels_and_sizes_are_refused(classes, parts, size):
  with pytest.raises(ValueError, match=r"channels|cover"):
    joint_fusion(logits(0, classes), logits(0, parts), detections(), spec=SPEC, size=size)
