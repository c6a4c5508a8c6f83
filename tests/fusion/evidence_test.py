"""Probabilities, the filter of the detections, and the terms of one instance."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jppf_jax.fusion.config import PAPER, FusionConfig
from jppf_jax.fusion.evidence import Norms, gather_evidence, instance_terms, log_sum_exp
from jppf_jax.fusion.frame import upsample
from jppf_jax.fusion.tiles import whole_image
from jppf_jax.labels.registry import load_spec
from tests.fusion.scenes import PERSON, SIZE, SPEC, TRAIN, detections, logits, train_id
from tests.oracles import fusion as oracle

FOUND = detections(([1, 1, 20, 20], TRAIN, 0.9, 4.0), ([16, 2, 36, 20], PERSON, 0.8, 1.5))


WHOLE = whole_image(SIZE)


def heads(spec=SPEC):
  return logits(5, spec.num_classes), logits(6, spec.num_part_outputs)


def gather(spec=SPEC, config=PAPER):
  inputs = jax.tree.map(jnp.asarray, (*heads(spec), FOUND))
  return gather_evidence(*inputs, spec=spec, size=SIZE, shape=SIZE, config=config, legacy=True)


def norms_of(evidence):
  both = evidence.semantic_logits, evidence.part_logits
  return Norms(*(log_sum_exp(upsample(x, WHOLE, evidence.frame)) for x in both))


def terms_of(n, spec=SPEC, config=PAPER):
  evidence = gather(spec, config)
  return instance_terms(jnp.int32(n), WHOLE, evidence, norms_of(evidence), spec, config)


def test_probabilities_are_the_softmax_at_image_resolution():
  semantic, part = (oracle.softmax(oracle.upsample(x, SIZE)) for x in heads())
  inside = oracle.rectangle(FOUND.boxes[1], SIZE)
  terms = terms_of(1)
  expected = np.where(inside, semantic[..., train_id(PERSON)], 0)
  np.testing.assert_allclose(terms.mls, expected, atol=1e-5)
  for label, mlp in zip(terms.labels[terms.valid].tolist(), terms.mlp):
    np.testing.assert_allclose(mlp, np.where(inside, part[..., label], 0), atol=1e-5)


def test_the_void_part_is_the_sum_of_all_backgrounds():
  spec = load_spec("cpp_grouped_sembg")
  part = oracle.softmax(oracle.upsample(heads(spec)[1], SIZE))
  inside = oracle.rectangle(FOUND.boxes[1], SIZE)
  terms = terms_of(1, spec, FusionConfig(allow_void_part=True))
  void = terms.labels.tolist().index(255)
  backgrounds = part[..., list(spec.background_outputs)].sum(-1)
  np.testing.assert_allclose(terms.mlp[void], np.where(inside, backgrounds, 0), atol=1e-5)


def test_detections_that_score_too_little_are_not_kept():
  assert gather().kept[:2].tolist() == [True, True]
  strict = gather(config=FusionConfig(score_threshold=0.85))
  assert strict.kept[:2].tolist() == [True, False]


def test_masks_are_scaled_after_the_activation():
  config = FusionConfig(instance_logit_activation="sigmoid", instance_logit_scale=3.0)
  expected = 3 * oracle.sigmoid(FOUND.mask_logits.astype(np.float64))
  np.testing.assert_allclose(gather(config=config).masks.masks, expected, rtol=1e-5)


def test_an_instance_competes_beyond_its_box_only_if_evidence_is_0_there():
  inside = oracle.rectangle(FOUND.boxes[1], SIZE)
  for outside_value in (0.0, -np.inf):
    terms = terms_of(1, config=dataclasses.replace(PAPER, outside_value=outside_value))
    outside = np.asarray(terms.mls)[~inside]
    assert (outside == outside_value).all()
    if outside_value:
      np.testing.assert_array_equal(terms.competes[0], inside)


@pytest.mark.parametrize("changed", [0, 1])
def test_logits_of_another_taxonomy_are_an_error(changed):
  inputs = [*heads(), FOUND]
  inputs[changed] = inputs[changed][..., 1:]
  with pytest.raises(ValueError, match="Use the label spec that the model was trained with"):
    gather_evidence(*inputs, spec=SPEC, size=SIZE, shape=SIZE, config=FusionConfig(), legacy=True)
