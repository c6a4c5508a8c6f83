"""Reads a taxonomy from a panoptic-parts evaluation specification (YAML).

The installed `panoptic-parts` package contains the files for Cityscapes and Pascal; your own
dataset can be described in the same format. The package itself is never imported: as released it
raises an error on Python >= 3.10.
"""

import contextlib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int32

from jppf_jax.labels import sides
from jppf_jax.labels.evaluation_fields import IGNORED, UNLABELED, problems
from jppf_jax.labels.quote import listed, shortened
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.labels.tables import part_colors
from jppf_jax.labels.yaml_file import load_yaml
from jppf_jax.panoptic import IGNORE

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
    ValueError: fields are missing, of wrong types, or contradict each other.
  """
  evaluation = load_yaml(path)
  dataset = _dataset_spec(path, evaluation)
  if wrong := problems(evaluation, dataset):
    raise ValueError(f"{path} is no evaluation specification of panoptic-parts:{listed(wrong)}")
  spec = _build(evaluation, dataset, name)
  sides.warn_of(spec)
  return spec


def _dataset_spec(path: Path, evaluation: dict[Any, Any]) -> Any:
  """Returns the dataset specification that an evaluation specification contains or names."""
  if "dataset_spec" in evaluation:
    return evaluation["dataset_spec"]
  relative = evaluation.get("dataset_spec_path")
  if not isinstance(relative, str):
    raise ValueError(
      f"{path} has no entry 'dataset_spec_path' that names a file, nor 'dataset_spec'; its fields "
      "must be those of the evaluation specifications of panoptic-parts."
    )
  candidates = (path.parent / relative, package_folder().parent / relative)
  for candidate in candidates:
    with contextlib.suppress(OSError):  # a name that no file can have
      if candidate.is_file():
        return load_yaml(candidate)
  tried = " nor ".join(shortened(candidate) for candidate in candidates)
  raise FileNotFoundError(
    f"{path} names the dataset specification {shortened(relative)}, but there is neither {tried}."
  )


def _build(evaluation: dict[str, Any], dataset: dict[str, Any], name: str) -> LabelSpec:
  stuff = sorted(evaluation["eval_sid_stuff"])
  things = sorted(evaluation["eval_sid_things"])
  sids = stuff + things  # position = train id
  channels: PartChannels = evaluation["eval_sid_pid2eval_pid_flat"]
  pids = [_pids_of(sid, channels) for sid in sids]
  with_parts = [sid for sid, found in zip(sids, pids) if len(found) > 1]

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


def _scene_classes(dataset: dict[str, Any]) -> list[str]:
  """Returns the scene classes of the dataset; the position is the scene id."""
  labelled = [name for name in dataset["scene_class2part_classes"] if name != UNLABELED]
  return [UNLABELED, *labelled]


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
  parts = [part for part in listed if part != UNLABELED]
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
