"""Parts with a small promised IoU go, as an oracle says; all else stays."""

import dataclasses
from functools import partial

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jppf_jax.fusion.config import FusionConfig
from jppf_jax.fusion.efficientps import efficientps_fusion
from jppf_jax.fusion.joint import joint_fusion
from jppf_jax.fusion.steps import joint_fusion_steps
from jppf_jax.fusion.top_down import part_map, top_down_merge
from jppf_jax.fusion.weak_parts import drop_weak_parts
from jppf_jax.structs import IGNORE
from tests.fusion.scenes import (
  CAR,
  PERSON,
  SIZE,
  SPEC,
  constant_logits,
  detections,
  scenes,
  train_id,
)
from tests.oracles import fusion as oracle

VOID_PARTS = FusionConfig(min_stuff_area=0, allow_void_part=True)


def top_down(semantic, part, found):
  panoptic = efficientps_fusion(semantic, found, spec=SPEC, size=SIZE, min_stuff_area=0)
  return top_down_merge(panoptic, part_map(part, spec=SPEC, size=SIZE), spec=SPEC)


FUSIONS = {
  "joint": partial(joint_fusion, spec=SPEC, size=SIZE, config=VOID_PARTS),
  "top_down": top_down,
}


@pytest.mark.parametrize("name", FUSIONS)
@pytest.mark.parametrize("threshold", [0.15, 0.35, 1.0])
def test_weak_parts_go_as_the_oracle_says_and_all_else_stays(name, threshold):
  fuse = jax.jit(FUSIONS[name])
  drop = jax.jit(partial(drop_weak_parts, spec=SPEC, threshold=threshold))
  changed = []

  @settings(max_examples=12, deadline=None)
  @given(scenes())
  def check(scene):
    before = jax.device_get(fuse(*scene))
    after = jax.device_get(drop(before, scene[1]))
    expected, margin = oracle.drop_weak_parts(before, scene[1], spec=SPEC, threshold=threshold)
    np.testing.assert_array_equal(after.semantic, before.semantic)
    np.testing.assert_array_equal(after.instance, before.instance)
    np.testing.assert_array_equal(after.part == IGNORE, before.part == IGNORE)
    if margin > 1e-4:
      # the best of two logits that are equal but for rounding may be either
      assert (after.part != expected).mean() < 1e-3
    changed.append((after.part != before.part).mean())

  check()
  assert max(changed) > 0


def with_parts_of_stuff():
  """CPP with parts for two of its stuff classes, the first one among them."""
  parts, pids = list(SPEC.class_parts), list(SPEC.class_pids)
  parts[0], parts[3] = (1, 2, 5), (4, 2)
  pids[0], pids[3] = (1, 2, 3), (1, 2)
  return dataclasses.replace(
    SPEC, name="parts of stuff", class_parts=tuple(parts), class_pids=tuple(pids)
  )


STUFF_WITH_PARTS = with_parts_of_stuff()


