"""What the ids of a dataset mean: the tables between label files, network channels and evaluation.

Numberings:

- `sid`, `iid`, file `pid`: scene, instance and part ids of the label files.
- *train id* 0..K-1: a channel of the semantic head, stuff first, then things; 255 = ignored.
- *part channel* 0..P-1: 0 = background; 255 = ignored or unknown.
- *evaluation pid*: numbers the parts within one class; PartPQ compares these.
- *part output*: a channel of the part head. It is a part channel or, in specs of
  `variants.semantic_background`, one of the further backgrounds after them. Only the part head, its
  targets and the fusion use part outputs; results and scores use part channels.
"""

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Int, Int32, Integer

from jppf_jax.labels import own_tables, runs, sides
from jppf_jax.labels import uids as uid_format
from jppf_jax.labels.consistency import contradictions
from jppf_jax.labels.derived_tables import DerivedTables
from jppf_jax.labels.quote import listed
from jppf_jax.labels.tables import unmirrored
from jppf_jax.panoptic import IGNORE


class Decoded(NamedTuple):
  """A label image in the network's numbering.

  Attributes:
    semantic: train ids; 255 = not evaluated (void).
    instance: the file's instance ids; -1 = none.
    part: part channels. 0 = a class without parts; 255 = void, or a class with parts if the part or
      the instance is unknown.
    part_target: part outputs, the training target of the part head: as `part`, but with the
      background of each class.
    crowd: whether a pixel belongs to a thing class and has no instance.
  """

  semantic: Int32[np.ndarray, "H W"]
  instance: Int32[np.ndarray, "H W"]
  part: Int32[np.ndarray, "H W"]
  part_target: Int32[np.ndarray, "H W"]
  crowd: Bool[np.ndarray, "H W"]


