"""What stands along a street: buildings with windows and shops, walls, fences."""

import numpy as np
from jaxtyping import Float

from jppf_jax.street_scenes.camera import Real
from jppf_jax.street_scenes.canvas import Brush, Canvas, Colour, Texture
from jppf_jax.street_scenes.light import Light, blend, hsv, plaster, tint

BUILDING, WALL, FENCE = 11, 12, 13
Point = Float[np.ndarray, "3"]
Rectangles = Float[np.ndarray, "n 4"]  # u0 v0 u1 v1: metres along and up a facade
Block = tuple[Real, Real, Real, Real]  # x0 x1 z0 z1 on the ground


class Facade:
  """An upright plane on which rectangles are placed."""

  def __init__(self, brush: Brush, light: Light, origin: Point, along: Point, length: Real):
    self.brush = brush
    self.origin, self.along, self.length = origin, along, length
    self.up = np.array([0.0, 1.0, 0.0])
    across = np.cross(self.up, along)
    eye = np.array([0.0, brush.camera.height, 0.0])
    self.normal = across if (eye - origin) @ across > 0 else -across
    self.distance = float(brush.camera.project(origin + along * length / 2)[1])
    self._lit = light.falling_on(self.normal)

  def points(self, uv: Float[np.ndarray, "*n 2"], out: Real = 0.0) -> Float[np.ndarray, "*n 3"]:
    """Facade coordinates to the world, `out` metres before the plane."""
    return self.origin + out * self.normal + uv[..., :1] * self.along + uv[..., 1:] * self.up

  def polygon(self, uv: list[tuple[Real, Real]], colour: Colour, out: Real = 0.0) -> None:
    """One polygon, which may reach behind the camera."""
    self.brush.face(self.points(np.array(uv, np.float64), out), tint(colour, self._lit))

  def box(self, u0: Real, v0: Real, u1: Real, v1: Real, colour: Colour) -> None:
    """One rectangle, which may reach behind the camera."""
    self.polygon([(u0, v0), (u1, v0), (u1, v1), (u0, v1)], colour)

  def rectangles(self, boxes: Rectangles, colours: list[Colour]) -> None:
    """Many rectangles; those not fully before the camera are left out."""
    if len(boxes):
      uv = np.stack([boxes[:, [0, 2, 2, 0]], boxes[:, [1, 1, 3, 3]]], axis=-1)
      self.brush.faces(self.points(uv), [tint(colour, self._lit) for colour in colours])


def _visible_sides(block: Block) -> list[tuple[Point, Point, Real]]:
  """Origin, direction and length of the sides of a block that a camera at x = z = 0 can see, the
  far one first.
  """
  x0, x1, z0, z1 = block
  forward, right = np.array([0.0, 0.0, 1.0]), np.array([1.0, 0.0, 0.0])
  inner = x0 if x0 > 0 else x1
  sides = [(np.array([x0, 0.0, z0]), right, x1 - x0)] if z0 > 0 else []
  if x0 > 0 or x1 < 0:
    sides.append((np.array([inner, 0.0, z0]), forward, z1 - z0))
  return sides


