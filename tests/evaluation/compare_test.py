import jax
import numpy as np
import pytest

from jppf_jax import build
from jppf_jax.evaluation.compare import load_comparison
from jppf_jax.evaluation.predict import load_predictor


@pytest.mark.parametrize("size", [(300, 100)])
def test_joint_fusion_answers_as_the_predictor_and_all_maps_have_the_size_of_the_image(
  tiny_run, size
):
  weights = tiny_run.workdir / build.RUN_WEIGHTS
  image = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
  comparison = load_comparison(tiny_run.config, weights)
  found = comparison(image)
  alone = load_predictor(tiny_run.config, weights)(image)
  for field in ("semantic", "instance", "part"):
    np.testing.assert_array_equal(getattr(found.joint, field), getattr(alone, field))
    assert getattr(found.top_down, field).shape == size
  assert found.semantic.shape == found.part.shape == size
  others = jax.tree.map(lambda x: -x, comparison.variables)
  of_others = comparison.with_variables(others)(image)
  assert (of_others.semantic != found.semantic).any()
  assert comparison._compiled._cache_size() == 1
  np.testing.assert_array_equal(comparison(image).semantic, found.semantic)
