"""The streaming fusion against the dense one, Eq. 1 by hand, and the rules around it."""

import dataclasses
import math
from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings

from jppf_jax.fusion import instances
from jppf_jax.fusion.config import FusionConfig
from jppf_jax.fusion.joint import fused_logits, joint_fusion
from jppf_jax.labels.registry import load_spec
from jppf_jax.labels.variants import semantic_background
from jppf_jax.structs import IGNORE
from tests.fusion.scenes import BICYCLE, CAR, PERSON, SIZE, SPEC, TRAIN, detections, logits, scenes
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
}
SEMBG = load_spec("cpp_grouped_sembg")
SEMBG_READINGS = {
  "a background per class": SMALL,
  "a background per class, parts renormalised or void, fused stuff": dataclasses.replace(
    SMALL, allow_void_part=True, renormalise_parts=True, stuff_fill="fused"
  ),
}


@pytest.fixture(scope="module", autouse=True)
def windows_smaller_than_the_image():
  before, instances._CPU_WINDOW = instances._CPU_WINDOW, (8, 16)
  yield
  instances._CPU_WINDOW = before


@cache
def fuse(config, spec=SPEC, legacy=True):
  return jax.jit(partial(joint_fusion, spec=spec, size=SIZE, config=config, legacy=legacy))


@pytest.mark.parametrize("reading", [*READINGS, *SEMBG_READINGS])
def test_streaming_equals_the_dense_oracle_ties_included(reading):
  config, spec = (READINGS | SEMBG_READINGS)[reading], SEMBG if reading in SEMBG_READINGS else SPEC
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


def test_fused_logits_of_worked_values():
  assert fused_logits(jnp.array(6.0), jnp.array(2.0)) == pytest.approx(15.026596, rel=1e-6)
  assert fused_logits(jnp.array(2.0), jnp.array(0.7), jnp.array(0.6)) == pytest.approx(
    7.242316, rel=1e-6
  )
  assert fused_logits(jnp.array(-3.0), jnp.array(0.7), jnp.array(0.6)) == pytest.approx(
    -2.314159, rel=1e-6
  )
  assert fused_logits(jnp.array(0.9), jnp.array(0.8)) == pytest.approx(2.381571, rel=1e-6)
  assert fused_logits(jnp.array(0.9), jnp.array(0.8), mean=True) == pytest.approx(
    2.381571 / 4, rel=1e-6
  )


@pytest.mark.parametrize("mask_logit, wins", [(-2.05, False), (-1.95, True)])
def test_an_agreed_person_is_won_above_the_documented_mask_logit(mask_logit, wins):
  semantic = np.full((6, 10, SPEC.num_classes), -50, np.float32)
  part = np.full((6, 10, SPEC.num_parts), -50, np.float32)
  semantic[..., SPEC.num_stuff], part[..., 2] = 50, 50  # person, head
  result = fuse(SMALL)(semantic, part, detections(([0, 0, 38, 22], PERSON, 0.9, mask_logit)))
  assert (int(result.part[10, 19]), int(result.instance[10, 19])) == ((2, 1) if wins else (0, 0))


def test_equal_channels_go_to_parts_first_then_to_the_better_score_then_to_the_first_part():
  same = [4, 4, 34, 20]
  rows = [
    (same, BICYCLE, 0.9, 3.0),
    (same, TRAIN, 0.8, 3.0),
    (same, CAR, 0.7, 3.0),
    (same, CAR, 0.6, 3.0),
  ]
  flat = (
    np.zeros((6, 10, SPEC.num_classes), np.float32),
    np.zeros((6, 10, SPEC.num_parts), np.float32),
  )
  result = fuse(dataclasses.replace(SMALL, overlap_threshold=1.0))(*flat, detections(*rows))
  inside = np.asarray(result.instance)[6:18, 8:30]
  assert (inside == 3).all()  # the first of the two cars, although bicycle and train score better
  assert (
    np.asarray(result.part)[6:18, 8:30] == SPEC.class_parts[SPEC.num_stuff + CAR - 1][0]
  ).all()
  assert result.segments.valid.tolist() == [False, False, True, False, False, False]
  result = fuse(dataclasses.replace(SMALL, overlap_threshold=1.0))(*flat, detections(*rows[:2]))
  assert (np.asarray(result.instance)[6:18, 8:30] == 1).all()


