"""Names that say left or right: in a mirrored image such a part is the other one."""

import re
import warnings
from collections.abc import Iterator, Sequence

import numpy as np

from jppf_jax.labels.quote import first_of, quoted
from jppf_jax.labels.tables import LabelTables
from jppf_jax.panoptic import IGNORE

SIDES = (("left", "right"), ("l", "r"), ("lt", "rt"), ("lh", "rh"), ("lhs", "rhs"))
_CERTAIN = {"left", "right"}
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")  # of "arm_L2", "leftArm", "Left Arm"


class SidesWarning(UserWarning):
  """Names say left or right, and nothing says which of them are exchanged in a mirrored image."""


def unpaired(spec: LabelTables) -> list[str]:
  """Returns the names that say left or right and keep their ids in a mirrored image.

  Those of classes, and of parts that have no pair under `mirror`.
  """
  names = sided(spec.class_names)
  for sid, channels in zip(spec.class_ids, spec.class_parts):
    is_kept = spec.mirrored_pid[sid] == np.arange(100)
    kept_channels = set(spec.sid_pid_to_channel[sid][is_kept].tolist())
    sided_parts = sided([spec.part_names[channel] for channel in channels])
    kept_parts = {spec.part_names[channel] for channel in channels if channel in kept_channels}
    names += [name for name in sided_parts if name in kept_parts and name not in names]
  return names


def warn_of(spec: LabelTables) -> None:
  """Warns if classes, or parts without a pair, have names that say left or right."""
  names = unpaired(spec)
  if not names:
    return
  one, several = "says left or right, but keeps its id", "say left or right, but keep their ids"
  says = one if len(names) == 1 else several
  shown = first_of([quoted(name) for name in names], 4)
  warnings.warn(
    f"{spec.name}: {shown} {says} in mirrored views, which teach the opposite. Name the pairs of "
    "parts in the spec (mirror: [[left arm, right arm]]), or have no mirrored views: "
    "--config.data.flip=False.",
    SidesWarning,
    stacklevel=1,  # one place for all callers, so Python shows it once
  )


def exchanged_outputs(spec: LabelTables) -> tuple[int, ...]:
  """Returns, for each part output, the one that takes its place in a mirrored image.

  That of the other side for parts that are paired under `mirror`; itself for all others, and for a
  channel that several classes share and exchange differently.
  """
  partners: list[set[int]] = [set() for _ in range(spec.num_part_outputs)]
  for sid in spec.class_ids:
    for pid in np.flatnonzero(spec.legal[sid]):
      here = spec.sid_pid_to_channel[sid, pid]
      there = spec.sid_pid_to_channel[sid, spec.mirrored_pid[sid, pid]]
      if here not in (0, IGNORE) and there not in (0, IGNORE):
        partners[here].add(int(there))
  return tuple(
    found.pop() if len(found) == 1 else channel for channel, found in enumerate(partners)
  )


def sided(names: Sequence[str]) -> list[str]:
  """Returns the names that say left or right, in their order.

  `left` and `right` count as words in any spelling ("left arm", "arm_left", "LeftArm"). Short forms
  ("l-arm", "arm.R") and words without a gap ("leftarm", "reye") count if the other side is in the
  list too, so "lace" and "upright" do not.

  Args:
    names: the parts of one class, or classes.
  """
  known = {"".join(_words(name)) for name in names}
  found = []
  for name in names:
    words = _words(name)
    if _CERTAIN & set(words) or not known.isdisjoint(_counterparts(words)):
      found.append(name)
  return found


def _words(name: str) -> list[str]:
  return [word.lower() for word in _WORD.findall(name)]


def _counterparts(words: list[str]) -> Iterator[str]:
  """Yields what the other side may be called, without gaps."""
  sides = [*SIDES, *((there, here) for here, there in SIDES)]
  for position, word in enumerate(words):
    before, after = "".join(words[:position]), "".join(words[position + 1 :])
    for here, there in sides:
      if word.startswith(here):
        yield before + there + word.removeprefix(here) + after
      if word.endswith(here):
        yield before + word.removesuffix(here) + there + after
