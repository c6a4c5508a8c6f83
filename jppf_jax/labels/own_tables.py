"""The short form of a taxonomy, a mapping: its fields are checked, then they become tables.

`own_spec.py` shows the form and reads it from a file; `spec.LabelSpec.from_dict` takes a mapping.
"""

import itertools
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Int32, UInt8

from jppf_jax.labels import distinct_colors, other_names
from jppf_jax.labels.quote import quoted
from jppf_jax.labels.tables import LabelTables, part_colors, unmirrored
from jppf_jax.panoptic import IGNORE

FIELDS = {"stuff", "things", "share_parts", "ignore", "mirror", "names"}
CLASS_FIELDS = {"id", "color", "parts"}

Mapping = dict[Any, Any]


def problems(content: Any) -> list[str]:
  """Returns what is wrong with a mapping in the short form, one line per problem."""
  if not isinstance(content, dict):
    return [f"it is {quoted(content)}, expected a mapping with stuff and things"]
  found = _unknown_entries(content, FIELDS)
  for kind in ("stuff", "things"):
    if not isinstance(_given(content, kind, {}), dict):
      found.append(f"{kind} must map names to classes")
  if not isinstance(_given(content, "names", {}), dict):
    found.append("names must map names of other files to classes, class/part or void")
  if not isinstance(_given(content, "share_parts", False), bool):
    found.append(f"share_parts is {quoted(content['share_parts'])}, expected true or false")
  for field in ("ignore", "mirror"):
    if not _is_list(_given(content, field, [])):
      found.append(f"{field} is {quoted(content[field])}, expected a list")
  found = found or _class_and_id_problems(content) or _mirror_problems(content)
  return found or other_names.problems(_given(content, "names", {}), own_names(content))


def own_names(content: Mapping) -> other_names.Targets:
  """Returns what the classes and the parts of a mapping without other problems are called."""
  things = _given(content, "things", {})
  classes: dict[str, int] = {}
  parts: dict[str, tuple[int, int]] = {}
  part_names: dict[tuple[int, int], str] = {}
  for name, entry in (_given(content, "stuff", {}) | things).items():
    sid = classes[name] = entry["id"]
    for part, pids in _given(entry, "parts", {}).items():
      called = f"{name}/{part}"
      parts[called] = sid, pids[0]
      part_names |= {(sid, pid): called for pid in pids}
  return other_names.Targets(classes, parts, frozenset(things), part_names)


def _class_and_id_problems(content: Mapping) -> list[str]:
  """Returns what is wrong with the classes, once the outer fields have the right types."""
  stuff, things = _given(content, "stuff", {}), _given(content, "things", {})
  found = []
  if not stuff and not things:
    found.append("there is no class")
  found += [f"{quoted(name)} is both stuff and thing" for name in stuff if name in things]
  for kind, classes in (("stuff", stuff), ("things", things)):
    for name, entry in classes.items():
      shown = name if _is_short(name) else quoted(name)
      wrong = _name_problems(name) + _class_problems(entry, is_thing=kind == "things")
      found += [f"{shown}: {problem}" for problem in wrong]
  if found:
    return found
  parts = {f"{name}/{part}": name for name in things for part in _given(things[name], "parts", {})}
  found = [
    f"{name}: so is a part of {quoted(parts[name])} called for `jppf convert`; use another name"
    for name in (*stuff, *things)
    if name in parts
  ]
  entries = [*stuff.values(), *things.values()]
  return found + _id_problems(entries, _given(content, "ignore", []))


def _id_problems(entries: list[Mapping], ignored: Sequence[Any]) -> list[str]:
  """Returns what is wrong with the scene ids of all classes and with the ignored ones."""
  found = [f"ignore: {quoted(sid)} is not a scene id 1..99" for sid in ignored if not is_id(sid)]
  sids = [entry["id"] for entry in entries] + [sid for sid in ignored if is_id(sid)]
  return found + [f"id {sid} occurs more than once" for sid in _repeated(sids)]


