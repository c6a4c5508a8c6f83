"""Masks in the way of Pascal VOC, which CVAT ("Segmentation mask 1.1") and LabelMe export.

`SegmentationClass` has a class per pixel, `SegmentationObject` an object, as palette indices or as
colours. `labelmap.txt` says what they mean (`name:r,g,b:parts:actions` per line), `class_names.txt`
lists names by index; without both, the indices are those of VOC's twenty classes. The background is
unlabelled, if the taxonomy does not have it.
"""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int, UInt8
from PIL import Image

from jppf_jax.labels.formats.files import read_image
from jppf_jax.labels.formats.region import Labelled, Region
from jppf_jax.labels.other_names import VOID, Names
from jppf_jax.labels.quote import quoted

BACKGROUND = "background"
VOC = (
  *(BACKGROUND, "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair"),
  *("cow", "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa"),
  *("train", "tvmonitor"),
)
_BORDER_INDEX, _BORDER = 255, (224, 224, 192)  # of VOC: neither class nor object
_BLACK = (0, 0, 0)
_KNOWN_COLORS = {_BLACK: BACKGROUND, _BORDER: VOID}
NO_OBJECTS = "has no SegmentationObject: its things are crowds, without instances"
Color = tuple[int, int, int]


class LabelMap(NamedTuple):
  """What the numbers or the colours of a class mask mean.

  Attributes:
    by_index: names by palette index.
    by_color: names by colour; empty if there are no colours.
  """

  by_index: Mapping[int, str]
  by_color: Mapping[Color, str]


def read_labelmap(folder: Path) -> LabelMap:
  """Returns the meaning of masks from the files in their folder, or else that of VOC.

  Raises:
    ValueError: a line of `labelmap.txt` is wrong, or two lines have one colour.
  """
  colored, named = folder / "labelmap.txt", folder / "class_names.txt"
  path = colored if colored.is_file() else named
  if not path.is_file():
    return LabelMap(dict(enumerate(VOC)), {})
  try:
    text = path.read_text(encoding="utf-8")
  except UnicodeDecodeError as error:
    raise ValueError(f"{path} is no text in UTF-8: {error}.") from error
  lines = [line.strip() for line in text.splitlines() if not line.lstrip().startswith("#")]
  lines = [line for line in lines if line]
  if path == named:  # of LabelMe: the first line has the index -1
    lines = lines[1:] if lines[:1] == ["__ignore__"] else lines
    names = [BACKGROUND if line == "_background_" else line for line in lines]
    return LabelMap(dict(enumerate(names)), {})
  if not any(":" in line for line in lines):
    return LabelMap(dict(enumerate(lines)), {})
  by_color: dict[Color, str] = {}
  for line in lines:
    name, color = _parse(path, line)
    if color in by_color:
      raise ValueError(f"{path}: {by_color[color]!r} and {name!r} have the same colour {color}.")
    by_color[color] = name
  return LabelMap({}, by_color)


def _parse(path: Path, line: str) -> tuple[str, Color]:
  name, _, rest = line.partition(":")
  try:
    red, green, blue = (int(word) for word in rest.split(":")[0].split(","))
  except ValueError as error:
    raise ValueError(f"{path}: {quoted(line)}, expected name:red,green,blue:parts:actions.") from (
      error
    )
  return name, (red, green, blue)


