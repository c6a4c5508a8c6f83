import math

import numpy as np
import pytest

from jppf_jax.street_scenes import trams
from jppf_jax.street_scenes.classes import CARAVAN, TRAIN
from jppf_jax.street_scenes.solids import draw_solid
from tests.scene_stage import CAMERA, NOON, labels, stage


@pytest.mark.parametrize(
  "sid, make, longest", [(TRAIN, trams.tram, 24), (CARAVAN, trams.caravan, 6.5)]
)
@pytest.mark.parametrize("heading", [0.0, math.pi / 2, math.pi])
def test_trams_and_caravans_are_instances_without_parts(sid, make, longest, heading):
  vehicle = make(np.random.default_rng(1))
  assert vehicle.length < longest
  canvas = stage()
  draw_solid(
    canvas.brush(sid, instance=True),
    CAMERA,
    NOON,
    vehicle.solid,
    np.array([0.0, 0.0, 20.0]),
    heading,
  )
  assert set(np.unique(labels(canvas)).tolist()) == {0, sid * 1000}
  assert all(part == 0 for panel in vehicle.solid.panels for _, _, part, _ in panel.marks)
