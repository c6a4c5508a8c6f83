import numpy as np

from jppf_jax.street_scenes.classes import (
  BICYCLE,
  BUS,
  CAR,
  MOTORCYCLE,
  PERSON,
  RIDER,
  TRAIN,
  TRUCK,
)
from jppf_jax.street_scenes.items import far_to_near
from jppf_jax.street_scenes.traffic import Traffic
from tests.scene_stage import crew, labels, overlap


def fill(seed, **plan):
  canvas, light, rng, street, ground = crew(seed, **plan)
  return canvas, street, Traffic(canvas, light, rng, street, ground).fill()


def test_road_users_do_not_overlap():
  for seed in range(20):
    _, _, items = fill(seed, crossing=(12.0, 20.0), zebra=8.0)
    for index, item in enumerate(items):
      assert all(overlap(item.block, other.block) == 0 for other in items[:index])


def test_parked_rows_leave_the_crossing_free():
  for seed in range(10):
    _, street, items = fill(seed, crossing=(12.0, 20.0))
    strip = street.right.span(street.right.curb - street.right.parking, street.right.curb)
    along = [
      i.block
      for i in items
      if overlap(i.block, (*strip, 0.0, 50.0)) > 5 and i.block[1] - i.block[0] < 2.6
    ]
    assert all(block[3] <= 12.0 or block[2] >= 20.0 for block in along)


def test_all_classes_occur_and_crowds_have_no_instances():
  instances, crowds = {}, set()
  for seed in range(24):
    canvas, _, items = fill(seed, crossing=(12.0, 20.0) if seed % 2 else None)
    for item in far_to_near(items):
      item.draw()
    uids = np.unique(labels(canvas))
    scenes = {int(u // 100_000 if u > 99_999 else u // 1000) for u in uids if u > 999}
    for sid in scenes:
      instances[sid] = instances.get(sid, 0) + 1
    crowds |= {int(u) for u in uids if 0 < u < 100}
  assert instances.keys() >= {PERSON, RIDER, CAR, TRUCK, BUS, TRAIN, MOTORCYCLE, BICYCLE}
  assert min(instances[sid] for sid in (TRUCK, BUS, TRAIN)) >= 4, instances
  assert instances[PERSON] == 24 and instances[CAR] >= 22
  assert crowds == {PERSON, CAR, BICYCLE}
