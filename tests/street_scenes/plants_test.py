import numpy as np

from jppf_jax.street_scenes import plants
from tests.scene_stage import CAMERA, NOON, labels, stage


def tree(seed, z):
  canvas = stage()
  plants.tree(canvas, NOON, np.random.default_rng(seed), np.array([0.0, 0.0, z]))
  return canvas


def test_a_tree_is_vegetation_with_a_crown_wider_than_its_trunk():
  for seed in range(8):
    uids = labels(tree(seed, 25.0))
    assert set(np.unique(uids).tolist()) == {0, 21}
    rows = np.flatnonzero(uids.any(1))
    widths = (uids == 21).sum(1)
    assert rows.max() + 1 == np.clip(
      rows.max() + 1, 74, 78
    )  # stands on the ground, 10 pixels per metre
    assert widths.max() > 2.5 * widths[rows.max() - 2]


def test_far_trees_have_fewer_tufts():
  near, far = (len(tree(0, z).tables()[0]) for z in (12.0, 60.0))
  assert far < 0.6 * near


def test_a_hedge_fills_its_block_up_to_its_height():
  canvas = stage()
  plants.hedge(canvas, NOON, np.random.default_rng(0), (-3.0, 3.0, 10.0, 12.0), 1.5)
  uids = labels(canvas)
  xy, _ = CAMERA.project(np.array([[-3.0, 0.0, 10.0], [3.0, 1.5, 10.0]]))
  (left, bottom), (right, top) = xy.round().astype(int)
  assert (uids[top + 12 : bottom - 6, left + 8 : right - 8] == 21).mean() > 0.9
  assert (uids[: top - 14] == 0).all()


def test_plants_behind_the_camera_are_not_seen():
  assert not labels(tree(0, -10.0)).any()
