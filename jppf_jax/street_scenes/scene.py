"""Generated street scenes with exact labels of classes, instances and parts (Cityscapes Panoptic
Parts ids).
"""

import math

import numpy as np
from jaxtyping import Int, UInt8

from jppf_jax.street_scenes import furniture, shade
from jppf_jax.street_scenes.annotate import annotate
from jppf_jax.street_scenes.camera import Camera
from jppf_jax.street_scenes.canvas import Canvas
from jppf_jax.street_scenes.curbside import Curbside
from jppf_jax.street_scenes.frontage import Frontage
from jppf_jax.street_scenes.items import Ground, cast_shadow, far_to_near
from jppf_jax.street_scenes.light import sample_light
from jppf_jax.street_scenes.street import draw_ground, draw_sky, sample_street
from jppf_jax.street_scenes.traffic import Traffic

SMALLEST_SIDE = 64


def make_scene(
  seed: int | np.random.Generator, *, size: tuple[int, int] = (256, 512)
) -> tuple[UInt8[np.ndarray, "H W 3"], Int[np.ndarray, "H W"]]:
  """A street scene: photo and universal ids (`SS`, `SS_III` or `SS_III_PP` per pixel, as in CPP
  label files).

  All 19 classes occur, things also as crowds (without instance), and void. The same seed and size
  give the same bytes.

  Args:
    seed: an integer, or a generator, which is then advanced by one draw.
    size: height and width, each at least 64; made for about 1:2.

  Raises:
    ValueError: a side is below 64 pixels.
  """
  if min(size) < SMALLEST_SIDE:
    raise ValueError(
      f"A scene needs at least {SMALLEST_SIDE} pixels per side to show anything; got size {size}."
    )
  if isinstance(seed, np.random.Generator):
    seed = int(seed.integers(2**63))
  plan, noise = (np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(2))
  camera, light, street = _sample_camera(plan, size), sample_light(plan), sample_street(plan)
  canvas = Canvas(camera)
  ground = Ground(camera)
  draw_sky(canvas, light)
  draw_ground(canvas, light, plan, street)
  items = Frontage(canvas, light, plan, street, ground).line()
  items += Traffic(canvas, light, plan, street, ground).fill()
  items += Curbside(canvas, light, plan, street, ground).furnish()
  for item in far_to_near(items):
    cast_shadow(canvas, light, item)
    item.draw()
  if plan.random() < 0.4:
    furniture.bonnet(canvas, plan)
  image = shade.photo(canvas, light, noise)
  area = size[0] * size[1]
  rim = max(1, round(0.008 * size[0])) if plan.random() < 0.3 else 0
  return image, annotate(
    canvas, smallest=max(6, area // 6000), no_parts_below=max(20, area // 1200), rim=rim
  )


def _sample_camera(rng: np.random.Generator, size: tuple[int, int]) -> Camera:
  """A camera behind a windscreen: eye height of a car, view nearly along the street."""
  height, width = size
  focal = rng.uniform(0.95, 1.25) * math.sqrt(height * width)
  horizon = height * rng.uniform(0.38, 0.5)
  return Camera(
    size,
    float(focal),
    float(rng.uniform(1.4, 2.0)),
    float(horizon),
    float(rng.uniform(-0.12, 0.12)),
  )
