"""What the ids of a data set mean: the tables between label files, the network's channels and the
evaluation.

Numberings: `sid`, `iid`, file `pid` are those of the label files; a *train id* 0..K-1 is a channel
of the semantic head (stuff first, then things; 255 = ignored); a *part channel* 0..P-1 is a channel
of the part head (0 = background, 255 = ignored or unknown); an *evaluation pid* numbers the parts
inside one class, and is what PartPQ compares. A *part output* is a part channel or, in specs of
`variants.semantic_background`, one of the further backgrounds behind them: only the part head, its
targets and the fusion know outputs; results and scores hold part channels.
"""

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Bool, Int, Int32, UInt8

from jppf_jax.labels import uids as uid_format
from jppf_jax.structs import IGNORE


class Decoded(NamedTuple):
  """A label image in the network's numbering.

  Attributes:
    semantic: train ids, 255 = not evaluated (void).
    instance: the file's instance ids, -1 = none.
    part: part channels: 0 = a class without parts; 255 = void, or a class with parts whose part or
      instance is unknown.
    part_target: part outputs, what the part head is trained with: as `part`, but the background is
      that of the class.
    crowd: pixels of a thing class without an instance.
  """

  semantic: Int32[np.ndarray, "H W"]
  instance: Int32[np.ndarray, "H W"]
  part: Int32[np.ndarray, "H W"]
  part_target: Int32[np.ndarray, "H W"]
  crowd: Bool[np.ndarray, "H W"]


