"""Checks that the tables of a label spec agree with each other."""

from collections.abc import Iterator

import numpy as np

from jppf_jax.labels.tables import LabelTables
from jppf_jax.panoptic import IGNORE


def contradictions(spec: LabelTables) -> list[str]:
  """Returns what is wrong with the tables of a spec; the rest of the library relies on them.

  One message per problem; empty if there is none.
  """
  return [*_of_classes(spec), *_of_parts(spec), *_of_backgrounds(spec), *_of_tables(spec)]


def _of_classes(spec: LabelTables) -> Iterator[str]:
  k = spec.num_classes
  sids = spec.class_ids.tolist()
  if not 1 <= k <= IGNORE:
    yield f"{k} classes, expected 1..255"
  if not 0 <= spec.num_stuff <= k:
    yield f"{spec.num_stuff} stuff classes of {k}"
  if len(set(spec.class_names)) != k:
    yield "two classes share a name"
  if len(sids) != k or len(set(sids)) != k:
    yield "class_ids are not one scene id per class"
  if not all(1 <= sid <= 99 for sid in sids):
    yield "scene ids outside 1..99"


def _of_parts(spec: LabelTables) -> Iterator[str]:
  k, p = spec.num_classes, spec.num_parts
  channels = {channel for parts in spec.class_parts for channel in parts}
  if not len(spec.class_parts) == k == len(spec.class_pids):
    yield "class_parts and class_pids need one entry per class"
  for parts, pids in zip(spec.class_parts, spec.class_pids):
    if not len(parts) == len(pids) == len(set(parts)) == len(set(pids)):
      yield "a class repeats a part channel or pid"
      break
  if channels != set(range(1, p)):
    yield f"the classes use part channels {sorted(channels)}, expected all of 1..{p - 1}"
  if not all(1 <= pid <= 99 for pids in spec.class_pids for pid in pids):
    yield "evaluation pids outside 1..99"
  if p < 1 or spec.part_names[0] != "background":
    yield "part channel 0 must be 'background'"


def _of_backgrounds(spec: LabelTables) -> Iterator[str]:
  outputs, p = spec.background_outputs, spec.num_parts
  further = range(p, p + len(outputs) - 1)
  is_void = spec.sid_to_train == IGNORE
  void_is_ignored = bool((spec.sid_pid_to_channel[is_void] == IGNORE).all())
  if len(spec.class_background) != spec.num_classes:
    yield "class_background needs one entry per class"
  if outputs != (0, *further):
    yield (
      f"the backgrounds are part outputs {list(outputs)}, expected 0 and then those after the "
      f"parts, from {p} on"
    )
  for parts, background in zip(spec.class_parts, spec.class_background):
    if not parts and background == IGNORE:
      yield "a class without parts has no background"
      break
  if len(outputs) != 1 and not void_is_ignored:
    yield "void is background, but there are several and the class of void pixels is unknown"
  if spec.num_part_outputs > IGNORE:
    yield f"{spec.num_part_outputs} part outputs, expected at most 255"


def _of_tables(spec: LabelTables) -> Iterator[str]:
  k, p = spec.num_classes, spec.num_parts
  if spec.colors.shape != (k, 3) or spec.part_colors.shape != (p, 3):
    yield "there must be one colour per class and per part channel"
  if not np.isin(spec.sid_to_train, [*range(k), IGNORE]).all():
    yield "sid_to_train names unknown train ids"
  if not np.isin(spec.sid_pid_to_channel, [*range(p), IGNORE]).all():
    yield "sid_pid_to_channel names unknown channels"
  if not np.isin(spec.mirrored_pid, np.arange(100)).all():
    yield "mirrored_pid names part ids outside 0..99"
  elif not np.take_along_axis(spec.legal, spec.mirrored_pid, axis=1)[spec.legal].all():
    yield "mirrored_pid names parts that the class does not have"
