import numpy as np
import pytest

from jppf_jax.street_scenes import buildings
from tests.scene_stage import NOON, labels, stage

RIGHT, LEFT, ACROSS = (4.0, 12.0, 8.0, 20.0), (-12.0, -4.0, 8.0, 20.0), (-8.0, 8.0, 30.0, 38.0)
DRAW = {11: buildings.building, 12: buildings.wall, 13: buildings.fence}


@pytest.mark.parametrize("sid", DRAW)
@pytest.mark.parametrize("block", [RIGHT, LEFT, ACROSS])
def test_what_lines_the_street_is_seen_on_its_side_and_has_one_label(sid, block):
  canvas = stage()
  DRAW[sid](canvas, NOON, np.random.default_rng(0), block)
  uids = labels(canvas)
  assert set(np.unique(uids).tolist()) == {0, sid}
  columns = np.nonzero(uids)[1]
  assert (
    np.sign(columns.mean() - 128).round() == np.sign(block[0] + block[1])
    or abs(columns.mean() - 128) < 3
  )


@pytest.mark.parametrize("sid", DRAW)
def test_blocks_that_reach_behind_the_camera_are_cut_and_those_behind_it_not_seen(sid):
  canvas = stage()
  DRAW[sid](canvas, NOON, np.random.default_rng(0), (4.0, 12.0, -10.0, 12.0))
  assert (labels(canvas) == sid).any()
  canvas = stage()
  DRAW[sid](canvas, NOON, np.random.default_rng(0), (4.0, 12.0, -20.0, -5.0))
  assert not labels(canvas).any()


def test_a_house_is_higher_than_a_wall_and_has_windows():
  heights, shades = {}, {}
  for sid in (11, 12):
    canvas = stage()
    DRAW[sid](canvas, NOON, np.random.default_rng(1), ACROSS)
    heights[sid] = np.ptp(np.nonzero(labels(canvas))[0])
    shades[sid] = len(np.unique(canvas.tables()[0].round(3), axis=0))
  assert heights[11] > 2 * heights[12] and shades[11] > shades[12]


def test_one_looks_through_a_fence_but_the_label_fills_it():
  for seed in range(6):
    canvas = stage()
    buildings.fence(canvas, NOON, np.random.default_rng(seed), (-3.0, 3.0, 8.0, 8.2))
    paint, label = canvas.marks()
    assert 0.05 < (paint[label > 0] == 0).mean() < 0.95
    rows, columns = np.nonzero(labels(canvas))
    filled = labels(canvas)[rows.min() + 4 : rows.max() - 3, columns.min() + 4 : columns.max() - 3]
    assert (filled == 13).all()
