import numpy as np
import pytest

from jppf_jax.street_scenes.buildings import building
from jppf_jax.street_scenes.classes import BUILDING, FENCE, WALL
from jppf_jax.street_scenes.facades import boxes
from jppf_jax.street_scenes.walls import fence, wall
from tests.scene_stage import ACROSS, NOON, labels, stage

RIGHT, LEFT = (4.0, 12.0, 8.0, 20.0), (-12.0, -4.0, 8.0, 20.0)
DRAW = {BUILDING: building, WALL: wall, FENCE: fence}


@pytest.mark.parametrize("sid", DRAW)
@pytest.mark.parametrize("block", [RIGHT, LEFT, ACROSS])
def test_a_facade_is_seen_on_its_side_of_the_street_and_has_one_label(sid, block):
  canvas = stage()
  DRAW[sid](canvas, NOON, np.random.default_rng(0), block)
  uids = labels(canvas)
  assert set(np.unique(uids).tolist()) == {0, sid}
  offset = np.nonzero(uids)[1].mean() - 128
  assert np.sign(offset) == np.sign(block[0] + block[1]) or abs(offset) < 3


@pytest.mark.parametrize("sid", DRAW)
def test_blocks_that_reach_behind_the_camera_are_cut_and_those_behind_it_not_seen(sid):
  canvas = stage()
  DRAW[sid](canvas, NOON, np.random.default_rng(0), (4.0, 12.0, -10.0, 12.0))
  assert (labels(canvas) == sid).any()
  canvas = stage()
  DRAW[sid](canvas, NOON, np.random.default_rng(0), (4.0, 12.0, -20.0, -5.0))
  assert not labels(canvas).any()


def test_edges_of_boxes_are_numbers_or_one_value_per_box():
  edges = boxes(np.array([1.0, 2.0]), 0.5, np.array([3.0, 4.0]), 6)
  np.testing.assert_array_equal(edges, [[1.0, 0.5, 3.0, 6.0], [2.0, 0.5, 4.0, 6.0]])
