import numpy as np

from jppf_jax.street_scenes.street import draw_ground, draw_sky, sample_street
from tests.scene_stage import CAMERA, NOON, labels, stage, street


def test_road_sidewalk_and_grass_follow_each_other_on_both_sides():
  for seed in range(100):
    plan = sample_street(np.random.default_rng(seed))
    for side in (plan.left, plan.right):
      assert 0 <= side.parking < side.curb <= side.verge < side.sidewalk <= side.front
      assert side.span(1.0, 2.0) == ((1.0, 2.0) if side.sign > 0 else (-2.0, -1.0))
    assert max(plan.ahead) < plan.right.curb and -min(plan.oncoming) < plan.left.curb
    assert plan.crossing is None or plan.crossing[1] < plan.end


def drawn(**plan):
  canvas = stage()
  draw_sky(canvas, NOON)
  draw_ground(canvas, NOON, np.random.default_rng(0), street(**plan))
  return labels(canvas)


def test_sky_above_the_horizon_and_the_surfaces_below_where_the_plan_says():
  uids = drawn()
  assert (uids[:59] == 23).all() and set(np.unique(uids[61:]).tolist()) == {7, 8, 22}
  plan = street()
  for x, sid in (
    (0.0, 7),
    (plan.right.curb - 0.3, 7),
    (plan.right.sidewalk - 0.3, 8),
    (plan.right.front, 22),
  ):
    column, row = CAMERA.project(np.array([x, 0.0, 25.0]))[0].astype(int)
    assert uids[row, column] == sid


def test_a_crossing_street_cuts_the_sidewalks():
  column, row = CAMERA.project(np.array([7.0, 0.0, 21.0]))[0].astype(int)
  assert drawn()[row, column] == 8 and drawn(crossing=(18.0, 25.0))[row, column] == 7


def test_markings_are_road():
  assert (drawn(zebra=10.0) == drawn()).all()
