"""Things on the ground, who hides whom, and where there is room for another one."""

import dataclasses
from collections.abc import Callable

import numpy as np

from jppf_jax.input_pipeline.synthetic.camera import Camera
from jppf_jax.input_pipeline.synthetic.canvas import Canvas, hull
from jppf_jax.input_pipeline.synthetic.light import Light

Block = tuple[float, float, float, float]  # x0 x1 z0 z1 on the ground, metres


@dataclasses.dataclass(frozen=True)
class Item:
  """Something that is drawn at once, standing on a block of ground.

  Attributes:
    block: where it stands.
    height: metres, for its shadow; 0 casts none.
    draw: draws it.
  """

  block: Block
  height: float
  draw: Callable[[], None]


def far_to_near(items: list[Item]) -> list[Item]:
  """An order in which nothing is painted over by what stands behind it.

  Of two blocks that a line across the street separates, the one with smaller `z` is nearer; of two that a line along
  the street separates, the one on the camera's side of it. Rare cycles of three are cut at the farthest.
  """
  if not items:
    return []
  x0, x1, z0, z1 = np.array([item.block for item in items], np.float64).T
  eps = 1e-6
  behind = z0[:, None] >= z1[None] - eps  # [i, j]: i stands wholly behind j
  before = behind.T
  right = x0[:, None] >= x1[None] - eps
  beyond = (right & (x1[None] > 0) & (x0[:, None] > 0)) | (right.T & (x0[None] < 0) & (x1[:, None] < 0))
  first = (behind | (beyond & ~beyond.T)) & ~before  # [i, j]: i must be painted before j
  np.fill_diagonal(first, False)
  waiting = np.ones(len(items), bool)
  order = []
  while waiting.any():
    free = waiting & ~(first & waiting[:, None]).any(0)
    candidates = np.flatnonzero(free if free.any() else waiting)
    index = int(candidates[np.argmax(z0[candidates])])
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
  """Remembers what stands where, so that nothing stands in something else and little is wholly hidden."""

  def __init__(self, camera: Camera):
    self.camera = camera
    self.blocks: list[Block] = []
    self._covered: list[tuple[float, float, float]] = []  # first and last image column, distance

  def columns(self, block: Block) -> tuple[float, float]:
    """First and last image column of a block."""
    x0, x1, z0, z1 = block
    corners = np.array([[x, 0.0, z] for x in (x0, x1) for z in (z0, z1)])
    x = self.camera.project(corners)[0][:, 0]
    return float(x.min()), float(x.max())

  def fits(self, block: Block, *, gap: float = 0.35, seen: float = 0.5) -> bool:
    """Whether the place is free, at least the share `seen` of its width is in the image and not behind something."""
    x0, x1, z0, z1 = block
    if z0 < 3.0 or any(
      x0 < b1 + gap and b0 < x1 + gap and z0 < e1 + gap and e0 < z1 + gap for b0, b1, e0, e1 in self.blocks
    ):
      return False
    low, high = self.columns(block)
    edges = np.linspace(low, high, 9)
    middle = (edges[1:] + edges[:-1]) / 2
    free = (middle > 0) & (middle < self.camera.size[1])
    for first, last, distance in self._covered:
      if distance < z0:
        free &= (middle < first) | (middle > last)
    return bool(free.mean() >= seen)

  def occupy(self, block: Block, *, covers: bool = True) -> None:
    """Takes a place. What does not cover (a pole) hides nothing worth the name."""
    self.blocks.append(block)
    if covers:
      self._covered.append((*self.columns(block), block[2]))
