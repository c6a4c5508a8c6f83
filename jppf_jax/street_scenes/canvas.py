"""The canvas of a scene: each mark draws its number; colour and label are looked up from it later.

A picture of mark numbers is kept at `scale` times the resolution, painted far to near. The colour
of a pixel is the mean of all its samples. Its label is that of the sample at the pixel's centre,
so labels are never mixed. Cityscapes labels the gaps in an object (fence, spokes) as the object;
the mark of such a gap is drawn in a second picture. Since numbers grow from far to near, the larger
of the two marks is the nearer one and gives the label.
"""

import dataclasses
import enum
from collections.abc import Iterable, Sequence

import numpy as np
from jaxtyping import Float, Int
from PIL import Image, ImageDraw

from jppf_jax.street_scenes.camera import NEAR, Camera, Real

Colour = tuple[Real, Real, Real]  # red, green, blue, 0..1


SMALLEST_FACE = 0.3  # pixels; smaller polygons of a group are not drawn
SMOOTH_LINE = 3  # samples; thicker lines have round joints


class Texture(enum.IntEnum):
  """The texture of a surface; `shade.py` has the strength of its noise."""

  PLAIN = 0
  ASPHALT = 1
  PAVING = 2
  GRASS = 3
  SKY = 4
  LEAVES = 5
  MASONRY = 6
  METAL = 7
  CLOTH = 8


@dataclasses.dataclass
class Object:
  """An object with one label: a surface, or one instance.

  Attributes:
    sid: Cityscapes scene id.
    instance: whether it gets an instance id of its own; a thing without one is a crowd.
    texture: of all its marks.
  """

  sid: int
  instance: bool
  texture: Texture


