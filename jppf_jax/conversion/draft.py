"""Drafts the taxonomy of a dataset of your own, from its ids or from the names of a tool."""

import colorsys
import json
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from typing import NamedTuple

import numpy as np
import yaml

from jppf_jax.conversion.look import Survey
from jppf_jax.labels import distinct_colors
from jppf_jax.labels.other_names import UNLABELLED, owner_and_part
from jppf_jax.labels.quote import counted

BACKGROUND, REST = "background", "rest"  # names for what nothing is drawn on, in all and in a class
MOST_CLASSES = 99  # scene ids are 1..99
FEW = 0.05  # share of pixels that may stay without a class
_GOLDEN_RATIO = 0.61803398875


class Class(NamedTuple):
  """A class of a taxonomy.

  Attributes:
    name: of the class.
    sid: its scene id.
    is_thing: whether it has instances.
    parts: part ids by name.
    note: a comment.
    color: RGB, 0..255.
  """

  name: str
  sid: int
  is_thing: bool
  parts: dict[str, int]
  note: str
  color: tuple[int, int, int] = (110, 110, 110)


def classes_of_ids(found: Survey) -> list[Class]:
  """Returns the classes that the ids in label files are, with names to be replaced."""
  total = max(1, found.pixels.total())
  classes = []
  for sid in sorted(found.pixels):
    if sid == 0:
      continue
    pids = sorted(pid for scene, pid in found.parts if scene == sid)
    share = f"{100 * found.pixels[sid] / total:.2f} % of all pixels"
    objects = found.objects[sid]
    note = f"{share}, {counted(objects, 'object')}" if objects else share
    if objects and found.crowds[sid]:
      note += f"; {found.crowds[sid]} pixels are of no object (crowd)"
    parts = {f"part_{pid}": pid for pid in pids}
    classes.append(Class(f"class_{sid}", sid, objects > 0, parts, note))
  return _colored(classes)


def classes_of_names(names: Counter[tuple[str, str]], stuff: Set[str]) -> list[Class]:
  """Returns the classes of a tool's names.

  Args:
    names: name and parent (empty, or the class of a part), and how many regions are called so.
    stuff: names that are known to be stuff.
  """
  own = {name for name, _ in names}
  counts: Counter[str] = Counter()
  parts: dict[str, dict[str, int]] = {}
  for (name, parent), count in names.items():
    owner, part = owner_and_part(name)
    if not owner and parent in own and parent != name:
      owner, part = parent, name
    called = owner or name
    counts[called] += 0 if owner else count
    of_class = parts.setdefault(called, {})
    if owner:
      of_class.setdefault(part, len(of_class) + 1)
  classes = []
  for sid, (name, count) in enumerate(counts.items(), start=1):
    note = f"drawn {counted(count, 'time')}"
    classes.append(Class(name, sid, name not in stuff or bool(parts[name]), parts[name], note))
  return _colored(classes)


def background(classes: Sequence[Class], share: float) -> list[Class]:
  """Returns a class for pixels that nothing is drawn on; none if they are few, or if it is drawn.

  Args:
    classes: of the taxonomy, numbered from 1 on as by `classes_of_names`.
    share: of such pixels, 0..1.
  """
  is_drawn = any(BACKGROUND in one.name.lower() for one in classes)
  if share < FEW or is_drawn or len(classes) >= MOST_CLASSES:
    return []
  note = f"nothing is drawn on them: {100 * share:.0f} % of all pixels"
  return [Class(BACKGROUND, len(classes) + 1, False, {}, note)]


def _colored(classes: Sequence[Class]) -> list[Class]:
  """Returns the classes with colours that are told apart; those of their parts will be, too."""
  hues = [one.sid * _GOLDEN_RATIO % 1 for one in classes]
  pure = np.array([colorsys.hsv_to_rgb(hue, 0.7, 0.9) for hue in hues]).reshape(-1, 3)
  wanted = np.round(255 * pure).astype(np.uint8)
  colors = distinct_colors.apart(wanted, np.zeros((0, 3), np.uint8)).tolist()
  return [one._replace(color=tuple(color)) for one, color in zip(classes, colors, strict=True)]


