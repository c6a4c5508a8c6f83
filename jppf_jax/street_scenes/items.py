"""Objects on the ground: which ones hide which, and where there is room for another one."""

import dataclasses
from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float

from jppf_jax.street_scenes.camera import Camera, Real
from jppf_jax.street_scenes.canvas import Canvas, hull
from jppf_jax.street_scenes.light import Light

Block = tuple[Real, Real, Real, Real]  # x0 x1 z0 z1 on the ground, metres

FOOT_SHADOW = 0.55  # how much darker the ground below an object is
TALLEST_SHADOW = 12.0  # metres; taller objects cast the shadow of this height
NEAREST = 3.0  # metres; nothing stands closer to the camera
SAMPLES = 8  # parts of an object's width that are checked for visibility


@dataclasses.dataclass(frozen=True)
class Item:
  """An object on a block of ground, drawn as one.

  Attributes:
    block: where it stands.
    height: metres, for its shadow; 0 casts none.
    draw: draws it.
  """

  block: Block
  height: Real
  draw: Callable[[], None]


def may_hide(
  front: Float[np.ndarray, "*n 4"], back: Float[np.ndarray, "*m 4"]
) -> Bool[np.ndarray, "*k"]:
  """Whether objects on the blocks `front` can hide objects on the blocks `back` (shapes broadcast).

  If a line across the street separates two blocks, the one with smaller `z` hides the other. If a
  line along the street separates them, the one on the camera's side hides the other, if any.
  """
  farther = front[..., 2] >= back[..., 3]
  right = front[..., 0] >= np.maximum(back[..., 1], 0.0)
  left = front[..., 1] <= np.minimum(back[..., 0], 0.0)
  return ~(farther | right | left)


def far_to_near(items: list[Item]) -> list[Item]:
  """Returns the items in an order in which no item is painted over by one behind it; rare cycles
  are cut at the farthest item.
  """
  blocks = np.array([item.block for item in items], np.float64).reshape(-1, 4)
  hides = may_hide(blocks[:, None], blocks[None])
  first = hides.T & ~hides  # [i, j]: i must be painted before j
  waiting = np.ones(len(items), bool)
  order = []
  while waiting.any():
    free = waiting & ~(first & waiting[:, None]).any(0)
    candidates = np.flatnonzero(free if free.any() else waiting)
    index = int(candidates[np.argmax(blocks[candidates, 2])])
    order.append(items[index])
    waiting[index] = False
  return order


def cast_shadow(canvas: Canvas, light: Light, item: Item) -> None:
  """Darkens the ground below and, in the sun, beside an item."""
  if item.height <= 0:
    return
  x0, x1, z0, z1 = item.block
  foot = np.array([[x0, 0.0, z0], [x1, 0.0, z0], [x1, 0.0, z1], [x0, 0.0, z1]])
  canvas.add_shadow(foot, FOOT_SHADOW)
  if light.shadow:
    height = min(item.height, TALLEST_SHADOW)
    shift = -light.direction * height / light.direction[1]
    points = np.concatenate([foot, foot + shift])
    outline = hull((float(x), float(z)) for x, _, z in points)
    x, z = outline[::2], outline[1::2]
    canvas.add_shadow(np.stack([x, np.zeros(len(x)), z], -1), light.shadow)


class Ground:
  """Remembers the occupied ground, so that objects do not overlap and few are fully hidden."""

  def __init__(self, camera: Camera):
    self.camera = camera
    self._blocks: list[Block] = []
    self._covering: list[tuple[Block, tuple[Real, Real]]] = []  # with the image columns

  def _columns(self, block: Block) -> tuple[float, float]:
    """First and last image column of a block."""
    x0, x1, z0, z1 = block
    corners = np.array([[x, 0.0, z] for x in (x0, x1) for z in (z0, z1)])
    columns = self.camera.project(corners)[0][:, 0]
    return float(columns.min()), float(columns.max())

  def fits(self, block: Block, *, gap: Real = 0.35, seen: Real = 0.5) -> bool:
    """Returns whether an object can stand on a block.

    Args:
      block: the object's ground.
      gap: metres that must be free around it.
      seen: share of its width that must be in the image and not behind other objects.
    """
    too_near = block[2] < NEAREST
    if too_near or any(_overlap(block, other, gap) for other in self._blocks):
      return False
    return bool(self._visible(block).mean() >= seen)

  def _visible(self, block: Block) -> Bool[np.ndarray, "n"]:
    """Whether each part of a block's width is in the image and not hidden."""
    edges = np.linspace(*self._columns(block), SAMPLES + 1)
    middle = (edges[1:] + edges[:-1]) / 2
    inside = (middle > 0) & (middle < self.camera.size[1])
    covering = np.array([other for other, _ in self._covering], np.float64).reshape(-1, 4)
    columns = np.array([ends for _, ends in self._covering], np.float64).reshape(-1, 2)
    before = may_hide(covering, np.array([block], np.float64))
    first, last = columns[before].T[..., None]
    return inside & ((middle < first) | (middle > last)).all(0)

  def occupy(self, block: Block, *, covers: bool = True) -> None:
    """Marks a block as occupied; an object that does not cover (a pole) hides no others."""
    self._blocks.append(block)
    if covers:
      self._covering.append((block, self._columns(block)))


def _overlap(first: Block, second: Block, gap: Real) -> bool:
  """Whether two blocks are closer than `gap` along both axes."""
  a0, a1, c0, c1 = first
  b0, b1, e0, e1 = second
  return a0 < b1 + gap and b0 < a1 + gap and c0 < e1 + gap and e0 < c1 + gap