def building(canvas: Canvas, light: Light, rng: np.random.Generator, block: Block) -> None:
  """A house of a few floors; every second one has a shop on the ground floor."""
  brush = canvas.brush(BUILDING, texture=Texture.MASONRY)
  colour, trim = plaster(rng), plaster(rng)
  floor = rng.uniform(2.8, 3.4)
  floors = int(rng.integers(2, 7))
  height = floors * floor + rng.uniform(0.3, 1.0)
  pitch, window = rng.uniform(1.7, 2.8), (rng.uniform(0.45, 0.7), rng.uniform(0.5, 0.68))
  shop, pitched = rng.random() < 0.55, rng.random() < 0.5
  glass = hsv(rng.uniform(0.5, 0.62), rng.uniform(0.1, 0.3), rng.uniform(0.2, 0.45))
  for origin, along, length in _visible_sides(block):
    facade = Facade(brush, light, origin, along, length)
    facade.box(0, 0, length, height, colour)
    facade.box(0, height - 0.35, length, height, tint(trim, 0.9))
    if pitched:
      top = [(0.4, height + 1.8), (length - 0.4, height + 1.8)]
      facade.polygon([(0, height), (length, height), top[1], top[0]], hsv(0.03, 0.4, 0.33), -0.2)
    for level in range(1, floors):
      facade.box(0, level * floor, length, level * floor + 0.12, blend(colour, trim, 0.6))
    _windows(facade, rng, pitch, window, floor, range(1 if shop else 0, floors), glass, trim)
    if shop:
      _shop(facade, rng, floor, glass)
    else:
      u = rng.uniform(0.2, 0.7) * length
      facade.rectangles(
        np.array([[u, 0.0, u + 1.2, 2.3], [u + 0.1, 0.0, u + 1.1, 2.2]]),
        [trim, hsv(rng.random(), 0.5, 0.3)],
      )
    facade.box(0, 0, length, 0.4, tint(colour, 0.6))


def _windows(
  facade: Facade, rng: np.random.Generator, pitch: Real, share: tuple[Real, Real], floor: Real, levels: range,
  glass: Colour, trim: Colour,
) -> None:  # fmt: skip
  columns = max(1, int(facade.length / pitch))
  pitch = facade.length / columns
  u, v = np.meshgrid((np.arange(columns) + 0.5) * pitch, np.array(levels) * floor + 0.55 * floor)
  u, v = u.ravel(), v.ravel()
  half, high = share[0] * pitch / 2, share[1] * floor / 2
  panes = np.stack([u - half, v - high, u + half, v + high], axis=-1)
  bright = rng.random(len(u))
  colours = [
    blend(glass, (0.8, 0.85, 0.9), 0.5 * b) if b < 0.85 else (0.85, 0.78, 0.55)
    for b in bright.tolist()
  ]
  frame = tint(trim, 1.15)
  facade.rectangles(panes + np.array([-0.1, -0.1, 0.1, 0.1]), [frame] * len(u))
  facade.rectangles(panes, colours)
  bars = np.stack([u - 0.04, v - high, u + 0.04, v + high], axis=-1)
  sills = np.stack([u - half - 0.15, v - high - 0.18, u + half + 0.15, v - high - 0.06], axis=-1)
  if facade.distance < 45.0:  # farther away nobody sees them
    facade.rectangles(bars, [frame] * len(u))
    facade.rectangles(sills, [tint(trim, 0.7)] * len(u))


def _shop(facade: Facade, rng: np.random.Generator, floor: Real, glass: Colour) -> None:
  """Shop windows, doors, signs and awnings on the ground floor."""
  count = max(1, int(facade.length / rng.uniform(3.0, 5.0)))
  width = facade.length / count
  starts = np.arange(count) * width
  goods = [blend(glass, hsv(rng.random(), 0.5, 0.7), 0.3) for _ in range(count)]
  high = np.full(count, floor - 0.9)
  facade.rectangles(np.stack([starts + 0.2, 0.3 + 0 * high, starts + width - 0.2, high], -1), goods)
  facade.rectangles(
    np.stack([starts + 0.3, 0 * high, starts + 1.2, high - 0.1], -1), [tint(glass, 0.6)] * count
  )
  signs = [hsv(rng.random(), rng.uniform(0.2, 0.9), rng.uniform(0.25, 0.9)) for _ in range(count)]
  facade.rectangles(
    np.stack([starts + 0.1, high + 0.1, starts + width - 0.1, high + 0.75], -1), signs
  )
  letters = np.array([[s + 0.8 + 0.3 * k, floor - 0.65, s + 0.98 + 0.3 * k, floor - 0.35]
                      for s in starts for k in range(int((width - 1.6) / 0.3))]).reshape(-1, 4)  # fmt: skip
  facade.rectangles(letters, [(0.95, 0.95, 0.9)] * len(letters))
  for start, colour in zip(starts.tolist(), signs):
    if rng.random() < 0.35:
      near, far = (
        facade.points(np.array([[start, floor - 1.3], [start + width, floor - 1.3]]), 1.2),
        facade.points(np.array([[start + width, floor - 0.7], [start, floor - 0.7]])),
      )
      facade.brush.face(np.concatenate([near, far]), tint(colour, 0.9))