def taxonomy(
  classes: Sequence[Class],
  *,
  from_names: bool,
  unlabelled: str = "",
  comment: Sequence[str] = (),
) -> str:
  """Returns the YAML of a taxonomy.

  Args:
    classes: at most 99.
    from_names: whether the names are those of a tool, and what is a thing is not known.
    unlabelled: the class of the pixels that nothing is drawn on; void if empty.
    comment: more lines for its end, without "#".
  """
  things = "objects are told apart"
  if from_names:
    things += "; move what has none, such as floor or sky, to stuff"
  lines = ["# What the ids in the labels mean. Names and colours can be changed at any time."]
  if from_names:
    lines = ["# Classes and parts. The numbers are free to choose, 1 to 99: labels are names."]
  for kind, note, of_kind in (
    ("stuff", "no objects, only pixels", [one for one in classes if not one.is_thing]),
    ("things", things, [one for one in classes if one.is_thing]),
  ):
    lines.append(f"{kind}:  # {note}")
    for one in of_kind:
      lines += _entry(one)
  lines += [
    "share_parts: true  # parts of the same name are one channel of the network",
    "# mirror: [[left arm, right arm]]  # parts that change places in a mirrored photo",
    "# ignore: [9]  # ids that are neither trained nor scored, besides 0",
  ]
  if unlabelled:
    lines += [
      "names:  # for `jppf convert`: what other files call them",
      f"  {UNLABELLED}: {_quoted(unlabelled)}  # if nobody knows what they are, delete both",
    ]
  else:
    lines.append(
      "# names: {bot: robot, unlabelled: floor}  # for `jppf convert`: what other files call them"
    )
  if comment:
    lines += ["", *(f"# {line}".rstrip() for line in comment)]
  return "\n".join(lines) + "\n"


def edits(
  gone: Sequence[str], changed: Sequence[Class], names: Mapping[str, str], *, has_names: bool
) -> list[str]:
  """Returns what to change in a draft, as lines for its end.

  Args:
    gone: classes whose entries are to be deleted.
    changed: classes whose entries are to be replaced; they keep their ids and colours.
    names: what names in other files mean.
    has_names: whether the draft has an entry `names` already.
  """
  deleted = ", ".join(_quoted(name) for name in gone)
  lines = [f"If so, delete above: {deleted}."] if gone else []
  if changed:
    replaced = ", ".join(_quoted(one.name) for one in changed)
    lines.append(f"Write these lines in place of {replaced}:")
    lines += [line for one in changed for line in _entry(one)]
  for one in changed:
    name = f"`{_quoted(f'{one.name}/{UNLABELLED}')}: {_quoted(f'{one.name}/{REST}')}` under names."
    if len(one.parts) == 1 or REST in one.parts:
      lines.append(f"If no other part is drawn on the rest of {_quoted(one.name)}: {name}")
    elif one.parts:
      added = f"`{REST}: [{max(one.parts.values()) + 1}]` in its parts"
      lines.append(f"If the rest of {_quoted(one.name)} is a part, too: {added}, and {name}")
  place = "And these at the end"
  lines += [f"{place}, under names:"] if has_names else [f"{place}:", "names:"]
  return lines + [f"  {_quoted(name)}: {_quoted(meant)}" for name, meant in names.items()]


def _entry(one: Class) -> list[str]:
  head = f"  {_quoted(one.name)}:  # {one.note}"
  lines = [head, f"    id: {one.sid}", f"    color: {list(one.color)}"]
  if one.parts:
    lines.append("    parts:")
    lines += [f"      {_quoted(part)}: [{pid}]" for part, pid in one.parts.items()]
  if len(one.parts) == 1:
    (pid,) = one.parts.values()
    other = pid + 1 if pid < 99 else pid - 1
    second = REST if REST not in one.parts else "other"
    note = "a class has no parts or several; no label has this one"
    lines.append(f"      {second}: [{other}]  # {note}")
  return lines


def _quoted(name: str) -> str:
  """Returns a name as YAML reads it back as text."""
  words = name.split("/")
  is_plain = all(word.isidentifier() for word in words) and yaml.safe_load(name) == name
  return name if is_plain else json.dumps(name, ensure_ascii=False)
