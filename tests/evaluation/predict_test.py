import numpy as np
import pytest

from jppf_jax import build
from jppf_jax.evaluation.predict import fit, load_predictor
from jppf_jax.structs import IGNORE


@pytest.fixture(scope="module")
def predictor(tiny_run):
  return load_predictor(tiny_run.config, tiny_run.workdir / build.RUN_WEIGHTS)


@pytest.mark.parametrize("size", [(1, 1), (64, 128), (37, 91), (300, 100), (128, 64)])
def test_any_size_comes_back_at_its_own_size(predictor, size):
  image = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
  prediction = predictor(image)
  for answer in (prediction.joint, prediction.top_down):
    assert answer.semantic.shape == answer.instance.shape == answer.part.shape == size
    known = answer.semantic[answer.semantic != IGNORE]
    assert known.min(initial=0) >= 0
    assert known.max(initial=0) < predictor.spec.num_classes
  assert prediction.semantic.shape == prediction.part.shape == size


def test_landscape_and_portrait_compile_once_each(predictor):
  for size in ((64, 128), (30, 50), (128, 64), (50, 30)):
    predictor(np.zeros((*size, 3), np.uint8))
  assert predictor._program._cache_size() == 2


def test_fitting_keeps_the_aspect_and_pads():
  canvas, covered = fit(np.full((50, 200, 3), 7, np.uint8), (64, 128), (1, 2, 3))
  assert canvas.shape == (64, 128, 3)
  assert covered == (32, 128)
  assert (canvas[:32] == 7).all()
  assert (canvas[32:] == (1, 2, 3)).all()


def test_an_image_of_the_working_size_is_untouched():
  image = np.random.default_rng(0).integers(0, 256, (64, 128, 3), np.uint8)
  canvas, covered = fit(image, (64, 128), (0, 0, 0))
  assert covered == (64, 128)
  np.testing.assert_array_equal(canvas, image)
