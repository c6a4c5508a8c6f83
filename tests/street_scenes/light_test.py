import numpy as np
import pytest

from jppf_jax.street_scenes import light
from tests.scene_stage import NOON


def test_surfaces_that_face_the_sun_are_the_brightest():
  up, down, side = (np.array(v, np.float64) for v in ((0, 1, 0), (0, -1, 0), (1, 0, 0)))
  assert NOON.falling_on(up) > NOON.falling_on(side) > NOON.falling_on(down) > 0
  assert NOON.on((0.5, 0.5, 0.5), side) == pytest.approx((0.35, 0.35, 0.35))


def test_tinting_stays_within_the_colours():
  assert light.tint((0.9, 0.5, 0.0), 2.0) == (1.0, 1.0, 0.0)
  assert light.blend((0.0, 0.2, 1.0), (1.0, 0.4, 0.0), 0.5) == pytest.approx((0.5, 0.3, 0.5))


@pytest.mark.parametrize("colour", [light.car_paint, light.cloth, light.skin, light.plaster])
def test_sampled_colours_are_colours_and_vary(colour):
  rng = np.random.default_rng(0)
  samples = np.array([colour(rng) for _ in range(200)])
  assert samples.min() >= 0 and samples.max() <= 1 and (samples.std(0) > 0.05).all()


def test_the_sun_shines_from_above_and_only_without_clouds_casts_shadows():
  rng = np.random.default_rng(0)
  samples = [light.sample_light(rng) for _ in range(50)]
  assert all(
    np.linalg.norm(s.direction) == pytest.approx(1) and s.direction[1] > 0.4 for s in samples
  )
  assert {s.shadow > 0 for s in samples} == {True, False}
