"""What the names in the files of other tools mean: a class, a part of a class, or void.

A class means itself, and so does `class/part`. `class/void` is an object of the class whose part is
unknown, `void` is void. Other names are listed under `names` in your own YAML:

```yaml
names:
  bot: robot                        # a class
  gripper: robot/arm                # a part
  wheel: [robot/wheel, cart/wheel]  # a part of the object below it, whichever it is
  shadow: void                      # neither trained nor scored
  unlabelled: floor                 # pixels that nothing is drawn on; stuff, or void if not listed
  robot/unlabelled: robot/body      # those of a robot that no part is drawn on, or robot/void
```
"""

import difflib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from jppf_jax.labels.quote import quoted

VOID = "void"
UNLABELLED = "unlabelled"


class Targets(NamedTuple):
  """What names can mean in a taxonomy.

  Attributes:
    classes: scene ids by the names of classes.
    parts: scene id and part id of the label files, by `class/part`; of several ids that mean the
      part, the one that is written.
    things: the names of the classes that have instances.
    part_names: `class/part` by scene id and part id; several part ids may be one part.
  """

  classes: dict[str, int]
  parts: dict[str, tuple[int, int]]
  things: frozenset[str]
  part_names: dict[tuple[int, int], str]


class Meaning(NamedTuple):
  """What a name means.

  Attributes:
    sid: scene id of a class, 0 for void; -1 for a part.
    is_thing: whether the class has instances.
    pids: part id by scene id, of a part; 0 = the part is unknown.
  """

  sid: int
  is_thing: bool = False
  pids: Mapping[int, int] | None = None


@dataclass(frozen=True)
class Names:
  """The names of a taxonomy, and those that its YAML lists for other files.

  Attributes:
    targets: the taxonomy's own names.
    others: the entry `names` of the YAML.
  """

  targets: Targets
  others: Mapping[str, Any] = field(default_factory=dict)

  def of(self, name: str, parent: str = "") -> Meaning | None:
    """Returns what a name means; None if that is unknown.

    Args:
      name: as it stands in a file.
      parent: of a part, if the file says so; then `parent/name` is tried too.
    """
    for known in (name, f"{parent}/{name}"):
      meant = self.others.get(known, known)
      found = _meaning(meant, self.targets)
      if found is not None:
        return found
    return None

  def near(self, name: str) -> str:
    """Returns the known name that is most like another; "" if none is."""
    known = [*self.targets.classes, *self.targets.parts, *self.others, VOID]
    by_lower = {entry.lower(): entry for entry in known}
    lower = name.lower()
    found = difflib.get_close_matches(lower, by_lower, n=1)
    ends = [entry for entry in self.targets.parts if entry.lower().endswith(f"/{lower}")]
    return by_lower[found[0]] if found else " or ".join(ends)

  def class_name(self, sid: int) -> str:
    """Returns the name of a class; "void" if the scene id is none."""
    by_sid = {number: name for name, number in self.targets.classes.items()}
    return by_sid.get(sid, VOID)

  @property
  def fills(self) -> bool:
    """Whether pixels that nothing is drawn on are a class."""
    return UNLABELLED in self.others and self.others[UNLABELLED] != VOID

  def unused(self, seen: Collection[str]) -> list[str]:
    """Returns the names listed for other files that these do not have; they may be misspelt.

    Args:
      seen: the names in the files, and `parent/name` of those with a parent.
    """
    missing = [name for name in self.others if name not in seen]
    return [name for name in missing if name.rpartition("/")[2] != UNLABELLED]

  @cached_property
  def rests(self) -> dict[int, int]:
    """Part ids of the pixels of objects that no part is drawn on, by scene id; 0 is left out."""
    found = {}
    for name, sid in self.targets.classes.items():
      meant = self.others.get(f"{name}/{UNLABELLED}")
      _, pid = _part(meant, self.targets) if isinstance(meant, str) else (sid, 0)
      if pid:
        found[sid] = pid
    return found


def owner_and_part(name: str) -> tuple[str, str]:
  """Returns class and part of `class/part`; no class, "", if a name has no slash."""
  owner, slash, part = name.partition("/")
  return (owner, part) if slash else ("", name)


def _meaning(meant: str | list[str], targets: Targets) -> Meaning | None:
  if isinstance(meant, list):
    return Meaning(-1, pids=dict(_part(one, targets) for one in meant))
  if meant in targets.classes:
    return Meaning(targets.classes[meant], meant in targets.things)
  if meant == VOID:
    return Meaning(0)
  if _is_part(meant, targets):
    return Meaning(-1, pids=dict([_part(meant, targets)]))
  return None


def _is_part(name: str, targets: Targets) -> bool:
  owner, _, part = name.rpartition("/")
  return name in targets.parts or (part == VOID and owner in targets.things)


def _part(name: str, targets: Targets) -> tuple[int, int]:
  """Returns scene id and part id of `class/part`, which exists; `class/void` has part id 0."""
  owner, _, _ = name.rpartition("/")
  return targets.parts.get(name) or (targets.classes[owner], 0)


def problems(names: Mapping[Any, Any], targets: Targets) -> list[str]:
  """Returns what is wrong with the entry `names` of a YAML, one line per problem."""
  found = []
  for name, meant in names.items():
    if not isinstance(name, str):
      found.append(f"names: {quoted(name)} is no text; put it in quotes")
      continue
    listed = isinstance(meant, list)
    entries = meant if isinstance(meant, list) and meant else [meant]
    wrong = [entry for entry in entries if not _is_known(entry, targets, part=listed)]
    expected = "parts as class/part" if listed else "a class, class/part or void"
    found += [f"names: {name} is {quoted(entry)}, expected {expected}" for entry in wrong]
    if wrong:
      continue
    if listed and len({_part(entry, targets)[0] for entry in entries}) < len(entries):
      found.append(f"names: {name} lists two parts of one class; which one it is must be clear")
    if name == UNLABELLED and not _is_stuff(meant, targets):
      found.append(f"names: unlabelled is {quoted(meant)}, expected a stuff class or void")
    found += _rest_problems(name, meant, targets)
  return found


def _rest_problems(name: str, meant: Any, targets: Targets) -> list[str]:
  """Returns what is wrong with an entry `class/unlabelled`."""
  owner, _, rest = name.rpartition("/")
  if not owner or rest != UNLABELLED or _is_part_of(owner, meant, targets):
    return []
  parts = " or ".join(part for part in targets.parts if part.startswith(f"{owner}/"))
  if parts:
    return [f"names: {name} is {quoted(meant)}, expected {parts}"]
  without = "has no parts" if owner in targets.classes else "is no class"
  return [f"names: {name} but {owner} {without}"]


def _is_known(entry: Any, targets: Targets, *, part: bool) -> bool:
  if not isinstance(entry, str):
    return False
  return _is_part(entry, targets) or (not part and (entry in targets.classes or entry == VOID))


def _is_part_of(owner: str, meant: Any, targets: Targets) -> bool:
  return isinstance(meant, str) and meant.startswith(f"{owner}/") and _is_part(meant, targets)


def _is_stuff(meant: Any, targets: Targets) -> bool:
  return meant == VOID or (meant in targets.classes and meant not in targets.things)
