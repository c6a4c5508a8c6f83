"""Reads the taxonomy of one's own data set from a short YAML file.

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
share_parts: true          # parts of the same name share a channel of the part head (here: wheel); default false
ignore: [4]                # scene ids that occur in the files and are not evaluated, besides 0 (void)
```
"""

from pathlib import Path
from typing import Any

import numpy as np

from jppf_jax.labels.evaluation_spec import load_yaml, part_colors
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.structs import IGNORE

FIELDS = {"stuff", "things", "share_parts", "ignore"}
CLASS_FIELDS = {"id", "color", "parts"}


def recognises(path: Path) -> bool:
  """Whether a YAML file is of this form and not an evaluation specification of panoptic-parts."""
  content = load_yaml(path)
  return "stuff" in content or "things" in content


def read(path: Path, *, name: str) -> LabelSpec:
  """Returns the tables that the file describes.

  Raises:
    ValueError: lists everything that is wrong with the file.
  """
  content = load_yaml(path)
  problems = _problems(content)
  if problems:
    raise ValueError(
      f"{path} describes no label spec:\n" + "\n".join(f"  - {problem}" for problem in problems)
    )
  return _build(content, name)


def _problems(content: dict[str, Any]) -> list[str]:
  unknown = sorted(map(str, content.keys() - FIELDS))
  found = [f"unknown entry {key!r}; known are {', '.join(sorted(FIELDS))}" for key in unknown]
  for field in ("stuff", "things"):
    if not isinstance(content.get(field) or {}, dict):
      found.append(f"{field} must map names to classes")
  if found:
    return found
  stuff, things = content.get("stuff") or {}, content.get("things") or {}
  if not stuff and not things:
    found.append("there is no class")
  found += [f"{name!r} is both stuff and thing" for name in stuff if name in things]
  classes = [(name, entry, False) for name, entry in stuff.items()] + [
    (n, entry, True) for n, entry in things.items()
  ]
  for name, entry, is_thing in classes:
    found += [f"{name}: {problem}" for problem in _class_problems(entry, is_thing)]
  if found:
    return found
  ids = [entry["id"] for _, entry, _ in classes] + list(content.get("ignore") or [])
  found += [
    f"id {sid} occurs more than once" for sid in sorted({sid for sid in ids if ids.count(sid) > 1})
  ]
  return found + [
    f"ignore: {sid!r} is not a scene id 1..99"
    for sid in content.get("ignore") or []
    if not _is_id(sid)
  ]


def _class_problems(entry: Any, is_thing: bool) -> list[str]:
  """What is wrong with one class."""
  if not isinstance(entry, dict):
    return ["must have an id and a color, e.g. {id: 1, color: [110, 110, 110]}"]
  unknown = sorted(map(str, entry.keys() - CLASS_FIELDS))
  found = [f"unknown entry {key!r}; known are {', '.join(sorted(CLASS_FIELDS))}" for key in unknown]
  if not _is_id(entry.get("id")):
    found.append(f"id is {entry.get('id')!r}, expected a scene id 1..99")
  color = entry.get("color")
  if not (
    isinstance(color, list)
    and len(color) == 3
    and all(type(c) is int and 0 <= c <= 255 for c in color)
  ):
    found.append(f"color is {color!r}, expected [red, green, blue], each 0..255")
  parts = entry.get("parts") or {}
  if not isinstance(parts, dict) or not all(
    isinstance(pids, list) and pids for pids in parts.values()
  ):
    return [*found, "parts must map names to lists of part ids, e.g. {arm: [1, 2], wheel: [3]}"]
  if parts and not is_thing:
    found.append("stuff cannot have parts: a uid holds a part only together with an instance")
  if len(parts) == 1:
    found.append("has one part; give two or more, or none")
  pids = [pid for group in parts.values() for pid in group]
  found += [f"part id {pid!r} is not within 1..99" for pid in pids if not _is_id(pid)]
  return found + [
    f"part id {pid} occurs more than once" for pid in sorted({p for p in pids if pids.count(p) > 1})
  ]


def _is_id(value: Any) -> bool:
  return type(value) is int and 1 <= value <= 99


def _build(content: dict[str, Any], name: str) -> LabelSpec:
  stuff, things = content.get("stuff") or {}, content.get("things") or {}
  classes = {**stuff, **things}
  channels: dict[
    Any, int
  ] = {}  # (class, part), or the part alone where classes share parts -> channel
  class_parts = []
  sid_to_train = np.full(100, IGNORE, np.int32)
  to_channel, to_pid = np.full((100, 100), IGNORE, np.int32), np.zeros((100, 100), np.int32)
  legal = np.zeros((100, 100), bool)
  legal[[0, *(content.get("ignore") or [])], 0] = True
  for train_id, (class_name, entry) in enumerate(classes.items()):
    sid, parts = entry["id"], entry.get("parts") or {}
    keys = [part if content.get("share_parts") else (class_name, part) for part in parts]
    class_parts.append(tuple(channels.setdefault(key, len(channels) + 1) for key in keys))
    sid_to_train[sid] = train_id
    to_channel[sid, 0] = IGNORE if parts else 0
    legal[sid, 0] = True
    for pid, (channel, file_pids) in enumerate(zip(class_parts[-1], parts.values()), start=1):
      to_channel[sid, file_pids], to_pid[sid, file_pids], legal[sid, file_pids] = channel, pid, True
  names = [key if isinstance(key, str) else "-".join(map(str, key)) for key in channels]
  return LabelSpec(
    name=name,
    class_names=tuple(map(str, classes)),
    class_ids=np.array([entry["id"] for entry in classes.values()], np.int32),
    num_stuff=len(stuff),
    part_names=("background", *names),
    class_parts=tuple(class_parts),
    class_pids=tuple(tuple(range(1, len(parts) + 1)) for parts in class_parts),
    class_background=(0,) * len(classes),
    colors=np.array([entry["color"] for entry in classes.values()], np.uint8).reshape(-1, 3),
    part_colors=part_colors(len(names) + 1),
    sid_to_train=sid_to_train,
    sid_pid_to_channel=to_channel,
    sid_pid_to_pid=to_pid,
    legal=legal,
  )