class Canvas:
  """Collects marks of objects, painted over each other in the order they come.

  Attributes:
    camera: projects what is given in world coordinates.
    scale: samples per pixel and side; odd, so that one sample is the pixel's centre.
    centres: rows (or columns) of the samples at pixel centres.
    objects: what was drawn; marks refer to it by position.
    shadows: polygons in image coordinates with a strength in 0..1, which darken the ground.
  """

  def __init__(self, camera: Camera, scale: int = 3):
    height, width = camera.size
    self.camera = camera
    self.scale = scale
    self.centres = slice(scale // 2, None, scale)
    self.objects: list[Object] = []
    self.shadows: list[tuple[list[Real], Real]] = []
    self._colours: list[Colour] = [(0.0, 0.0, 0.0)]
    self._owners: list[tuple[int, int, Real]] = [(-1, 0, 0.0)]  # object, part, depth
    self._paint, self._veil = (Image.new("I", (width * scale, height * scale), 0) for _ in range(2))
    self._draw_paint, self._draw_veil = ImageDraw.Draw(self._paint), ImageDraw.Draw(self._veil)

  def brush(self, sid: int, *, instance: bool = False, texture: Texture = Texture.PLAIN) -> "Brush":
    """Adds an object and returns its brush."""
    self.objects.append(Object(sid, instance, texture))
    return Brush(self, len(self.objects) - 1)

  def add_shadow(self, points: Float[np.ndarray, "n 3"], strength: Real) -> None:
    """Darkens a polygon on the ground."""
    points = self.camera.clip(points)
    if len(points) >= 3:
      self.shadows.append((self.camera.project(points)[0].ravel().tolist(), strength))

  def marks(self) -> tuple[Int[np.ndarray, "Hs Ws"], Int[np.ndarray, "Hs Ws"]]:
    """Returns the mark seen and the mark labelled at each sample; 0 if nothing was drawn there."""
    paint = np.asarray(self._paint)
    return paint, np.maximum(paint, np.asarray(self._veil))

  def tables(
    self,
  ) -> tuple[
    Float[np.ndarray, "n 3"], Int[np.ndarray, "n"], Int[np.ndarray, "n"], Float[np.ndarray, "n"]
  ]:
    """Returns per mark: colour, object (-1: nothing was drawn), part, depth in metres."""
    objects, parts, depths = np.array(self._owners, np.float64).T
    colours = np.array(self._colours, np.float64)
    return colours, objects.astype(np.int32), parts.astype(np.int32), depths


class Brush:
  """Draws marks of one object."""

  def __init__(self, canvas: Canvas, owner: int):
    self.canvas = canvas
    self.camera = canvas.camera
    self._owner = owner

  def _mark(self, colour: Colour, part: int, depth: Real) -> int:
    self.canvas._colours.append(colour)
    self.canvas._owners.append((self._owner, part, depth))
    return len(self.canvas._colours) - 1

  def polygon(self, xy: Sequence[Real], depth: Real, colour: Colour | None, part: int = 0) -> None:
    """Draws a filled polygon in image coordinates, `x0, y0, x1, y1, ...`. Without a colour it is
    transparent and only has a label.
    """
    mark = self._mark(colour or (0.0, 0.0, 0.0), part, depth)
    scale = self.canvas.scale
    xy = [scale * value - 0.5 for value in xy]
    draw = self.canvas._draw_veil if colour is None else self.canvas._draw_paint
    draw.polygon(xy, fill=mark)

  def line(
    self, xy: Sequence[Real], width: Real, depth: Real, colour: Colour, part: int = 0
  ) -> None:
    """Draws a line through image points, at least one sample wide; `width` in pixels."""
    mark = self._mark(colour, part, depth)
    scale = self.canvas.scale
    xy = [scale * value - 0.5 for value in xy]
    samples = max(1, round(width * scale))
    joint = "curve" if samples > SMOOTH_LINE else None
    self.canvas._draw_paint.line(xy, fill=mark, width=samples, joint=joint)

  def ellipse(
    self, x: Real, y: Real, rx: Real, ry: Real, depth: Real, colour: Colour, part: int = 0
  ) -> None:
    """Draws a filled ellipse in image coordinates, at least one sample large."""
    mark = self._mark(colour, part, depth)
    scale = self.canvas.scale
    rx, ry = max(rx * scale - 0.5, 0.5), max(ry * scale - 0.5, 0.5)
    x, y = x * scale - 0.5, y * scale - 0.5
    self.canvas._draw_paint.ellipse((x - rx, y - ry, x + rx, y + ry), fill=mark)

  def face(self, points: Float[np.ndarray, "n 3"], colour: Colour | None, part: int = 0) -> None:
    """Draws a planar polygon in world coordinates, clipped at the camera."""
    points = self.camera.clip(points)
    if len(points) >= 3:
      xy, depth = self.camera.project(points)
      self.polygon(xy.ravel().tolist(), float(depth.mean()), colour, part)

  def faces(
    self, points: Float[np.ndarray, "n m 3"], colours: Sequence[Colour], part: int = 0
  ) -> None:
    """Draws many polygons in world coordinates; those not fully in front of the camera are left
    out.
    """
    xy, depth = self.camera.project(points)
    height, width = self.camera.size
    low, high = xy.min(1), xy.max(1)
    seen = (high > 0).all(1) & (low[:, 0] < width) & (low[:, 1] < height)
    seen &= depth.min(1) > NEAR
    seen &= (high - low).max(1) > SMALLEST_FACE
    mean = depth.mean(1)
    for index in np.flatnonzero(seen).tolist():
      self.polygon(xy[index].ravel().tolist(), float(mean[index]), colours[index], part)

  def rod(
    self, points: Float[np.ndarray, "n 3"], thickness: Real, colour: Colour, part: int = 0
  ) -> None:
    """Draws a line through world points, `thickness` metres wide; not if it comes too close."""
    xy, depth = self.camera.project(points)
    if depth.min() > NEAR:
      mean = float(depth.mean())
      self.line(xy.ravel().tolist(), thickness * self.camera.focal / mean, mean, colour, part)


def hull(points: Iterable[tuple[Real, Real]]) -> list[Real]:
  """Returns the convex hull of image points as a polygon (Andrew's monotone chain)."""
  points = sorted(points)
  chain: list[tuple[Real, Real]] = []
  for sweep in (points, points[::-1]):
    start = len(chain)
    for x, y in sweep:
      while len(chain) >= start + 2:
        (ax, ay), (bx, by) = chain[-2], chain[-1]
        turn = (bx - ax) * (y - ay) - (by - ay) * (x - ax)
        if turn > 0:
          break
        chain.pop()
      chain.append((x, y))
    chain.pop()
  return [value for point in chain for value in point]