def read(
  classes: Path,
  objects: Path | None,
  labelmap: LabelMap,
  names: Names,
  *,
  parts_imply_objects: bool,
) -> Labelled:
  """Returns the masks of an image as regions.

  Args:
    classes: the class mask.
    objects: the object mask; None if there is none.
    labelmap: what the class mask means.
    names: of the taxonomy, which say what is a part.
    parts_imply_objects: whether the pixels of a part belong to the object of the same number, of
      the class that has the part. False: an object is where its class is drawn.

  Raises:
    FileNotFoundError: a file does not exist.
    ValueError: a mask cannot be read, or the two differ in size.
  """
  labels, called = _class_names(classes, labelmap)
  numbers = np.full(labels.shape, -1, np.int64)
  if objects is not None:
    numbers = _object_numbers(objects)
    if numbers.shape != labels.shape:
      raise ValueError(f"{objects} has shape {numbers.shape}, {classes} has {labels.shape}.")
  pairs = np.unique(np.stack([labels.ravel(), numbers.ravel()]), axis=1).T.tolist()
  below: dict[tuple[str, int], list[int]] = {}  # class and object -> labels that it is made of
  parts = []
  for label, number in pairs:
    name = called[label]
    meaning = names.of(name)
    if meaning is None and name == BACKGROUND:
      continue  # nothing is labelled there
    is_part = meaning is not None and meaning.pids is not None
    group = number if number > 0 else None
    if is_part:
      draw = partial(_both, labels, [label], numbers, number)
      parts.append(Region(name, draw, group=group))
      (sid, *others) = meaning.pids if meaning and meaning.pids else [0]
      if not parts_imply_objects or group is None or others:
        continue
      name = names.class_name(sid)
    below.setdefault((name, number), []).append(label)
  regions = []
  for (name, number), made_of in below.items():
    draw = partial(_both, labels, made_of, numbers, number)
    group = number if number > 0 else None
    regions.append(Region(name, draw, group=group, crowd=group is None))
  return Labelled(labels.shape, [*regions, *parts], NO_OBJECTS if objects is None else "")


def _both(
  labels: Int[np.ndarray, "H W"],
  wanted: list[int],
  numbers: Int[np.ndarray, "H W"],
  number: int,
) -> Bool[np.ndarray, "H W"]:
  return np.isin(labels, wanted) & (numbers == number)


def _class_names(path: Path, labelmap: LabelMap) -> tuple[Int[np.ndarray, "H W"], dict[int, str]]:
  """Returns a number per pixel, and what the numbers are called."""
  stored, palette = _stored(path)
  if not labelmap.by_color:
    if stored.ndim != 2:
      raise ValueError(
        f"{path} has colours, and no labelmap.txt beside SegmentationClass says what they mean."
      )
    found = np.unique(stored).tolist()
    unknown = {index: f"index {index}" for index in found} | {_BORDER_INDEX: VOID}
    return stored.astype(np.int64), unknown | dict(labelmap.by_index)
  if stored.ndim == 2 and palette is None:
    by_index = dict(enumerate(labelmap.by_color.values()))
    return _class_names(path, LabelMap(by_index, {}))
  colors = stored if palette is None else palette[stored]
  codes = _codes(colors)
  called: dict[int, str] = {}
  for code in np.unique(codes).tolist():
    color = (code >> 16, code >> 8 & 255, code & 255)
    shown = f"colour {color[0]},{color[1]},{color[2]}"
    called[code] = labelmap.by_color.get(color, _KNOWN_COLORS.get(color, shown))
  return codes, called


def _object_numbers(path: Path) -> Int[np.ndarray, "H W"]:
  """Returns the number of the object of each pixel; 0 = none. Colours are numbered from 1."""
  stored, palette = _stored(path)
  if stored.ndim == 2 and palette is not None:
    return np.where(stored == _BORDER_INDEX, 0, stored).astype(np.int64)
  if stored.ndim == 2:
    return stored.astype(np.int64)
  codes = _codes(stored)
  distinct, place = np.unique(codes, return_inverse=True)
  black = _codes(np.array([[_BLACK]], np.uint8))[0, 0]
  nothing = distinct == black
  return np.where(nothing, 0, np.cumsum(~nothing))[place].reshape(codes.shape)


def _stored(path: Path) -> tuple[np.ndarray, UInt8[np.ndarray, "256 3"] | None]:
  """Returns the numbers of a mask, and its palette if it has one; RGBA is read as RGB."""
  stored = read_image(path)
  if stored.ndim == 3:
    if stored.dtype != np.uint8 or stored.shape[-1] not in (3, 4):
      raise ValueError(f"{path} has shape {stored.shape}, expected palette indices or RGB.")
    return stored[..., :3], None
  with Image.open(path) as image:
    flat = image.getpalette() if image.mode == "P" else None
  if flat is None:
    return stored, None
  palette = np.zeros((256, 3), np.uint8)
  colors = np.array(flat, np.uint8).reshape(-1, 3)
  palette[: len(colors)] = colors
  return stored, palette


def _codes(colors: UInt8[np.ndarray, "H W 3"]) -> Int[np.ndarray, "H W"]:
  red, green, blue = np.moveaxis(colors.astype(np.int64), -1, 0)
  return (red << 16) | (green << 8) | blue
