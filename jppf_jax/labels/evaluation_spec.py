"""Reads a taxonomy from a panoptic-parts evaluation specification (YAML).

The installed `panoptic-parts` package carries the files for Cityscapes and Pascal; one's own data
set is described in the same format. The package itself is never imported: as released it raises on
Python >= 3.10.
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

  The data set's own specification is found at `dataset_spec_path`, relative to the file or to the
  folder that holds the panoptic_parts package, or stands in the file itself under `dataset_spec`.

  Raises:
    FileNotFoundError: the file, or the data set specification it names, does not exist.
    ValueError: no YAML mapping, or fields are missing or contradict each other.
  """
  evaluation = load_yaml(path)
  try:
    dataset = (
      evaluation["dataset_spec"]
      if "dataset_spec" in evaluation
      else load_yaml(_find(path, evaluation["dataset_spec_path"]))
    )
    return _build(evaluation, dataset, name)
  except KeyError as error:
    raise ValueError(
      f"{path} has no entry {error}; see the panoptic-parts evaluation specifications for the format."
    ) from error


def load_yaml(path: Path) -> dict[str, Any]:
  """Returns the mapping in a YAML file; raises ValueError if there is none."""
  try:
    content = yaml.safe_load(path.read_text())
  except (yaml.YAMLError, UnicodeDecodeError) as error:
    raise ValueError(f"{path} is not a YAML file: {error}") from error
  if not isinstance(content, dict):
    raise ValueError(
      f"{path} holds {type(content).__name__}, expected a mapping with the fields of an evaluation specification."
    )
  return content


def _find(path: Path, relative: str) -> Path:
  candidates = [path.parent / relative, package_folder().parent / relative]
  for candidate in candidates:
    if candidate.is_file():
      return candidate
  raise FileNotFoundError(
    f"{path} names the data set specification {relative}, which is neither of {[str(c) for c in candidates]}."
  )


def _build(evaluation: dict[str, Any], dataset: dict[str, Any], name: str) -> LabelSpec:
  stuff, things = sorted(evaluation["eval_sid_stuff"]), sorted(evaluation["eval_sid_things"])
  sids = stuff + things  # the order of train ids
  flat = evaluation["eval_sid_pid2eval_pid_flat"]  # {sid * 100 + evaluation pid: part channel}
  pids = {sid: sorted(pair % 100 for pair in flat if pair // 100 == sid) for sid in sids}
  with_parts = [sid for sid in sids if len(pids[sid]) > 1]
  if with_parts != sorted(evaluation["eval_sid_parts"], key=sids.index):
    raise ValueError(
      f"eval_sid_parts are {sorted(evaluation['eval_sid_parts'])}, but {sorted(with_parts)} have two or more parts."
    )

  scene_classes = [
    "UNLABELED",
    *[c for c in dataset["scene_class2part_classes"] if c != "UNLABELED"],
  ]  # position = sid
  to_eval_sid = {
    k: v for k, v in evaluation["dataset_sid2eval_sid"].items() if v != IGNORED and k != "DEFAULT"
  }
  sid_to_train = np.full(100, IGNORE, np.int32)
  for sid, eval_sid in to_eval_sid.items():
    sid_to_train[sid] = sids.index(eval_sid)

  sid_pid_to_pid = _evaluation_pids(evaluation, dataset, scene_classes)
  channel_names = evaluation["eval_pid_flat2scene_part_label"]
  num_parts = 1 + max(flat.values(), default=0)
  colors = [dataset["scene_class2color"].get(scene_classes[sid], [0, 0, 0]) for sid in sids]
  return LabelSpec(
    name=name,
    class_names=tuple(str(evaluation["eval_sid2scene_label"][sid]) for sid in sids),
    class_ids=np.array(sids, np.int32),
    num_stuff=len(stuff),
    part_names=("background", *[str(channel_names[channel]) for channel in range(1, num_parts)]),
    class_parts=tuple(tuple(flat[sid * 100 + pid] for pid in pids[sid]) for sid in sids),
    class_pids=tuple(tuple(pids[sid]) for sid in sids),
    class_background=(0,) * len(sids),
    colors=np.array(colors, np.uint8).reshape(-1, 3),
    part_colors=part_colors(num_parts),
    sid_to_train=sid_to_train,
    sid_pid_to_channel=_channels(sid_to_train, sids, with_parts, flat, sid_pid_to_pid),
    sid_pid_to_pid=np.maximum(sid_pid_to_pid, 0),
    legal=(sid_pid_to_pid >= 0) & (np.arange(100) < len(scene_classes))[:, None],
  )


def _evaluation_pids(
  evaluation: dict[str, Any], dataset: dict[str, Any], scene_classes: list[str]
) -> Int32[np.ndarray, "100 100"]:
  """Returns the evaluation pid of (sid, file pid): 0 = unknown, -1 = the data set has no such part.

  File pids are first folded to data set pids where the data set numbers parts per occurrence, once
  (the numberings overlap: a second pass turns aeroplane wheels into engines), then grouped by the
  evaluation specification. As in the reference evaluator, pids without an entry stay what they are,
  so CPP keeps pid 5 on persons; a data set that folds has listed all its pids, so there any other
  is an error.
  """
  groups = {k: v for k, v in evaluation["dataset_sid_pid2eval_sid_pid"].items() if v != IGNORED}
  folds = dataset.get("countable_pids_groupings")
  table = np.full((100, 100), -1, np.int32)
  for sid in range(100):
    scene_class = scene_classes[sid] if sid < len(scene_classes) else None
    parts = [
      part
      for part in dataset["scene_class2part_classes"].get(scene_class, [])
      if part != "UNLABELED"
    ]
    folded = {
      pid: pid for pid in range(100 if folds is None else 1 + len(parts))
    }  # {file pid: data set pid}
    for part, file_pids in (folds or {}).get(scene_class, {}).items():
      folded |= {file_pid: 1 + parts.index(part) for file_pid in file_pids}
    for file_pid, pid in folded.items():
      key = sid * 100 + pid if pid else sid
      grouped = groups.get(key, key)
      table[sid, file_pid] = grouped % 100 if grouped >= 100 else 0
  return table


def _channels(
  sid_to_train: np.ndarray,
  sids: list[int],
  with_parts: list[int],
  flat: dict[int, int],
  pids: np.ndarray,
) -> np.ndarray:
  """Returns the part channel of (sid, file pid): void 255, an unknown part of a class with parts
  255, other classes 0.

  Differs from tapps, where void is background: we do not teach the part head what nobody labelled.
  """
  table = np.full((100, 100), IGNORE, np.int32)
  for sid in np.flatnonzero(sid_to_train != IGNORE):
    eval_sid = sids[sid_to_train[sid]]
    otherwise = IGNORE if eval_sid in with_parts else 0
    table[sid] = [
      flat.get(eval_sid * 100 + pid, otherwise) if pid > 0 else otherwise
      for pid in pids[sid].tolist()
    ]
  return table


def part_colors(num_parts: int) -> UInt8[np.ndarray, "P 3"]:
  """Returns colours that neighbouring channels do not share: hues a golden ratio apart; background
  is black.
  """
  hues = [(0.61803398875 * channel) % 1.0 for channel in range(1, num_parts)]
  colors = [
    colorsys.hsv_to_rgb(hue, 0.85 if n % 2 else 0.55, 0.95 if n % 3 else 0.75)
    for n, hue in enumerate(hues)
  ]
  return np.round(255 * np.array([(0.0, 0.0, 0.0), *colors])).astype(np.uint8)
