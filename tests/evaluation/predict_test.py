import numpy as np
import pytest

from jppf_jax import build
from jppf_jax.evaluation.predict import load_predictor
from jppf_jax.structs import IGNORE


@pytest.fixture(scope="module")
def predictor(tiny_run):
  return load_predictor(tiny_run.config, tiny_run.workdir / build.RUN_WEIGHTS)


@pytest.mark.parametrize("size", [(1, 1), (64, 128), (37, 91), (128, 64)])
def test_any_size_comes_back_at_its_own_size(predictor, size):
  answer = predictor(np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8))
  assert answer.semantic.shape == answer.instance.shape == answer.part.shape == size
  known = answer.semantic[answer.semantic != IGNORE]
  assert known.min(initial=0) >= 0
  assert known.max(initial=0) < predictor.spec.num_classes
