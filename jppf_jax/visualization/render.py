"""Pictures of panoptic parts (uint8 RGB): classes, instances, parts, and all of them on the photo.

Anything with the three label maps can be drawn: a prediction, or a decoded label file.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int, UInt8
from PIL import Image

from jppf_jax.labels.resample import nearest
from jppf_jax.labels.spec import Decoded, LabelSpec
from jppf_jax.structs import IGNORE, PanopticParts
from jppf_jax.visualization.instances import (
  Instances,
  find_instances,
  is_thing,
  named,
  outlines,
  painted,
)
from jppf_jax.visualization.palette import class_colors, hatch, part_colors
from jppf_jax.visualization.sheet import grid, legend, stack

WHITE = np.array([255, 255, 255], np.uint8)


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

  Lines and text need pixels: scale before drawing, not after.
  """
  maps = label_maps(answer)
  rows, columns = image.shape[:2]
  height = max(1, round(rows * width / columns))
  photo = Image.fromarray(image).resize((width, height), Image.Resampling.BICUBIC)
  resized = [nearest(ids, (height, width)) for ids in maps]
  return np.asarray(photo), LabelMaps(*resized)


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
  pale = 0.25 * class_colors(spec)[maps.semantic] + 0.75 * 232
  picture = painted(pale.astype(np.uint8), found, spec)
  picture[outlines(found.labels)] = WHITE
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
  picture[outlines(_instances(maps, spec).labels)] = WHITE
  unknown = (maps.part == IGNORE) & (maps.semantic != IGNORE)
  return _hatched(picture, unknown)


def overlay(
  image: UInt8[np.ndarray, "H W 3"],
  answer: Answer,
  spec: LabelSpec,
  *,
  opacity: float = 0.6,
  names: bool = False,
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
  mixed = opacity * picture + (1 - opacity) * image
  picture = np.round(mixed).astype(np.uint8)
  parts_of_things = np.where(is_thing(maps.semantic, spec), maps.part, 0)
  part_lines = outlines(parts_of_things) & known
  picture[part_lines] = picture[part_lines] // 2
  picture[outlines(found.labels)] = WHITE
  return named(picture, found, spec) if names else picture


def explained(
  image: UInt8[np.ndarray, "H W 3"], answer: Answer, spec: LabelSpec, *, width: int = 960
) -> UInt8[np.ndarray, "H2 W2 3"]:
  """Returns one sheet with a legend: the answer over the photo, large, and four small pictures.

  The small ones below it are the photo, classes, instances and parts.

  Args:
    image: the photo, of the size of the maps.
    answer: what is drawn.
    spec: the taxonomy.
    width: of the four small pictures, in pixels.
  """
  photo, maps = scaled(image, answer, width=width)
  small = {
    "Photo": photo,
    "Classes": semantic(maps, spec),
    "Instances": instances(maps, spec),
    "Parts": parts(maps, spec),
  }
  below = grid(small, columns=2)
  margins = below.shape[1] - 2 * width  # three: left, between the pictures, right
  large_photo, large_maps = scaled(image, answer, width=2 * width + margins // 3)
  large = overlay(large_photo, large_maps, spec, names=True)
  above = grid({"Panoptic parts": large})
  sheet_width = max(above.shape[1], below.shape[1])
  footer = _footer([maps], spec, sheet_width)
  return stack([above, below, footer])


def comparison(
  image: UInt8[np.ndarray, "H W 3"],
  answers: dict[str, Answer],
  spec: LabelSpec,
  *,
  width: int = 960,
  columns: int = 2,
) -> UInt8[np.ndarray, "H2 W2 3"]:
  """Returns the photo and several answers over it, each under its name, with one legend.

  Args:
    image: the photo, of the size of the maps.
    answers: what is drawn, e.g. {"Ground truth": ..., "Joint fusion": ..., "Top-down merge": ...}.
    spec: the taxonomy.
    width: of each picture, in pixels.
    columns: pictures side by side.
  """
  nothing = np.zeros(image.shape[:2], np.int32)
  photo, _ = scaled(image, LabelMaps(nothing, nothing, nothing), width=width)
  pictures, drawn = {"Photo": photo}, []
  for name, answer in answers.items():
    _, maps = scaled(image, answer, width=width)
    pictures[name] = overlay(photo, maps, spec)
    drawn.append(maps)
  sheet = grid(pictures, columns=columns)
  footer = _footer(drawn, spec, sheet.shape[1])
  return stack([sheet, footer])


def _footer(answers: list[LabelMaps], spec: LabelSpec, width: int) -> UInt8[np.ndarray, "h W 3"]:
  """Returns the legend of all classes and parts that occur."""
  classes = _occurring([maps.semantic for maps in answers])
  channels = _occurring([maps.part for maps in answers])
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
  return legend(entries, width=width)


def _occurring(maps: list[Int[np.ndarray, "_h _w"]]) -> list[int]:
  """Returns the distinct ids of several maps, ascending."""
  ids: set[int] = set()
  for values in maps:
    ids.update(np.unique(values).tolist())
  return sorted(ids)


def _hatched(
  picture: UInt8[np.ndarray, "H W 3"], where: Bool[np.ndarray, "H W"]
) -> UInt8[np.ndarray, "H W 3"]:
  return np.where(where[..., None], hatch(where.shape), picture)


def _instances(maps: LabelMaps, spec: LabelSpec) -> Instances:
  return find_instances(maps.semantic, maps.instance, spec)
