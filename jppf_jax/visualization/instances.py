"""The instances of an image: numbered, painted in shades of their class, outlined and named."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, Int32, Int64, UInt8
from PIL import Image, ImageDraw, ImageFilter

from jppf_jax import lettering
from jppf_jax.labels import runs
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.visualization.palette import instance_color

Box = tuple[float, float, float, float]  # x0 y0 x1 y1 of a name
_Region = tuple[int, int, int, int]  # top left bottom right of an instance

_SOFT = ImageFilter.Kernel((3, 3), [1, 2, 1, 2, 4, 2, 1, 2, 1])


class Instances(NamedTuple):
  """The instances of one image, ordered by class and instance number.

  Attributes:
    labels: 0 = no instance, n = the instance in row n - 1 of `classes` and `numbers`.
    classes: train ids.
    numbers: as in the instance map; unique inside each class only.
  """

  labels: Int32[np.ndarray, "H W"]
  classes: Int32[np.ndarray, " N"]
  numbers: Int64[np.ndarray, " N"]


class Captions(NamedTuple):
  """What is written on instances beside the name of their class.

  Attributes:
    numbers: whether the instance number is.
    scores: of instance number n in row n - 1, 0 to 1; None if they are not written.
  """

  numbers: bool = False
  scores: Float[np.ndarray, " D"] | None = None


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
  class_part = semantic[exists].astype(np.int64) << 32
  identity = class_part + instance[exists]
  identities = np.unique(identity)
  labels = np.zeros(semantic.shape, np.int32)
  labels[exists] = 1 + np.searchsorted(identities, identity)
  classes = (identities >> 32).astype(np.int32)
  return Instances(labels, classes, identities & 0xFFFFFFFF)


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
  edges = np.zeros(labels.shape, bool)
  below = labels[1:] != labels[:-1]
  beside = labels[:, 1:] != labels[:, :-1]
  edges[1:] |= below
  edges[:-1] |= below
  edges[:, 1:] |= beside
  edges[:, :-1] |= beside
  return edges & (labels != 0)


def outlined(
  picture: UInt8[np.ndarray, "H W 3"],
  lines: Bool[np.ndarray, "H W"],
  *,
  grey: int = 255,
  opacity: float = 1.0,
) -> UInt8[np.ndarray, "H W 3"]:
  """Returns `picture` with lines in a shade of grey, softly fading into the pixels beside them.

  Args:
    picture: what is drawn on.
    lines: of one pixel's width, such as `outlines`.
    grey: 0 = black, 255 = white.
    opacity: of the lines themselves; beside them it is at most half as much.
  """
  strongest = round(255 * opacity)
  mask = Image.fromarray(lines.astype(np.uint8) * strongest)
  soft = mask.filter(_SOFT)
  soft.paste(strongest, mask=Image.fromarray(lines))
  canvas = Image.fromarray(picture)
  canvas.paste((grey, grey, grey), mask=soft)
  return np.array(canvas)


def named(
  picture: UInt8[np.ndarray, "H W 3"],
  instances: Instances,
  spec: LabelSpec,
  captions: Captions | None = None,
) -> UInt8[np.ndarray, "H W 3"]:
  """Returns `picture` with the class written on instances, large ones first.

  A name is left out if it does not fit into the box of its instance, or touches another name. With
  captions, a shorter text stands on or beside an instance that is too small.
  """
  canvas = Image.fromarray(picture)
  draw = ImageDraw.Draw(canvas)
  size = max(15, min(picture.shape[:2]) // 40)
  written: list[Box] = []
  smallest = 0 if captions else size
  for row, middle, region in _by_size(instances, smallest):
    name = spec.class_names[instances.classes[row]]
    texts = _texts(name, int(instances.numbers[row]), captions or Captions())
    for text, place, must_fit in _attempts(texts, middle, region, size):
      line = lettering.line(text, size)
      box = line.box(draw, place, anchor="mm", stroke_width=2)
      fits = _fits(box, region) if must_fit else _is_inside(box, canvas.size)
      touches = any(_touch(box, other) for other in written)
      if fits and not touches:
        rim = {"stroke_width": 2, "stroke_fill": "black"}
        line.write(draw, place, anchor="mm", fill="white", **rim)
        written.append(box)
        break
  return np.array(canvas)


def _by_size(
  instances: Instances, smallest: int
) -> Iterator[tuple[int, tuple[float, float], _Region]]:
  """Yields row, middle (x, y) and bounding box of each instance, the largest first.

  Boxes whose sides are shorter than `smallest` are left out.
  """
  found = runs.regions(instances.labels)
  labels = [label for label in found if label > 0]
  for label in sorted(labels, key=lambda label: -found[label].area):
    rows, columns, _ = found[label]
    if min(rows.stop - rows.start, columns.stop - columns.start) < smallest:
      continue
    y, x = np.nonzero(instances.labels[rows, columns] == label)
    middle = (columns.start + float(np.median(x)), rows.start + float(np.median(y)))
    yield label - 1, middle, (rows.start, columns.start, rows.stop, columns.stop)


def _texts(name: str, number: int, captions: Captions) -> list[str]:
  """Returns what may be written on an instance, the longest first."""
  known = []
  if captions.numbers:
    known.append(str(number))
  if captions.scores is not None and 1 <= number <= len(captions.scores):
    known.append(f"{100 * captions.scores[number - 1]:.0f}%")
  if not known:
    return [name]
  short = " · ".join(known)
  return [f"{name} {short}", short]


def _attempts(
  texts: list[str], middle: tuple[float, float], region: _Region, height: int
) -> Iterator[tuple[str, tuple[float, float], bool]]:
  """Yields texts and places to try, and whether the text must fit into the instance there."""
  for text in texts:
    yield text, middle, True
  if len(texts) == 1:
    return
  top, _, bottom, _ = region
  near, far = 0.7 * height, 1.6 * height
  for y in (middle[1], top - near, bottom + near, top - far, bottom + far):
    yield texts[-1], (middle[0], y), False


def _fits(box: Box, region: _Region) -> bool:
  """Returns whether a name is narrower than its region and less than half as high."""
  x0, y0, x1, y1 = box
  top, left, bottom, right = region
  is_narrower = x1 - x0 < right - left - 1
  is_lower = 2 * (y1 - y0) < bottom - top - 1
  return is_narrower and is_lower


def _is_inside(box: Box, size: tuple[int, int]) -> bool:
  """Returns whether a box lies inside a picture of (width, height)."""
  x0, y0, x1, y1 = box
  return min(x0, y0) >= 0 and x1 <= size[0] and y1 <= size[1]


def _touch(a: Box, b: Box) -> bool:
  """Returns whether two boxes have a point in common."""
  overlap_x = a[0] <= b[2] and b[0] <= a[2]
  overlap_y = a[1] <= b[3] and b[1] <= a[3]
  return overlap_x and overlap_y
