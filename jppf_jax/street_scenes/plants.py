"""Trees, bushes and hedges: many tufts of leaves, lighter towards the sun. Grass belongs to
`street.py`.

Measures are metres and chosen by eye, unless a comment says otherwise.
"""

import numpy as np
from jaxtyping import Float

from jppf_jax.street_scenes.camera import NEAR, Camera, Real
from jppf_jax.street_scenes.canvas import Brush, Canvas, Colour, Texture
from jppf_jax.street_scenes.classes import VEGETATION
from jppf_jax.street_scenes.light import ColourRange, Light, sample_colour, tint

Point = Float[np.ndarray, "3"]
Points = Float[np.ndarray, "n 3"]

# Leaves.
AUTUMN = 0.15  # share of plants in yellow or brown
AUTUMN_LEAVES = ColourRange((0.07, 0.15), (0.4, 0.7), (0.35, 0.6))
GREEN_LEAVES = ColourRange((0.2, 0.34), (0.3, 0.65), (0.25, 0.5))

# Trees.
TREE_HEIGHT, TRUNK_THICKNESS = (5.0, 11.0), (0.22, 0.42)
FORK_HEIGHT, CROWN_RADIUS = (0.3, 0.42), (0.24, 0.36)  # shares of the tree's height
CROWN_HEIGHT = 1.1  # middle of the crown above the fork, share of its radius
BARK = ColourRange(0.08, (0.2, 0.45), (0.15, 0.35))
TRUNK_SCALE, BOUGH_SCALE, BOUGH_TINT = 1.15, 0.35, 1.1  # thickness, share of the trunk's
BOUGHS, BOUGH_REACH = 6, 0.45  # number; deviation of their ends, share of the crown's radius
BOUGH_START, BOUGH_BEND = 0.2, 0.1  # below the fork, share of its height; rise of the middle
CONIFERS, BARE_TREES = 0.15, 0.07  # shares of trees
CONIFER_TUFTS, BARE_TUFTS, LEAFY_TUFTS = 260, 80, 420  # largest number of tufts
CONIFER_LEVEL_POWER = 0.8  # below 1: more tufts at the top
CONIFER_SPREAD, CONIFER_LOW = 0.28, 0.15  # shares of the height: radius at the foot, lowest tufts
CONIFER_TUFT, CONIFER_SHADE = 4.5, 0.7  # size of one tuft, divided by the root of their number
CROWN_FILL_POWER = 0.4  # 1/3 fills a ball evenly; above: more tufts near the middle
CROWN_STRETCH = [1.15, 1.0, 1.15]  # along x, y, z
LOBE_DEPTH, LOBE_FREQUENCY = 0.18, 7  # share of the radius; waves per direction
BARE_TUFT = 0.14  # share of the crown's radius
LEAFY_TUFT = 2.2  # share of the crown's radius, divided by the root of the number of tufts

# Hedges.
HEDGE_TUFTS, HEDGE_TUFT = 420, 1.4
HEDGE_BUMPS = (0.75, 0.25)  # mean and amplitude of the upper edge, shares of the height
HEDGE_WAVE_X, HEDGE_WAVE_Z = 2.1, 1.3  # radians per metre
HEDGE_LOW, HEDGE_LEVEL_POWER = 0.1, 0.7  # lowest tufts; below 1: more tufts at the top

# Tufts.
PHASES = (0.0, 6.0)  # radians
FULL_DETAIL_DISTANCE = 4.0  # times the radius; farther plants have fewer tufts
FEWEST_TUFTS = 8  # divisor of the largest number
NEAREST_TUFT = 2.0
TUFT_SHADE, TUFT_SUN, TUFT_SHADE_NOISE = 0.75, 0.4, (-0.22, 0.22)
TUFT_SHADE_LIMITS = (0.35, 1.5)
TUFT_SCALE, TUFT_SQUASH, TUFT_RAGGEDNESS = (0.7, 1.5), (0.5, 1.0), (-0.3, 0.3)
# Outline of a tuft before raggedness, in shares of its radius.
TUFT_OUTLINE = np.array(
  [[-1.0, 0.0], [-0.55, -0.85], [0.5, -0.8], [1.0, 0.1], [0.55, 0.9], [-0.5, 0.8]]
)


def leaf_colour(rng: np.random.Generator) -> Colour:
  """Samples a green, or the yellow and brown of autumn."""
  autumn = rng.random() < AUTUMN
  return sample_colour(rng, AUTUMN_LEAVES if autumn else GREEN_LEAVES)


