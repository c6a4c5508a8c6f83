"""Static tables made from a label spec: the outputs of the part head that each class uses."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int

from jppf_jax.labels.spec import LabelSpec
from jppf_jax.structs import IGNORE


class PartChannels(NamedTuple):
  """The part outputs that compete inside an instance of each class, padded to the longest row.

  Attributes:
    channels: part outputs; `spec.num_part_outputs` (one past the last) means the sum of all
      backgrounds.
    labels: the part of a pixel if this output wins; 255 = unknown.
    valid: False in padding.
    partitionable: whether the class has parts; if not, its only output is its background.
  """

  channels: Int[np.ndarray, "K M"]
  labels: Int[np.ndarray, "K M"]
  valid: Bool[np.ndarray, "K M"]
  partitionable: Bool[np.ndarray, "K"]


def part_channels(spec: LabelSpec, *, allow_void_part: bool = False) -> PartChannels:
  """Returns the part outputs of each class, or its background if it has no parts.

  Args:
    spec: the taxonomy.
    allow_void_part: the background competes with the parts, see `FusionConfig`.
  """
  several_backgrounds = len(spec.background_outputs) > 1
  any_background = spec.num_part_outputs if several_backgrounds else 0
  void = [(any_background, IGNORE)] if allow_void_part else []
  rows = []
  for parts, background in zip(spec.class_parts, spec.class_background):
    own_parts = [(part, part) for part in parts]
    rows.append([*own_parts, *void] if parts else [(background, 0)])

  longest = max(map(len, rows))
  padded = np.zeros((len(rows), longest, 2), np.int32)
  valid = np.zeros((len(rows), longest), bool)
  for k, row in enumerate(rows):
    padded[k, : len(row)] = row
    valid[k, : len(row)] = True
  partitionable = np.array([bool(parts) for parts in spec.class_parts])
  return PartChannels(padded[..., 0], padded[..., 1], valid, partitionable)


def stuff_channels(spec: LabelSpec) -> list[tuple[int, ...]]:
  """Returns the part outputs that each stuff class is fused with: its parts, or its background."""
  backgrounds = spec.class_background[: spec.num_stuff]
  parts = spec.class_parts[: spec.num_stuff]
  return [own or (background,) for own, background in zip(parts, backgrounds)]


def parts_of_ids(spec: LabelSpec) -> Bool[np.ndarray, "256 P"]:
  """Returns which part channels each train id has; none for ids that are no class (255, void)."""
  has_part = np.zeros((256, spec.num_parts), bool)
  has_part[: spec.num_classes] = spec.part_matrix
  return has_part


def unknown_parts(spec: LabelSpec) -> Int[np.ndarray, "256"]:
  """Returns, for each train id (255 = void), the part of a pixel if no part was predicted.

  It is 255 if the class has several parts, its part if it has one, and 0 if it has none.
  """
  table = np.zeros(256, np.int32)
  for k, parts in enumerate(spec.class_parts):
    table[k] = IGNORE if len(parts) > 1 else sum(parts)
  return table
