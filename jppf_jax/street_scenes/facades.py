"""Upright planes along a street: the sides of buildings, walls and fences."""

import numpy as np
from jaxtyping import Float

from jppf_jax.street_scenes.camera import Real
from jppf_jax.street_scenes.canvas import Brush, Colour
from jppf_jax.street_scenes.light import Light, tint

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
    faces_camera = (eye - origin) @ across > 0
    self.normal = across if faces_camera else -across
    middle = origin + along * length / 2
    self.distance = float(brush.camera.project(middle)[1])
    self._lit = light.falling_on(self.normal)

  def points(self, uv: Float[np.ndarray, "*n 2"], out: Real = 0.0) -> Float[np.ndarray, "*n 3"]:
    """Returns world coordinates of facade coordinates, `out` metres in front of the plane."""
    u, v = uv[..., :1], uv[..., 1:]
    return self.origin + out * self.normal + u * self.along + v * self.up

  def polygon(self, uv: list[tuple[Real, Real]], colour: Colour, out: Real = 0.0) -> None:
    """Draws one polygon, which may reach behind the camera."""
    points = self.points(np.array(uv, np.float64), out)
    self.brush.face(points, tint(colour, self._lit))

  def box(self, u0: Real, v0: Real, u1: Real, v1: Real, colour: Colour) -> None:
    """Draws one rectangle, which may reach behind the camera."""
    self.polygon([(u0, v0), (u1, v0), (u1, v1), (u0, v1)], colour)

  def rectangles(self, edges: Rectangles, colours: list[Colour]) -> None:
    """Draws many rectangles; those not fully in front of the camera are left out."""
    if len(edges):
      u, v = edges[:, [0, 2, 2, 0]], edges[:, [1, 1, 3, 3]]
      lit = [tint(colour, self._lit) for colour in colours]
      self.brush.faces(self.points(np.stack([u, v], axis=-1)), lit)


def boxes(*edges: Float[np.ndarray, "n"] | Real) -> Rectangles:
  """Stacks the four edges `u0 v0 u1 v1`, each a number or one value per rectangle."""
  return np.stack(np.broadcast_arrays(*edges), axis=-1)


def visible_sides(block: Block) -> list[tuple[Point, Point, Real]]:
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
