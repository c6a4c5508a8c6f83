"""A contact sheet of a dataset: examples of all splits, photo beside labels."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import UInt8

from jppf_jax.labels.spec import LabelSpec
from jppf_jax.structs import IGNORE
from jppf_jax.visualization import render, sheet
from jppf_jax.visualization.palette import class_colors, hatch, part_colors

SHOWN = 12  # examples on the sheet
WIDTH, HEIGHT = 480, 360  # of each at most, in pixels


@runtime_checkable
class Split(Protocol):
  """Examples by position: `input_pipeline.read.Examples`, or a list."""

  def __len__(self) -> int: ...

  def __getitem__(self, index: int, /) -> Mapping[str, Any]: ...


def contact_sheet(
  splits: Sequence[Split], spec: LabelSpec, *, count: int = SHOWN
) -> UInt8[np.ndarray, "H W 3"]:
  """Returns examples spread over all splits, and the legend of the classes and parts that occur.

  Args:
    splits: examples with "image_id", "image" (uint8 [H W 3]) and "uids" (int32 [H W]), by split.
    spec: the taxonomy of the uids.
    count: how many examples at most.
  """
  pictures: dict[str, UInt8[np.ndarray, "_h _w 3"]] = {}
  classes: set[int] = set()
  channels: set[int] = set()
  for example in _spread(splits, count):
    picture, maps = _draw(example, spec)
    pictures[example["image_id"]] = picture
    classes.update(np.unique(maps.semantic).tolist())
    channels.update(np.unique(maps.part).tolist())
  drawn = sheet.grid(pictures, columns=3)
  classes_shown = sorted(classes - {IGNORE})
  parts_shown = sorted(channels - {0, IGNORE})
  colors, channel_colors = class_colors(spec), part_colors(spec)
  entries = {
    "Classes": {spec.class_names[k]: colors[k] for k in classes_shown},
    "Parts": {spec.part_names[p]: channel_colors[p] for p in parts_shown},
  }
  if IGNORE in classes:
    entries["Other"] = {"void": hatch((64, 64))}
  footer = sheet.legend(entries, width=drawn.shape[1])
  return sheet.stack([drawn, footer])


def _spread(splits: Sequence[Split], count: int) -> list[Mapping[str, Any]]:
  """Returns at most `count` examples at even distances over all splits."""
  places = [(examples, index) for examples in splits for index in range(len(examples))]
  shown = min(count, len(places))
  positions = np.linspace(0, len(places) - 1, shown).round()
  chosen = [places[position] for position in positions.astype(int)]
  return [examples[index] for examples, index in chosen]


def _draw(
  example: Mapping[str, Any], spec: LabelSpec
) -> tuple[UInt8[np.ndarray, "h w 3"], render.LabelMaps]:
  """Returns the photo beside its labels, and the maps that are drawn."""
  decoded = spec.decode(example["uids"])
  size = sheet.fitted(decoded.semantic.shape, (HEIGHT, WIDTH))
  photo = render.resized(example["image"], size)
  maps = render.smooth_maps(decoded, size)
  unknown = (maps.part == IGNORE) & (maps.semantic != IGNORE)  # show the class of unlabelled parts
  maps = maps._replace(part=np.where(unknown, 0, maps.part))
  labels = render.overlay(photo, maps, spec, opacity=0.8)
  return np.concatenate([photo, labels], 1), maps
