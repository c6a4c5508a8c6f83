import copy
import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest

from jppf_jax import build
from jppf_jax.config_rules import ConfigError
from jppf_jax.evaluation.compare import load_comparison
from jppf_jax.evaluation.variants import Variants, score_variants

RNG = np.random.default_rng(0)


class TwoWays(Variants):
  """As it is, and without any instance."""

  def variants(self, outputs, image, uids, frame):
    none = dataclasses.replace(self.config, score_threshold=1.0)
    return {"as it is": (outputs, self.config), "no instances": (outputs, none)}


@pytest.fixture(scope="module")
def comparison(tiny_run):
  return load_comparison(tiny_run.config, tiny_run.workdir / build.RUN_WEIGHTS)


@pytest.mark.parametrize("size", [(64, 128), (150, 90)])
def test_outputs_are_fused_as_in_a_comparison_and_as_the_variant_says(comparison, size):
  image = RNG.integers(0, 256, (*size, 3), np.uint8)
  answers = dict(TwoWays.of(comparison).answers(image, np.zeros(size, np.int32)))
  expected = comparison(image)
  assert list(answers) == ["as it is", "no instances"]
  for method in ("joint", "top_down"):
    same, other = (getattr(answer, method) for answer in answers.values())
    for field in ("semantic", "instance", "part"):
      found = getattr(same, field)
      np.testing.assert_array_equal(found, getattr(getattr(expected, method), field))
    assert same.semantic.shape == size and not other.instance.any()


def test_each_variant_is_scored_on_the_images_that_were_asked_for(comparison, tiny_run):
  examples = build.examples(tiny_run.config, "validation")
  scores = score_variants(TwoWays.of(comparison), examples, [1])
  assert list(scores) == ["as it is", "no instances"]
  assert set(scores["as it is"]) == {"joint", "top_down"}
  assert scores["as it is"]["joint"]["per_image"].keys() == {examples[1]["image_id"]}
  assert len(score_variants(TwoWays.of(comparison), examples)["as it is"]["joint"]["per_image"]) > 1


def test_what_has_no_variants_is_said(comparison):
  several = copy.copy(comparison)
  several.testing = build.MultiScale((1.0, 2.0), flip=False)
  with pytest.raises(ConfigError, match="no --scales, no --flip.* this one is scales 1, 2"):
    TwoWays.of(several)
  alone = copy.copy(comparison)
  alone.model = SimpleNamespace(heads=("part",))
  with pytest.raises(ConfigError, match="this network has only part"):
    TwoWays.of(alone)
