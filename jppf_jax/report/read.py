"""Reads what a report is made of: the scores of an evaluation, its record, the config and the
metrics of the run.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Integer

from jppf_jax.report.record import ANALYSIS, image_file
from jppf_jax.report.rows import TITLES

SCORES = "scores.json"
_CONFIG, _METRICS = "config.json", "metrics.jsonl"  # in the folder of a run
_MADE_WITH = "made_with.json"

Json = dict[str, Any]


class ReportError(ValueError):
  """There is nothing to report on; says what to do."""


@dataclass(frozen=True)
class Evaluation:
  """An evaluation and the run that it belongs to.

  Attributes:
    name: of the run.
    title: of the evaluation: the split.
    folder: of the evaluation.
    scores: the report of `evaluation.evaluate`.
    analysis: the record of `record.Recorder`.
    config: of the run; empty if there is none.
    metrics: a line for each step that was logged.
    run: the folder of the run; None if there is none.
    made_with: what the run was trained with; empty if that is not known.
  """

  name: str
  title: str
  folder: Path
  scores: Json
  analysis: Json
  config: Json
  metrics: list[Json]
  run: Path | None = None
  made_with: Json = field(default_factory=dict)

  @property
  def methods(self) -> list[str]:
    """The methods that were evaluated, the main one first."""
    return [method for method in TITLES if method in self.analysis["methods"]]


@dataclass(frozen=True)
class ImageRecord:
  """The record of an image; see `record`.

  Attributes:
    photo: a JPEG; None if there was no photo.
    maps: by "truth" or the name of the method.
    about: what the numbers of the maps mean.
  """

  photo: bytes | None
  maps: dict[str, Integer[np.ndarray, "h w"]]
  about: Json


def read(workdir: Path, split: str | None = None, run: Path | None = None) -> Evaluation:
  """Returns an evaluation of a run.

  Args:
    workdir: the folder of a run, or that of an evaluation.
    split: name of the evaluation, as its folder is called; None: of the config's `eval_split`, or
      else the newest.
    run: the folder of the run, if `workdir` is that of an evaluation elsewhere.

  Raises:
    ReportError: there is no such folder or evaluation, or it has no record.
  """
  if not workdir.is_dir():
    what = "is a file" if workdir.exists() else "does not exist"
    raise ReportError(f"{workdir} {what}: give the folder of a run, or of one of its evaluations.")
  if (workdir / SCORES).is_file() and split is None:
    return _evaluation(workdir, run=run or workdir.resolve().parents[1])
  config = _json_or_empty(workdir / _CONFIG)
  found = {path.parent.name: path.parent for path in workdir.glob(f"evaluation/*/{SCORES}")}
  if not found:
    raise ReportError(
      f"{workdir} has no evaluation to report on; `jppf evaluate --workdir={workdir}` makes one."
    )
  if split is None:
    newest = max(found, key=lambda name: (found[name] / SCORES).stat().st_mtime)
    wanted = config.get("data", {}).get("eval_split")
    split = wanted if wanted in found else newest
  if split not in found:
    names = ", ".join(sorted(found))
    raise ReportError(f"{workdir} has no evaluation {split!r}; there is: {names}.")
  return _evaluation(found[split], run=workdir)


def _evaluation(folder: Path, *, run: Path) -> Evaluation:
  """Reads the files of an evaluation.

  Raises:
    ReportError: a file is missing or damaged.
  """
  if not (folder / ANALYSIS).is_file():
    raise ReportError(
      f"{folder} has scores, but no {ANALYSIS}: it was written by an earlier version, or by a "
      "network without fusion. `jppf evaluate` writes it."
    )
  return Evaluation(
    name=run.resolve().name,
    title=folder.resolve().name,
    folder=folder,
    scores=read_json(folder / SCORES),
    analysis=read_json(folder / ANALYSIS),
    config=_json_or_empty(run / _CONFIG),
    made_with=_json_or_empty(run / _MADE_WITH),
    metrics=_lines(run / _METRICS),
    run=run,
  )


def called(evaluation: Evaluation, other: Evaluation) -> tuple[str, str]:
  """Returns what to call two evaluations: the names of their runs, with as many folders in front as
  tell them apart; if the run is the same, with the split.
  """
  if evaluation.name != other.name:
    return evaluation.name, other.name
  first, second = ((one.run or one.folder).resolve().parts[1:] for one in (evaluation, other))
  for count in range(2, max(len(first), len(second)) + 1):
    ends = "/".join(first[-count:]), "/".join(second[-count:])
    if ends[0] != ends[1]:
      return ends
  if evaluation.title == other.title:
    return evaluation.name, other.name
  return f"{evaluation.name}, {evaluation.title}", f"{other.name}, {other.title}"


def is_same(evaluation: Evaluation, other: Evaluation) -> bool:
  """Returns whether two evaluations are one."""
  return evaluation.folder.resolve() == other.folder.resolve()


def image(folder: Path, image_id: str) -> ImageRecord | None:
  """Returns the record of an image; None if the evaluation in `folder` has none."""
  path = image_file(folder, image_id)
  if not path.is_file():
    return None
  with np.load(path, allow_pickle=False) as arrays:
    held = dict(arrays)
  about = json.loads(held.pop("about").tobytes())
  photo = held.pop("photo", None)
  return ImageRecord(None if photo is None else photo.tobytes(), held, about)


def _json_or_empty(path: Path) -> Json:
  """Returns the object in a JSON file; an empty one if there is no file."""
  return read_json(path) if path.is_file() else {}


def read_json(path: Path) -> Json:
  """Returns the object in a JSON file.

  Raises:
    ReportError: it is damaged.
  """
  try:
    return json.loads(path.read_bytes())
  except ValueError as error:
    raise ReportError(f"{path} is damaged: {error}.") from error


def _lines(path: Path) -> list[Json]:
  """Returns the complete lines of a file of JSON lines; none if there is no file."""
  if not path.is_file():
    return []
  lines = []
  for line in path.read_text(encoding="utf-8").splitlines():
    try:
      lines.append(json.loads(line))
    except ValueError:
      continue  # a run that was killed may end in half a line
  return lines
