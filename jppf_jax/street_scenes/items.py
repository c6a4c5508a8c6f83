"""Things on the ground, who hides whom, and where there is room for another one."""

import dataclasses
from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float

from jppf_jax.street_scenes.camera import Camera, Real
from jppf_jax.street_scenes.canvas import Canvas, hull
from jppf_jax.street_scenes.light import Light

Block = tuple[Real, Real, Real, Real]  # x0 x1 z0 z1 on the ground, metres


@dataclasses.dataclass(frozen=True)
class Item:
  """Something that is drawn at once, standing on a block of ground.

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
  """Whether what stands on the blocks `front` can hide what stands on the blocks `back` (shapes
  broadcast).

  Of two blocks that a line across the street separates, the one with smaller `z` hides the other;
  of two that a line along the street separates, the one on the camera's side of it does, if any.
  """
  farther = front[..., 2] >= back[..., 3]
  right = front[..., 0] >= np.maximum(back[..., 1], 0.0)
  left = front[..., 1] <= np.minimum(back[..., 0], 0.0)
  return ~(farther | right | left)


def far_to_near(items: list[Item]) -> list[Item]:
  """An order in which nothing is painted over by what stands behind it; rare cycles are cut at the
  farthest.
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
  canvas.add_shadow(foot, 0.55)
  if light.shadow:
    shift = -light.direction * min(item.height, 12.0) / light.direction[1]
    outline = hull((float(x), float(z)) for x, _, z in np.concatenate([foot, foot + shift]))
    xz = np.array(outline).reshape(-1, 2)
    canvas.add_shadow(np.stack([xz[:, 0], np.zeros(len(xz)), xz[:, 1]], -1), light.shadow)


class Ground:
  """Remembers what stands where, so that nothing stands in something else and little is wholly
  hidden.
  """

  def __init__(self, camera: Camera):
    self.camera = camera
    self._blocks: list[Block] = []
    self._covering: list[tuple[Block, tuple[Real, Real]]] = []  # with the image columns

  def _columns(self, block: Block) -> tuple[Real, Real]:
    """First and last image column of a block."""
    x0, x1, z0, z1 = block
    x = self.camera.project(np.array([[x, 0.0, z] for x in (x0, x1) for z in (z0, z1)]))[0][:, 0]
    return float(x.min()), float(x.max())

  def fits(self, block: Block, *, gap: Real = 0.35, seen: Real = 0.5) -> bool:
    """Whether the place is free, at least the share `seen` of its width is in the image and not
    behind something.
    """
    x0, x1, z0, z1 = block
    if z0 < 3.0 or any(
      x0 < b1 + gap and b0 < x1 + gap and z0 < e1 + gap and e0 < z1 + gap
      for b0, b1, e0, e1 in self._blocks
    ):
      return False
    edges = np.linspace(*self._columns(block), 9)
    middle = (edges[1:] + edges[:-1]) / 2
    visible = (middle > 0) & (middle < self.camera.size[1])
    covering = np.array([other for other, _ in self._covering], np.float64).reshape(-1, 4)
    columns = np.array([ends for _, ends in self._covering], np.float64).reshape(-1, 2)
    first, last = columns[may_hide(covering, np.array([block], np.float64))].T[..., None]
    visible &= ((middle < first) | (middle > last)).all(0)
    return bool(visible.mean() >= seen)

  def occupy(self, block: Block, *, covers: bool = True) -> None:
    """Takes a place. What does not cover (a pole) hides nothing worth the name."""
    self._blocks.append(block)
    if covers:
      self._covering.append((block, self._columns(block)))