def tree(canvas: Canvas, light: Light, rng: np.random.Generator, position: Point) -> None:
  """Draws a trunk with branches and a crown; some are conifers, some nearly bare."""
  height, thickness = rng.uniform(*TREE_HEIGHT), rng.uniform(*TRUNK_THICKNESS)
  fork, radius = height * rng.uniform(*FORK_HEIGHT), height * rng.uniform(*CROWN_RADIUS)
  crown = position + np.array([0.0, fork + CROWN_HEIGHT * radius, 0.0])
  wood = canvas.brush(VEGETATION, texture=Texture.CLOTH)
  leaves = canvas.brush(VEGETATION, texture=Texture.LEAVES)
  bark = tint(sample_colour(rng, BARK), light.ambient)
  top = position + np.array([0.0, fork, 0.0])
  wood.rod(np.stack([position, top]), TRUNK_SCALE * thickness, bark)
  start = top - [0.0, BOUGH_START * fork, 0.0]
  for _ in range(BOUGHS):
    end = crown + BOUGH_REACH * radius * rng.normal(0, 1, 3)
    middle = (top + end) / 2 + [0.0, BOUGH_BEND, 0.0]
    bough = np.stack([start, middle, end])
    wood.rod(bough, BOUGH_SCALE * thickness, tint(bark, BOUGH_TINT))
  kind, colour = rng.random(), leaf_colour(rng)
  if kind < CONIFERS:
    count = _tuft_count(canvas.camera, crown, radius, CONIFER_TUFTS)
    points = position + _cone(rng, count, height)
    size = CONIFER_TUFT / np.sqrt(count)
    _tufts(leaves, light, rng, points, size, tint(colour, CONIFER_SHADE), height / 2)
    return
  bare = kind < CONIFERS + BARE_TREES
  count = _tuft_count(canvas.camera, crown, radius, BARE_TUFTS if bare else LEAFY_TUFTS)
  points = crown + _ball(rng, count, radius)
  size = radius * (BARE_TUFT if bare else LEAFY_TUFT / np.sqrt(count))
  _tufts(leaves, light, rng, points, size, colour, radius)


def _cone(rng: np.random.Generator, count: int, height: Real) -> Points:
  """Samples places of tufts in a conifer, from its foot."""
  level = rng.random(count) ** CONIFER_LEVEL_POWER
  angle = rng.uniform(0, 2 * np.pi, count)
  outwards = np.sqrt(rng.random(count))
  spread = CONIFER_SPREAD * height * (1 - level) * outwards
  up = (CONIFER_LOW + (1 - CONIFER_LOW) * level) * height
  return np.stack([spread * np.cos(angle), up, spread * np.sin(angle)], -1)


def _ball(rng: np.random.Generator, count: int, radius: Real) -> Points:
  """Samples places of tufts in a crown with lobes, from its middle."""
  direction = rng.normal(size=(count, 3))
  direction /= np.linalg.norm(direction, axis=1, keepdims=True)
  filled = rng.random((count, 1)) ** CROWN_FILL_POWER
  offsets = direction * filled * radius * CROWN_STRETCH
  waves = LOBE_FREQUENCY * direction[:, ::-1] + rng.uniform(*PHASES, 3)
  return offsets + LOBE_DEPTH * radius * np.sin(waves)


def hedge(
  canvas: Canvas,
  light: Light,
  rng: np.random.Generator,
  block: tuple[Real, Real, Real, Real],
  height: Real,
) -> None:
  """Draws bushes that fill a block of ground up to `height` metres."""
  x0, x1, z0, z1 = block
  width, depth = x1 - x0, z1 - z0
  colour, middle = leaf_colour(rng), np.array([(x0 + x1) / 2, height / 2, (z0 + z1) / 2])
  face = np.sqrt((width + z1 - z0) * height)  # side of a square of the visible area
  count = _tuft_count(canvas.camera, middle, face / 2, HEDGE_TUFTS)
  points = rng.random((count, 3)) * [width, 1.0, depth] + [x0, 0.0, z0]
  waves = HEDGE_WAVE_Z * points[:, 2] + HEDGE_WAVE_X * points[:, 0] + rng.uniform(*PHASES)
  mean, amplitude = HEDGE_BUMPS
  bumps = mean + amplitude * np.sin(waves)
  level = points[:, 1] ** HEDGE_LEVEL_POWER
  points[:, 1] = HEDGE_LOW + level * height * bumps
  brush = canvas.brush(VEGETATION, texture=Texture.LEAVES)
  _tufts(brush, light, rng, points, HEDGE_TUFT * face / np.sqrt(count), colour, height)


def _tuft_count(camera: Camera, centre: Point, radius: Real, most: int) -> int:
  """The number of tufts of a plant of this radius: fewer from afar, whatever the resolution."""
  depth = max(float(camera.project(centre)[1]), 1.0)
  wanted = most * FULL_DETAIL_DISTANCE * radius / depth
  return int(np.clip(wanted, most // FEWEST_TUFTS, most))


def _tufts(
  brush: Brush,
  light: Light,
  rng: np.random.Generator,
  points: Points,
  size: Real,
  colour: Colour,
  extent: Real,
) -> None:
  """Draws ragged tufts far to near; those towards the sun and the outside are lighter."""
  count, camera = len(points), brush.camera
  xy, depth = camera.project(points)
  sun = (points - points.mean(0)) @ light.direction / extent
  noise = rng.uniform(*TUFT_SHADE_NOISE, count)
  shade = (TUFT_SHADE + TUFT_SUN * sun + noise).clip(*TUFT_SHADE_LIMITS)
  radii = size * rng.uniform(*TUFT_SCALE, count) * camera.focal / depth.clip(NEAR)
  squash = np.stack([np.ones(count), rng.uniform(*TUFT_SQUASH, count)], -1)
  corners = TUFT_OUTLINE + rng.uniform(*TUFT_RAGGEDNESS, (count, len(TUFT_OUTLINE), 2))
  half_axes = squash * radii[:, None]
  polygons = xy[:, None] + corners * half_axes[:, None]
  height, width = camera.size
  low, high = polygons.min(1), polygons.max(1)
  inside = (high > 0).all(1) & (low[:, 0] < width) & (low[:, 1] < height)
  order = np.argsort(-depth)
  drawn = (depth[order] > NEAREST_TUFT) & inside[order]
  for index in order[drawn]:
    outline = polygons[index].ravel().tolist()
    brush.polygon(outline, float(depth[index]), tint(colour, float(shade[index])))