def test_stuff_whose_probabilities_underflow_does_not_fall_to_a_far_instance():
  semantic = np.zeros((6, 10, SPEC.num_classes), np.float32)
  semantic[..., SPEC.num_stuff] = (
    300  # person everywhere: the probability of all stuff is exactly 0, and so is FLS
  )
  part = np.zeros((6, 10, SPEC.num_parts), np.float32)
  part[..., 1] = 300
  result = fuse(SMALL)(semantic, part, detections(([2, 2, 12, 12], PERSON, 0.9, 3.0)))
  assert (np.asarray(result.instance)[:, 16:] == 0).all()
  assert (
    np.asarray(result.semantic)[:, 16:] == 255
  ).all()  # the semantic head says person, nobody won it


def test_a_tie_between_a_thing_and_stuff_goes_to_the_thing():
  semantic = np.zeros((6, 10, SPEC.num_classes), np.float32)
  semantic[..., SPEC.num_stuff] = 300  # person: MLS is exactly 1, FLS exactly 0
  part = np.zeros((6, 10, SPEC.num_parts), np.float32)
  part[..., 1] = 300
  on_the_grid = [4, 2, 33, 17]  # 28 x 14 pixels for 28 x 28 cells: the pasted mask logits are exact
  result = fuse(SMALL)(
    semantic, part, detections((on_the_grid, PERSON, 0.9, -2.0))
  )  # FL = ... * (-2 + 1 + 1) = 0
  assert (np.asarray(result.instance)[5:14, 8:28] == 1).all()


def test_confined_instances_do_not_spoil_the_rim_of_their_box_for_others():
  config = dataclasses.replace(SMALL, outside_value=-math.inf)
  rows = [
    ([10, 5, 30, 18], PERSON, 0.9, -300.0),
    ([0, 0, 38, 22], PERSON, 0.8, 5.0),
  ]  # the first rim: 0 * -inf
  flat = (
    np.zeros((6, 10, SPEC.num_classes), np.float32),
    np.zeros((6, 10, SPEC.num_parts), np.float32),
  )
  assert (np.asarray(fuse(config)(*flat, detections(*rows)).instance)[3:20, 3:35] == 2).all()


def test_segments_describe_the_instances_that_won_pixels():
  scene = logits(3, SPEC.num_classes), logits(4, SPEC.num_parts)
  rows = [
    ([0, 0, 18, 20], CAR, 0.9, 5.0),
    ([20, 2, 36, 20], TRAIN, 0.8, 5.0),
    ([5, 5, 9, 9], PERSON, 0.7, -9.0),
  ]
  result = fuse(SMALL)(*scene, detections(*rows))
  assert result.segments.valid.tolist() == [True, True, False, False, False, False]
  assert result.segments.labels[:2].tolist() == [
    SPEC.num_stuff + CAR - 1,
    SPEC.num_stuff + TRAIN - 1,
  ]
  np.testing.assert_allclose(result.segments.scores[:2], [0.9, 0.8])
  for slot in (0, 1):
    mine = np.asarray(result.instance) == slot + 1
    assert result.segments.areas[slot] == mine.sum() > 0
    assert set(np.asarray(result.semantic)[mine]) == {int(result.segments.labels[slot])}


def test_zero_detections_leave_stuff_and_void():
  scene = logits(1, SPEC.num_classes), logits(2, SPEC.num_parts)
  result = fuse(SMALL)(*scene, detections())
  assert not np.asarray(result.segments.valid).any() and not np.asarray(result.instance).any()
  semantic = np.asarray(result.semantic)
  assert ((semantic < SPEC.num_stuff) | (semantic == 255)).all()
  assert not np.asarray(result.part).any()


