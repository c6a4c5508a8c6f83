import numpy as np
import pytest

from jppf_jax.street_scenes import signals
from jppf_jax.street_scenes.classes import POLE, TRAFFIC_LIGHT, TRAFFIC_SIGN
from tests.scene_stage import AHEAD, NOON, labels, sids_seen, stage


def test_signals_have_the_labels_of_the_pole_and_of_what_it_carries():
  rng = np.random.default_rng(0)
  assert sids_seen(lambda c: signals.traffic_light(c, NOON, rng, AHEAD)) == {POLE, TRAFFIC_LIGHT}
  assert sids_seen(lambda c: signals.signpost(c, NOON, rng, AHEAD)) == {POLE, TRAFFIC_SIGN}
  for seed in range(12):
    rng = np.random.default_rng(seed)
    seen = sids_seen(lambda c, rng=rng: signals.traffic_sign(c, NOON, rng, AHEAD))
    assert seen == {POLE, TRAFFIC_SIGN}


def test_an_arm_carries_a_second_traffic_light_over_the_road():
  areas = []
  for reach in (None, -3.0):
    canvas = stage()
    signals.traffic_light(canvas, NOON, np.random.default_rng(0), 2.5 * AHEAD, over_road=reach)
    areas.append((labels(canvas) == TRAFFIC_LIGHT).sum())
  assert areas[1] > 1.5 * areas[0]


@pytest.mark.parametrize("draw", [signals.traffic_sign, signals.traffic_light, signals.signpost])
def test_nothing_is_seen_behind_the_camera(draw):
  rng = np.random.default_rng(0)
  assert not sids_seen(lambda c: draw(c, NOON, rng, -AHEAD))
