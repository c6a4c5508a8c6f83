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
  """Draws examples spread over all splits, and the legend of the classes and parts that occur.

  Args:
    splits: examples with "image_id", "image" (uint8 [H W 3]) and "uids" (int32 [H W]), by split.
    spec: what the uids mean.
    count: how many examples at most.
  """
  everything = [(examples, index) for examples in splits for index in range(len(examples))]
  shown = min(count, len(everything))
  positions = np.linspace(0, len(everything) - 1, shown).round().astype(int)
  pictures, classes, channels = {}, set(), set()
  for position in positions:
    examples, index = everything[position]
    example = examples[index]
    picture, maps = _draw(example, spec)
    pictures[example["image_id"]] = picture
    classes |= set(np.unique(maps.semantic).tolist())
    channels |= set(np.unique(maps.part).tolist())
  drawn = sheet.grid(pictures, columns=3)
  known = sorted(classes - {IGNORE})
  parts = sorted(channels - {0, IGNORE})
  entries = {
    "Classes": {spec.class_names[k]: class_colors(spec)[k] for k in known},
    "Parts": {spec.part_names[p]: part_colors(spec)[p] for p in parts},
  }
  if IGNORE in classes:
    entries["Other"] = {"void": hatch((64, 64))}
  return sheet.stack([drawn, sheet.legend(entries, width=drawn.shape[1])])


def _draw(
  example: Mapping[str, Any], spec: LabelSpec
) -> tuple[UInt8[np.ndarray, "h w 3"], render.LabelMaps]:
  """The photo beside its labels, and the maps that are drawn."""
  rows, columns = example["uids"].shape
  width = max(1, min(WIDTH, round(HEIGHT * columns / rows)))
  photo, maps = render.scaled(example["image"], spec.decode(example["uids"]), width=width)
  # parts that nobody labelled: show the class
  unknown = (maps.part == IGNORE) & (maps.semantic != IGNORE)
  maps = maps._replace(part=np.where(unknown, 0, maps.part))
  labels = render.overlay(photo, maps, spec, opacity=0.8)
  return np.concatenate([photo, labels], 1), maps
