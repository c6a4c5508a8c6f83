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

SMALLEST_SIDE = 64  # pixels

# The camera: behind the windscreen of a car, nearly along the street.
FOCAL = (0.95, 1.25)  # focal length, share of the image's side (root of its area)
HORIZON = (0.38, 0.5)  # share of the image's height
EYE_HEIGHT = (1.4, 2.0)  # metres
YAW = (-0.12, 0.12)  # radians

# Labels. Areas are shares of the image's area.
BONNETS = 0.4  # share of scenes that show the ego vehicle's bonnet
RIMS, RIM = 0.3, 0.008  # share of scenes with a rim out of the region of interest; of the height
SMALLEST_INSTANCE, LEAST_INSTANCE = 6000, 6  # one in so many pixels; at least so many
SMALLEST_WITH_PARTS, LEAST_WITH_PARTS = 1200, 20  # one in so many pixels; at least so many


def make_scene(
  seed: int | np.random.Generator, *, size: tuple[int, int] = (256, 512)
) -> tuple[UInt8[np.ndarray, "H W 3"], Int[np.ndarray, "H W"]]:
  """Draws a street scene.

  All 19 classes occur, things also as crowds (without instance), and void. The same seed and size
  give the same bytes.

  Args:
    seed: an integer, or a generator, which is then advanced by one draw.
    size: height and width, each at least 64; made for about 1:2.

  Returns:
    The photo (RGB), and the universal id of each pixel: `SS`, `SS_III` or `SS_III_PP` as in CPP
    label files.

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
  if plan.random() < BONNETS:
    furniture.bonnet(canvas, plan)
  image = shade.photo(canvas, light, noise)
  area = size[0] * size[1]
  smallest = max(LEAST_INSTANCE, area // SMALLEST_INSTANCE)
  no_parts_below = max(LEAST_WITH_PARTS, area // SMALLEST_WITH_PARTS)
  rim = max(1, round(RIM * size[0])) if plan.random() < RIMS else 0
  return image, annotate(canvas, smallest=smallest, no_parts_below=no_parts_below, rim=rim)


def _sample_camera(rng: np.random.Generator, size: tuple[int, int]) -> Camera:
  """Samples a camera behind a windscreen."""
  height, width = size
  focal = rng.uniform(*FOCAL) * math.sqrt(height * width)
  horizon = height * rng.uniform(*HORIZON)
  eye, yaw = rng.uniform(*EYE_HEIGHT), rng.uniform(*YAW)
  return Camera(size, float(focal), float(eye), float(horizon), float(yaw))
