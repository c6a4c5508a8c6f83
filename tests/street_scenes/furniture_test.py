import numpy as np
import pytest

from jppf_jax.street_scenes import furniture
from tests.scene_stage import NOON, labels, stage

AHEAD = np.array([0.0, 0.0, 10.0])


def seen(draw):
  canvas = stage()
  draw(canvas)
  return set(np.unique(labels(canvas)).tolist()) - {0}


def test_things_on_poles_have_the_labels_of_both():
  rng = np.random.default_rng(0)
  assert seen(lambda c: furniture.lamp_post(c, NOON, rng, AHEAD, -1.0)) == {17}
  assert seen(lambda c: furniture.bollard(c, NOON, AHEAD, (0.5, 0.5, 0.5))) == {17}
  assert seen(lambda c: furniture.traffic_light(c, NOON, rng, AHEAD)) == {17, 19}
  assert seen(lambda c: furniture.signpost(c, NOON, rng, AHEAD)) == {17, 20}
  for seed in range(12):
    assert seen(
      lambda c, s=seed: furniture.traffic_sign(c, NOON, np.random.default_rng(s), AHEAD)
    ) == {17, 20}


def test_an_arm_carries_a_second_traffic_light_over_the_road():
  areas = []
  for reach in (None, -3.0):
    canvas = stage()
    furniture.traffic_light(canvas, NOON, np.random.default_rng(0), 2.5 * AHEAD, over_road=reach)
    areas.append((labels(canvas) == 19).sum())
  assert areas[1] > 1.5 * areas[0]


def test_clutter_and_the_bonnet_are_void():
  assert {next(iter(seen(lambda c, s=seed: furniture.clutter(c, NOON, np.random.default_rng(s), AHEAD))))
          for seed in range(20)} == {4, 5}  # fmt: skip
  assert seen(lambda c: furniture.bonnet(c, np.random.default_rng(0))) == {1}


@pytest.mark.parametrize(
  "draw", [furniture.traffic_sign, furniture.traffic_light, furniture.signpost, furniture.clutter]
)
def test_nothing_is_seen_behind_the_camera(draw):
  assert not seen(lambda c: draw(c, NOON, np.random.default_rng(0), -AHEAD))
