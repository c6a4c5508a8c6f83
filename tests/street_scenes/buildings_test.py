import numpy as np

from jppf_jax.street_scenes.buildings import building
from jppf_jax.street_scenes.classes import BUILDING, WALL
from jppf_jax.street_scenes.walls import wall
from tests.scene_stage import ACROSS, NOON, labels, stage


def test_a_house_is_higher_than_a_wall_and_has_windows():
  heights, shades = {}, {}
  for sid, draw in ((BUILDING, building), (WALL, wall)):
    canvas = stage()
    draw(canvas, NOON, np.random.default_rng(1), ACROSS)
    heights[sid] = np.ptp(np.nonzero(labels(canvas))[0])
    shades[sid] = len(np.unique(canvas.tables()[0].round(3), axis=0))
  assert heights[BUILDING] > 2 * heights[WALL] and shades[BUILDING] > shades[WALL]
