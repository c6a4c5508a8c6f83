import numpy as np

from jppf_jax.street_scenes.frontage import Frontage
from tests.scene_stage import crew, labels, overlap


def line(seed, **plan):
  canvas, light, rng, street, ground = crew(seed, **plan)
  return canvas, street, Frontage(canvas, light, rng, street, ground).line()


def test_nothing_stands_on_the_road_the_sidewalks_or_the_crossing():
  for seed in range(12):
    _, street, items = line(seed, crossing=(12.0, 20.0))
    for item in items:
      road = (-street.left.sidewalk, street.right.sidewalk, 0.0, street.end - 31.0)
      assert overlap(item.block, road) == 0
      assert overlap(item.block, (-90.0, 90.0, *street.crossing)) == 0


def test_a_street_that_ends_is_closed_by_houses_or_hedges():
  _, street, items = line(0, end=45.0)
  closing = [item.block for item in items if item.block[2] > street.end]
  assert min(b[0] for b in closing) < -20 and max(b[1] for b in closing) > 20


def test_all_kinds_are_seen_in_most_streets():
  counts = dict.fromkeys((11, 12, 13, 21), 0)
  for seed in range(10):
    canvas, _, items = line(seed)
    for item in sorted(items, key=lambda item: -item.block[2]):
      item.draw()
    uids = labels(canvas)
    for sid in counts:
      counts[sid] += bool((uids == sid).mean() > 5e-4)
  assert min(counts.values()) >= 6, counts
  assert np.isin([11, 21], [sid for sid, n in counts.items() if n >= 9]).all()
