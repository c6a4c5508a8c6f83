"""Trees, bushes and hedges: many tufts of leaves, lighter towards the sun. Grass belongs to
`street.py`.
"""

import numpy as np
from jaxtyping import Float

from jppf_jax.street_scenes.camera import NEAR, Camera, Real
from jppf_jax.street_scenes.canvas import Brush, Canvas, Colour, Texture
from jppf_jax.street_scenes.light import Light, hsv, tint

VEGETATION = 21
Point = Float[np.ndarray, "3"]


def leaf_colour(rng: np.random.Generator) -> Colour:
  """Green, sometimes the yellow and brown of autumn."""
  if rng.random() < 0.15:
    return hsv(rng.uniform(0.07, 0.15), rng.uniform(0.4, 0.7), rng.uniform(0.35, 0.6))
  return hsv(rng.uniform(0.2, 0.34), rng.uniform(0.3, 0.65), rng.uniform(0.25, 0.5))


def tree(canvas: Canvas, light: Light, rng: np.random.Generator, position: Point) -> None:
  """A trunk with branches and a crown; some are conifers, some nearly bare."""
  height, thickness = rng.uniform(5.0, 11.0), rng.uniform(0.22, 0.42)
  fork, radius = height * rng.uniform(0.3, 0.42), height * rng.uniform(0.24, 0.36)
  crown = position + np.array([0.0, fork + 1.1 * radius, 0.0])
  wood, leaves = (
    canvas.brush(VEGETATION, texture=texture) for texture in (Texture.CLOTH, Texture.LEAVES)
  )
  bark = tint(hsv(0.08, rng.uniform(0.2, 0.45), rng.uniform(0.15, 0.35)), light.ambient)
  top = position + np.array([0.0, fork, 0.0])
  wood.rod(np.stack([position, top]), 1.15 * thickness, bark)
  for _ in range(6):
    reach = crown + 0.45 * radius * rng.normal(0, 1, 3)
    bough = np.stack([top - [0.0, 0.2 * fork, 0.0], (top + reach) / 2 + [0.0, 0.1, 0.0], reach])
    wood.rod(bough, 0.35 * thickness, tint(bark, 1.1))
  kind, colour = rng.random(), leaf_colour(rng)
  if kind < 0.15:  # conifer
    count = _tuft_count(canvas.camera, crown, radius, 260)
    level, angle = rng.random(count) ** 0.8, rng.uniform(0, 2 * np.pi, count)
    spread = 0.28 * height * (1 - level) * np.sqrt(rng.random(count))
    offsets = np.stack(
      [spread * np.cos(angle), (0.15 + 0.85 * level) * height, spread * np.sin(angle)], -1
    )
    _tufts(
      leaves, light, rng, position + offsets, 4.5 / np.sqrt(count), tint(colour, 0.7), height / 2
    )
    return
  count = _tuft_count(canvas.camera, crown, radius, 80 if kind < 0.22 else 420)
  direction = rng.normal(size=(count, 3))
  direction /= np.linalg.norm(direction, axis=1, keepdims=True)
  offsets = direction * (rng.random((count, 1)) ** 0.4) * radius * [1.15, 1.0, 1.15]
  offsets += 0.18 * radius * np.sin(7 * direction[:, ::-1] + rng.uniform(0, 6, 3))  # lobes
  size = radius * (0.14 if kind < 0.22 else 2.2 / np.sqrt(count))
  _tufts(leaves, light, rng, crown + offsets, size, colour, radius)


def hedge(
  canvas: Canvas,
  light: Light,
  rng: np.random.Generator,
  block: tuple[Real, Real, Real, Real],
  height: Real,
) -> None:
  """Bushes filling a block of ground up to `height`."""
  x0, x1, z0, z1 = block
  colour, middle = leaf_colour(rng), np.array([(x0 + x1) / 2, height / 2, (z0 + z1) / 2])
  face = np.sqrt(
    (x1 - x0 + z1 - z0) * height
  )  # the side of a square as large as what one sees of it
  count = _tuft_count(canvas.camera, middle, face / 2, 420)
  points = rng.random((count, 3)) * [x1 - x0, 1.0, z1 - z0] + [x0, 0.0, z0]
  bumps = 0.75 + 0.25 * np.sin(1.3 * points[:, 2] + 2.1 * points[:, 0] + rng.uniform(0, 6))
  points[:, 1] = 0.1 + points[:, 1] ** 0.7 * height * bumps
  brush = canvas.brush(VEGETATION, texture=Texture.LEAVES)
  _tufts(brush, light, rng, points, 1.4 * face / np.sqrt(count), colour, height)


def _tuft_count(camera: Camera, centre: Point, radius: Real, most: int) -> int:
  """How many tufts a plant of this radius is worth: fewer from afar, whatever the resolution."""
  depth = max(float(camera.project(centre)[1]), 1.0)
  return int(np.clip(most * 4.0 * radius / depth, most // 8, most))


def _tufts(
  brush: Brush, light: Light, rng: np.random.Generator, points: Float[np.ndarray, "n 3"], size: Real, colour: Colour,
  extent: Real,
) -> None:  # fmt: skip
  """Draws ragged tufts far to near; those towards the sun and the outside are lighter."""
  xy, depth = brush.camera.project(points)
  sun = (points - points.mean(0)) @ light.direction / extent
  shade = (0.75 + 0.4 * sun + rng.uniform(-0.22, 0.22, len(points))).clip(0.35, 1.5)
  radii = size * rng.uniform(0.7, 1.5, len(points)) * brush.camera.focal / depth.clip(NEAR)
  squash = np.stack([np.ones(len(points)), rng.uniform(0.5, 1.0, len(points))], -1)
  corners = _RAGGED + rng.uniform(-0.3, 0.3, (len(points), len(_RAGGED), 2))
  polygons = xy[:, None] + corners * (squash * radii[:, None])[:, None]
  height, width = brush.camera.size
  inside = (
    (polygons.max(1) > 0).all(1)
    & (polygons[..., 0].min(1) < width)
    & (polygons[..., 1].min(1) < height)
  )
  order = np.argsort(-depth)
  for index in order[(depth[order] > 2.0) & inside[order]]:
    outline = polygons[index].ravel().tolist()
    brush.polygon(outline, float(depth[index]), tint(colour, float(shade[index])))


_RAGGED = np.array([[-1.0, 0.0], [-0.55, -0.85], [0.5, -0.8], [1.0, 0.1], [0.55, 0.9], [-0.5, 0.8]])
