"""Trees, bushes and hedges: many tufts of leaves, lighter towards the sun. Grass is in `ground.py`."""

import numpy as np
from jaxtyping import Float

from jppf_jax.input_pipeline.synthetic.camera import NEAR
from jppf_jax.input_pipeline.synthetic.canvas import Brush, Canvas, Colour, Texture
from jppf_jax.input_pipeline.synthetic.light import Light, hsv, tint

VEGETATION = 21
Point = Float[np.ndarray, "3"]


def leaf_colour(rng: np.random.Generator) -> Colour:
  """Green, sometimes the yellow and brown of autumn."""
  if rng.random() < 0.15:
    return hsv(rng.uniform(0.07, 0.15), rng.uniform(0.4, 0.7), rng.uniform(0.35, 0.6))
  return hsv(rng.uniform(0.2, 0.34), rng.uniform(0.3, 0.65), rng.uniform(0.25, 0.5))


def tree(canvas: Canvas, light: Light, rng: np.random.Generator, position: Point) -> None:
  """A trunk with branches and a crown; some are conifers or bare in winter."""
  brush = canvas.brush(VEGETATION, texture=Texture.LEAVES)
  height, bark = rng.uniform(5.0, 11.0), hsv(0.08, rng.uniform(0.2, 0.45), rng.uniform(0.15, 0.35))
  trunk = rng.uniform(0.22, 0.42)
  fork = height * rng.uniform(0.3, 0.42)
  top = position + np.array([0.0, fork, 0.0])
  brush.rod(np.stack([position, top]), 1.15 * trunk, bark)
  radius = height * rng.uniform(0.24, 0.36)
  crown = position + np.array([0.0, fork + 0.75 * radius, 0.0])
  for _ in range(6):
    reach = crown + rng.normal(0, 0.45, 3) * radius + np.array([0.0, 0.3 * radius, 0.0])
    brush.rod(
      np.stack([top - [0.0, 0.2 * fork, 0.0], (top + reach) / 2 + [0.0, 0.1, 0.0], reach]),
      0.35 * trunk,
      tint(bark, 1.1),
    )
  kind = rng.random()
  colour = leaf_colour(rng)
  if kind < 0.15:  # conifer
    level = rng.random(220) ** 0.8
    angle, spread = rng.uniform(0, 2 * np.pi, 220), 0.28 * height * (1 - level) * rng.random(220) ** 0.5
    offsets = np.stack([spread * np.cos(angle), level * height * 0.85, spread * np.sin(angle)], -1)
    _tufts(brush, light, rng, position + [0.0, 0.15 * height, 0.0] + offsets, 0.3, tint(colour, 0.7), height / 2)
    return
  count = 60 if kind < 0.22 else 260
  direction = rng.normal(size=(count, 3))
  direction /= np.linalg.norm(direction, axis=1, keepdims=True)
  offsets = direction * (rng.random((count, 1)) ** 0.4) * radius * [1.15, 1.0, 1.15]
  offsets += 0.18 * radius * np.sin(7 * direction[:, ::-1] + rng.uniform(0, 6, 3))  # lobes
  _tufts(brush, light, rng, crown + [0.0, 0.35 * radius, 0.0] + offsets, 0.13 * radius, colour, radius)


def hedge(
  canvas: Canvas, light: Light, rng: np.random.Generator, block: tuple[float, float, float, float], height: float
) -> None:
  """Bushes filling a block of ground up to `height`."""
  brush = canvas.brush(VEGETATION, texture=Texture.LEAVES)
  x0, x1, z0, z1 = block
  colour = leaf_colour(rng)
  count = int(min(420, 60 + 14 * (x1 - x0 + z1 - z0) * height))
  points = rng.random((count, 3)) * [x1 - x0, 1.0, z1 - z0] + [x0, 0.0, z0]
  bumps = 0.75 + 0.25 * np.sin(1.3 * points[:, 2] + 2.1 * points[:, 0] + rng.uniform(0, 6))
  points[:, 1] = 0.1 + points[:, 1] ** 0.7 * height * bumps
  _tufts(brush, light, rng, points, 0.24, colour, height)


def _tufts(
  brush: Brush, light: Light, rng: np.random.Generator, points: Float[np.ndarray, "n 3"], size: float, colour: Colour,
  extent: float,
) -> None:  # fmt: skip
  """Draws tufts far to near; those towards the sun and the outside are lighter."""
  xy, depth = brush.camera.project(points)
  sun = (points - points.mean(0)) @ light.direction / extent
  shade = (0.75 + 0.4 * sun + rng.uniform(-0.22, 0.22, len(points))).clip(0.35, 1.5)
  radii = size * rng.uniform(0.7, 1.7, len(points)) * brush.camera.focal / depth.clip(NEAR)
  squash, skew = rng.uniform(0.5, 1.0, len(points)), rng.uniform(-0.35, 0.35, (len(points), 2))
  order = np.argsort(-depth)
  for index in order[depth[order] > 2.0]:
    r, s = float(radii[index]), float(squash[index])
    x, y = xy[index].tolist()
    dx, dy = (r * skew[index]).tolist()
    brush.polygon(
      [x - r, y + dy, x - 0.6 * r + dx, y - s * r, x + 0.5 * r, y - 0.8 * s * r + dy, x + r, y - dy, x + 0.6 * r - dx, y + s * r,
       x - 0.5 * r, y + 0.9 * s * r], float(depth[index]), tint(colour, float(shade[index])))  # fmt: skip
