"""Hints for the draft of a taxonomy: what is spelt in two ways, and what may be a part.

Nothing of it is done by itself: names that look alike, and shapes that lie inside others, may mean
something else. The draft stays as it is; the hints say which lines to change.
"""

import unicodedata
from collections import Counter
from collections.abc import Iterator, Set
from typing import NamedTuple

from jppf_jax.conversion import draft
from jppf_jax.conversion.nesting import Inside
from jppf_jax.labels.other_names import UNLABELLED, VOID, owner_and_part


class Hints(NamedTuple):
  """What may be meant by the names in a folder.

  Attributes:
    lines: what was found, for the user.
    edits: lines to write into the draft; empty if nothing was found.
  """

  lines: list[str]
  edits: list[str]


class Spellings:
  """The most frequent spelling of each name.

  Names are alike if only capitals, spaces, hyphens and underscores differ. Classes and parts are
  compared one by one, so `Person/hair` is alike to the hair of `person`.

  Args:
    names: how often each is drawn.
  """

  def __init__(self, names: Counter[str]):
    classes: Counter[str] = Counter()
    parts: Counter[str] = Counter()
    for name, count in names.items():
      owner, part = owner_and_part(name)
      classes[owner or name] += count
      if owner:
        parts[part] += count
    self._classes, self._parts = _most_frequent(classes), _most_frequent(parts)

  def of(self, name: str) -> str:
    """Returns the most frequent spelling of a name, or of what is equal to `folded(name)`."""
    owner, part = owner_and_part(name)
    if not owner:
      return self._classes[folded(name)]
    return f"{self._classes[folded(owner)]}/{self._parts[folded(part)]}"

  def as_part(self, owner: str, name: str) -> str:
    """Returns what a name is called as a part, in the spelling of the parts that are there."""
    return f"{owner}/{self._parts.get(folded(name), name)}"


def folded(name: str) -> str:
  """Returns a name without capitals, spaces, hyphens and underscores."""
  spaced = unicodedata.normalize("NFC", name).replace("-", " ").replace("_", " ")
  return "".join(spaced.split()).casefold() or name


def is_nothing(name: str) -> bool:
  """Returns whether a name is that of void, or of what nothing is drawn on; also in a class."""
  return folded(owner_and_part(name)[1]) in (VOID, UNLABELLED)


def plain_label(name: str) -> str:
  """Returns what a name counts as in `Nesting`: `class/part` is known already, and not counted."""
  return "" if "/" in name else folded(name)


def _most_frequent(words: Counter[str]) -> dict[str, str]:
  spelt: dict[str, str] = {}
  for word, _ in words.most_common():
    spelt.setdefault(folded(word), word)
  return spelt


def of_names(
  counts: Counter[tuple[str, str]],
  stuff: Set[str],
  inside: dict[str, Inside],
  *,
  has_names: bool = False,
) -> Hints:
  """Returns the hints for the names of a folder.

  Args:
    counts: names and parents, and how many regions are called so, as for
      `draft.classes_of_names`.
    stuff: names that are known to be stuff.
    inside: labels that lie inside others, as `plain_label` calls them.
    has_names: whether the draft has an entry `names` already.
  """
  own = {name for name, _ in counts}
  known = {name for name, parent in counts if parent in own and parent != name}
  free: Counter[str] = Counter()
  for (name, _), count in counts.items():
    if name not in known:
      free[name] += count
  spellings = Spellings(free)
  plain = {plain_label(name) for name in free}
  owners = {
    spellings.of(label): found._replace(owner=spellings.of(found.owner))
    for label, found in inside.items()
    if label in plain and found.owner in plain
  }
  alike = {name: spellings.of(name) for name in free if spellings.of(name) != name}
  lines = [*_about_spellings(alike), *_about_parts(owners)]
  if not lines:
    return Hints([], [])
  meant = dict(alike)
  for name in free:
    found = owners.get(spellings.of(name))
    if found:
      meant[name] = spellings.as_part(found.owner, spellings.of(name))
  return Hints(lines, _edits(counts, stuff, meant, has_names))


def _about_spellings(alike: dict[str, str]) -> Iterator[str]:
  for name, spelt in alike.items():
    yield f"{name!r} differs from {spelt!r} only in capitals, spaces, hyphens or underscores."


def _about_parts(owners: dict[str, Inside]) -> Iterator[str]:
  for label, (owner, share) in owners.items():
    percent = int(100 * share)
    yield f"{label!r} lies inside {owner!r} with {percent} % of its pixels; it may be a part of it."


def _edits(
  counts: Counter[tuple[str, str]], stuff: Set[str], meant: dict[str, str], has_names: bool
) -> list[str]:
  """Returns the lines to change in the draft, so that names are what they may mean."""
  merged: Counter[tuple[str, str]] = Counter()
  for (name, parent), count in counts.items():
    merged[(meant[name], "") if name in meant else (name, parent)] += count
  drafted = {one.name: one for one in draft.classes_of_names(counts, stuff)}
  wanted = [
    one._replace(sid=drafted[one.name].sid, color=drafted[one.name].color)
    for one in draft.classes_of_names(merged, stuff)
  ]
  kept = {one.name for one in wanted}
  gone = [name for name in drafted if name not in kept]
  changed = [one for one in wanted if one.parts != drafted[one.name].parts]
  return draft.edits(gone, changed, meant, has_names=has_names)
