"""A dataset to scores and pictures: joint fusion, top-down merging, and each head before fusion."""

import dataclasses
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table
from tqdm import tqdm

from jppf_jax import build
from jppf_jax.evaluation.compare import Comparison, Prediction, load_comparison
from jppf_jax.evaluation.instances import instance_masks
from jppf_jax.evaluation.save import save_picture
from jppf_jax.input_pipeline.read import Examples
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.metrics.instance_ap import CityscapesAP, CocoAP
from jppf_jax.metrics.iou import IoU
from jppf_jax.metrics.scores import Scores
from jppf_jax.saving import write_text
from jppf_jax.structs import PanopticParts
from jppf_jax.visualization import render

METHODS = {  # key in the report: title
  "joint": "joint fusion",
  "joint_filled": "joint, filled",
  "top_down": "top-down merge",
  "top_down_filled": "top-down, filled",
}
ROWS = {  # of the printed table: where the number is in the scores
  "PartPQ All": ("part_pq", "all", "part_pq"),
  "PartPQ P": ("part_pq", "parts", "part_pq"),
  "PartPQ NP": ("part_pq", "no_parts", "part_pq"),
  "PQ": ("pq", "all", "pq"),
  "Sem. mIoU": ("semantic_miou",),
  "Part mIoU": ("part_miou",),
  "Density": ("density", "full"),
}


def evaluate(
  config: build.Config, workdir: str | Path, *, split: str | None = None, pictures: int = 4
) -> dict[str, Any]:
  """Scores the run in `workdir` on a split of its dataset, at the resolution of the labels.

  Writes `evaluation/<split>/scores.json` (the returned report, with each class and image) and
  `evaluation/<split>/<image id>.png`, pictures of the first images, under `workdir`.

  Args:
    config: of the run.
    workdir: of the run; its newest weights are used.
    split: of the config's dataset; its `eval_split` if None.
    pictures: how many images to draw.

  Returns:
    The report of `score_dataset`.

  Raises:
    WeightsError: the run has no weights, or they do not fit the config's network.
    FileNotFoundError: the dataset is not built, and its raw files are not known.
    ValueError: the dataset has no such split.
  """
  workdir = Path(workdir)
  split = split or build.eval_split(config)
  predictor = load_comparison(config, workdir / build.RUN_WEIGHTS)
  examples = build.examples(config, split)
  folder = workdir / "evaluation" / split
  report = score_dataset(predictor, examples, folder, pictures=pictures, title=split)
  write_text(folder / "scores.json", json.dumps(report, indent=1))
  return report


def score_dataset(
  predictor: Comparison,
  examples: Examples,
  folder: Path,
  *,
  pictures: int = 0,
  title: str = "",
) -> dict[str, Any]:
  """Predicts and scores all examples: both methods, and each head before fusion.

  Args:
    predictor: the network with its weights.
    examples: images with their uids.
    folder: where `<image id>.png` goes for each picture.
    pictures: how many images to draw, from the first.
    title: shown beside the progress bar.

  Returns:
    `{"joint": scores, "top_down": scores, "heads": {"semantic_miou", "part_miou", "instance_ap"},
    "testing": {"scales", "flip"}, "seconds_per_image"}`. Scores are those of `Scores.to_json`, and
    AP is that of `CityscapesAP.results`. The seconds are the median, None for a single image: the
    first compiles.
  """
  spec = predictor.spec
  methods = [name for name in METHODS if predictor.config.fill_void or "filled" not in name]
  scores = {name: Scores(spec) for name in methods}
  semantic, part = IoU(spec.num_classes), IoU(spec.num_parts)
  instances = instance_ap(spec)
  seconds = []
  for index in tqdm(range(len(examples)), desc=f"evaluate {title}", unit="image"):
    example = examples[index]
    image_id, uids = example["image_id"], example["uids"]
    start = time.monotonic()
    prediction = predictor(example["image"])
    seconds.append(time.monotonic() - start)
    truth = spec.decode(uids)
    semantic.add(truth.semantic, np.asarray(prediction.semantic))
    part.add(truth.part, np.asarray(prediction.part))
    masks = instance_masks(prediction.detections, spec, uids.shape)
    instances.add(image_id, uids, masks)
    answers = _by_method(prediction)
    for name, answer in answers.items():
      channels = spec.to_channels(*render.label_maps(answer))
      scores[name].add(image_id, uids, channels)
    if index < pictures:
      drawn: dict[str, render.Answer] = {"Ground truth": truth}
      for name, answer in answers.items():
        drawn[METHODS[name].capitalize()] = answer
      picture = render.comparison(example["image"], drawn, spec)
      save_picture(folder / f"{image_id}.png", picture)
  heads = {
    "semantic_miou": semantic.mean(),
    "part_miou": part.mean(),
    "instance_ap": instances.results(),
  }
  report = {name: scores[name].to_json() for name in methods}
  testing = dataclasses.asdict(predictor.testing)
  return report | {"heads": heads, "testing": testing, "seconds_per_image": _median(seconds[1:])}


def _by_method(prediction: Prediction) -> dict[str, PanopticParts]:
  """Returns the answer of each of `METHODS` that the prediction has."""
  found = {name: getattr(prediction, name) for name in METHODS}
  return {name: answer for name, answer in found.items() if answer is not None}


def _median(seconds: list[float]) -> float | None:
  return float(np.median(seconds)) if seconds else None


def instance_ap(spec: LabelSpec) -> CityscapesAP | CocoAP:
  """Returns an empty AP in the protocol that is customary for the taxonomy."""
  return CityscapesAP(spec) if spec.ap_protocol == "cityscapes" else CocoAP(spec)


def summary(report: dict[str, Any], title: str) -> Table:
  """Returns the report of `evaluate` as a table, in percent, one column per method."""
  table = Table(title=title)
  table.add_column("")
  methods = [name for name in METHODS if name in report]
  for name in methods:
    table.add_column(METHODS[name], justify="right")
  for row, keys in ROWS.items():
    values = [_at(report[name], keys) for name in methods]
    table.add_row(row, *map(_percent, values))
  table.add_section()
  heads = report["heads"]
  for name in ("semantic", "part"):
    table.add_row(f"{name} head mIoU", _percent(heads[f"{name}_miou"]), "")
  ap = heads["instance_ap"]
  table.add_row(f"instance head AP ({ap['protocol']})", _percent(ap["ap"]), "")
  return table


def _at(scores: dict[str, Any], keys: tuple[str, ...]) -> float | None:
  """Returns the number that is under nested keys."""
  found: Any = scores
  for key in keys:
    found = found[key]
  return found


def _percent(value: float | None) -> str:
  return "–" if value is None else f"{100 * value:.1f}"