@dataclass(frozen=True, eq=False)
class LabelSpec:
  """Static tables of one taxonomy, validated once; arrays are read-only, so jitted functions may
  close over them.

  Attributes:
    name: e.g. "cpp_grouped".
    class_names: of the K train ids, `num_stuff` stuff classes first.
    class_ids: the scene id of each train id.
    num_stuff: number of stuff classes.
    part_names: of the P part channels; the first is "background".
    class_parts: for each train id its part channels, in the order of evaluation pids. A class with
      one channel is still scored as a plain mask (PPP boat, chair, table, sofa, train): see
      `has_parts`.
    class_pids: the evaluation pids of these channels.
    class_background: for each train id the part output that stands for "no part of this class": 0,
      unless classes without parts have backgrounds of their own (`variants.semantic_background`);
      classes with parts then have 255.
    colors: of the classes, for pictures.
    part_colors: of the part channels.
    sid_to_train: train id of a scene id, 255 = not evaluated.
    sid_pid_to_channel: part channel of (sid, file pid), pid 0 = unlabelled; 255 = ignore. Parts
      that a file numbers per occurrence (PPP) are folded in here, exactly once.
    sid_pid_to_pid: evaluation pid of (sid, file pid), 0 = unknown; folded as above.
    legal: whether a label file may contain (sid, file pid).
    ap_protocol: how average precision of instances is customarily computed: "cityscapes" or "coco".
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
  ap_protocol: Literal["cityscapes", "coco"] = "coco"

  def __post_init__(self):
    for field in fields(self):
      value = getattr(self, field.name)
      if isinstance(value, np.ndarray):
        value.setflags(write=False)
    wrong = [message for ok, message in self._requirements() if not ok]
    if wrong:
      raise ValueError(f"Label spec {self.name!r} contradicts itself: " + "; ".join(wrong) + ".")

  def _requirements(self) -> list[tuple[bool, str]]:
    """Returns (holds, what does not hold otherwise) for everything the rest of the library relies
    on.
    """
    k, p = self.num_classes, self.num_parts
    channels = [c for parts in self.class_parts for c in parts]
    pairs = list(zip(self.class_parts, self.class_pids))
    outputs = self.background_outputs
    void_channels = self.sid_pid_to_channel[self.sid_to_train == IGNORE]
    return [
      (1 <= k <= IGNORE, f"{k} classes, expected 1..255"),
      (0 <= self.num_stuff <= k, f"{self.num_stuff} stuff classes of {k}"),
      (len(set(self.class_names)) == k, "two classes share a name"),
      (
        len(self.class_ids) == k and len(set(self.class_ids.tolist())) == k,
        "class_ids are not one scene id per class",
      ),
      (all(1 <= sid <= 99 for sid in self.class_ids), "scene ids outside 1..99"),
      (
        len(self.class_parts) == k == len(self.class_pids),
        "class_parts and class_pids need one entry per class",
      ),
      (
        all(len(c) == len(i) == len(set(c)) == len(set(i)) for c, i in pairs),
        "a class repeats a part channel or pid",
      ),
      (
        set(channels) == set(range(1, p)),
        f"the classes use part channels {sorted(set(channels))}, expected all of 1..{p - 1}",
      ),
      (
        all(1 <= pid <= 99 for pids in self.class_pids for pid in pids),
        "evaluation pids outside 1..99",
      ),
      (p >= 1 and self.part_names[0] == "background", "part channel 0 must be 'background'"),
      (len(self.class_background) == k, "class_background needs one entry per class"),
      (
        outputs == (0, *range(p, p + len(outputs) - 1)),
        f"the backgrounds are part outputs {list(outputs)}, expected 0 and then those behind the parts, from {p} on",
      ),
      (
        all(parts or b != IGNORE for parts, b in zip(self.class_parts, self.class_background)),
        "a class without parts has no background",
      ),
      (
        len(outputs) == 1 or bool((void_channels == IGNORE).all()),
        "void is background, but there are several: nobody knows which class is there",
      ),
      (
        self.num_part_outputs <= IGNORE,
        f"{self.num_part_outputs} part outputs, expected at most 255",
      ),
      (
        self.colors.shape == (k, 3) and self.part_colors.shape == (p, 3),
        "one colour per class and per part channel",
      ),
      (
        bool(np.isin(self.sid_to_train, [*range(k), IGNORE]).all()),
        "sid_to_train names unknown train ids",
      ),
      (
        bool(np.isin(self.sid_pid_to_channel, [*range(p), IGNORE]).all()),
        "sid_pid_to_channel names unknown channels",
      ),
    ]

  @property
  def num_classes(self) -> int:
    return len(self.class_names)

  @property
  def num_things(self) -> int:
    return self.num_classes - self.num_stuff

  @property
  def num_parts(self) -> int:
    """Part channels, background included."""
    return len(self.part_names)

  @cached_property
  def background_outputs(self) -> tuple[int, ...]:
    """The part outputs that mean "no part": 0 and, where classes have their own, those behind the
    part channels.
    """
    return tuple(sorted(set(self.class_background) - {IGNORE}))

  @property
  def num_part_outputs(self) -> int:
    """What the part head computes: the part channels, and any further backgrounds."""
    return self.num_parts + len(self.background_outputs) - 1

  @cached_property
  def output_to_part(self) -> Int32[np.ndarray, "O"]:
    """The part channel that a part output means: itself, or 0 for every background."""
    outputs = np.arange(self.num_part_outputs, dtype=np.int32)
    return _frozen(np.where(outputs < self.num_parts, outputs, 0).astype(np.int32))

  @cached_property
  def has_parts(self) -> Bool[np.ndarray, " K"]:
    """Classes that PartPQ scores by parts: those with at least two."""
    return _frozen(np.array([len(parts) > 1 for parts in self.class_parts]))

  @cached_property
  def part_matrix(self) -> Bool[np.ndarray, "K P"]:
    """Whether class k may have part channel p. Rows of classes without any channel are False
    throughout.
    """
    return _frozen(self.channel_to_pid != IGNORE)

  @cached_property
  def channel_to_pid(self) -> Int32[np.ndarray, "K P"]:
    """Evaluation pid of a part channel inside a class; 255 where the class does not have it."""
    table = np.full((self.num_classes, self.num_parts), IGNORE, np.int32)
    for k, (channels, pids) in enumerate(zip(self.class_parts, self.class_pids)):
      table[k, list(channels)] = pids
    return _frozen(table)

  @cached_property
  def train_to_sid(self) -> Int32[np.ndarray, "256"]:
    """Scene id of a train id; 255 where there is none."""
    table = np.full(256, IGNORE, np.int32)
    table[: self.num_classes] = self.class_ids
    return _frozen(table)

  @cached_property
  def scene_to_train(self) -> Int32[np.ndarray, "256"]:
    """Train id of a scene id in a prediction, the inverse of `train_to_sid`; 255 for ids that are
    not evaluated.
    """
    table = np.full(256, IGNORE, np.int32)
    table[self.class_ids] = np.arange(self.num_classes)
    return _frozen(table)

  @cached_property
  def pid_to_channel(self) -> Int32[np.ndarray, "256 256"]:
    """Part channel of (train id, evaluation pid) in a prediction.

    255 = void, or a part that the class does not have; a class with one channel always has it, one
    without any is 0.
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
    """The first file pid that means (sid, evaluation pid), so that what we write is read back as
    the same part.
    """
    table = np.zeros((100, 100), np.int32)
    for sid in self.class_ids:
      for file_pid in range(99, 0, -1):
        if self.legal[sid, file_pid]:
          table[sid, self.sid_pid_to_pid[sid, file_pid]] = file_pid
    table[:, 0] = 0
    return _frozen(table)

  def decode(self, uids: Int[np.ndarray, "H W"]) -> Decoded:
    """Returns a label file's uids in the network's numbering: what the heads are trained with.

    Raises:
      ValueError: values that are no uids, or (sid, pid) pairs that the data set does not have.
    """
    sid, iid, pid = uid_format.decode(uids)
    file_pid = np.maximum(pid, 0)
    self.check_legal(sid, file_pid)
    semantic = self.sid_to_train[sid]
    is_class = semantic != IGNORE
    partitionable = np.append(self.has_parts, np.zeros(256 - self.num_classes, bool))[semantic]
    part = np.where(
      partitionable & (iid < 0), IGNORE, self.sid_pid_to_channel[sid, file_pid]
    ).astype(np.int32)
    crowd = is_class & (semantic >= self.num_stuff) & (iid < 0)
    return Decoded(semantic, iid, part, self._part_target(semantic, part), crowd)

  def _part_target(
    self, semantic: Int[np.ndarray, "H W"], part: Int[np.ndarray, "H W"]
  ) -> Int32[np.ndarray, "H W"]:
    """Returns part channels as part outputs: the background of the pixel's class in place of 0."""
    if not any(self.class_background):
      return part
    background = np.full(256, IGNORE, np.int32)
    background[: self.num_classes] = self.class_background
    return np.where(part == 0, background[semantic], part)

  def check_legal(self, sid: Int[np.ndarray, "*S"], file_pid: Int[np.ndarray, "*S"]) -> None:
    """Raises ValueError if a (sid, file pid) pair does not exist in the data set (pid 0 =
    unlabelled).
    """
    illegal = ~self.legal[sid, file_pid]
    if illegal.any():
      pairs = sorted(set(zip(sid[illegal].tolist(), file_pid[illegal].tolist())))
      examples = ", ".join(map(str, pairs[:5])) + (" ..." if len(pairs) > 5 else "")
      raise ValueError(
        f"{int(illegal.sum())} pixels carry ids that {self.name} does not have; (scene id, part id) = {examples}. "
        "Is this the right --spec for these labels?"
      )

  def to_channels(
    self,
    semantic: Int[np.ndarray, "H W"],
    instance: Int[np.ndarray, "H W"],
    part: Int[np.ndarray, "H W"],
  ) -> UInt8[np.ndarray, "H W 3"]:
    """Returns the three-channel prediction form: scene id, instance id, evaluation pid; 255 = void
    or unknown.

    Args:
      semantic: train ids, 255 = void.
      instance: 0 for stuff; things are told apart inside their class.
      part: part channels. One that the class does not have gives pid 255; classes without parts get
        pid 1, void 0.

    Raises:
      ValueError: more than 256 instances of one class, which 8 bits cannot tell apart.
    """
    semantic, instance, part = np.asarray(semantic), np.asarray(instance), np.asarray(part)
    void = semantic == IGNORE
    pid_of = np.full((256, 256), IGNORE, np.uint8)  # [train id, part channel]
    pid_of[: self.num_classes, : self.num_parts] = self.channel_to_pid
    pid_of[: self.num_classes][~self.has_parts] = 1
    pid_of[IGNORE] = 0
    channels = np.empty((*semantic.shape, 3), np.uint8)
    channels[..., 0] = self.train_to_sid[semantic]
    channels[..., 1] = _fit_in_a_byte(semantic, np.where(void, 0, instance))
    channels[..., 2] = pid_of[semantic, part]
    return channels

  def to_uids(
    self,
    semantic: Int[np.ndarray, "H W"],
    instance: Int[np.ndarray, "H W"],
    part: Int[np.ndarray, "H W"],
  ) -> Int32[np.ndarray, "H W"]:
    """Returns the uids of a prediction (arguments as in `to_channels`); void = 0.

    Parts are written as a file pid that reads back as the same evaluation pid. Stuff and void carry
    neither instance nor part; a thing pixel with instance 0 is written as its class alone.
    """
    semantic, instance, part = np.asarray(semantic), np.asarray(instance), np.asarray(part)
    file_pid_of = np.full((256, 256), -1, np.int32)  # [train id, part channel]
    for k in np.flatnonzero(self.has_parts):
      for channel, pid in zip(self.class_parts[k], self.class_pids[k]):
        file_pid_of[k, channel] = self.pid_to_file_pid[self.class_ids[k], pid]
    thing = (semantic != IGNORE) & (semantic >= self.num_stuff) & (instance > 0)
    sid = np.where(semantic == IGNORE, 0, self.train_to_sid[semantic])
    return uid_format.encode(
      sid, np.where(thing, instance, -1), np.where(thing, file_pid_of[semantic, part], -1)
    )

  def uids_to_channels(self, uids: Int[np.ndarray, "H W"]) -> UInt8[np.ndarray, "H W 3"]:
    """Returns the three-channel form of a prediction that was saved as uids; see `to_channels`.

    A thing without an instance becomes instance 0. Where the data set gives unlabelled pixels a
    part (PPP bicycles and motorbikes), an unknown part becomes that part: uids cannot tell the two
    apart.

    Raises:
      ValueError: as `decode` and `to_channels`.
    """
    sid, iid, pid = uid_format.decode(uids)
    file_pid = np.maximum(pid, 0)
    self.check_legal(sid, file_pid)
    semantic = self.sid_to_train[sid]
    void = semantic == IGNORE
    pids = self.sid_pid_to_pid[sid, file_pid]
    with_parts = np.append(self.has_parts, np.zeros(256 - self.num_classes, bool))[semantic]
    channels = np.empty((*uids.shape, 3), np.uint8)
    channels[..., 0] = self.train_to_sid[semantic]
    channels[..., 1] = _fit_in_a_byte(semantic, np.where(void, 0, np.maximum(iid, 0)))
    channels[..., 2] = np.where(void, 0, np.where(with_parts, np.where(pids == 0, IGNORE, pids), 1))
    return channels


def _fit_in_a_byte(
  semantic: Int[np.ndarray, "H W"], instance: Int[np.ndarray, "H W"]
) -> UInt8[np.ndarray, "H W"]:
  """Returns instance ids below 256: unchanged where they fit, else renumbered inside each class."""
  if instance.min(initial=0) >= 0 and instance.max(initial=0) <= 255:
    return instance.astype(np.uint8)
  renumbered = np.zeros(instance.shape, np.uint8)
  for k in np.unique(semantic):
    here = semantic == k
    ids, index = np.unique(instance[here], return_inverse=True)
    if len(ids) > 256:
      raise ValueError(
        f"Train id {k} has {len(ids)} instances in one image; the 3-channel form holds at most 256 per class. "
        "Write uid TIFFs instead, or drop the smallest instances."
      )
    renumbered[here] = index
  return renumbered


def _frozen(array: np.ndarray) -> np.ndarray:
  array.setflags(write=False)
  return array
