"""The camera of a generated scene: a pinhole over a flat ground, with a straight horizon.

World coordinates, metres: `x` to the right of the street, `y` up from the road surface, `z` along
the street. The camera stands at `x = z = 0`, turned by `yaw` against the street; vertical lines
stay vertical in the image (a shifted lens instead of a pitch). Image coordinates are continuous
pixels, a pixel's centre is at +0.5.
"""

import dataclasses
import math

import numpy as np
from jaxtyping import Float

Real = float | int  # type checkers at run time do not take an int for a float
NEAR = 0.6  # metres; what lies closer to the image plane is cut off


@dataclasses.dataclass(frozen=True)
class Camera:
  """A pinhole camera.

  Attributes:
    size: image height and width.
    focal: focal length in pixels.
    height: metres above the road.
    horizon: image row of the horizon.
    yaw: radians by which the view is turned to the right of the street's direction.
  """

  size: tuple[int, int]
  focal: Real
  height: Real
  horizon: Real
  yaw: Real

  def view(self, points: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n 3"]:
    """World points turned into the camera's axes: to the right, up from the ground, depth."""
    cos, sin = math.cos(self.yaw), math.sin(self.yaw)
    x, y, z = points[..., 0], points[..., 1], points[..., 2]
    return np.stack([cos * x - sin * z, y, sin * x + cos * z], axis=-1)

  def project(
    self, points: Float[np.ndarray, "*n 3"]
  ) -> tuple[Float[np.ndarray, "*n 2"], Float[np.ndarray, "*n"]]:
    """Image coordinates and depth of world points. What is closer than `NEAR` is projected as if it
    were there.
    """
    view = self.view(points)
    scale = self.focal / np.maximum(view[..., 2], NEAR)
    x = self.size[1] / 2 + scale * view[..., 0]
    y = self.horizon + scale * (self.height - view[..., 1])
    return np.stack([x, y], axis=-1), view[..., 2]

  def clip(self, points: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "m 3"]:
    """The part of a planar polygon beyond `NEAR` (Sutherland-Hodgman); zero points where nothing is
    left.
    """
    depth = self.view(points)[:, 2] - NEAR
    if (depth >= 0).all():
      return points
    kept = []
    for here, there, d0, d1 in zip(points, np.roll(points, -1, 0), depth, np.roll(depth, -1)):
      if d0 >= 0:
        kept.append(here)
      if (d0 >= 0) != (d1 >= 0):
        kept.append(here + (there - here) * (d0 / (d0 - d1)))
    return np.array(kept).reshape(-1, 3)

  def visible_range(self, z: Real) -> tuple[Real, Real]:
    """Smallest and largest `x` inside the image at distance `z` along the street."""
    half = math.atan(self.size[1] / 2 / self.focal)
    return z * math.tan(self.yaw - half), z * math.tan(self.yaw + half)

  def ground(
    self,
  ) -> tuple[Float[np.ndarray, "H W"], Float[np.ndarray, "H W"], Float[np.ndarray, "H 1"]]:
    """World `x`, `z` of the ground under every pixel, and its depth; above the horizon the ground
    at 200 m.
    """
    height, width = self.size
    below = np.maximum(np.arange(height) + 0.5 - self.horizon, self.focal * self.height / 200)
    depth = (self.focal * self.height / below)[:, None]
    across = (np.arange(width) + 0.5 - width / 2)[None] * depth / self.focal
    cos, sin = math.cos(self.yaw), math.sin(self.yaw)
    return cos * across + sin * depth, cos * depth - sin * across, depth
