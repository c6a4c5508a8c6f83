"""Reads a taxonomy from a panoptic-parts evaluation specification (YAML).

The installed `panoptic-parts` package contains the files for Cityscapes and Pascal; your own
dataset can be described in the same format. The package itself is never imported: as released it
raises an error on Python >= 3.10.
"""

import colorsys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from jaxtyping import Int32, UInt8

from jppf_jax.labels.spec import LabelSpec
from jppf_jax.structs import IGNORE

IGNORED = "IGNORED"
_UNLABELED = "UNLABELED"
_GOLDEN_RATIO = 0.61803398875

PartChannels = dict[int, int]  # sid * 100 + evaluation pid -> part channel


def package_folder() -> Path:
  """Returns the folder of the installed panoptic-parts package, without importing it.

  Raises:
    FileNotFoundError: the package is not installed.
  """
  found = find_spec("panoptic_parts")
  if found is None or not found.submodule_search_locations:
    raise FileNotFoundError(
      "The label tables come with the package panoptic-parts; run `pip install panoptic-parts`."
    )
  return Path(found.submodule_search_locations[0])


def read(path: Path, *, name: str) -> LabelSpec:
  """Returns the tables that an evaluation specification describes.

  It contains the dataset specification under `dataset_spec`, or names its file under
  `dataset_spec_path`. That path is relative to the evaluation specification, or to the folder that
  contains the panoptic_parts package.

  Raises:
    FileNotFoundError: the file does not exist.
    FileNotFoundError: the dataset specification that it names does not exist.
    ValueError: the file is no YAML mapping.
    ValueError: fields are missing or contradict each other.
  """
  evaluation = load_yaml(path)
  try:
    dataset = _dataset_spec(path, evaluation)
    return _build(evaluation, dataset, name)
  except KeyError as error:
    raise ValueError(
      f"{path} has no entry {error}; its fields must be those of the evaluation specifications of "
      "panoptic-parts."
    ) from error


def load_yaml(path: Path) -> dict[str, Any]:
  """Returns the mapping in a YAML file.

  Raises:
    FileNotFoundError: the file does not exist.
    ValueError: the file is not YAML, or contains no mapping.
  """
  try:
    content = yaml.safe_load(path.read_text())
  except (yaml.YAMLError, UnicodeDecodeError) as error:
    raise ValueError(f"{path} is not a YAML file: {error}") from error
  if not isinstance(content, dict):
    found = type(content).__name__
    raise ValueError(f"{path} contains {found}, expected a mapping with the fields of a spec.")
  return content


def _dataset_spec(path: Path, evaluation: dict[str, Any]) -> dict[str, Any]:
  """Returns the dataset specification that an evaluation specification contains or names."""
  if "dataset_spec" in evaluation:
    return evaluation["dataset_spec"]
  relative = evaluation["dataset_spec_path"]
  candidates = (path.parent / relative, package_folder().parent / relative)
  for candidate in candidates:
    if candidate.is_file():
      return load_yaml(candidate)
  tried = " nor ".join(map(str, candidates))
  raise FileNotFoundError(
    f"{path} names the dataset specification {relative}, but there is neither {tried}."
  )


def _build(evaluation: dict[str, Any], dataset: dict[str, Any], name: str) -> LabelSpec:
  stuff = sorted(evaluation["eval_sid_stuff"])
  things = sorted(evaluation["eval_sid_things"])
  sids = stuff + things  # position = train id
  channels: PartChannels = evaluation["eval_sid_pid2eval_pid_flat"]
  pids = [_pids_of(sid, channels) for sid in sids]
  with_parts = [sid for sid, found in zip(sids, pids) if len(found) > 1]
  _check_parts(evaluation["eval_sid_parts"], with_parts)

  class_labels = evaluation["eval_sid2scene_label"]
  part_labels = evaluation["eval_pid_flat2scene_part_label"]
  num_parts = 1 + max(channels.values(), default=0)
  part_names = [str(part_labels[channel]) for channel in range(1, num_parts)]
  class_parts = []
  for sid, found in zip(sids, pids):
    parts = [channels[sid * 100 + pid] for pid in found]
    class_parts.append(tuple(parts))

  scene_classes = _scene_classes(dataset)
  known_colors = dataset["scene_class2color"]
  colors = [known_colors.get(scene_classes[sid], [0, 0, 0]) for sid in sids]
  is_scene_id = np.arange(100) < len(scene_classes)
  sid_to_train = _train_ids(evaluation, sids)
  file_pids = _evaluation_pids(evaluation, dataset, scene_classes)
  return LabelSpec(
    name=name,
    class_names=tuple([str(class_labels[sid]) for sid in sids]),
    class_ids=np.array(sids, np.int32),
    num_stuff=len(stuff),
    part_names=("background", *part_names),
    class_parts=tuple(class_parts),
    class_pids=tuple(pids),
    class_background=(0,) * len(sids),
    colors=np.array(colors, np.uint8).reshape(-1, 3),
    part_colors=part_colors(num_parts),
    sid_to_train=sid_to_train,
    sid_pid_to_channel=_channels(sid_to_train, sids, with_parts, channels, file_pids),
    sid_pid_to_pid=np.maximum(file_pids, 0),
    legal=(file_pids >= 0) & is_scene_id[:, None],
  )


