import math

import numpy as np
import pytest

from jppf_jax.street_scenes import cycles
from jppf_jax.street_scenes.classes import ARM, BICYCLE, HEAD, LEG, MOTORCYCLE, RIDER, ROAD, TORSO
from tests.scene_stage import CAMERA, NOON, labels, stage

AHEAD = np.array([0.0, 0.0, 8.0])  # 31 pixels per metre


@pytest.mark.parametrize("draw, sid", [(cycles.bicycle, BICYCLE), (cycles.motorcycle, MOTORCYCLE)])
@pytest.mark.parametrize("heading", [0.0, math.pi / 2, math.pi, 0.7])
def test_a_two_wheeler_is_one_instance_without_parts_on_the_ground(draw, sid, heading):
  for seed in range(4):
    canvas = stage()
    draw(
      canvas.brush(sid, instance=True), CAMERA, NOON, np.random.default_rng(seed), AHEAD, heading
    )
    uids = labels(canvas)
    assert set(np.unique(uids).tolist()) == {0, sid * 1000}
    rows, columns = np.nonzero(uids)
    assert rows.max() + 1 == pytest.approx(110, abs=6)
    assert (np.ptp(columns) > 47) == (heading == math.pi / 2)


def test_one_looks_through_the_wheels_of_a_bicycle_but_the_label_fills_them():
  canvas = stage()
  canvas.brush(ROAD).polygon([0, 0, 256, 0, 256, 128, 0, 128], 9.0, (1.0, 1.0, 1.0))
  cycles.bicycle(
    canvas.brush(BICYCLE, instance=True), CAMERA, NOON, np.random.default_rng(0), AHEAD, math.pi / 2
  )
  paint, label = canvas.marks()
  road = paint[0, 0]
  assert (label == paint).mean() < 1 and (paint[label != paint] == road).all()
  assert (paint[labels(canvas).repeat(3, 0).repeat(3, 1) == BICYCLE * 1000] == road).mean() > 0.3


@pytest.mark.parametrize("motor", [False, True])
@pytest.mark.parametrize("heading", [0.0, math.pi / 2, -math.pi / 2, math.pi])
def test_a_rider_and_the_two_wheeler_are_two_instances_the_rider_above(motor, heading):
  canvas = stage()
  vehicle, rider = (
    canvas.brush(MOTORCYCLE if motor else BICYCLE, instance=True),
    canvas.brush(RIDER, instance=True),
  )
  cycles.ridden(vehicle, rider, CAMERA, NOON, np.random.default_rng(3), AHEAD, heading, motor=motor)
  uids = labels(canvas)
  on, below = uids // 100_000 == RIDER, uids == 1000 * (MOTORCYCLE if motor else BICYCLE)
  assert on.sum() > 150 and below.sum() > 50
  assert np.nonzero(on)[0].mean() < np.nonzero(below)[0].mean()
  assert {RIDER * 100_000 + part for part in (TORSO, HEAD, ARM, LEG)} <= set(
    np.unique(uids).tolist()
  )
