import numpy as np

from jppf_jax.street_scenes.classes import FENCE
from jppf_jax.street_scenes.walls import fence
from tests.scene_stage import NOON, labels, stage


def test_the_label_of_a_fence_also_covers_its_gaps():
  for seed in range(6):
    canvas = stage()
    fence(canvas, NOON, np.random.default_rng(seed), (-3.0, 3.0, 8.0, 8.2))
    paint, label = canvas.marks()
    assert 0.05 < (paint[label > 0] == 0).mean() < 0.95
    rows, columns = np.nonzero(labels(canvas))
    filled = labels(canvas)[rows.min() + 4 : rows.max() - 3, columns.min() + 4 : columns.max() - 3]
    assert (filled == FENCE).all()