def wall(canvas: Canvas, light: Light, rng: np.random.Generator, block: Block) -> None:
  """A free-standing wall of bricks, stones or concrete, with a coping."""
  brush = canvas.brush(WALL, texture=Texture.MASONRY)
  kind = rng.random()
  brick = kind < 0.45
  colour = (
    hsv(0.03, rng.uniform(0.35, 0.6), rng.uniform(0.4, 0.6))
    if brick
    else hsv(0.1, rng.uniform(0.02, 0.2), rng.uniform(0.45, 0.75))
  )
  height, course = rng.uniform(1.6, 2.8), 0.22 if brick else 0.45
  joint = tint(colour, 0.68) if kind < 0.8 else tint(colour, 0.85)
  for origin, along, length in _visible_sides(block):
    facade = Facade(brush, light, origin, along, length)
    facade.box(0, 0, length, height, colour)
    for level in range(1, int(height / course)):
      facade.box(0, level * course, length, level * course + 0.04, joint)
      if length > 3 * course:
        u = np.arange(0.4 + 0.5 * course * (level % 2), length, 2.2 * course)
        v = np.full(len(u), (level - 1) * course)
        facade.rectangles(np.stack([u, v, u + 0.05, v + course], -1), [joint] * len(u))
    facade.box(0, height - 0.14, length, height, tint(colour, 1.25))
    facade.box(0, 0, length, 0.15, tint(colour, 0.6))


def fence(canvas: Canvas, light: Light, rng: np.random.Generator, block: Block) -> None:
  """Railings, planks or wire between posts. As in Cityscapes the label fills the gaps, through
  which one sees.
  """
  brush = canvas.brush(FENCE)
  height, kind = rng.uniform(1.2, 2.1), rng.random()
  paint = hsv(rng.uniform(0.05, 0.4), rng.uniform(0.0, 0.5), rng.uniform(0.12, 0.9))
  wood = hsv(0.08, rng.uniform(0.3, 0.6), rng.uniform(0.3, 0.6))
  for origin, along, length in _visible_sides(block):
    facade = Facade(brush, light, origin, along, length)
    if length < 1.0:
      continue
    brush.face(facade.points(np.array([[0, 0], [length, 0], [length, height], [0, height]])), None)
    colour = wood if kind < 0.35 else paint
    step, width = (0.24, 0.19) if kind < 0.35 else (0.22, 0.06) if kind < 0.75 else (0.5, 0.03)
    u = np.arange(0.0, length - width, step)
    low, high = np.full(len(u), 0.08), height - 0.1 + 0.05 * (np.arange(len(u)) % 2)
    facade.rectangles(
      np.stack([u, low, u + width, high], -1),
      [tint(colour, 0.9 + 0.2 * (k % 2)) for k in range(len(u))],
    )
    rails = np.arange(0.2, height, 0.3) if kind >= 0.75 else np.array([0.25, height - 0.3])
    for v in rails.tolist():
      facade.box(0, v, length, v + (0.04 if kind >= 0.75 else 0.09), tint(colour, 0.85))
    posts = np.arange(0.0, length, 2.0)
    facade.rectangles(
      np.stack([posts, 0 * posts, posts + 0.12, 0 * posts + height + 0.1], -1),
      [tint(colour, 0.7)] * len(posts),
    )
