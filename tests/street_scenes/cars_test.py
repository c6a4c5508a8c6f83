import numpy as np

from jppf_jax.street_scenes.cars import car


def test_cars_come_in_several_silhouettes_and_many_colours():
  rng = np.random.default_rng(0)
  cars = [car(rng) for _ in range(60)]
  assert len({round(c.height, 2) for c in cars}) == 5
  paints = np.array([c.solid.panels[0].marks[0][1] for c in cars])
  assert (paints.std(0) > 0.15).all()
