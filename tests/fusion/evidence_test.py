"""Probabilities, the filter of the detections, and the terms of one instance."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jppf_jax.fusion.config import PAPER, FusionConfig
from jppf_jax.fusion.evidence import gather_evidence, instance_terms
from jppf_jax.fusion.instances import Window
from jppf_jax.labels.registry import load_spec
from tests.fusion.scenes import PERSON, SIZE, SPEC, TRAIN, detections, logits
from tests.oracles import fusion as oracle

FOUND = detections(([1, 1, 20, 20], TRAIN, 0.9, 4.0), ([16, 2, 36, 20], PERSON, 0.8, 1.5))


def gather(spec=SPEC, config=PAPER):
  heads = logits(5, spec.num_classes), logits(6, spec.num_part_outputs), FOUND
  heads = jax.tree.map(jnp.asarray, heads)
  return gather_evidence(*heads, spec=spec, size=SIZE, config=config, legacy=True)


def test_probabilities_are_the_softmax_at_image_resolution():
  evidence = gather()
  expected = oracle.softmax(oracle.upsample(logits(5, SPEC.num_classes), SIZE))
  np.testing.assert_allclose(np.moveaxis(evidence.semantic, 0, -1), expected, atol=1e-5)
  np.testing.assert_allclose(np.asarray(evidence.part).sum(0), 1, atol=1e-5)


def test_the_channel_after_the_last_is_the_sum_of_all_backgrounds():
  spec = load_spec("cpp_grouped_sembg")
  part = np.asarray(gather(spec, FusionConfig(allow_void_part=True)).part)
  assert part.shape[0] == spec.num_part_outputs + 1
  backgrounds = part[list(spec.background_outputs)]
  np.testing.assert_allclose(part[-1], backgrounds.sum(0), atol=1e-6)


def test_detections_that_score_too_little_are_not_kept():
  assert gather().kept[:2].tolist() == [True, True]
  strict = gather(config=FusionConfig(score_threshold=0.85))
  assert strict.kept[:2].tolist() == [True, False]


def test_masks_are_scaled_after_the_activation():
  config = FusionConfig(instance_logit_activation="sigmoid", instance_logit_scale=3.0)
  expected = 3 * oracle.sigmoid(FOUND.mask_logits.astype(np.float64))
  np.testing.assert_allclose(gather(config=config).masks.masks, expected, rtol=1e-5)


def test_an_instance_competes_beyond_its_box_only_if_evidence_is_0_there():
  zero = np.int32(0)
  whole = Window(np.int32(1), zero, zero, zero, zero, SIZE)
  inside = oracle.rectangle(FOUND.boxes[1], SIZE)
  for outside_value in (0.0, -np.inf):
    config = dataclasses.replace(PAPER, outside_value=outside_value)
    terms = instance_terms(whole, gather(config=config), SPEC, config)
    outside = np.asarray(terms.mls)[~inside]
    assert (outside == outside_value).all()
    if outside_value:
      np.testing.assert_array_equal(terms.competes[0], inside)


@pytest.mark.parametrize("changed", [0, 1])
def test_logits_of_another_taxonomy_are_an_error(changed):
  heads = [logits(5, SPEC.num_classes), logits(6, SPEC.num_part_outputs), FOUND]
  heads[changed] = heads[changed][..., 1:]
  with pytest.raises(ValueError, match="Use the label spec that the model was trained with"):
    gather_evidence(*heads, spec=SPEC, size=SIZE, config=FusionConfig(), legacy=True)
