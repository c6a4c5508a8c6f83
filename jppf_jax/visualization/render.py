"""Pictures of panoptic parts (uint8 RGB): classes, instances, parts, and all of them on the photo.

Anything with the three label maps can be drawn: a prediction, or a decoded label file. The size of
sheets is bounded, whatever the size of the image.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8
from PIL import Image

from jppf_jax.labels.resample import nearest
from jppf_jax.labels.spec import Decoded, LabelSpec
from jppf_jax.structs import IGNORE, PanopticParts
from jppf_jax.visualization.instances import (
  Captions,
  Instances,
  find_instances,
  is_thing,
  named,
  outlined,
  outlines,
  painted,
)
from jppf_jax.visualization.palette import class_colors, hatch, part_colors
from jppf_jax.visualization.sheet import (
  beside,
  fitted,
  grid,
  legend,
  stack,
  text_size,
  title_height,
)
from jppf_jax.visualization.smooth import Regions, enlarged, find_regions

_WIDE = 1.6  # width / height from which small pictures stand below the large one, not beside it


class LabelMaps(NamedTuple):
  """What is drawn.

  Attributes:
    semantic: train ids, 255 = void.
    instance: 0 = none; different inside each class.
    part: part channels, 0 = none, 255 = unknown.
  """

  semantic: Int[np.ndarray, "H W"]
  instance: Int[np.ndarray, "H W"]
  part: Int[np.ndarray, "H W"]


Answer = LabelMaps | PanopticParts | Decoded


def label_maps(answer: Answer) -> LabelMaps:
  """Returns the three maps of a prediction for one image, or of a label file.

  Raises:
    ValueError: the maps are those of a batch.
  """
  semantic = np.asarray(answer.semantic)
  instance = np.asarray(answer.instance)
  if semantic.ndim != 2:
    raise ValueError(
      f"Pictures are drawn of one image; got maps of shape {semantic.shape}. Take one of the batch."
    )
  if isinstance(answer, Decoded):
    instance = instance + 1  # -1 = none
  return LabelMaps(semantic, instance, np.asarray(answer.part))


def scaled(
  image: UInt8[np.ndarray, "H W 3"], answer: Answer, *, width: int
) -> tuple[UInt8[np.ndarray, "H2 W2 3"], LabelMaps]:
  """Returns photo and maps at another width, in the same proportions.

  Lines and text need pixels: scale before drawing, not after. The result is at most twice as high
  as wide: taller images become narrower than `width`.
  """
  size = fitted(image.shape[:2], (2 * width, width))
  maps = [nearest(ids, size) for ids in label_maps(answer)]
  return resized(image, size), LabelMaps(*maps)


def semantic(answer: Answer, spec: LabelSpec) -> UInt8[np.ndarray, "H W 3"]:
  """Returns the classes in their colours; void is hatched."""
  maps = label_maps(answer)
  return _hatched(class_colors(spec)[maps.semantic], maps.semantic == IGNORE)


def instances(answer: Answer, spec: LabelSpec, *, names: bool = True) -> UInt8[np.ndarray, "H W 3"]:
  """Returns each instance in its own shade and outlined; stuff is pale, void is hatched.

  Args:
    answer: what is drawn.
    spec: the taxonomy.
    names: write the class on instances with enough room.
  """
  maps = label_maps(answer)
  found = _instances(maps, spec)
  pale = 0.25 * class_colors(spec) + 0.75 * 232
  picture = painted(pale.astype(np.uint8)[maps.semantic], found, spec)
  picture[outlines(found.labels)] = 255
  picture = _hatched(picture, maps.semantic == IGNORE)
  return named(picture, found, spec) if names else picture


def parts(answer: Answer, spec: LabelSpec) -> UInt8[np.ndarray, "H W 3"]:
  """Returns the parts in their colours, instances outlined.

  Unknown parts are hatched. Things without parts are grey, stuff is dark grey.
  """
  maps = label_maps(answer)
  picture = part_colors(spec)[maps.part]
  without_parts = (maps.part == 0) & is_thing(maps.semantic, spec)
  picture[without_parts] = 80
  picture[outlines(_instances(maps, spec).labels)] = 255
  unknown = (maps.part == IGNORE) & (maps.semantic != IGNORE)
  return _hatched(picture, unknown)


def overlay(
  image: UInt8[np.ndarray, "H W 3"],
  answer: Answer,
  spec: LabelSpec,
  *,
  opacity: float = 0.6,
  names: bool = False,
  captions: Captions | None = None,
) -> UInt8[np.ndarray, "H W 3"]:
  """Returns the whole answer over the photo, instances outlined.

  Stuff has the colour of its class, things those of their parts. Things without parts have a shade
  per instance.

  Args:
    image: the photo, of the size of the maps.
    answer: what is drawn.
    spec: the taxonomy.
    opacity: 0 shows only the photo, 1 only the labels.
    names: write the class on instances with enough room.
    captions: what is written beside the class, also on small instances.

  Raises:
    ValueError: photo and maps differ in size.
  """
  maps = label_maps(answer)
  if image.shape[:2] != maps.semantic.shape:
    raise ValueError(
      f"The photo is {image.shape[:2]}, the maps are {maps.semantic.shape}; scale one to the other."
    )
  found = _instances(maps, spec)
  picture = painted(class_colors(spec)[maps.semantic], found, spec)
  known = (maps.part > 0) & (maps.part < IGNORE)
  picture[known] = part_colors(spec)[maps.part[known]]
  unknown = (maps.part == IGNORE) | (maps.semantic == IGNORE)
  picture = _hatched(picture, unknown)
  mixed = Image.blend(Image.fromarray(image), Image.fromarray(picture), opacity)
  parts_of_things = np.where(is_thing(maps.semantic, spec), maps.part, 0)
  part_lines = outlines(parts_of_things) & known
  picture = outlined(np.asarray(mixed), part_lines, grey=0, opacity=0.5)
  picture = outlined(picture, outlines(found.labels))
  return named(picture, found, spec, captions) if names or captions else picture


def explained(
  image: UInt8[np.ndarray, "H W 3"],
  answer: Answer,
  spec: LabelSpec,
  *,
  width: int = 320,
  numbers: bool = False,
  scores: bool = False,
) -> UInt8[np.ndarray, "H2 W2 3"]:
  """Returns one sheet with a legend: the answer over the photo, large, and four small pictures.

  The small ones are the photo, classes, instances and parts. They stand below the large one if the
  image is wide, else beside it, so that the sheet fits on a screen.

  Args:
    image: the photo, of the size of the maps.
    answer: what is drawn.
    spec: the taxonomy.
    width: the longer side of the small pictures, in pixels; the sheet is about four times as wide.
    numbers: write the instance numbers on the instances.
    scores: write the scores of the detections on the instances; label files have none.
  """
  size = image.shape[:2]
  is_wide = size[1] >= _WIDE * size[0]
  margin = text = text_size(4 * width)
  small = fitted(size, (width, width))
  regions = find_regions(label_maps(answer))
  pictures = _small_pictures(image, regions, spec, small)
  block = grid(pictures, columns=4 if is_wide else 2, text=text)
  if is_wide:
    largest = (round(4 * width / _WIDE), block.shape[1] - 2 * margin)
  else:
    largest = (2 * small[0] + title_height(text) + margin, 4 * width)
  maps = LabelMaps(*enlarged(regions, fitted(size, largest)))
  captions = Captions(numbers, _scores(answer) if scores else None) if numbers or scores else None
  photo = resized(image, maps.semantic.shape)
  large = overlay(photo, maps, spec, names=True, captions=captions)
  main = grid({"Panoptic parts": large}, text=text)
  sheet = stack([main[:-margin], block]) if is_wide else beside([main[:, :-margin], block])
  classes, _, channels = regions.ids
  footer = _footer([classes], [channels], spec, width=max(sheet.shape[1], 2 * width), text=text)
  return stack([sheet, footer])


def _small_pictures(
  image: UInt8[np.ndarray, "H W 3"], regions: Regions, spec: LabelSpec, size: tuple[int, int]
) -> dict[str, UInt8[np.ndarray, "h w 3"]]:
  """Returns the photo, and classes, instances and parts drawn at twice the size and reduced."""
  double = (2 * size[0], 2 * size[1])
  maps = LabelMaps(*enlarged(regions, double, smooth_from=1.5))
  drawn = {
    "Photo": image,
    "Classes": semantic(maps, spec),
    "Instances": instances(maps, spec, names=False),
    "Parts": parts(maps, spec),
  }
  return {title: resized(picture, size) for title, picture in drawn.items()}


def comparison(
  image: UInt8[np.ndarray, "H W 3"],
  answers: dict[str, Answer],
  spec: LabelSpec,
  *,
  width: int = 800,
  columns: int | None = None,
) -> UInt8[np.ndarray, "H2 W2 3"]:
  """Returns the photo and several answers over it, each under its name, with one legend.

  Args:
    image: the photo, of the size of the maps.
    answers: what is drawn, e.g. {"Ground truth": ..., "Joint fusion": ..., "Top-down merge": ...}.
    spec: the taxonomy.
    width: of each picture at most, in pixels; its height is at most 3/4 of that.
    columns: pictures side by side; by default 2, or 4 if the image is upright.
  """
  size = fitted(image.shape[:2], (3 * width // 4, width))
  photo = resized(image, size)
  pictures, drawn = {"Photo": photo}, []
  for name, answer in answers.items():
    maps = smooth_maps(answer, size)
    pictures[name] = overlay(photo, maps, spec)
    drawn.append(maps)
  if columns is None:
    columns = 2 if size[1] >= size[0] else 4
  sheet = grid(pictures, columns=columns)
  classes, channels = [maps.semantic for maps in drawn], [maps.part for maps in drawn]
  text = text_size(sheet.shape[1])
  footer = _footer(classes, channels, spec, width=max(sheet.shape[1], width), text=text)
  return stack([sheet, footer])


def smooth_maps(answer: Answer, size: tuple[int, int]) -> LabelMaps:
  """Returns the maps at another size, with smooth boundaries; see `smooth.enlarged`."""
  return LabelMaps(*enlarged(find_regions(label_maps(answer)), size))


def resized(
  picture: UInt8[np.ndarray, "h w 3"], size: tuple[int, int]
) -> UInt8[np.ndarray, "H W 3"]:
  """Returns a picture at another size (height, width)."""
  scaled = Image.fromarray(picture).resize(size[::-1], Image.Resampling.BICUBIC)
  return np.asarray(scaled)


def _scores(answer: Answer) -> Float[np.ndarray, " D"] | None:
  """Returns the score of instance n in row n - 1; None for label files, which have none."""
  if not isinstance(answer, PanopticParts):
    return None
  return np.asarray(answer.segments.scores)


def _footer(
  semantic: list[Int[np.ndarray, "..."]],
  part: list[Int[np.ndarray, "..."]],
  spec: LabelSpec,
  *,
  width: int,
  text: int,
) -> UInt8[np.ndarray, "h W 3"]:
  """Returns the legend of all classes and parts that occur."""
  classes, channels = _occurring(semantic), _occurring(part)
  known_classes = [k for k in classes if k < spec.num_classes]
  known_parts = [p for p in channels if 0 < p < IGNORE]
  names = [name.replace("-", " ").replace("_", " ") for name in spec.part_names]
  colors, channel_colors = class_colors(spec), part_colors(spec)
  entries = {
    "Classes": {spec.class_names[k]: colors[k] for k in known_classes},
    "Parts": {names[p]: channel_colors[p] for p in known_parts},
  }
  if IGNORE in classes or IGNORE in channels:
    entries["Other"] = {"void, or part unknown": hatch((64, 64))}
  return legend(entries, width=width, text=text)


def _occurring(maps: list[Int[np.ndarray, "..."]]) -> list[int]:
  """Returns the distinct ids of several maps, ascending."""
  occurs = np.zeros(IGNORE + 1, bool)
  for values in maps:
    occurs[values.ravel()] = True
  return np.flatnonzero(occurs).tolist()


def _hatched(
  picture: UInt8[np.ndarray, "H W 3"], where: Bool[np.ndarray, "H W"]
) -> UInt8[np.ndarray, "H W 3"]:
  if not where.any():
    return picture
  canvas = Image.fromarray(picture)
  pattern = np.ascontiguousarray(hatch(where.shape))
  canvas.paste(Image.fromarray(pattern), mask=Image.fromarray(where))
  return np.array(canvas)


def _instances(maps: LabelMaps, spec: LabelSpec) -> Instances:
  return find_instances(maps.semantic, maps.instance, spec)