def test_a_batch_gives_what_its_images_give():
  first = (
    logits(5, SPEC.num_classes),
    logits(6, SPEC.num_parts),
    detections(([0, 0, 30, 20], CAR, 0.9, 2.0)),
  )
  second = logits(7, SPEC.num_classes), logits(8, SPEC.num_parts), detections()
  alone = [fuse(SMALL)(*scene) for scene in (first, second)]
  batch = jax.jit(jax.vmap(partial(joint_fusion, spec=SPEC, size=SIZE, config=SMALL)))(
    *jax.tree.map(lambda a, b: jnp.stack([a, b]), first, second)
  )
  for k, one in enumerate(alone):
    jax.tree.map(lambda a, b, k=k: np.testing.assert_array_equal(a[k], b), batch, one)


def test_the_background_of_the_class_decides_between_things_and_between_stuff_that_have_no_parts():
  semantic = np.zeros((6, 10, SPEC.num_classes), np.float32)
  part = np.zeros((6, 10, SEMBG.num_part_outputs), np.float32)
  part[:3, :, SEMBG.class_background[SPEC.num_stuff + BICYCLE - 1]] = 9
  part[3:, :, SEMBG.class_background[SPEC.num_stuff + TRAIN - 1]] = 9
  rows = [([2, 0, 24, 22], TRAIN, 0.9, 3.0), ([14, 0, 36, 22], BICYCLE, 0.8, 3.0)]
  config = SEMBG_READINGS["a background per class, parts renormalised or void, fused stuff"]
  result = fuse(config, SEMBG)(semantic, part, detections(*rows))
  both = np.asarray(result.instance)[:, 16:22]
  assert (both[3:10] == 2).all() and (both[14:19] == 1).all()
  part[:, :5, SEMBG.class_background[2]], part[:, 5:, SEMBG.class_background[3]] = 18, 18
  result = fuse(config, SEMBG)(semantic, part, detections())
  assert (np.asarray(result.semantic)[:, :18] == 2).all() and (
    np.asarray(result.semantic)[:, 22:] == 3
  ).all()
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
  semantic = rng.normal(size=(6, 10, SPEC.num_classes)).astype(np.float32)
  part = rng.normal(size=(6, 10, SEMBG.num_part_outputs)).astype(np.float32)
  rows = [
    ([0, 0, 18, 20], TRAIN, 0.9, 1.0),
    ([8, 2, 30, 20], PERSON, 0.8, 1.0),
    ([20, 0, 38, 20], BICYCLE, 0.7, 1.0),
  ]
  old = np.array(SEMBG.background_outputs)
  new = np.append(rng.permutation(old), IGNORE)
  background = tuple(new[np.searchsorted(old, SEMBG.class_background)].tolist())
  assert background != SEMBG.class_background
  shuffled = part.copy()
  shuffled[..., new[:-1]] = part[..., old]
  config = SEMBG_READINGS["a background per class, parts renormalised or void, fused stuff"]
  first = fuse(config, SEMBG)(semantic, part, detections(*rows))
  second = fuse(config, dataclasses.replace(SEMBG, class_background=background))(
    semantic, shuffled, detections(*rows)
  )
  jax.tree.map(np.testing.assert_array_equal, first, second)
  assert (
    first.segments.valid[:3].all() and len(np.unique(first.semantic)) > 5
  )  # two stuff, three things, void


@pytest.mark.parametrize(
  "classes, parts, size",
  [(18, 10, SIZE), (19, 9, SIZE), (19, 23, SIZE), (19, 10, (25, 38)), (19, 10, (0, 4))],
)
def test_wrong_channels_and_sizes_are_refused(classes, parts, size):
  with pytest.raises(ValueError, match=r"channels|cover"):
    joint_fusion(logits(0, classes), logits(0, parts), detections(), spec=SPEC, size=size)
