"""Tables that follow from those of a taxonomy: what its numberings mean in each other.

The numberings are those of `spec.py`.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Int32

from jppf_jax.labels.tables import LabelTables
from jppf_jax.panoptic import IGNORE


@dataclass(frozen=True, eq=False)
class DerivedTables(LabelTables):
  """The tables of a taxonomy with those that follow from them, each made when it is first asked
  for, and read-only.
  """

  @cached_property
  def output_to_part(self) -> Int32[np.ndarray, "O"]:
    """The part channel that a part output means: itself, or 0 for each background."""
    outputs = np.arange(self.num_part_outputs, dtype=np.int32)
    outputs[self.num_parts :] = 0
    return _frozen(outputs)

  @cached_property
  def has_parts(self) -> Bool[np.ndarray, " K"]:
    """Whether PartPQ scores a class by its parts: if it has at least two."""
    return _frozen(np.array([len(parts) > 1 for parts in self.class_parts]))

  @cached_property
  def part_matrix(self) -> Bool[np.ndarray, "K P"]:
    """Whether class k may have part channel p. False for all channels if a class has none."""
    return _frozen(self.channel_to_pid != IGNORE)

  @cached_property
  def channel_to_pid(self) -> Int32[np.ndarray, "K P"]:
    """Evaluation pid of a part channel within a class; 255 if the class does not have it."""
    table = np.full((self.num_classes, self.num_parts), IGNORE, np.int32)
    for k, (channels, pids) in enumerate(zip(self.class_parts, self.class_pids)):
      table[k, list(channels)] = pids
    return _frozen(table)

  @cached_property
  def train_to_sid(self) -> Int32[np.ndarray, "256"]:
    """Scene id of a train id; 255 if there is none."""
    table = np.full(256, IGNORE, np.int32)
    table[: self.num_classes] = self.class_ids
    return _frozen(table)

  @cached_property
  def scene_to_train(self) -> Int32[np.ndarray, "256"]:
    """Train id of a scene id in a prediction, the inverse of `train_to_sid`; 255 if there is none.

    Unlike `sid_to_train`, it knows only the scene ids in `class_ids`.
    """
    table = np.full(256, IGNORE, np.int32)
    table[self.class_ids] = np.arange(self.num_classes)
    return _frozen(table)

  @cached_property
  def pid_to_channel(self) -> Int32[np.ndarray, "256 256"]:
    """Part channel of (train id, evaluation pid) in a prediction.

    255 = void, or a part that the class does not have. A class with one channel always has that
    channel; a class without any has 0.
    """
    table = np.full((256, 256), IGNORE, np.int32)
    for k, (channels, pids) in enumerate(zip(self.class_parts, self.class_pids)):
      if self.has_parts[k]:
        table[k, list(pids)] = channels
      else:
        table[k] = channels[0] if channels else 0
    return _frozen(table)

  @cached_property
  def pid_to_file_pid(self) -> Int32[np.ndarray, "100 100"]:
    """The smallest file pid that means (sid, evaluation pid): it is read back as the same part.

    What writes a part by its name or channel writes this one.
    """
    table = np.zeros((100, 100), np.int32)
    for sid in self.class_ids:
      legal_pids = np.flatnonzero(self.legal[sid, 1:]) + 1
      for file_pid in legal_pids[::-1]:
        pid = self.sid_pid_to_pid[sid, file_pid]
        table[sid, pid] = file_pid
    table[:, 0] = 0
    return _frozen(table)


def _frozen(array: np.ndarray) -> np.ndarray:
  array.setflags(write=False)
  return array
