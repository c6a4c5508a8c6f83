"""The intermediates of the joint fusion agree with its answer and with the oracle."""

import dataclasses
from functools import partial

import jax
import numpy as np

from jppf_jax.fusion.config import FusionConfig
from jppf_jax.fusion.eq1 import fused_logits
from jppf_jax.fusion.joint import joint_fusion
from jppf_jax.fusion.steps import joint_fusion_steps
from tests.fusion.scenes import (
  PERSON,
  SIZE,
  SPEC,
  TRAIN,
  constant_logits,
  detections,
  logits,
  train_id,
)
from tests.oracles import fusion as oracle

SMALL = FusionConfig(min_stuff_area=20)  # the default limit is larger than the test image


def test_the_steps_are_those_of_the_fusion():
  scene = logits(5, SPEC.num_classes), logits(6, SPEC.num_parts)
  found = detections(([1, 1, 20, 20], TRAIN, 0.9, 4.0), ([16, 2, 36, 20], PERSON, 0.8, 1.5))
  run = jax.jit(partial(joint_fusion_steps, spec=SPEC, size=SIZE, config=SMALL))
  fuse = jax.jit(partial(joint_fusion, spec=SPEC, size=SIZE, config=SMALL))
  steps = run(*scene, found, 1)
  jax.tree.map(np.testing.assert_array_equal, steps.result, fuse(*scene, found))

  person = steps.instance
  mli = oracle.paste(found.mask_logits[1], found.boxes[1], SIZE)
  np.testing.assert_allclose(person.mli, mli, atol=1e-5)
  inside = oracle.rectangle(found.boxes[1], SIZE)
  mls = np.where(inside, steps.semantic[..., train_id(PERSON)], 0)
  np.testing.assert_allclose(person.mls, mls, atol=1e-6)
  assert person.labels[person.valid].tolist() == [1, 2, 3, 4]
  for m in range(4):
    mlp = np.where(inside, steps.part[..., m + 1], 0)
    np.testing.assert_allclose(person.mlp[m], mlp, atol=1e-6)

  won = np.asarray(steps.slot) == 1
  things, stuff = np.asarray(steps.things), np.max(steps.stuff, axis=0)
  np.testing.assert_allclose(np.max(person.fused, axis=0)[won], things[won])
  assert won.any() and (things[won] >= stuff[won]).all()
  np.testing.assert_array_equal(np.asarray(steps.result.instance) == 2, won)


def test_stuff_with_parts_is_fused_with_its_parts_and_gets_them():
  parts = ((1, 2), *SPEC.class_parts[1:])
  pids = ((1, 2), *SPEC.class_pids[1:])
  road_with_parts = dataclasses.replace(SPEC, class_parts=parts, class_pids=pids)
  semantic = constant_logits(SPEC.num_classes)
  semantic[..., 0] = 5
  part = constant_logits(SPEC.num_parts)
  part[:, :5, 2] = 4
  part[:, 5:, 1] = 4
  run = jax.jit(partial(joint_fusion_steps, spec=road_with_parts, size=SIZE, config=SMALL))
  steps = run(semantic, part, detections(), 0)
  answer = np.asarray(steps.result.part)
  assert (answer[:, :18] == 2).all() and (answer[:, 22:] == 1).all()
  best_part = np.max(steps.part[..., 1:3], axis=-1)
  expected = fused_logits(steps.semantic[..., 0], best_part)
  np.testing.assert_allclose(steps.stuff[0], expected, rtol=1e-5)
