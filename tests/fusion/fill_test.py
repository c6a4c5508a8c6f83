"""Nothing stays void: the class, the instance and the part that an oracle would give."""

import dataclasses
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings

from jppf_jax.fusion import joint
from jppf_jax.fusion.config import FusionConfig
from jppf_jax.fusion.efficientps import efficientps_fusion
from jppf_jax.fusion.fill import fill_void
from jppf_jax.fusion.joint import joint_fusion
from jppf_jax.fusion.top_down import part_map, top_down_merge
from jppf_jax.structs import IGNORE, PanopticParts, Segments
from tests.fusion.scenes import (
  CAR,
  CELLS,
  PERSON,
  SIZE,
  SPEC,
  constant_logits,
  detections,
  scenes,
  train_id,
)
from tests.oracles import fusion as oracle

STRICT = FusionConfig(min_stuff_area=150, min_thing_area=20, allow_void_part=True)


def top_down(semantic, part, found):
  panoptic = efficientps_fusion(semantic, found, spec=SPEC, size=SIZE, min_stuff_area=150)
  return top_down_merge(panoptic, part_map(part, spec=SPEC, size=SIZE), spec=SPEC)


FUSIONS = {
  "joint": partial(joint_fusion, spec=SPEC, size=SIZE, config=STRICT),
  "top_down": top_down,
}
QUICK = {"xla_backend_optimization_level": 0}
FILL = jax.jit(partial(fill_void, spec=SPEC))


@pytest.mark.parametrize("name", FUSIONS)
def test_filling_equals_the_oracle_and_leaves_the_rest(name):
  fuse = jax.jit(FUSIONS[name])

  @settings(max_examples=8, deadline=None)
  @given(scenes())
  def check(scene):
    before = jax.device_get(fuse(*scene))
    after = jax.device_get(FILL(before, *scene))
    *expected, margin = oracle.fill_void(before, *scene, spec=SPEC)
    clear = margin > 1e-4
    assert clear.mean() > 0.8
    for found, wanted in zip((after.semantic, after.instance, after.part), expected):
      np.testing.assert_array_equal(found[clear], wanted[clear])
    known = before.semantic != IGNORE
    np.testing.assert_array_equal(after.semantic[known], before.semantic[known])
    np.testing.assert_array_equal(after.instance[known], before.instance[known])
    assert (after.semantic != IGNORE).all() and (after.part != IGNORE).all()
    areas = np.bincount(after.instance.ravel(), minlength=7)[1:]
    np.testing.assert_array_equal(after.segments.areas, areas)
    np.testing.assert_array_equal(after.segments.valid, before.segments.valid)

  check()


def answer(semantic, instance, *, labels=(), count=6):
  valid = np.arange(count) < len(labels)
  padded = np.zeros(count, np.int32)
  padded[: len(labels)] = labels
  ids = (np.asarray(x, np.int32) for x in (semantic, instance, np.zeros_like(semantic)))
  table = Segments(padded, np.zeros(count, np.float32), np.zeros(count, np.int32), valid)
  return PanopticParts(*ids, table)


def test_a_thing_joins_the_larger_mask_logit_in_reach_and_the_nearest_box_elsewhere():
  person = train_id(PERSON)
  found = detections(([1, 2, 9, 20], PERSON, 0.9, 1.0), ([5, 2, 13, 20], PERSON, 0.8, 3.0))
  semantic, instance = np.full(SIZE, IGNORE), np.zeros(SIZE)
  semantic[0, :2], instance[0, :2] = person, [1, 2]
  logits = constant_logits(SPEC.num_classes)
  logits[..., 0] = 5  # the best class, but it did not survive
  before = answer(semantic, instance, labels=[person, person])
  after = FILL(before, logits, constant_logits(SPEC.num_parts), found)
  assert (np.asarray(after.semantic) == person).all()
  assert after.instance[10, 3] == 1  # in the first box only
  assert after.instance[10, 7] == 2  # in both: the second has the larger logit
  assert after.instance[10, 30] == 2  # nearer to the second box
  assert after.instance[10, 0] == 1
  assert after.segments.areas[:2].sum() == SIZE[0] * SIZE[1]


