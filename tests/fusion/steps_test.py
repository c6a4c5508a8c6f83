import dataclasses
from functools import partial

import jax
import numpy as np

from jppf_jax.fusion.config import FusionConfig
from jppf_jax.fusion.joint import fused_logits, joint_fusion
from jppf_jax.fusion.steps import joint_fusion_steps
from tests.fusion.scenes import PERSON, SIZE, SPEC, TRAIN, detections, logits
from tests.oracles import fusion as oracle

SMALL = FusionConfig(min_stuff_area=20)  # the default limit is larger than the test image


def test_the_steps_are_those_of_the_fusion():
  scene = logits(5, SPEC.num_classes), logits(6, SPEC.num_parts)
  found = detections(([1, 1, 20, 20], TRAIN, 0.9, 4.0), ([16, 2, 36, 20], PERSON, 0.8, 1.5))
  run = jax.jit(partial(joint_fusion_steps, spec=SPEC, size=SIZE, config=SMALL))
  fuse = jax.jit(partial(joint_fusion, spec=SPEC, size=SIZE, config=SMALL))
  steps = run(*scene, found, 1)
  jax.tree.map(np.testing.assert_array_equal, steps.result, fuse(*scene, found))
  np.testing.assert_allclose(
    steps.instance.mli, oracle.paste(found.mask_logits[1], found.boxes[1], SIZE), atol=1e-5
  )
  inside = oracle.rectangle(found.boxes[1], SIZE)
  np.testing.assert_allclose(
    steps.instance.mls, np.where(inside, steps.semantic[..., SPEC.num_stuff], 0), atol=1e-6
  )
  assert steps.instance.labels[np.asarray(steps.instance.valid)].tolist() == [1, 2, 3, 4]
  for m in range(4):
    np.testing.assert_allclose(
      steps.instance.mlp[m], np.where(inside, steps.part[..., m + 1], 0), atol=1e-6
    )
  best = np.max(steps.instance.fused, axis=0)
  won = np.asarray(steps.slot) == 1
  np.testing.assert_allclose(best[won], np.asarray(steps.things)[won])
  assert (np.asarray(steps.things)[won] >= np.max(steps.stuff, axis=0)[won]).all() and won.any()
  np.testing.assert_array_equal(np.asarray(steps.result.instance) == 2, won)


def test_stuff_with_parts_is_fused_with_its_parts_and_gets_them():
  tables = SPEC.class_parts, SPEC.class_pids
  parts, pids = (((value,), *rows[1:]) for value, rows in zip(((1, 2), (1, 2)), tables))
  road_with_parts = dataclasses.replace(
    SPEC, class_parts=((1, 2), *parts[1:]), class_pids=((1, 2), *pids[1:])
  )
  semantic = np.zeros((6, 10, SPEC.num_classes), np.float32)
  semantic[..., 0] = 5
  part = np.zeros((6, 10, SPEC.num_parts), np.float32)
  part[:, :5, 2], part[:, 5:, 1] = 4, 4
  run = jax.jit(partial(joint_fusion_steps, spec=road_with_parts, size=SIZE, config=SMALL))
  steps = run(semantic, part, detections(), 0)
  assert (np.asarray(steps.result.part)[:, :18] == 2).all() and (
    np.asarray(steps.result.part)[:, 22:] == 1
  ).all()
  expected = fused_logits(steps.semantic[..., 0], np.max(steps.part[..., 1:3], axis=-1))
  np.testing.assert_allclose(steps.stuff[0], expected, rtol=1e-5)
