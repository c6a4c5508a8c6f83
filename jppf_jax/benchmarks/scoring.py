"""`jppf score` from files to scores, and the PQ of `hotcoco` on the same segments.

hotcoco (a package in Rust) reads COCO panoptic PNGs and computes PQ. We read the label files of
panoptic-parts and compute PartPQ, PQ, both mIoUs and density.
"""

import importlib
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import TypedDict

import numpy as np
from jaxtyping import Int32, UInt8

from jppf_jax.benchmarks.measure import own_process, peak_memory_mb
from jppf_jax.evaluation.score import score_folders
from jppf_jax.labels.cpp import cpp
from jppf_jax.labels.formats import coco, files
from jppf_jax.labels.spec import LabelSpec

Pair = tuple[Int32[np.ndarray, "H W"], UInt8[np.ndarray, "H W 3"]]
WORKERS = 2
ROUNDS = 5
FORMS = ("channels", "uids")


class ScoringSpeed(TypedDict):
  """Speed and peak memory of `jppf score`, and the speed of hotcoco; None if it is not installed.

  `score_ratio_to_hotcoco` is above 1 where we are faster; predictions are channels.
  """

  score_images_per_second: float
  score_uids_images_per_second: float
  score_workers: int
  score_peak_memory_mb: float
  hotcoco: str | None
  hotcoco_images_per_second: float | None
  score_ratio_to_hotcoco: float | None
  hotcoco_same_pq: bool | None


def measure(spec: LabelSpec, pairs: list[Pair], count: int) -> ScoringSpeed:
  """Returns what `ScoringSpeed` lists, for `count` images; `pairs` repeat.

  Decoding is included, starting the program is not. It runs in a process of its own, because the
  peak of this one is that of the scenes and of the reference.
  """
  with tempfile.TemporaryDirectory() as folder:
    root = Path(folder)
    write(root, spec, pairs, count)
    with own_process() as process:
      return process.submit(compare, root, count).result()


def write(root: Path, spec: LabelSpec, pairs: list[Pair], count: int) -> None:
  """Writes `count` images in our forms and as COCO panoptic."""
  names = [f"{number:04d}" for number in range(count)]
  truths = [uids for uids, _ in pairs]
  predictions = [spec.channels_to_uids(channels) for _, channels in pairs]
  for i, (uids, channels) in enumerate(pairs[:count]):
    first, *copies = names[i :: len(pairs)]
    files.write_uids(root / "gt" / f"{first}.tif", uids)
    files.write_channels(root / "channels" / f"{first}.png", channels)
    files.write_uids(root / "uids" / f"{first}.tif", predictions[i])
    for written in root.glob(f"*/{first}.*"):
      for name in copies:
        shutil.copy(written, written.with_stem(name))
  _write_coco(root / "coco_gt", spec, truths, names)
  _write_coco(root / "coco_channels", spec, predictions, names)


def _write_coco(
  folder: Path, spec: LabelSpec, maps: list[Int32[np.ndarray, "H W"]], names: list[str]
) -> None:
  """Writes uids as COCO panoptic PNGs and, beside their folder, the JSON."""
  entries: list[coco.Record] = []
  for number, name in enumerate(names):
    path = folder / f"{name}.png"
    if number < len(maps):
      entries.append(coco.write_panoptic(path, maps[number], spec))
      continue
    first = entries[number % len(maps)]
    shutil.copy(folder / first["file_name"], path)
    place = {"image_id": coco.image_number(name), "file_name": path.name}
    entries.append(first | place)
  coco.write_index(folder.with_suffix(".json"), entries, spec)


def compare(root: Path, count: int) -> ScoringSpeed:
  """Returns the median speeds of `ROUNDS` rounds; all take their turn in each round."""
  _seconds(root, "channels")  # imports, not measured
  peak = peak_memory_mb()
  version = _hotcoco_version()
  seconds: dict[str, list[float]] = {name: [] for name in (*FORMS, "hotcoco")}
  for _ in range(ROUNDS):
    for form in FORMS:
      taken, pq = _seconds(root, form)
      seconds[form].append(taken)
    if version is not None:
      taken, pq_of_hotcoco = _seconds_of_hotcoco(root)
      seconds["hotcoco"].append(taken)
  speed = {form: count / statistics.median(seconds[form]) for form in FORMS}
  report: ScoringSpeed = {
    "score_images_per_second": speed["channels"],
    "score_uids_images_per_second": speed["uids"],
    "score_workers": WORKERS,
    "score_peak_memory_mb": peak,
    "hotcoco": version,
    "hotcoco_images_per_second": None,
    "score_ratio_to_hotcoco": None,
    "hotcoco_same_pq": None,
  }
  if version is not None:
    ratios = [theirs / ours for theirs, ours in zip(seconds["hotcoco"], seconds["channels"])]
    report["hotcoco_images_per_second"] = count / statistics.median(seconds["hotcoco"])
    report["score_ratio_to_hotcoco"] = statistics.median(ratios)
    report["hotcoco_same_pq"] = pq is not None and abs(pq - pq_of_hotcoco) < 1e-12
  return report


def _seconds(root: Path, form: str) -> tuple[float, float | None]:
  """Returns the seconds of `jppf score`, and its PQ."""
  start = time.perf_counter()
  scores = score_folders(cpp(), root / "gt", root / form, workers=WORKERS, progress=False)
  report = scores.to_json()
  return time.perf_counter() - start, report["pq"]["all"]["pq"]


def _hotcoco_version() -> str | None:
  """Returns the version of hotcoco; None if it cannot be imported."""
  try:
    return str(importlib.import_module("hotcoco").__version__)
  except ModuleNotFoundError:
    return None


def _seconds_of_hotcoco(root: Path) -> tuple[float, float]:
  """Returns the seconds that hotcoco takes for the same segments, and its PQ."""
  panoptic = importlib.import_module("hotcoco.panoptic")
  start = time.perf_counter()
  evaluation = panoptic.PanopticEval(
    str(root / "coco_gt.json"),
    str(root / "coco_channels.json"),
    gt_folder=str(root / "coco_gt"),
    pred_folder=str(root / "coco_channels"),
  )
  evaluation.evaluate()
  results = evaluation.results()
  return time.perf_counter() - start, results["All"]["pq"]
