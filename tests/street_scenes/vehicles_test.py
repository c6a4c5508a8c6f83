import math

import numpy as np
import pytest

from jppf_jax.street_scenes.buses import bus
from jppf_jax.street_scenes.cars import car
from jppf_jax.street_scenes.classes import BUS, CAR, CHASSIS, LAMP, PLATE, TRUCK, WHEEL, WINDOW
from jppf_jax.street_scenes.solids import draw_solid
from jppf_jax.street_scenes.trucks import truck
from tests.scene_stage import CAMERA, NOON, labels, parts_seen, stage

ALL = {WINDOW, WHEEL, LAMP, PLATE, CHASSIS}
KINDS = {CAR: car, TRUCK: truck, BUS: bus}


def drawn(sid, seed, heading, z=20.0):
  vehicle = KINDS[sid](np.random.default_rng(seed))
  canvas = stage()
  draw_solid(
    canvas.brush(sid, instance=True), CAMERA, NOON, vehicle.solid, np.array([0.0, 0.0, z]), heading
  )
  return canvas, vehicle


@pytest.mark.parametrize("sid", KINDS)
@pytest.mark.parametrize("seed", range(4))
def test_the_front_shows_all_parts_the_side_all_but_the_plate(sid, seed):
  assert parts_seen(drawn(sid, seed, math.pi)[0], sid) == ALL
  assert parts_seen(drawn(sid, seed, math.pi / 2)[0], sid) >= {WINDOW, WHEEL, CHASSIS}
  assert PLATE not in parts_seen(drawn(sid, seed, math.pi / 2)[0], sid)
  rear = parts_seen(drawn(sid, seed, 0.0)[0], sid)
  assert rear >= (ALL if sid != TRUCK else ALL - {WINDOW})  # a truck has no rear window


@pytest.mark.parametrize("sid", KINDS)
def test_windows_lie_above_the_wheels_and_the_chassis_is_the_largest_part(sid):
  for seed in range(6):
    uids = labels(drawn(sid, seed, math.pi / 2)[0])
    rows = {part: np.nonzero(uids == sid * 100_000 + part)[0] for part in (WINDOW, WHEEL, CHASSIS)}
    assert np.median(rows[WINDOW]) < np.median(rows[WHEEL])
    assert len(rows[CHASSIS]) > len(rows[WHEEL])


@pytest.mark.parametrize("sid", KINDS)
def test_the_measures_bound_what_is_drawn(sid):
  for seed in range(6):
    canvas, vehicle = drawn(sid, seed, math.pi / 2, z=30.0)
    rows, columns = np.nonzero(labels(canvas))
    unit = CAMERA.focal / (30.0 - vehicle.width / 2)
    assert abs(np.ptp(columns) + 1 - vehicle.length * unit) < 3
    assert abs(np.ptp(rows) + 1 - vehicle.height * unit) < 3
