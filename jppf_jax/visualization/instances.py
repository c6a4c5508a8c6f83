"""The instances of an image: numbered, painted in shades of their class, outlined and named."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int, Int32, UInt8
from PIL import Image, ImageDraw, ImageFont
from skimage.segmentation import relabel_sequential

from jppf_jax.labels.spec import LabelSpec
from jppf_jax.visualization.palette import instance_color
from jppf_jax.visualization.sheet import font

Box = tuple[float, float, float, float]  # x0 y0 x1 y1 of a name

_CLASS = 1_000_000  # larger than any instance number


class Instances(NamedTuple):
  """The instances of one image, ordered by class and instance number.

  Attributes:
    labels: 0 = no instance, n = the instance in row n - 1 of `classes`.
    classes: train ids.
  """

  labels: Int32[np.ndarray, "H W"]
  classes: Int32[np.ndarray, " N"]


def is_thing(semantic: Int[np.ndarray, "H W"], spec: LabelSpec) -> Bool[np.ndarray, "H W"]:
  """Returns the pixels of thing classes."""
  return (semantic >= spec.num_stuff) & (semantic < spec.num_classes)


def find_instances(
  semantic: Int[np.ndarray, "H W"], instance: Int[np.ndarray, "H W"], spec: LabelSpec
) -> Instances:
  """Returns the instances of an image.

  Args:
    semantic: train ids, 255 = void.
    instance: 0 = none; numbers are unique inside each class only.
    spec: the taxonomy.
  """
  exists = is_thing(semantic, spec) & (instance > 0)
  class_part = semantic.astype(np.int32) * _CLASS
  identity = np.where(exists, class_part + instance.astype(np.int32), 0)
  labels, _, identities = relabel_sequential(identity)
  numbers = np.arange(1, labels.max(initial=0) + 1)
  return Instances(labels, identities[numbers] // _CLASS)


def painted(
  picture: UInt8[np.ndarray, "H W 3"], instances: Instances, spec: LabelSpec
) -> UInt8[np.ndarray, "H W 3"]:
  """Returns `picture` with each instance in a shade of its class."""
  count = [0] * spec.num_classes
  shades = [np.zeros(3, np.uint8)]  # of label 0, not used
  for k in instances.classes.tolist():
    shade = instance_color(spec.colors[k], count[k])
    shades.append(shade)
    count[k] += 1
  labels = instances.labels
  exists = labels > 0
  picture = picture.copy()
  picture[exists] = np.stack(shades)[labels[exists]]
  return picture


def outlines(labels: Int[np.ndarray, "H W"]) -> Bool[np.ndarray, "H W"]:
  """Returns the outermost pixels of each label, beside another label or beside background (0)."""
  from skimage.segmentation import find_boundaries  # imports SciPy, about a second

  return find_boundaries(labels, connectivity=1, mode="inner")


def named(
  picture: UInt8[np.ndarray, "H W 3"], instances: Instances, spec: LabelSpec
) -> UInt8[np.ndarray, "H W 3"]:
  """Returns `picture` with the class written on instances, large ones first.

  A name is left out if it does not fit into the box of its instance, or touches another name.
  """
  from skimage.measure import regionprops  # imports SciPy, about a second

  canvas = Image.fromarray(picture)
  draw = ImageDraw.Draw(canvas)
  letters = font(max(13, picture.shape[1] // 56))
  written: list[Box] = []
  regions = regionprops(instances.labels)
  for region in sorted(regions, key=lambda region: region.area, reverse=True):
    y, x = np.median(region.coords, axis=0).tolist()
    k = instances.classes[region.label - 1]
    name = spec.class_names[k]
    box = draw.textbbox((x, y), name, font=letters, anchor="mm", stroke_width=2)
    touches = any(_touch(box, other) for other in written)
    if _fits(box, region.bbox) and not touches:
      _write(draw, (x, y), name, letters)
      written.append(box)
  return np.array(canvas)


def _write(
  draw: ImageDraw.ImageDraw, middle: tuple[float, float], name: str, letters: ImageFont.FreeTypeFont
) -> None:
  """Writes white letters with a black rim."""
  draw.text(
    middle, name, fill="white", font=letters, anchor="mm", stroke_width=2, stroke_fill="black"
  )


def _fits(box: Box, region: tuple[int, int, int, int]) -> bool:
  """Returns whether a name is narrower than its region and less than half as high."""
  x0, y0, x1, y1 = box
  top, left, bottom, right = region
  is_narrower = x1 - x0 < right - left - 1
  is_lower = 2 * (y1 - y0) < bottom - top - 1
  return is_narrower and is_lower


def _touch(a: Box, b: Box) -> bool:
  """Returns whether two boxes have a point in common."""
  overlap_x = a[0] <= b[2] and b[0] <= a[2]
  overlap_y = a[1] <= b[3] and b[1] <= a[3]
  return overlap_x and overlap_y