@dataclass(frozen=True, eq=False)
class LabelSpec(DerivedTables):
  """A taxonomy: its tables, checked once, and the translations that follow from them.

  The arrays are read-only, so jitted functions may close over them. Attributes: those of
  `LabelTables` and of `DerivedTables`.
  """

  def __post_init__(self) -> None:
    for field in fields(self):
      value = getattr(self, field.name)
      if isinstance(value, np.ndarray):
        value.setflags(write=False)
    wrong = "; ".join(contradictions(self))
    if wrong:
      raise ValueError(f"Label spec {self.name!r} contradicts itself: {wrong}.")

  @classmethod
  def from_dict(cls, mapping: dict[Any, Any], *, name: str) -> "LabelSpec":
    """Returns the spec of your own taxonomy, as in the YAML files that `own_spec.py` shows.

    Warns (`sides.SidesWarning`) of names that say left or right and have no pair under `mirror`.

    Args:
      mapping: stuff, things and so on.
      name: for messages and reports.

    Raises:
      ValueError: the entries are wrong; lists every problem.
    """
    if wrong := own_tables.problems(mapping):
      raise ValueError(f"{name} describes no label spec:{listed(wrong)}")
    tables = own_tables.tables(mapping, name)
    spec = cls(**{field.name: getattr(tables, field.name) for field in fields(tables)})
    sides.warn_of(spec)
    return spec

  def decode(self, uids: Int[np.ndarray, "H W"]) -> Decoded:
    """Returns a label file's uids in the network's numbering, from which all targets are made.

    Raises:
      ValueError: values that are no uids.
      ValueError: (sid, pid) pairs that the dataset does not have.
    """
    sid, iid, pid = uid_format.decode(uids)
    file_pid = np.maximum(pid, 0)
    self.check_legal(sid, file_pid)
    semantic = self.sid_to_train[sid]
    no_instance = iid < 0
    part = self.sid_pid_to_channel[sid, file_pid]
    part_unknown = no_instance & self._is_scored_by_parts(semantic)
    part = np.where(part_unknown, IGNORE, part).astype(np.int32)
    crowd = no_instance & self._is_thing(semantic)
    return Decoded(semantic, iid, part, self._part_target(semantic, part), crowd)

  def _is_thing(self, semantic: Int[np.ndarray, "H W"]) -> Bool[np.ndarray, "H W"]:
    """Returns whether train ids are those of things; void is not."""
    return (semantic >= self.num_stuff) & (semantic != IGNORE)

  def _is_scored_by_parts(self, semantic: Int[np.ndarray, "H W"]) -> Bool[np.ndarray, "H W"]:
    """Returns `has_parts` of train ids; False for void."""
    table = np.zeros(256, bool)
    table[: self.num_classes] = self.has_parts
    return table[semantic]

  def _part_target(
    self, semantic: Int[np.ndarray, "H W"], part: Int[np.ndarray, "H W"]
  ) -> Int32[np.ndarray, "H W"]:
    """Returns part channels as part outputs: the background of the pixel's class in place of 0."""
    if not any(self.class_background):
      return part
    background = np.full(256, IGNORE, np.int32)
    background[: self.num_classes] = self.class_background
    return np.where(part == 0, background[semantic], part)

  def mirrored(self, uids: Int[np.ndarray, "H W"]) -> Int[np.ndarray, "H W"]:
    """Returns the uids of a mirrored image: each left part is the right one, and the reverse.

    Only ids change; the pixels stay where they are, so call it on a map that is mirrored already.

    Args:
      uids: as in the label files, of legal form.
    """
    if not self._exchanges_parts:
      return uids
    has_part = uids >= 100_000
    sid, pid = np.where(has_part, uids // 100_000, 0), np.where(has_part, uids % 100, 0)
    change = self.mirrored_pid[sid, pid] - pid
    return (uids + change).astype(uids.dtype)

  @cached_property
  def _exchanges_parts(self) -> bool:
    return bool((self.mirrored_pid != unmirrored()).any())

  def check_uids(self, uids: Int[np.ndarray, "H W"]) -> None:
    """Checks the ids of a label file.

    Raises:
      ValueError: ids that the dataset does not have; says in how many pixels.
    """
    distinct = np.unique(uids)
    try:
      self.decode(distinct[None])  # fast: each id once
    except ValueError:
      self.decode(uids)  # the same error, with the number of pixels

  def check_scene_ids(self, scene: Integer[np.ndarray, "*S"]) -> None:
    """Checks the scene ids of a prediction; 255 = nothing.

    Raises:
      ValueError: scene ids that the dataset does not have; says in how many pixels.
    """
    known = np.append(self.legal[:, 0], np.zeros(157, bool))  # the last entry: outside 0..255
    known[IGNORE] = True
    inside = (scene >= 0) & (scene <= IGNORE)
    is_unknown = ~known[np.where(inside, scene, np.int32(IGNORE + 1))]
    if not is_unknown.any():
      return
    pixels = int(is_unknown.sum())
    ids = np.unique(np.asarray(scene)[is_unknown])
    examples = ", ".join(map(str, ids[:5])) + (" ..." if len(ids) > 5 else "")
    raise ValueError(
      f"{pixels} pixels carry scene ids that {self.name} does not have: {examples}. "
      "Is this the right label spec for these files?"
    )

  def check_legal(self, sid: Int[np.ndarray, "*S"], file_pid: Int[np.ndarray, "*S"]) -> None:
    """Checks that the dataset has all these (sid, file pid) pairs; pid 0 = unlabelled.

    Raises:
      ValueError: pairs that the dataset does not have; says how many pixels, and shows the first
        five pairs.
    """
    illegal = ~self.legal[sid, file_pid]
    if not illegal.any():
      return
    pixels = int(illegal.sum())
    pairs = sorted(set(zip(sid[illegal].tolist(), file_pid[illegal].tolist())))
    examples = ", ".join(map(str, pairs[:5]))
    more = " ..." if len(pairs) > 5 else ""
    raise ValueError(
      f"{pixels} pixels carry ids that {self.name} does not have; (scene id, part id) = "
      f"{examples}{more}. Is this the right label spec for these files?"
    )

  def to_channels(
    self,
    semantic: Int[np.ndarray, "H W"],
    instance: Int[np.ndarray, "H W"],
    part: Int[np.ndarray, "H W"],
  ) -> Int32[np.ndarray, "H W 3"]:
    """Returns the three-channel prediction form: scene id, instance id, evaluation pid.

    255 = void or unknown. Instance ids may have any size; `files.write_channels` makes them fit in
    the 8 bits of a PNG.

    Args:
      semantic: train ids; 255 = void.
      instance: 0 for stuff; numbers the things within their class.
      part: part channels. A channel that the class does not have gives pid 255; classes without
        parts get pid 1, void gets 0.
    """
    semantic, instance, part = np.asarray(semantic), np.asarray(instance), np.asarray(part)
    void = semantic == IGNORE
    pid_of = np.full((256, 256), IGNORE, np.int32)  # [train id, part channel]
    pid_of[: self.num_classes, : self.num_parts] = self.channel_to_pid
    pid_of[np.flatnonzero(~self.has_parts)] = 1
    pid_of[IGNORE] = 0
    channels = np.empty((*semantic.shape, 3), np.int32)
    channels[..., 0] = self.train_to_sid[semantic]
    channels[..., 1] = np.where(void, 0, instance)
    channels[..., 2] = pid_of[semantic, part]
    return channels

  def to_uids(
    self,
    semantic: Int[np.ndarray, "H W"],
    instance: Int[np.ndarray, "H W"],
    part: Int[np.ndarray, "H W"],
  ) -> Int32[np.ndarray, "H W"]:
    """Returns the uids of a prediction (arguments as in `to_channels`); void = 0.

    A part is written as a file pid that is read back as the same evaluation pid. Stuff and void
    have neither instance nor part. Instance 0 of a thing is an instance like any other; -1 is none,
    and is written as the class alone, without its part (the format has no uid for that).
    """
    semantic, instance, part = np.asarray(semantic), np.asarray(instance), np.asarray(part)
    file_pid_of = np.full((256, 256), -1, np.int32)  # [train id, part channel]
    for k in np.flatnonzero(self.has_parts):
      file_pids = self.pid_to_file_pid[self.class_ids[k]]
      for channel, pid in zip(self.class_parts[k], self.class_pids[k]):
        file_pid_of[k, channel] = file_pids[pid]
    has_instance = self._is_thing(semantic) & (instance >= 0)
    sid = np.where(semantic == IGNORE, 0, self.train_to_sid[semantic])
    iid = np.where(has_instance, instance, -1)
    file_pid = np.where(has_instance, file_pid_of[semantic, part], -1)
    return uid_format.encode(sid, iid, file_pid)

  def channels_to_uids(self, channels: Integer[np.ndarray, "H W 3"]) -> Int32[np.ndarray, "H W"]:
    """Returns the uids of a prediction in the three-channel form; see `to_uids`.

    Raises:
      ValueError: instance ids above 999, for which uids have no room.
    """
    channels = channels.astype(np.int64)  # 8 bits have no room for "no instance", -1
    semantic = self.scene_to_train[channels[..., 0]]
    part = self.pid_to_channel[semantic, channels[..., 2]]
    return self.to_uids(semantic, channels[..., 1], part)

  def uids_to_channels(self, uids: Int[np.ndarray, "H W"]) -> Int32[np.ndarray, "H W 3"]:
    """Returns the three-channel form of a prediction that was saved as uids; see `to_channels`.

    Things without an instance (crowd) get instance id -1: they are one segment of their class, and
    never part of instance 0. If the dataset gives unlabelled pixels a part (PPP bicycles and
    motorbikes), an unknown part becomes that part: uids cannot distinguish the two.

    Raises:
      ValueError: values that are no uids.
      ValueError: (sid, pid) pairs that the dataset does not have.
    """
    first = runs.starts(uids)
    distinct, place = runs.distinct(uids.reshape(-1)[first])
    try:
      (table,) = self._channels_of(distinct[None])
    except ValueError:
      self._channels_of(uids)  # the same error, with the number of pixels
      raise
    lengths = np.diff(first, append=uids.size)
    return np.repeat(table[place], lengths, axis=0).reshape(*uids.shape, 3)

  def _channels_of(self, uids: Int[np.ndarray, "H W"]) -> Int32[np.ndarray, "H W 3"]:
    """Returns the channels of uids; see `uids_to_channels`."""
    sid, iid, pid = uid_format.decode(uids)
    file_pid = np.maximum(pid, 0)
    self.check_legal(sid, file_pid)
    semantic = self.sid_to_train[sid]
    void = semantic == IGNORE
    instance = np.where(self._is_thing(semantic), iid, np.maximum(iid, 0))
    pids = self.sid_pid_to_pid[sid, file_pid]
    pids = np.where(pids == 0, IGNORE, pids)
    pids = np.where(self._is_scored_by_parts(semantic), pids, 1)
    channels = np.empty((*uids.shape, 3), np.int32)
    channels[..., 0] = self.train_to_sid[semantic]
    channels[..., 1] = np.where(void, 0, instance)
    channels[..., 2] = np.where(void, 0, pids)
    return channels
