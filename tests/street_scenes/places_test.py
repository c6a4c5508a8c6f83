import math

import numpy as np
import pytest

from jppf_jax.street_scenes.classes import BUS, CAR, TRAIN
from jppf_jax.street_scenes.places import Places
from tests.scene_stage import CAMERA, street


def places(seed, **plan):
  return Places(CAMERA, np.random.default_rng(seed), street(**plan))


def test_half_of_the_distances_are_below_the_geometric_mean():
  sampled = [places(seed).near(5.0, 20.0) for seed in range(400)]
  assert min(sampled) >= 5.0 and max(sampled) <= 20.0
  assert np.median(sampled) == pytest.approx(10.0, rel=0.1)


def test_trams_are_never_parked_and_drive_in_the_middle_of_a_lane():
  for seed in range(40):
    (x, _, heading), parked = places(seed).vehicle(TRAIN, 14.0)
    assert not parked and (x, heading) in ((-3.2, math.pi), (0.0, 0.0))


@pytest.mark.parametrize("kind", [CAR, BUS])
def test_parked_vehicles_stand_on_the_parking_strip(kind):
  plan = street()
  middle = {side.sign * (side.curb - side.parking / 2) for side in (plan.left, plan.right)}
  sampled = [places(seed).vehicle(kind, 4.5) for seed in range(40)]
  assert {x for (x, _, _), parked in sampled if parked} == middle


def test_parked_two_wheelers_stand_on_a_sidewalk_and_riders_on_the_road():
  plan = street()
  for seed in range(40):
    x, _, _ = places(seed).parked_two_wheeler()
    side = plan.right if x > 0 else plan.left
    assert side.verge < abs(x) < side.sidewalk
    x, _, _ = places(seed).rider()
    assert -plan.left.curb <= x <= plan.right.curb
