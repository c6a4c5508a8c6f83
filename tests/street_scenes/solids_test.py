import math

import numpy as np

from jppf_jax.street_scenes.classes import CHASSIS, WHEEL, WINDOW
from jppf_jax.street_scenes.solids import Solid, draw_solid
from tests.scene_stage import CAMERA, NOON, labels, stage

PAINTS = ((1.0, 0, 0), (0, 1.0, 0), (0, 0, 1.0), (1.0, 1.0, 0))


def drawn(heading, x=0.0):
  """Parts seen of a box whose front, rear, left and right carry part 1, 2, 3 and 4."""
  solid = Solid()
  for part, panel in enumerate(solid.block(-1, 1, 0.2, 1.4, 1.6, (0.5, 0.5, 0.5)), 1):
    panel.marks = [mark._replace(part=part) for mark in panel.marks]
  canvas = stage()
  draw_solid(canvas.brush(26, instance=True), CAMERA, NOON, solid, np.array([x, 0.0, 8.0]), heading)
  uids = labels(canvas)
  return {part for part in range(1, 5) if (uids == 2_600_000 + part).any()}


def test_one_sees_the_sides_that_face_the_camera():
  assert drawn(0.0) == {2}  # drives away: the rear
  assert drawn(math.pi) == {1}
  assert drawn(math.pi / 2) == {4} and drawn(-math.pi / 2) == {3}
  assert drawn(0.6) == {2, 4} and drawn(0.0, x=4.0) == {2, 3}


def test_a_block_is_as_large_as_its_measures():
  solid = Solid()
  solid.block(-1, 1, 0.0, 1.5, 1.6, (0.5, 0.5, 0.5))
  canvas = stage()
  draw_solid(canvas.brush(26, instance=True), CAMERA, NOON, solid, np.array([0.0, 0.0, 11.0]), 0.0)
  rows, columns = np.nonzero(labels(canvas))  # the rear at 10 m: 25 pixels per metre
  assert abs(np.ptp(columns) + 1 - 40) <= 1 and abs(np.ptp(rows) + 1 - 37.5) <= 1.5


def test_wheels_stand_on_the_ground_on_both_sides():
  for heading in (math.pi / 2, -math.pi / 2, 0.0):
    solid = Solid()
    sides = solid.block(-2, 2, 0.4, 1.4, 1.6, (0.5, 0.5, 0.5))[2:]
    sides[0].box(0.0, 0.8, 1.0, 1.2, (0.1, 0.1, 0.1), WINDOW)
    solid.wheels((-1.2, 1.2), 0.35, 1.6, sides, (0.7, 0.7, 0.7))
    canvas = stage()
    draw_solid(
      canvas.brush(26, instance=True), CAMERA, NOON, solid, np.array([0.0, 0.0, 8.0]), heading
    )
    uids = labels(canvas)
    wheel, chassis = uids == 2_600_000 + WHEEL, uids == 2_600_000 + CHASSIS
    assert np.nonzero(wheel)[0].max() > np.nonzero(chassis)[0].max()
    columns = wheel.any(0).astype(int)
    assert (np.diff(columns) == 1).sum() == 2  # two groups of wheel columns


def test_nothing_is_drawn_of_what_stands_behind_the_camera():
  solid = Solid()
  solid.block(-2, 2, 0.4, 1.4, 1.6, (0.5, 0.5, 0.5))
  canvas = stage()
  draw_solid(canvas.brush(26, instance=True), CAMERA, NOON, solid, np.array([0.0, 0.0, -8.0]), 0.0)
  assert not labels(canvas).any()