def test_a_zoomed_and_padded_answer_is_filled_as_the_oracle_fills_the_image():
  canvas, covered = (36, 56), (33, 47)
  zoom = np.divide(covered, SIZE).astype(np.float32)
  person, car = train_id(PERSON), train_id(CAR)
  rng = np.random.default_rng(0)
  boxes = [1, 2, 14, 13], [9, 4, 22, 19], [24, 9, 36, 17], [25, 0, 37, 8]
  masks = rng.normal(size=(4, 28, 28)) * 3
  found = detections(*zip(boxes, (PERSON, PERSON, CAR, PERSON), (0.9, 0.8, 0.7, 0.6), masks))
  semantic, instance, part = np.full(canvas, IGNORE), np.zeros(canvas), np.zeros(canvas)
  semantic[:2, :5] = 0
  for place, (label, number) in {5: (person, 1), 20: (person, 2), 36: (car, 3)}.items():
    here = slice(14, 16), slice(place, place + 2)
    semantic[here], instance[here], part[here] = label, number, IGNORE
  before = answer(semantic, instance, labels=[person, person, car])
  before = dataclasses.replace(before, part=part.astype(np.int32))
  before.segments.labels[3] = person  # has won nothing, so nothing joins it
  scene = (rng.normal(size=(*CELLS, SPEC.num_classes)), rng.normal(size=(*CELLS, SPEC.num_parts)))
  scene = [np.float32(3 * logits) for logits in scene]
  fill = jax.jit(partial(fill_void, spec=SPEC, legacy=False), compiler_options=QUICK)
  after = fill(before, *scene, found, covered=jnp.array(covered), zoom=jnp.asarray(zoom))
  inside = slice(covered[0]), slice(covered[1])
  image = dataclasses.replace(
    before, **{name: getattr(before, name)[inside] for name in ("semantic", "instance", "part")}
  )
  in_result = dataclasses.replace(found, boxes=found.boxes * np.tile(zoom[::-1], 2))
  *expected, margin = oracle.fill_void(image, *scene, in_result, spec=SPEC, zoom=zoom, legacy=False)
  clear = margin > 1e-3
  assert clear.mean() > 0.98 and set(np.unique(expected[1])) == {0, 1, 2, 3}
  for own, wanted, void in zip((after.semantic, after.instance, after.part), expected, (255, 0, 0)):
    own = np.array(own)
    np.testing.assert_array_equal(own[inside][clear], wanted[clear])
    own[inside] = void
    assert (own == void).all()


def test_joint_fusion_fills_in_the_frame_that_it_fused(monkeypatch):
  asked = []

  def note(found, *heads, **frame):
    asked.append(frame)
    return found

  monkeypatch.setattr(joint, "fill_void", note)
  frame = {"covered": jnp.array(SIZE), "zoom": jnp.ones(2)}
  config = dataclasses.replace(STRICT, fill_void=True)
  fuse = partial(joint_fusion, spec=SPEC, size=SIZE, config=config, legacy=False, **frame)
  jax.eval_shape(
    fuse, constant_logits(SPEC.num_classes), constant_logits(SPEC.num_parts), detections()
  )
  assert asked == [{**frame, "spec": SPEC, "legacy": False}]


def test_if_nothing_survived_all_stuff_may_be_given_and_no_thing():
  logits = constant_logits(SPEC.num_classes)
  logits[..., train_id(CAR)] = 9
  logits[..., 4] = 1
  before = answer(np.full(SIZE, IGNORE), np.zeros(SIZE))
  after = FILL(before, logits, constant_logits(SPEC.num_parts), detections())
  assert (np.asarray(after.semantic) == 4).all()
  assert (np.asarray(after.instance) == 0).all()


def test_padding_stays_void_and_the_config_asks_for_filling():
  scene = constant_logits(SPEC.num_classes), constant_logits(SPEC.num_parts), detections()
  config = FusionConfig(min_stuff_area=10_000)
  fuse = partial(joint_fusion, spec=SPEC, size=SIZE, covered=jnp.array([9, 21]))
  assert (np.asarray(fuse(*scene, config=config).semantic) == IGNORE).all()
  filled = fuse(*scene, config=dataclasses.replace(config, fill_void=True))
  inside = np.zeros(SIZE, bool)
  inside[:9, :21] = True
  np.testing.assert_array_equal(filled.semantic, np.where(inside, 0, IGNORE))
  assert (np.asarray(filled.part) == 0).all()