def _pids_of(sid: int, channels: PartChannels) -> tuple[int, ...]:
  """Returns the evaluation pids of a class, ascending."""
  pids = [key % 100 for key in channels if key // 100 == sid]
  return tuple(sorted(pids))


def _check_parts(listed: list[int], with_parts: list[int]) -> None:
  """Raises ValueError if the classes listed as having parts are not those with several parts."""
  if sorted(listed) != sorted(with_parts):
    raise ValueError(
      f"eval_sid_parts are {sorted(listed)}, but {sorted(with_parts)} have two or more parts."
    )


def _scene_classes(dataset: dict[str, Any]) -> list[str]:
  """Returns the scene classes of the dataset; the position is the scene id."""
  labelled = [name for name in dataset["scene_class2part_classes"] if name != _UNLABELED]
  return [_UNLABELED, *labelled]


def _train_ids(evaluation: dict[str, Any], sids: list[int]) -> Int32[np.ndarray, "100"]:
  """Returns the train id of each scene id; 255 = not evaluated."""
  table = np.full(100, IGNORE, np.int32)
  for sid, eval_sid in evaluation["dataset_sid2eval_sid"].items():
    if sid != "DEFAULT" and eval_sid != IGNORED:
      table[sid] = sids.index(eval_sid)
  return table


def _evaluation_pids(
  evaluation: dict[str, Any], dataset: dict[str, Any], scene_classes: list[str]
) -> Int32[np.ndarray, "100 100"]:
  """Returns the evaluation pid of (sid, file pid): 0 = unknown, -1 = not in the dataset.

  File pids become dataset pids first (`_dataset_pids`); the evaluation specification then groups
  them. As in the reference evaluator, a pid without an entry stays unchanged, so CPP keeps pid 5 on
  persons.
  """
  entries = evaluation["dataset_sid_pid2eval_sid_pid"]
  groups = {pair: group for pair, group in entries.items() if group != IGNORED}
  table = np.full((100, 100), -1, np.int32)
  for sid in range(100):
    scene_class = scene_classes[sid] if sid < len(scene_classes) else None
    for file_pid, pid in _dataset_pids(dataset, scene_class).items():
      pair = sid * 100 + pid if pid else sid
      group = groups.get(pair, pair)
      table[sid, file_pid] = group % 100 if group >= 100 else 0
  return table


def _dataset_pids(dataset: dict[str, Any], scene_class: str | None) -> dict[int, int]:
  """Returns {file pid: dataset pid} of a scene class.

  If files number the parts per occurrence (PPP), the occurrences are folded into one part here, and
  only here: the numberings overlap, so a second pass would turn aeroplane wheels into engines. Such
  a dataset lists all its pids; all others are illegal.
  """
  folds = dataset.get("countable_pids_groupings")
  if folds is None:
    return {pid: pid for pid in range(100)}
  listed = dataset["scene_class2part_classes"].get(scene_class, [])
  parts = [part for part in listed if part != _UNLABELED]
  folded = {pid: pid for pid in range(1 + len(parts))}
  for part, file_pids in folds.get(scene_class, {}).items():
    pid = 1 + parts.index(part)
    folded |= dict.fromkeys(file_pids, pid)
  return folded


def _channels(
  sid_to_train: Int32[np.ndarray, "100"],
  sids: list[int],
  with_parts: list[int],
  channels: PartChannels,
  pids: Int32[np.ndarray, "100 100"],
) -> Int32[np.ndarray, "100 100"]:
  """Returns the part channel of (sid, file pid).

  255 for void and for unknown parts of a class with parts; 0 for unknown parts of other classes.

  Differs from tapps, where void is background: the part head is not trained on unlabelled pixels.
  """
  table = np.full((100, 100), IGNORE, np.int32)
  for sid in np.flatnonzero(sid_to_train != IGNORE):
    eval_sid = sids[sid_to_train[sid]]
    unknown = IGNORE if eval_sid in with_parts else 0
    table[sid] = unknown
    for file_pid in np.flatnonzero(pids[sid] > 0):
      pair = eval_sid * 100 + int(pids[sid, file_pid])
      table[sid, file_pid] = channels.get(pair, unknown)
  return table


def part_colors(num_parts: int) -> UInt8[np.ndarray, "P 3"]:
  """Returns one colour (RGB) per part channel; the background is black.

  The hues of successive channels are a golden ratio apart, so that neighbours differ clearly.
  """
  colors = [(0.0, 0.0, 0.0)]
  for index in range(num_parts - 1):
    hue = (_GOLDEN_RATIO * (index + 1)) % 1.0
    saturation = 0.85 if index % 2 else 0.55
    value = 0.95 if index % 3 else 0.75
    colors.append(colorsys.hsv_to_rgb(hue, saturation, value))
  return np.round(255 * np.array(colors)).astype(np.uint8)
