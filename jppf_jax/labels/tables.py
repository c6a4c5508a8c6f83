"""The tables of a taxonomy as they are given; `spec.LabelSpec` checks them.

The numberings are those of `spec.py`.
"""

import colorsys
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
from jaxtyping import Bool, Int32, UInt8

from jppf_jax.panoptic import IGNORE

_GOLDEN_RATIO = 0.61803398875


def unmirrored() -> Int32[np.ndarray, "100 100"]:
  """Returns the table in which each part stays the same part in a mirrored image."""
  return np.tile(np.arange(100, dtype=np.int32), (100, 1))


@dataclass(frozen=True, eq=False)
class LabelTables:
  """The tables of one taxonomy.

  Attributes:
    name: e.g. "cpp_grouped".
    class_names: one for each of the K train ids, `num_stuff` stuff classes first.
    class_ids: the scene id of each train id.
    num_stuff: number of stuff classes.
    part_names: one for each of the P part channels; the first is "background".
    class_parts: for each train id its part channels, in the order of evaluation pids. A class with
      one channel is still scored as a plain mask (PPP boat, chair, table, sofa, train): see
      `LabelSpec.has_parts`.
    class_pids: the evaluation pids of these channels.
    class_background: for each train id the part output that means "no part of this class": 0,
      unless classes without parts have their own backgrounds (`variants.semantic_background`);
      classes with parts have 255 then.
    colors: of the classes, for pictures.
    part_colors: of the part channels.
    sid_to_train: train id of a scene id; 255 = not evaluated.
    sid_pid_to_channel: part channel of (sid, file pid); pid 0 = unlabelled; 255 = ignore. If a file
      numbers parts per occurrence (PPP), they are folded here, exactly once.
    sid_pid_to_pid: evaluation pid of (sid, file pid); 0 = unknown; folded as above.
    legal: whether a label file may contain (sid, file pid).
    mirrored_pid: the file pid that takes the place of (sid, file pid) in a mirrored image: that of
      the other side, if left and right parts are paired.
    ap_protocol: the usual protocol for average precision of instances: "cityscapes" or "coco".
  """

  name: str
  class_names: tuple[str, ...]
  class_ids: Int32[np.ndarray, " K"]
  num_stuff: int
  part_names: tuple[str, ...]
  class_parts: tuple[tuple[int, ...], ...]
  class_pids: tuple[tuple[int, ...], ...]
  class_background: tuple[int, ...]
  colors: UInt8[np.ndarray, "K 3"]
  part_colors: UInt8[np.ndarray, "P 3"]
  sid_to_train: Int32[np.ndarray, "100"]
  sid_pid_to_channel: Int32[np.ndarray, "100 100"]
  sid_pid_to_pid: Int32[np.ndarray, "100 100"]
  legal: Bool[np.ndarray, "100 100"]
  mirrored_pid: Int32[np.ndarray, "100 100"] = field(default_factory=unmirrored)
  ap_protocol: Literal["cityscapes", "coco"] = "coco"

  @property
  def num_classes(self) -> int:
    """Number K of train ids."""
    return len(self.class_names)

  @property
  def num_things(self) -> int:
    """Number of thing classes, the last of the train ids."""
    return self.num_classes - self.num_stuff

  @property
  def num_parts(self) -> int:
    """Number P of part channels, background included."""
    return len(self.part_names)

  @cached_property
  def background_outputs(self) -> tuple[int, ...]:
    """The part outputs that mean "no part".

    0 and, if classes have their own backgrounds, the outputs after the part channels.
    """
    outputs = set(self.class_background) - {IGNORE}
    return tuple(sorted(outputs))

  @property
  def num_part_outputs(self) -> int:
    """Number of channels of the part head: the part channels and any further backgrounds."""
    return self.num_parts + len(self.background_outputs) - 1


def part_colors(num_parts: int) -> UInt8[np.ndarray, "P 3"]:
  """Returns one colour (RGB) per part channel; the background is black.

  The hues of successive channels are a golden ratio apart, so that neighbours differ clearly.
  """
  colors = [(0.0, 0.0, 0.0)]
  for index in range(num_parts - 1):
    hue = (_GOLDEN_RATIO * (index + 1)) % 1.0
    saturation = 0.85 if index % 2 else 0.55
    value = 0.95 if index % 3 else 0.75
    colors.append(colorsys.hsv_to_rgb(hue, saturation, value))
  return np.round(255 * np.array(colors)).astype(np.uint8)