def painted(found, seed):
  """The answer with some stuff, and with parts of it, drawn where there is no instance.

  One instance has the last number that there is room for: the segments of stuff come after it.
  """
  rng = np.random.default_rng(seed)
  semantic, instance, part = (np.array(x) for x in (found.semantic, found.instance, found.part))
  rows, columns = (-(-side // 2) for side in SIZE)
  classes = rng.choice([0, 0, 1, 3, IGNORE], size=(rows, columns))
  parts = np.zeros_like(classes)
  for k in (0, 3):
    own = [*STUFF_WITH_PARTS.class_parts[k], IGNORE]
    parts = np.where(classes == k, rng.choice(own, size=classes.shape), parts)
  parts = np.where(classes == IGNORE, IGNORE, parts)
  free = np.asarray(found.instance) == 0
  for ids, drawn in ((semantic, classes), (part, parts)):
    ids[free] = drawn.repeat(2, 0).repeat(2, 1)[: SIZE[0], : SIZE[1]][free]
  if instance.any():
    instance[instance == instance.max()] = len(found.segments.valid)
  return dataclasses.replace(found, semantic=semantic, instance=instance, part=part)


@pytest.mark.parametrize("threshold", [0.25, 0.35, 1.0])
def test_weak_parts_of_stuff_go_too_and_its_classes_are_a_segment_each(threshold):
  spec = STUFF_WITH_PARTS
  fuse = jax.jit(partial(joint_fusion, spec=spec, size=SIZE, config=VOID_PARTS))
  drop = jax.jit(partial(drop_weak_parts, spec=spec, threshold=threshold))
  gone = {0: 0, 3: 0}

  @settings(max_examples=12, deadline=None)
  @given(scenes(spec), st.integers(0, 99))
  def check(scene, seed):
    before = painted(jax.device_get(fuse(*scene)), seed)
    after = jax.device_get(drop(before, scene[1]))
    expected, margin = oracle.drop_weak_parts(before, scene[1], spec=spec, threshold=threshold)
    np.testing.assert_array_equal(after.part == IGNORE, before.part == IGNORE)
    if margin > 1e-4:
      # the best of two logits that are equal but for rounding may be either
      assert (after.part != expected).mean() < 1e-3
    for k in gone:
      gone[k] += (after.part != before.part)[before.semantic == k].sum()

  check()
  assert min(gone.values()) > 0


BOXES = ([0, 0, 20, 22], PERSON, 0.9, 5.0), ([20, 0, 38, 22], CAR, 0.8, 5.0)


def two_objects():
  """A person on the left, with two parts of which one is painted on a few pixels, and a car."""
  semantic = constant_logits(SPEC.num_classes)
  semantic[:, :5, train_id(PERSON)] = semantic[:, 5:, train_id(CAR)] = 9
  part = constant_logits(SPEC.num_part_outputs)
  first, second = SPEC.class_parts[train_id(PERSON)][:2]
  part[..., first], part[..., SPEC.class_parts[train_id(CAR)][0]] = 6, 6
  part[:1, :1, second] = 6.5  # hardly more probable, in one corner
  return semantic, part, detections(*BOXES), first, second


@pytest.mark.parametrize("fuse", [joint_fusion, joint_fusion_steps])
def test_a_fusion_drops_what_its_config_says(fuse):
  semantic, part, found, first, second = two_objects()
  chosen = (0,) if fuse is joint_fusion_steps else ()

  def fused(threshold):
    config = FusionConfig(part_threshold=threshold)
    answer = fuse(semantic, part, found, *chosen, spec=SPEC, size=SIZE, config=config)
    return answer.result if chosen else answer

  assert (fused(0.0).part == second).any()
  dropped = fused(0.3)
  assert not (dropped.part == second).any()
  assert (np.asarray(dropped.part)[dropped.instance == 1] == first).all()
  np.testing.assert_array_equal(dropped.part == second, fused(0.999).part == second)


def test_the_most_promising_part_stays_if_all_are_weak():
  semantic, part, found, first, second = two_objects()
  part[..., second] = 5.9
  config = FusionConfig(part_threshold=1.0)
  answer = joint_fusion(semantic, part, found, spec=SPEC, size=SIZE, config=config)
  assert set(np.unique(np.asarray(answer.part)[answer.instance == 1])) == {first}


def test_a_part_that_is_not_known_stays_so_beside_a_weak_part():
  semantic, part, found, _, _ = two_objects()
  last = SPEC.num_parts - 1  # of the car, and weak on it
  part[:1, 6:7, last] = 8
  before = joint_fusion(semantic, part, found, spec=SPEC, size=SIZE)
  ids = np.array(before.part)
  assert (ids == last).any()
  ids[10:20, 25:30] = IGNORE
  unknown = dataclasses.replace(before, part=ids)
  after = np.asarray(drop_weak_parts(unknown, part, spec=SPEC, threshold=0.95).part)
  assert not (after == last).any()
  np.testing.assert_array_equal(after == IGNORE, ids == IGNORE)


def test_padding_and_zoom_change_nothing_of_what_is_promised():
  semantic, part, found, _, second = two_objects()
  before = joint_fusion(semantic, part, found, spec=SPEC, size=SIZE)
  zoom = np.float32([2, 2])
  padded = np.pad(part, ((0, 3), (0, 4), (0, 0)), constant_values=50)
  wide = np.full((80, 120), IGNORE, np.int32)
  large = {name: np.where(wide, 0, 0) for name in ("instance", "part")}
  large["semantic"] = wide.copy()
  for name in ("semantic", "instance", "part"):
    large[name][:44, :76] = np.asarray(getattr(before, name)).repeat(2, 0).repeat(2, 1)
  many = type(before)(**large, segments=before.segments)
  ious = [
    oracle.promised_iou(before, part, spec=SPEC),
    oracle.promised_iou(
      type(before)(
        **{name: ids[:44, :76] for name, ids in large.items()}, segments=before.segments
      ),
      part,
      spec=SPEC,
      zoom=(2, 2),
    ),
  ]
  small, twice = (min(min(promised.values()) for _, promised, _ in iou) for iou in ious)
  assert abs(small - twice) < 0.05
  for threshold, stays in ((twice - 0.02, True), (twice + 0.02, False)):
    after = drop_weak_parts(
      many, padded, spec=SPEC, threshold=threshold, covered=np.array([44, 76]), zoom=zoom
    )
    assert (np.asarray(after.part) == second).any() == stays
    np.testing.assert_array_equal(np.asarray(after.part)[44:], large["part"][44:])


def test_images_of_a_batch_are_filtered_by_themselves():
  semantic, part, found, _, second = two_objects()
  sure = part.copy()
  sure[:3, :3, second] = 12
  before = [joint_fusion(semantic, logits, found, spec=SPEC, size=SIZE) for logits in (part, sure)]
  both = jax.tree.map(lambda *x: np.stack(x), *before)
  drop = partial(drop_weak_parts, spec=SPEC, threshold=0.4)
  after = jax.vmap(lambda answer, logits: drop(answer, logits))(both, np.stack([part, sure]))
  for n, logits in enumerate((part, sure)):
    np.testing.assert_array_equal(after.part[n], drop(before[n], logits).part)
  assert not (after.part[0] == second).any() and (after.part[1] == second).any()


@pytest.mark.parametrize("threshold", [1.5, -0.1, float("nan")])
def test_a_threshold_that_is_no_share_is_refused(threshold):
  semantic, part = constant_logits(SPEC.num_classes), constant_logits(SPEC.num_part_outputs)
  found = FUSIONS["joint"](semantic, part, detections())
  with pytest.raises(ValueError, match="part_threshold is .*, expected a share from 0 to 1"):
    drop_weak_parts(found, part, spec=SPEC, threshold=threshold)


def test_logits_of_another_taxonomy_are_refused():
  semantic, part = constant_logits(SPEC.num_classes), constant_logits(SPEC.num_part_outputs)
  found = FUSIONS["joint"](semantic, part, detections())
  with pytest.raises(ValueError, match=rf"channels, expected {SPEC.num_part_outputs}"):
    drop_weak_parts(found, part[..., 1:], spec=SPEC, threshold=0.2)
