import numpy as np

from jppf_jax.street_scenes.canvas import Texture
from jppf_jax.street_scenes.shade import photo
from jppf_jax.street_scenes.street import draw_ground, draw_sky
from tests.scene_stage import CAMERA, NOON, stage, street


def shot(canvas, seed=0):
  return photo(canvas, NOON, np.random.default_rng(seed)).astype(np.float32)


def ground_only(shadow=None):
  canvas = stage()
  draw_sky(canvas, NOON)
  draw_ground(canvas, NOON, np.random.default_rng(0), street())
  if shadow is not None:
    canvas.add_shadow(shadow, 0.5)
  return canvas


def test_a_photo_shows_the_colours_that_were_drawn():
  canvas = stage()
  canvas.brush(23, texture=Texture.PLAIN).polygon(
    [0, 0, 256, 0, 256, 128, 0, 128], 1.0, (0.2, 0.2, 0.2)
  )
  canvas.brush(26, texture=Texture.METAL).polygon(
    [50, 30, 150, 30, 150, 90, 50, 90], 1.0, (0.9, 0.1, 0.1)
  )
  image = shot(canvas)
  assert image.shape == (128, 256, 3)
  red, outside = image[40:80, 60:140].mean((0, 1)), image[40:80, 170:250].mean((0, 1))
  assert red[0] > 3 * red[1:].max() and red[0] > 2 * outside[0] and np.ptp(outside) < 20


def test_shadows_darken_the_ground_only_where_they_fall():
  shadow = np.array([[-1.0, 0.0, 6.0], [1.0, 0.0, 6.0], [1.0, 0.0, 9.0], [-1.0, 0.0, 9.0]])
  bright, dark = shot(ground_only()), shot(ground_only(shadow))
  x, y = CAMERA.project(np.array([0.0, 0.0, 7.3]))[0].astype(int)
  assert (
    dark[y - 2 : y + 3, x - 10 : x + 10].mean()
    < 0.75 * bright[y - 2 : y + 3, x - 10 : x + 10].mean()
  )
  np.testing.assert_allclose(dark[:50], bright[:50])


def test_distance_turns_colours_into_haze():
  contrast = []
  for depth in (2.0, 400.0):
    canvas = stage()
    canvas.brush(11).polygon([0, 0, 128, 0, 128, 128, 0, 128], depth, (0.1, 0.1, 0.1))
    canvas.brush(11).polygon([128, 0, 256, 0, 256, 128, 128, 128], depth, (0.9, 0.2, 0.2))
    image = shot(canvas)
    contrast.append(np.abs(image[:, :120].mean((0, 1)) - image[:, 136:].mean((0, 1))).max())
  assert contrast[1] < 0.4 * contrast[0]


def test_surfaces_have_texture_and_the_same_noise_the_same_bytes():
  image = shot(ground_only())
  assert image[100:, 100:150].std() > 4 and image[:30].std() > 2
  np.testing.assert_array_equal(image, shot(ground_only()))
  assert (image != shot(ground_only(), seed=1)).any()
