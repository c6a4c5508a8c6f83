"""Reads the taxonomy of your own dataset from a short YAML file.

```yaml
stuff:
  floor: {id: 1, color: [110, 110, 110]}
things:
  robot:
    id: 2
    color: [220, 20, 60]
    parts:                 # at least two; evaluation pids count from 1 in this order
      arm: [1, 2]          # groups the part ids 1 and 2 of the label files
      wheel: [3]
  cart: {id: 3, color: [0, 0, 142], parts: {wheel: [1], body: [2]}}
share_parts: true          # parts with the same name share a channel (here: wheel); default false
ignore: [4]                # scene ids in the files that are not evaluated, besides 0 (void)
```
"""

import itertools
from pathlib import Path
from typing import Any

import numpy as np

from jppf_jax.labels.evaluation_spec import load_yaml, part_colors
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.structs import IGNORE

FIELDS = {"stuff", "things", "share_parts", "ignore"}
CLASS_FIELDS = {"id", "color", "parts"}


def recognises(path: Path) -> bool:
  """Returns whether a YAML file has this form and is no panoptic-parts evaluation specification.

  Raises:
    FileNotFoundError: the file does not exist.
    ValueError: the file is no YAML mapping.
  """
  content = load_yaml(path)
  return "stuff" in content or "things" in content


def read(path: Path, *, name: str) -> LabelSpec:
  """Returns the tables that the file describes.

  Raises:
    FileNotFoundError: the file does not exist.
    ValueError: the file is no YAML mapping.
    ValueError: the entries are wrong; lists every problem.
  """
  content = load_yaml(path)
  problems = _problems(content)
  if problems:
    lines = "\n".join(f"  - {problem}" for problem in problems)
    raise ValueError(f"{path} describes no label spec:\n{lines}")
  return _build(content, name)


def _classes(content: dict[str, Any], kind: str) -> dict[str, Any]:
  """Returns {name: entry} of the "stuff" or "things" classes."""
  return content.get(kind) or {}


def _ignored(content: dict[str, Any]) -> list[Any]:
  return content.get("ignore") or []


def _problems(content: dict[str, Any]) -> list[str]:
  """Returns what is wrong with the file, one line per problem."""
  found = _unknown_entries(content, FIELDS)
  for kind in ("stuff", "things"):
    if not isinstance(content.get(kind) or {}, dict):
      found.append(f"{kind} must map names to classes")
  if found:
    return found
  stuff, things = _classes(content, "stuff"), _classes(content, "things")
  if not stuff and not things:
    found.append("there is no class")
  found += [f"{name!r} is both stuff and thing" for name in stuff if name in things]
  for kind, classes in (("stuff", stuff), ("things", things)):
    for name, entry in classes.items():
      problems = _class_problems(entry, is_thing=kind == "things")
      found += [f"{name}: {problem}" for problem in problems]
  return found or _id_problems([*stuff.values(), *things.values()], _ignored(content))


def _id_problems(entries: list[dict[str, Any]], ignored: list[Any]) -> list[str]:
  """Returns what is wrong with the scene ids of all classes and with the ignored ones."""
  ids = [entry["id"] for entry in entries]
  found = [f"id {sid} occurs more than once" for sid in _repeated([*ids, *ignored])]
  found += [f"ignore: {sid!r} is not a scene id 1..99" for sid in ignored if not _is_id(sid)]
  return found


def _class_problems(entry: Any, *, is_thing: bool) -> list[str]:
  """Returns what is wrong with one class."""
  if not isinstance(entry, dict):
    return ["must have an id and a color, e.g. {id: 1, color: [110, 110, 110]}"]
  found = _unknown_entries(entry, CLASS_FIELDS)
  sid, color = entry.get("id"), entry.get("color")
  if not _is_id(sid):
    found.append(f"id is {sid!r}, expected a scene id 1..99")
  if not _is_color(color):
    found.append(f"color is {color!r}, expected [red, green, blue], each 0..255")
  parts = entry.get("parts") or {}
  return found + _part_problems(parts, is_thing=is_thing)


