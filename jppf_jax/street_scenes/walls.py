"""Walls and fences along a street.

Measures are metres and chosen by eye to look like Cityscapes.
"""

from typing import NamedTuple

import numpy as np

from jppf_jax.street_scenes.camera import Real
from jppf_jax.street_scenes.canvas import Canvas, Colour, Texture
from jppf_jax.street_scenes.classes import FENCE, WALL
from jppf_jax.street_scenes.facades import Block, Facade, boxes, visible_sides
from jppf_jax.street_scenes.light import ColourRange, Light, sample_colour, tint

# Walls: bricks, stones with dark joints, or concrete with faint joints.
WALL_HEIGHT = (1.6, 2.8)
BRICK_WALLS, STONE_WALLS = 0.45, 0.35  # share of walls; the rest is concrete
BRICKS = ColourRange(0.03, (0.35, 0.6), (0.4, 0.6))
STONES = ColourRange(0.1, (0.02, 0.2), (0.45, 0.75))
BRICK_COURSE, STONE_COURSE = 0.22, 0.45  # height of a row
JOINT_SHADE, FAINT_JOINT_SHADE = 0.68, 0.85
LEVEL_JOINT, UPRIGHT_JOINT = 0.04, 0.05  # widths
FIRST_JOINT = 0.4
BRICK_LENGTH, BRICK_OFFSET = 2.2, 0.5  # in rows: from joint to joint, shift of every second row
SHORTEST_BRICK_WALL = 3  # in rows; shorter walls have no upright joints
COPING_HEIGHT, COPING_TINT = 0.14, 1.25
WALL_BASE_HEIGHT, WALL_BASE_SHADE = 0.15, 0.6

# Fences.
FENCE_HEIGHT = (1.2, 2.1)
SHORTEST_FENCE = 1.0
PLANK_FENCES, RAILINGS = 0.35, 0.4  # share of fences; the rest is wire
FENCE_PAINT = ColourRange((0.05, 0.4), (0.0, 0.5), (0.12, 0.9))
FENCE_WOOD = ColourRange(0.08, (0.3, 0.6), (0.3, 0.6))
UPRIGHT_LOW, UPRIGHT_TOP, UPRIGHT_ALTERNATION = 0.08, 0.1, 0.05  # top: below the fence's height
UPRIGHT_SHADE, UPRIGHT_SHADE_ALTERNATION = 0.9, 0.2
RAIL_LOW, RAIL_TOP = 0.25, 0.3  # top: below the fence's height
WIRE_LOW, WIRE_PITCH = 0.2, 0.3
RAIL_SHADE = 0.85
POST_PITCH, POST_WIDTH, POST_OVER, POST_SHADE = 2.0, 0.12, 0.1, 0.7  # over: above the fence


class _FenceKind(NamedTuple):
  """Measures of a fence's uprights, and the thickness of its rails or wires."""

  step: Real
  width: Real
  rail: Real


PLANKS = _FenceKind(0.24, 0.19, 0.09)
RAILING = _FenceKind(0.22, 0.06, 0.09)
WIRE = _FenceKind(0.5, 0.03, 0.04)


def wall(canvas: Canvas, light: Light, rng: np.random.Generator, block: Block) -> None:
  """Draws a free-standing wall of bricks, stones or concrete, with a coping."""
  brush = canvas.brush(WALL, texture=Texture.MASONRY)
  kind = rng.random()
  brick = kind < BRICK_WALLS
  colour = sample_colour(rng, BRICKS if brick else STONES)
  height, course = rng.uniform(*WALL_HEIGHT), BRICK_COURSE if brick else STONE_COURSE
  concrete = kind >= BRICK_WALLS + STONE_WALLS
  joint = tint(colour, FAINT_JOINT_SHADE if concrete else JOINT_SHADE)
  for origin, along, length in visible_sides(block):
    facade = Facade(brush, light, origin, along, length)
    facade.box(0, 0, length, height, colour)
    for level in range(1, int(height / course)):
      facade.box(0, level * course, length, level * course + LEVEL_JOINT, joint)
      if length > SHORTEST_BRICK_WALL * course:
        _upright_joints(facade, level, course, joint)
    facade.box(0, height - COPING_HEIGHT, length, height, tint(colour, COPING_TINT))
    facade.box(0, 0, length, WALL_BASE_HEIGHT, tint(colour, WALL_BASE_SHADE))


def _upright_joints(facade: Facade, level: int, course: Real, colour: Colour) -> None:
  """Draws the joints between the bricks of the row below `level`."""
  first = FIRST_JOINT + BRICK_OFFSET * course * (level % 2)
  u = np.arange(first, facade.length, BRICK_LENGTH * course)
  low = (level - 1) * course
  facade.rectangles(boxes(u, low, u + UPRIGHT_JOINT, low + course), [colour] * len(u))


def fence(canvas: Canvas, light: Light, rng: np.random.Generator, block: Block) -> None:
  """Draws railings, planks or wire between posts. As in Cityscapes, the label also covers the
  gaps, through which the background is seen.
  """
  brush = canvas.brush(FENCE)
  height, chance = rng.uniform(*FENCE_HEIGHT), rng.random()
  paint, wood = sample_colour(rng, FENCE_PAINT), sample_colour(rng, FENCE_WOOD)
  if chance < PLANK_FENCES:
    kind, colour = PLANKS, wood
  elif chance < PLANK_FENCES + RAILINGS:
    kind, colour = RAILING, paint
  else:
    kind, colour = WIRE, paint
  for origin, along, length in visible_sides(block):
    if length >= SHORTEST_FENCE:
      facade = Facade(brush, light, origin, along, length)
      outline = np.array([[0, 0], [length, 0], [length, height], [0, height]])
      brush.face(facade.points(outline), None)
      _fence_front(facade, kind, height, colour)


def _fence_front(facade: Facade, kind: _FenceKind, height: Real, colour: Colour) -> None:
  length = facade.length
  u = np.arange(0.0, length - kind.width, kind.step)
  parity = np.arange(len(u)) % 2
  high = height - UPRIGHT_TOP + UPRIGHT_ALTERNATION * parity
  shades = UPRIGHT_SHADE + UPRIGHT_SHADE_ALTERNATION * parity
  uprights = boxes(u, UPRIGHT_LOW, u + kind.width, high)
  facade.rectangles(uprights, [tint(colour, shade) for shade in shades.tolist()])
  wires = np.arange(WIRE_LOW, height, WIRE_PITCH)
  rails = wires.tolist() if kind is WIRE else [RAIL_LOW, height - RAIL_TOP]
  for v in rails:
    facade.box(0, v, length, v + kind.rail, tint(colour, RAIL_SHADE))
  posts = np.arange(0.0, length, POST_PITCH)
  post_boxes = boxes(posts, 0, posts + POST_WIDTH, height + POST_OVER)
  facade.rectangles(post_boxes, [tint(colour, POST_SHADE)] * len(posts))
