import numpy as np
import pytest
from PIL import Image

from jppf_jax.input_pipeline.color import jitter


def photo(seed=0):
  return np.random.default_rng(seed).integers(0, 256, (24, 30, 3), np.uint8)


def jittered(image, strength=0.4, seed=1):
  return jitter(np.random.default_rng(seed), image, strength)


def test_strength_0_changes_nothing_and_the_generator_decides_the_rest():
  image = photo()
  np.testing.assert_array_equal(jittered(image, 0.0), image)
  np.testing.assert_array_equal(jittered(image), jittered(image))
  assert (jittered(image) != jittered(image, seed=2)).any()
  assert jittered(image).shape == image.shape and jittered(image).dtype == np.uint8


def test_photos_become_brighter_and_darker():
  gray = np.full((2, 2, 3), 100, np.uint8)
  levels = np.array([jittered(gray, seed=seed).mean() for seed in range(60)])
  assert 60 <= levels.min() < 70 and 130 < levels.max() <= 140
  assert 92 < levels.mean() < 108


class Drawn(np.random.Generator):
  """Draws given factors: brightness, contrast, saturation, and the share of the hue's angle."""

  def __init__(self, *factors, hue=0.0):
    super().__init__(np.random.PCG64(0))
    self.factors, self.hue = factors, hue

  def uniform(self, low, high, size=None):
    return self.hue if size is None else np.array(self.factors)


def gray_of(image):
  """Luma, as ITU-R 601 and Pillow define it."""
  return image.astype(float) @ [0.299, 0.587, 0.114]


def test_brightness_contrast_and_saturation_are_factors():
  image = photo() // 2 + 30
  brighter = jitter(Drawn(1.3, 1, 1), image, 0.4)
  np.testing.assert_allclose(brighter, image * 1.3, atol=1)
  mean = round(gray_of(image).mean())
  flatter = jitter(Drawn(1, 0.7, 1), image, 0.4)
  np.testing.assert_allclose(flatter, mean + 0.7 * (image.astype(float) - mean), atol=1.5)
  paler = jitter(Drawn(1, 1, 0.7), image, 0.4)
  gray = gray_of(image)[..., None]
  np.testing.assert_allclose(paler, gray + 0.7 * (image - gray), atol=1.5)


@pytest.mark.parametrize("hue", [1.0, -1.0])
def test_hues_turn_by_a_tenth_of_the_strength(hue):
  red = np.full((4, 4, 3), [200, 20, 20], np.uint8)
  turned = jitter(Drawn(1, 1, 1, hue=hue), red, 0.5)
  angle = np.asarray(Image.fromarray(turned).convert("HSV"))[0, 0, 0] / 256
  assert angle == pytest.approx((0.05 * hue) % 1, abs=0.01)
