"""What an evaluation specification of panoptic-parts must contain: its fields and their types."""

from collections.abc import Callable
from typing import Any, NamedTuple

from jppf_jax.labels.own_tables import is_color, is_id
from jppf_jax.labels.quote import quoted

IGNORED, DEFAULT, UNLABELED = "IGNORED", "DEFAULT", "UNLABELED"

Mapping = dict[Any, Any]
Test = Callable[[Any], bool]


class _Type(NamedTuple):
  """What a value must be, and the words for it."""

  holds: Test
  words: str


def problems(evaluation: Mapping, dataset: Any) -> list[str]:
  """Returns what is wrong with an evaluation specification and its dataset, one line per problem.

  First the types of all fields; if they are right, how the fields fit together.
  """
  if not isinstance(dataset, dict):
    return [f"dataset_spec is {quoted(dataset)}, expected a mapping"]
  found = _of_types(evaluation, _EVALUATION) + _of_types(dataset, _DATASET)
  if found:
    return found
  return [*_of_classes(evaluation, dataset), *_of_parts(evaluation, dataset)]


def _of_types(fields: Mapping, types: dict[str, _Type]) -> list[str]:
  found = []
  for name, expected in types.items():
    if name not in fields and name not in _OPTIONAL:
      found.append(f"has no entry {name!r}")
    elif name in fields and not expected.holds(fields[name]):
      found.append(f"{name} is {quoted(fields[name])}, expected {expected.words}")
  return found


def _of_classes(evaluation: Mapping, dataset: Mapping) -> list[str]:
  """Returns contradictions between the classes that several fields name."""
  sids = evaluation["eval_sid_stuff"] + evaluation["eval_sid_things"]
  number = len(set(dataset["scene_class2part_classes"]) | {UNLABELED})
  found = []
  if len(set(sids)) != len(sids):
    found.append("eval_sid_stuff and eval_sid_things name a class twice")
  for sid in sids:
    if sid >= number:
      found.append(f"class {sid} is evaluated, but the dataset has scene ids up to {number - 1}")
    if sid not in evaluation["eval_sid2scene_label"]:
      found.append(f"eval_sid2scene_label has no entry {sid}")
  classes = evaluation["dataset_sid2eval_sid"]
  if classes.get(DEFAULT, IGNORED) != IGNORED:
    found.append("dataset_sid2eval_sid: DEFAULT must be IGNORED; name the scene ids of each class")
  for sid, eval_sid in classes.items():
    if eval_sid != IGNORED and eval_sid not in sids:
      found.append(f"dataset_sid2eval_sid gives {sid} the class {eval_sid}, which is not evaluated")
  return found


def _of_parts(evaluation: Mapping, dataset: Mapping) -> list[str]:
  """Returns contradictions between the parts that several fields name."""
  channels = evaluation["eval_sid_pid2eval_pid_flat"]
  sids = sorted(evaluation["eval_sid_stuff"] + evaluation["eval_sid_things"])
  numbers = {sid: [key % 100 for key in channels if key // 100 == sid] for sid in sids}
  with_parts = [sid for sid in sids if len(numbers[sid]) > 1]
  listed = sorted(evaluation["eval_sid_parts"])
  found = []
  if listed != with_parts:
    found.append(f"eval_sid_parts are {listed}, but {with_parts} have two or more parts")
  for pair, group in evaluation["dataset_sid_pid2eval_sid_pid"].items():
    if pair == DEFAULT or group == IGNORED or group < 100 or pair < 100:
      continue
    if group // 100 not in (pair // 100, evaluation["dataset_sid2eval_sid"].get(pair // 100)):
      found.append(f"dataset_sid_pid2eval_sid_pid gives {pair} the part {group} of another class")
  labels = evaluation["eval_pid_flat2scene_part_label"]
  for channel in range(1, 1 + max(channels.values(), default=0)):
    if channel not in labels:
      found.append(f"eval_pid_flat2scene_part_label has no entry {channel}")
  parts_of = dataset["scene_class2part_classes"]
  for name, folds in dataset.get("countable_pids_groupings", {}).items():
    known = set(parts_of.get(name, [])) - {UNLABELED}
    unknown = [part for part in folds if part not in known]
    found += [
      f"countable_pids_groupings: {quoted(name)} has no part {quoted(part)}" for part in unknown
    ]
  return found


def _is_text(value: Any) -> bool:
  return isinstance(value, str)


def _whole(low: int, high: int, *words: str) -> Test:
  """Returns the test for whole numbers within limits, or one of `words`."""
  return lambda value: (type(value) is int and low <= value <= high) or value in words


def _list_of(test: Test, longest: int) -> Test:
  def holds(value: Any) -> bool:
    return isinstance(value, list) and len(value) <= longest and all(map(test, value))

  return holds


def _map_of(key: Test, value: Test) -> Test:
  def holds(entries: Any) -> bool:
    if not isinstance(entries, dict):
      return False
    return all(map(key, entries)) and all(map(value, entries.values()))

  return holds


_is_pair = _whole(101, 9999)  # scene id * 100 + evaluation pid
_sids = _Type(_list_of(is_id, 99), "a list of scene ids 1..99")
_EVALUATION = {
  "eval_sid_stuff": _sids,
  "eval_sid_things": _sids,
  "eval_sid_parts": _sids,
  "eval_sid_pid2eval_pid_flat": _Type(
    _map_of(lambda key: _is_pair(key) and key % 100 > 0, _whole(1, 254)),
    "a mapping from scene id * 100 + part id to part channels 1..254",
  ),
  "eval_sid2scene_label": _Type(_map_of(is_id, _is_text), "a mapping from scene ids to names"),
  "eval_pid_flat2scene_part_label": _Type(
    _map_of(_whole(0, 255), _is_text), "a mapping from part channels to names"
  ),
  "dataset_sid2eval_sid": _Type(
    _map_of(_whole(0, 99, DEFAULT), _whole(1, 99, IGNORED)),
    "a mapping from scene ids 0..99 (or DEFAULT) to scene ids 1..99 (or IGNORED)",
  ),
  "dataset_sid_pid2eval_sid_pid": _Type(
    _map_of(_whole(0, 9999, DEFAULT), _whole(1, 9999, IGNORED)),
    "a mapping between numbers scene id * 100 + part id (or DEFAULT, IGNORED)",
  ),
}
_DATASET = {
  "scene_class2part_classes": _Type(
    lambda value: (
      _map_of(_is_text, _list_of(_is_text, 99))(value) and len({*value, UNLABELED}) <= 100
    ),
    "a mapping from at most 99 scene classes to lists of parts",
  ),
  "scene_class2color": _Type(_map_of(_is_text, is_color), "a mapping from names to colours"),
  "countable_pids_groupings": _Type(
    _map_of(_is_text, _map_of(_is_text, _list_of(is_id, 99))),
    "a mapping from scene classes to {part: [part ids 1..99]}",
  ),
}
_OPTIONAL = {"countable_pids_groupings"}
