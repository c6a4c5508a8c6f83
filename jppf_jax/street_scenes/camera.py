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
NEAR = 0.6  # metres; anything closer to the image plane is cut off
FARTHEST_GROUND = 200  # metres; the ground reported above the horizon


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
    """Returns world points in the camera's axes: to the right, up from the ground, depth."""
    cos, sin = math.cos(self.yaw), math.sin(self.yaw)
    x, y, z = points[..., 0], points[..., 1], points[..., 2]
    return np.stack([cos * x - sin * z, y, sin * x + cos * z], axis=-1)

  def project(
    self, points: Float[np.ndarray, "*n 3"]
  ) -> tuple[Float[np.ndarray, "*n 2"], Float[np.ndarray, "*n"]]:
    """Returns image coordinates and depth of world points. Points closer than `NEAR` are projected
    as if they were at this depth.
    """
    view = self.view(points)
    scale = self.focal / np.maximum(view[..., 2], NEAR)
    right, below = view[..., 0], self.height - view[..., 1]
    x, y = self.size[1] / 2 + scale * right, self.horizon + scale * below
    return np.stack([x, y], axis=-1), view[..., 2]

  def clip(self, points: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "m 3"]:
    """Returns the part of a planar polygon beyond `NEAR` (Sutherland-Hodgman); no points if nothing
    is left.
    """
    depth = self.view(points)[:, 2] - NEAR
    if (depth >= 0).all():
      return points
    kept = []
    following, following_depth = np.roll(points, -1, 0), np.roll(depth, -1)
    for here, there, d0, d1 in zip(points, following, depth, following_depth):
      begins_inside, ends_inside = d0 >= 0, d1 >= 0
      if begins_inside:
        kept.append(here)
      if begins_inside != ends_inside:
        share = d0 / (d0 - d1)
        kept.append(here + (there - here) * share)
    return np.array(kept).reshape(-1, 3)

  def visible_range(self, z: Real) -> tuple[Real, Real]:
    """Returns the smallest and largest `x` inside the image at distance `z` along the street."""
    half = math.atan(self.size[1] / 2 / self.focal)
    return z * math.tan(self.yaw - half), z * math.tan(self.yaw + half)

  def ground(
    self,
  ) -> tuple[Float[np.ndarray, "H W"], Float[np.ndarray, "H W"], Float[np.ndarray, "H 1"]]:
    """Returns world `x`, `z` and depth of the ground at each pixel; above the horizon, of the
    ground `FARTHEST_GROUND` away.
    """
    height, width = self.size
    scaled_height = self.focal * self.height
    rows, columns = np.arange(height) + 0.5, np.arange(width) + 0.5
    below = np.maximum(rows - self.horizon, scaled_height / FARTHEST_GROUND)
    depth = (scaled_height / below)[:, None]
    across = (columns - width / 2)[None] * depth / self.focal
    cos, sin = math.cos(self.yaw), math.sin(self.yaw)
    x, z = cos * across + sin * depth, cos * depth - sin * across
    return x, z, depth