def _class_problems(entry: Any, *, is_thing: bool) -> list[str]:
  """Returns what is wrong with one class."""
  if not isinstance(entry, dict):
    return ["must have an id and a color, e.g. {id: 1, color: [110, 110, 110]}"]
  found = _unknown_entries(entry, CLASS_FIELDS)
  sid, color = entry.get("id"), entry.get("color")
  if not is_id(sid):
    found.append(f"id is {quoted(sid)}, expected a scene id 1..99")
  if not is_color(color):
    found.append(f"color is {quoted(color)}, expected [red, green, blue], each 0..255")
  return found + _part_problems(_given(entry, "parts", {}), is_thing=is_thing)


def _part_problems(parts: Any, *, is_thing: bool) -> list[str]:
  """Returns what is wrong with the parts of one class."""
  groups: list[Any] = list(parts.values()) if isinstance(parts, dict) else [None]
  if not all(_is_list(group) and group for group in groups):
    return ["parts must map names to lists of part ids, e.g. {arm: [1, 2], wheel: [3]}"]
  found = []
  for name in parts:
    found += [f"part {quoted(name)} {problem}" for problem in _name_problems(name)]
  if parts and not is_thing:
    found.append("stuff cannot have parts: a uid has a part only together with an instance")
  if len(parts) == 1:
    found.append("has one part; give two or more, or none")
  pids = list(itertools.chain.from_iterable(groups))
  found += [f"part id {quoted(pid)} is not within 1..99" for pid in pids if not is_id(pid)]
  known = [pid for pid in pids if is_id(pid)]
  return found + [f"part id {pid} occurs more than once" for pid in _repeated(known)]


def _name_problems(name: Any) -> list[str]:
  """Returns what is wrong with the name of a class or part; YAML reads `no` as false."""
  if isinstance(name, str) and name.strip():
    return []
  return ["has no name that is text; put it in quotes"]


def _mirror_problems(content: Mapping) -> list[str]:
  """Returns what is wrong with the pairs, once everything else is right."""
  pairs = _given(content, "mirror", [])
  things = _given(content, "things", {})
  parts_of = {name: set(_given(entry, "parts", {})) for name, entry in things.items()}
  known = set().union(*parts_of.values())
  found, named = [], []
  for pair in pairs:
    if not _is_pair(pair):
      found.append(f"mirror: {quoted(pair)} is no pair of two part names, [left arm, right arm]")
      continue
    named += pair
    unknown = [part for part in pair if part not in known]
    if unknown:
      found += [f"mirror: no class has a part {quoted(part)}" for part in unknown]
      continue
    for name, parts in parts_of.items():
      if len(parts & set(pair)) == 1:
        here, there = pair if pair[0] in parts else reversed(pair)
        found.append(
          f"mirror: {name} has the part {quoted(here)} but not {quoted(there)}; the parts of a "
          "pair belong to the same class"
        )
  return found + [f"mirror: {quoted(part)} is in two pairs" for part in _repeated(named)]


def _is_pair(pair: Any) -> bool:
  if not _is_list(pair) or not all(isinstance(part, str) for part in pair):
    return False
  return len(pair) == 2 and pair[0] != pair[1]


def _unknown_entries(entries: Mapping, known: set[str]) -> list[str]:
  names = ", ".join(sorted(known))
  unknown = [quoted(key) for key in entries if key not in known]
  return [f"unknown entry {name}; known are {names}" for name in sorted(unknown)]


def _given(entries: Mapping, field: str, default: Any) -> Any:
  """Returns a field; the default if it is missing or empty (YAML's null)."""
  value = entries.get(field)
  return default if value is None else value


def _repeated(values: list[Any]) -> list[Any]:
  """Returns the values that occur more than once, ascending."""
  return sorted(value for value, count in Counter(values).items() if count > 1)


def _is_list(value: Any) -> bool:
  return isinstance(value, (list, tuple))


