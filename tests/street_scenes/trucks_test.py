import numpy as np

from jppf_jax.street_scenes.classes import WHEEL
from jppf_jax.street_scenes.trucks import LONG_TRUCK, truck


def test_long_trucks_have_a_second_rear_axle():
  axles = {}
  for seed in range(20):
    vehicle = truck(np.random.default_rng(seed))
    tyres = [tyre for tyre in vehicle.solid.below if tyre.part == WHEEL]
    axles.setdefault(vehicle.length > LONG_TRUCK, set()).add(len(tyres) // 2)
  assert axles == {True: {3}, False: {2}}