def _part_problems(parts: Any, *, is_thing: bool) -> list[str]:
  """Returns what is wrong with the parts of one class."""
  groups: list[Any] = list(parts.values()) if isinstance(parts, dict) else [None]
  if not all(isinstance(group, list) and group for group in groups):
    return ["parts must map names to lists of part ids, e.g. {arm: [1, 2], wheel: [3]}"]
  found = []
  if parts and not is_thing:
    found.append("stuff cannot have parts: a uid has a part only together with an instance")
  if len(parts) == 1:
    found.append("has one part; give two or more, or none")
  pids = list(itertools.chain.from_iterable(groups))
  found += [f"part id {pid!r} is not within 1..99" for pid in pids if not _is_id(pid)]
  found += [f"part id {pid} occurs more than once" for pid in _repeated(pids)]
  return found


def _unknown_entries(entries: dict[str, Any], known: set[str]) -> list[str]:
  names = ", ".join(sorted(known))
  unknown = sorted(map(str, entries.keys() - known))
  return [f"unknown entry {name!r}; known are {names}" for name in unknown]


def _repeated(values: list[Any]) -> list[Any]:
  """Returns the values that occur more than once, ascending."""
  repeated = {value for value in values if values.count(value) > 1}
  return sorted(repeated)


def _is_id(value: Any) -> bool:
  return type(value) is int and 1 <= value <= 99


def _is_color(value: Any) -> bool:
  if not isinstance(value, list) or len(value) != 3:
    return False
  return all(type(channel) is int and 0 <= channel <= 255 for channel in value)


def _build(content: dict[str, Any], name: str) -> LabelSpec:
  stuff, things = _classes(content, "stuff"), _classes(content, "things")
  classes = stuff | things
  sids = [entry["id"] for entry in classes.values()]
  colors = [entry["color"] for entry in classes.values()]
  sid_to_train = np.full(100, IGNORE, np.int32)
  sid_to_train[sids] = np.arange(len(sids))
  legal = np.zeros((100, 100), bool)
  legal[[0, *sids, *_ignored(content)], 0] = True  # unlabelled pixels of each class
  to_channel = np.full((100, 100), IGNORE, np.int32)
  to_pid = np.zeros((100, 100), np.int32)
  part_names = ["background"]
  channels: dict[tuple, int] = {}  # part -> channel
  class_parts, class_pids = [], []
  for class_name, entry in classes.items():
    sid, groups = entry["id"], entry.get("parts") or {}
    to_channel[sid, 0] = IGNORE if groups else 0
    of_class = []
    for pid, (part_name, file_pids) in enumerate(groups.items(), start=1):
      part = (part_name,) if content.get("share_parts") else (class_name, part_name)
      if part not in channels:
        channels[part] = len(part_names)
        part_names.append("-".join(map(str, part)))
      of_class.append(channels[part])
      to_channel[sid, file_pids] = channels[part]
      to_pid[sid, file_pids] = pid
      legal[sid, file_pids] = True
    class_parts.append(tuple(of_class))
    class_pids.append(tuple(range(1, len(of_class) + 1)))
  return LabelSpec(
    name=name,
    class_names=tuple(map(str, classes)),
    class_ids=np.array(sids, np.int32),
    num_stuff=len(stuff),
    part_names=tuple(part_names),
    class_parts=tuple(class_parts),
    class_pids=tuple(class_pids),
    class_background=(0,) * len(classes),
    colors=np.array(colors, np.uint8).reshape(-1, 3),
    part_colors=part_colors(len(part_names)),
    sid_to_train=sid_to_train,
    sid_pid_to_channel=to_channel,
    sid_pid_to_pid=to_pid,
    legal=legal,
  )