def _is_short(name: Any) -> bool:
  return isinstance(name, str) and 0 < len(name) <= 60


def is_id(value: Any) -> bool:
  """Returns whether a value is a scene or part id, a whole number 1..99."""
  return type(value) is int and 1 <= value <= 99


def is_color(value: Any) -> bool:
  """Returns whether a value is [red, green, blue], whole numbers 0..255."""
  if not _is_list(value) or len(value) != 3:
    return False
  return all(type(channel) is int and 0 <= channel <= 255 for channel in value)


def tables(content: Mapping, name: str) -> LabelTables:
  """Returns the tables of a mapping without `problems`."""
  stuff, things = _given(content, "stuff", {}), _given(content, "things", {})
  classes = stuff | things
  sids = [entry["id"] for entry in classes.values()]
  class_colors = np.array([entry["color"] for entry in classes.values()], np.uint8).reshape(-1, 3)
  share, ignored = _given(content, "share_parts", False), _given(content, "ignore", [])
  sid_to_train = np.full(100, IGNORE, np.int32)
  sid_to_train[sids] = np.arange(len(sids))
  legal = np.zeros((100, 100), bool)
  legal[[0, *sids, *ignored], 0] = True  # unlabelled pixels of each class
  to_channel = np.full((100, 100), IGNORE, np.int32)
  to_pid = np.zeros((100, 100), np.int32)
  part_names = ["background"]
  channels: dict[tuple, int] = {}  # part -> channel
  class_parts, class_pids = [], []
  for class_name, entry in classes.items():
    sid, groups = entry["id"], _given(entry, "parts", {})
    to_channel[sid, 0] = IGNORE if groups else 0
    of_class = []
    for pid, (part_name, file_pids) in enumerate(groups.items(), start=1):
      part = (part_name,) if share else (class_name, part_name)
      if part not in channels:
        channels[part] = len(part_names)
        part_names.append("-".join(part))
      of_class.append(channels[part])
      to_channel[sid, list(file_pids)] = channels[part]
      to_pid[sid, list(file_pids)] = pid
      legal[sid, list(file_pids)] = True
    class_parts.append(tuple(of_class))
    class_pids.append(tuple(range(1, len(of_class) + 1)))
  return LabelTables(
    name=name,
    class_names=tuple(classes),
    class_ids=np.array(sids, np.int32),
    num_stuff=len(stuff),
    part_names=tuple(part_names),
    class_parts=tuple(class_parts),
    class_pids=tuple(class_pids),
    class_background=(0,) * len(classes),
    colors=class_colors,
    part_colors=_part_colors(len(part_names), class_colors),
    sid_to_train=sid_to_train,
    sid_pid_to_channel=to_channel,
    sid_pid_to_pid=to_pid,
    legal=legal,
    mirrored_pid=_mirrored_pids(things, _given(content, "mirror", [])),
  )


def _part_colors(
  num_parts: int, class_colors: UInt8[np.ndarray, "K 3"]
) -> UInt8[np.ndarray, "P 3"]:
  """Returns the colours of the part channels, told apart from those of the classes."""
  colors = part_colors(num_parts)
  colors[1:] = distinct_colors.apart(colors[1:], class_colors)
  return colors


def _mirrored_pids(things: Mapping, pairs: Sequence[Sequence[str]]) -> Int32[np.ndarray, "100 100"]:
  """Returns the file pid of (sid, file pid) in a mirrored image.

  The ids of a group go to those of the other group in their order; if that one is shorter, the last
  of it stands for the rest.
  """
  table = unmirrored()
  other: dict[str, str] = {}
  for here, there in pairs:
    other |= {here: there, there: here}
  for entry in things.values():
    groups = _given(entry, "parts", {})
    for part in groups.keys() & other.keys():
      targets = groups[other[part]]
      for position, pid in enumerate(groups[part]):
        last = len(targets) - 1
        table[entry["id"], pid] = targets[min(position, last)]
  return table
