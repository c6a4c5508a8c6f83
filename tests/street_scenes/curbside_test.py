from jppf_jax.street_scenes.curbside import Curbside
from jppf_jax.street_scenes.items import far_to_near
from tests.scene_stage import crew, labels, overlap

SIDS = (17, 19, 20)


def furnish(seed, **plan):
  canvas, light, rng, street, ground = crew(seed, **plan)
  return canvas, street, Curbside(canvas, light, rng, street, ground).furnish()


def test_everything_stands_between_the_road_and_the_houses_in_nobodys_way():
  for seed in range(12):
    _, street, items = furnish(seed, crossing=(12.0, 20.0), zebra=8.0)
    for index, item in enumerate(items):
      middle = (item.block[0] + item.block[1]) / 2
      side = street.right if middle > 0 else street.left
      assert side.curb < abs(middle) < side.sidewalk
      assert not 12.0 < (item.block[2] + item.block[3]) / 2 < 20.0
      assert all(overlap(item.block, other.block) == 0 for other in items[:index])


def test_crossings_have_traffic_lights_and_signs_and_poles_are_common():
  counts = dict.fromkeys(SIDS, 0)
  for seed in range(16):
    canvas, _, items = furnish(seed, crossing=(12.0, 20.0))
    for item in far_to_near(items):
      item.draw()
    for sid in SIDS:
      counts[sid] += bool((labels(canvas) == sid).any())
  assert counts[17] >= 14 and counts[19] >= 10 and counts[20] >= 7, counts
