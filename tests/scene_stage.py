"""An empty stage for drawing one thing of a generated scene: a camera that looks along the street,
plain daylight.
"""

import numpy as np

from jppf_jax.street_scenes.annotate import annotate
from jppf_jax.street_scenes.camera import Camera
from jppf_jax.street_scenes.canvas import Canvas
from jppf_jax.street_scenes.items import Ground
from jppf_jax.street_scenes.light import Light
from jppf_jax.street_scenes.street import Side, Street

CAMERA = Camera((128, 256), 250.0, 1.6, 60.0, 0.0)
NOON = Light(
  np.array([0.0, 1.0, 0.0]), 0.7, 0.3, 0.4, (0.4, 0.6, 0.9), (0.8, 0.85, 0.9), 200.0, 0.3
)
ACROSS = (-8.0, 8.0, 30.0, 38.0)  # a block across the end of the street
AHEAD = np.array([0.0, 0.0, 10.0])  # a point on the ground


def stage():
  return Canvas(CAMERA)


def labels(canvas):
  """Uids of everything drawn, however small."""
  return annotate(canvas, smallest=1, no_parts_below=1, rim=0)


def parts_seen(canvas, sid):
  """Part ids on the instances of a class."""
  uids = labels(canvas)
  return set((uids[uids // 100_000 == sid] % 100).tolist()) - {0}


def sids_seen(draw):
  """Scene ids of what `draw(canvas)` leaves on an empty stage, which has no instances."""
  canvas = stage()
  draw(canvas)
  return set(np.unique(labels(canvas)).tolist()) - {0}


def street(*, crossing=None, zebra=None, end=160.0, parking=2.2):
  left, right = (
    Side(-1, 5.0 + parking, parking, 8.0, 11.0, 13.0),
    Side(1, 1.6 + parking, parking, 5.0, 8.0, 9.0),
  )
  return Street(left, right, 3.2, (0.0,), (-3.2,), crossing, zebra, end, False)


def crew(seed, **plan):
  """What the collectors of items are made from."""
  canvas = stage()
  return canvas, NOON, np.random.default_rng(seed), street(**plan), Ground(CAMERA)


def overlap(first, second):
  """Area in square metres that two blocks share."""
  width = min(first[1], second[1]) - max(first[0], second[0])
  depth = min(first[3], second[3]) - max(first[2], second[2])
  return max(width, 0.0) * max(depth, 0.0)
