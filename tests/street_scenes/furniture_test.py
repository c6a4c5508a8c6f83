import numpy as np

from jppf_jax.street_scenes import furniture
from jppf_jax.street_scenes.classes import DYNAMIC, EGO_VEHICLE, POLE, STATIC
from tests.scene_stage import AHEAD, NOON, sids_seen


def test_lamps_and_bollards_are_poles():
  rng = np.random.default_rng(0)
  assert sids_seen(lambda c: furniture.lamp_post(c, NOON, rng, AHEAD, -1.0)) == {POLE}
  assert sids_seen(lambda c: furniture.bollard(c, NOON, AHEAD, (0.5, 0.5, 0.5))) == {POLE}


def test_clutter_and_the_bonnet_are_void():
  seen = set()
  for seed in range(20):
    rng = np.random.default_rng(seed)
    seen |= sids_seen(lambda c, rng=rng: furniture.clutter(c, NOON, rng, AHEAD))
  assert seen == {STATIC, DYNAMIC}
  assert sids_seen(lambda c: furniture.bonnet(c, np.random.default_rng(0))) == {EGO_VEHICLE}


def test_nothing_is_seen_behind_the_camera():
  rng = np.random.default_rng(0)
  assert not sids_seen(lambda c: furniture.clutter(c, NOON, rng, -AHEAD))
