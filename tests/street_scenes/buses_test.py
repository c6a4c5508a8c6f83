import numpy as np

from jppf_jax.street_scenes.buses import bus
from jppf_jax.street_scenes.classes import WINDOW


def lowest_window(panel):
  return min(mark.points[:, 2].min() for mark in panel.marks if mark.part == WINDOW)


def test_doors_with_glass_near_the_ground_are_on_the_right_only():
  for seed in range(5):
    _, _, left, right, _ = bus(np.random.default_rng(seed)).solid.panels
    assert left.normal == (0, 1, 0) and right.normal == (0, -1, 0)
    assert lowest_window(right) < 0.5 < lowest_window(left)
