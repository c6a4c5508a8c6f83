"""Pictures of panoptic parts (uint8 RGB): classes, instances, parts, and all of them over the
photo.

Needs NumPy and Pillow only. Whatever has the three label maps can be drawn: a prediction, or a
decoded label file.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int, UInt8
from PIL import Image, ImageDraw

from jppf_jax.labels.resample import nearest
from jppf_jax.labels.spec import Decoded, LabelSpec
from jppf_jax.structs import IGNORE, PanopticParts
from jppf_jax.visualization.palette import class_colors, hatch, instance_color, part_colors
from jppf_jax.visualization.sheet import font, grid, legend, stack

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
  """Returns the three maps of a prediction for one image, or of a label file."""
  semantic, instance, part = (
    np.asarray(x) for x in (answer.semantic, answer.instance, answer.part)
  )
  if semantic.ndim != 2:
    raise ValueError(
      f"Pictures are drawn of one image; got maps of shape {semantic.shape}. Take one of the batch."
    )
  return LabelMaps(semantic, instance + 1 if isinstance(answer, Decoded) else instance, part)


def scaled(
  image: UInt8[np.ndarray, "H W 3"], answer: Answer, *, width: int
) -> tuple[UInt8[np.ndarray, "H2 W2 3"], LabelMaps]:
  """Returns photo and maps at another width, in the same proportions.

  Lines and text need pixels: scale before drawing, not after.
  """
  maps = label_maps(answer)
  height = max(1, round(image.shape[0] * width / image.shape[1]))
  photo = Image.fromarray(image).resize((width, height), Image.Resampling.BICUBIC)
  return np.asarray(photo), LabelMaps(*(nearest(ids, (height, width)) for ids in maps))


def semantic(answer: Answer, spec: LabelSpec) -> UInt8[np.ndarray, "H W 3"]:
  """Returns the classes in their colours; void is hatched."""
  maps = label_maps(answer)
  return _hatched(class_colors(spec)[maps.semantic], maps.semantic == IGNORE)


def instances(answer: Answer, spec: LabelSpec, *, names: bool = True) -> UInt8[np.ndarray, "H W 3"]:
  """Returns every instance in its own shade, outlined, and (`names`) named where there is room;
  void is hatched.
  """
  maps = label_maps(answer)
  stuff = 0.25 * class_colors(spec)[maps.semantic] + 0.75 * 232
  picture = _paint_instances(stuff.astype(np.uint8), maps, spec)
  picture[_outlines(maps, spec)] = WHITE
  picture = _hatched(picture, maps.semantic == IGNORE)
  return _name_instances(picture, maps, spec) if names else picture


def parts(answer: Answer, spec: LabelSpec) -> UInt8[np.ndarray, "H W 3"]:
  """Returns the parts in their colours, instances outlined; unknown parts are hatched, what has no
  parts is grey.
  """
  maps = label_maps(answer)
  picture = part_colors(spec)[maps.part]
  without = (maps.part == 0) & _is_thing(maps, spec)
  picture[without] = 80
  picture[_outlines(maps, spec)] = WHITE
  return _hatched(picture, (maps.part == IGNORE) & (maps.semantic != IGNORE))


def overlay(
  image: UInt8[np.ndarray, "H W 3"],
  answer: Answer,
  spec: LabelSpec,
  *,
  opacity: float = 0.6,
  names: bool = False,
) -> UInt8[np.ndarray, "H W 3"]:
  """Returns the whole answer over the photo: stuff by class, things by part (by instance, without
  parts), outlined.

  Args:
    image: the photo, of the size of the maps.
    answer: what is drawn.
    spec: the taxonomy.
    opacity: 0 shows only the photo, 1 only the labels.
    names: write the class on instances where there is room.
  """
  maps = label_maps(answer)
  if image.shape[:2] != maps.semantic.shape:
    raise ValueError(
      f"The photo is {image.shape[:2]}, the maps are {maps.semantic.shape}; scale one to the other."
    )
  picture = _paint_instances(class_colors(spec)[maps.semantic], maps, spec)
  known = (maps.part > 0) & (maps.part < IGNORE)
  picture[known] = part_colors(spec)[maps.part[known]]
  picture = _hatched(picture, (maps.part == IGNORE) | (maps.semantic == IGNORE))
  picture = np.round(opacity * picture + (1 - opacity) * image).astype(np.uint8)
  part_lines = _edges(np.where(_is_thing(maps, spec), maps.part, 0)) & known
  picture[part_lines] = picture[part_lines] // 2
  picture[_outlines(maps, spec)] = WHITE
  return _name_instances(picture, maps, spec) if names else picture


def explained(
  image: UInt8[np.ndarray, "H W 3"], answer: Answer, spec: LabelSpec, *, width: int = 960
) -> UInt8[np.ndarray, "H2 W2 3"]:
  """Returns one sheet: the answer over the photo, large; below photo, classes, instances and parts;
  and the legend.

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
  large = overlay(
    *scaled(image, answer, width=2 * width + (below.shape[1] - 2 * width) // 3), spec, names=True
  )
  above = grid({"Panoptic parts": large})
  return stack([above, below, _footer([maps], spec, max(above.shape[1], below.shape[1]))])


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
  drawn = {name: scaled(image, answer, width=width) for name, answer in answers.items()}
  photo = scaled(image, LabelMaps(*[np.zeros(image.shape[:2], np.int32)] * 3), width=width)[0]
  sheet = grid(
    {"Photo": photo, **{k: overlay(photo, maps, spec) for k, (photo, maps) in drawn.items()}},
    columns=columns,
  )
  return stack([sheet, _footer([maps for _, maps in drawn.values()], spec, sheet.shape[1])])


def _footer(answers: list[LabelMaps], spec: LabelSpec, width: int) -> UInt8[np.ndarray, "h W 3"]:
  """The legend of all classes and parts that occur."""
  classes = sorted({int(k) for maps in answers for k in np.unique(maps.semantic)})
  channels = sorted({int(p) for maps in answers for p in np.unique(maps.part)} - {0})
  colors, channel_colors = class_colors(spec), part_colors(spec)
  void = hatch((64, 64))
  entries = {
    "Classes": {spec.class_names[k]: colors[k] for k in classes if k < spec.num_classes},
    "Parts": {
      spec.part_names[p].replace("-", " ").replace("_", " "): channel_colors[p]
      for p in channels
      if p < IGNORE
    },
  }
  if IGNORE in classes or IGNORE in channels:
    entries["Other"] = {"void, or part unknown": void}
  return legend(entries, width=width)


def _is_thing(maps: LabelMaps, spec: LabelSpec) -> Bool[np.ndarray, "H W"]:
  return (maps.semantic >= spec.num_stuff) & (maps.semantic < spec.num_classes)


def _hatched(
  picture: UInt8[np.ndarray, "H W 3"], where: Bool[np.ndarray, "H W"]
) -> UInt8[np.ndarray, "H W 3"]:
  return np.where(where[..., None], hatch(where.shape), picture)


def _identity(maps: LabelMaps) -> Int[np.ndarray, "H W"]:
  """One number per segment; instance numbers are unique inside a class only."""
  return maps.semantic.astype(np.int64) * 1_000_000 + maps.instance


def _paint_instances(
  picture: UInt8[np.ndarray, "H W 3"], maps: LabelMaps, spec: LabelSpec
) -> UInt8[np.ndarray, "H W 3"]:
  """`picture` with the pixels of instances in their shades."""
  ids, inverse = np.unique(_identity(maps), return_inverse=True)
  colors, count = np.zeros((len(ids), 3), np.uint8), np.zeros(256, int)
  thing = (
    (ids // 1_000_000 >= spec.num_stuff)
    & (ids // 1_000_000 < spec.num_classes)
    & (ids % 1_000_000 > 0)
  )
  for row in np.flatnonzero(thing):
    k = ids[row] // 1_000_000
    colors[row] = instance_color(spec.colors[k], int(count[k]))
    count[k] += 1
  inverse = inverse.reshape(maps.semantic.shape)
  return np.where(thing[inverse][..., None], colors[inverse], picture)


def _edges(ids: Int[np.ndarray, "H W"]) -> Bool[np.ndarray, "H W"]:
  """Pixels on either side of a change."""
  edges = np.zeros(ids.shape, bool)
  across, down = ids[:, 1:] != ids[:, :-1], ids[1:] != ids[:-1]
  edges[:, 1:] |= across
  edges[:, :-1] |= across
  edges[1:] |= down
  edges[:-1] |= down
  return edges


def _outlines(maps: LabelMaps, spec: LabelSpec) -> Bool[np.ndarray, "H W"]:
  """Pixels of instances beside anything else."""
  thing = _is_thing(maps, spec) & (maps.instance > 0)
  return _edges(np.where(thing, _identity(maps), -1)) & thing


def _name_instances(
  picture: UInt8[np.ndarray, "H W 3"], maps: LabelMaps, spec: LabelSpec
) -> UInt8[np.ndarray, "H W 3"]:
  """Writes the class on instances, large ones first, where the name fits and hides no other."""
  canvas = Image.fromarray(picture)
  draw = ImageDraw.Draw(canvas)
  letters = font(max(13, picture.shape[1] // 56))
  ids, areas = np.unique(
    np.where(_is_thing(maps, spec) & (maps.instance > 0), _identity(maps), -1), return_counts=True
  )
  identity, written = _identity(maps), []
  for number in ids[np.argsort(-areas)]:
    if number < 0:
      continue
    y, x = np.nonzero(identity == number)
    middle, name = (float(np.median(x)), float(np.median(y))), spec.class_names[number // 1_000_000]
    box = draw.textbbox(middle, name, font=letters, anchor="mm", stroke_width=2)
    fits = box[2] - box[0] < np.ptp(x) and 2 * (box[3] - box[1]) < np.ptp(y)
    free = all(box[2] < b[0] or b[2] < box[0] or box[3] < b[1] or b[3] < box[1] for b in written)
    if fits and free:
      draw.text(
        middle, name, fill="white", font=letters, anchor="mm", stroke_width=2, stroke_fill="black"
      )
      written.append(box)
  return np.array(canvas)
