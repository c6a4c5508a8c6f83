"""A data set to scores and pictures: joint fusion beside top-down merging, and the heads before any
fusion.
"""

import json
import time
from functools import reduce
from pathlib import Path
from typing import Any

import ml_collections
import numpy as np
from jaxtyping import UInt8
from PIL import Image
from rich.table import Table
from tqdm import tqdm

from jppf_jax import build
from jppf_jax.checkpoints.weights import load_weights
from jppf_jax.evaluation.instances import instance_masks
from jppf_jax.evaluation.predict import Predictor
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.metrics.instance_ap import CityscapesAP, CocoAP
from jppf_jax.metrics.iou import IoU
from jppf_jax.metrics.scores import Scores
from jppf_jax.saving import write_text
from jppf_jax.visualization import render

METHODS = {"joint": "joint fusion", "top_down": "top-down merge"}
ROWS = {  # of the printed table: where the number stands in the scores
  "PartPQ All": ("part_pq", "all", "part_pq"),
  "PartPQ P": ("part_pq", "parts", "part_pq"),
  "PartPQ NP": ("part_pq", "no_parts", "part_pq"),
  "PQ": ("pq", "all", "pq"),
  "Sem. mIoU": ("semantic_miou",),
  "Part mIoU": ("part_miou",),
  "Density": ("density", "full"),
}


def load_predictor(config: ml_collections.ConfigDict, weights: str | Path) -> Predictor:
  """Returns a predictor with the weights of a file, e.g. `runs/x/weights.safetensors` of a run of
  this config.

  Raises:
    WeightsError: there is no such file, or it does not fit the config's network.
  """
  spec = build.label_spec(config)
  model = build.model(config, spec)
  variables = load_weights(weights, build.variable_shapes(model))
  return Predictor(
    model, variables, spec, size=tuple(config.data.eval_size), config=build.fusion(config)
  )


def evaluate(
  config: ml_collections.ConfigDict,
  workdir: str | Path,
  *,
  split: str | None = None,
  pictures: int = 4,
) -> dict[str, Any]:
  """Scores the run in `workdir` on a split of its data set, at the resolution of the labels.

  Writes `evaluation/<split>.json` (the returned scores, with every class and image) and pictures
  beside it.

  Args:
    config: of the run.
    workdir: of the run; its newest weights are used.
    split: of the config's data set; its `eval_split` if None.
    pictures: how many images to draw.

  Returns:
    `{"joint": scores, "top_down": scores, "heads": {"semantic_miou", "part_miou", "instance_ap"},
    "seconds_per_image"}`; scores as `Scores.to_json`, AP as `CityscapesAP.results` gives them.
  """
  workdir, split = Path(workdir), split or config.data.eval_split
  predictor = load_predictor(config, workdir / build.RUN_WEIGHTS)
  spec, examples = predictor.spec, build.examples(config, split)
  folder = workdir / "evaluation" / split
  folder.mkdir(parents=True, exist_ok=True)
  scores = {name: Scores(spec) for name in METHODS}
  heads = {"semantic": IoU(spec.num_classes), "part": IoU(spec.num_parts)}
  instances, seconds = instance_ap(spec), []
  for index in tqdm(range(len(examples)), desc=f"evaluate {split}", unit="image"):
    example = examples[index]
    start = time.monotonic()
    prediction = predictor(example["image"])
    seconds.append(time.monotonic() - start)
    truth = spec.decode(example["uids"])
    for name, counts in heads.items():
      counts.add(getattr(truth, name), getattr(prediction, name))
    masks = instance_masks(prediction.detections, spec, example["uids"].shape)
    instances.add(example["image_id"], example["uids"], masks)
    for name in METHODS:
      answer = getattr(prediction, name)
      channels = spec.to_channels(answer.semantic, answer.instance, answer.part)
      scores[name].add(example["image_id"], example["uids"], channels)
    if index < pictures:
      answers = {
        "Ground truth": truth,
        "Joint fusion": prediction.joint,
        "Top-down merge": prediction.top_down,
      }
      save_picture(
        folder / f"{example['image_id']}.png", render.comparison(example["image"], answers, spec)
      )
  report = {name: scores[name].to_json() for name in METHODS}
  report["heads"] = {f"{name}_miou": counts.mean() for name, counts in heads.items()}
  report["heads"]["instance_ap"] = instances.results()
  report["seconds_per_image"] = (
    float(np.median(seconds[1:])) if seconds[1:] else None
  )  # the first one compiles
  write_text(folder / "scores.json", json.dumps(report, indent=1))
  return report


def instance_ap(spec: LabelSpec) -> CityscapesAP | CocoAP:
  """Returns an empty AP in the protocol that is customary: Cityscapes' for its taxonomy, COCO's for
  all others.
  """
  return CityscapesAP(spec) if spec.name.startswith("cpp") else CocoAP(spec)


def summary(report: dict[str, Any], title: str) -> Table:
  """Returns the report of `evaluate` as a table, in percent, one column per way to fuse."""
  table = Table(title=title)
  table.add_column("")
  for method in METHODS.values():
    table.add_column(method, justify="right")
  for row, keys in ROWS.items():
    table.add_row(row, *(_percent(_at(report[name], keys)) for name in METHODS))
  table.add_section()
  heads = report["heads"]
  for name in ("semantic", "part"):
    table.add_row(f"{name} head mIoU", _percent(heads[f"{name}_miou"]), "")
  table.add_row(
    f"instance head AP ({heads['instance_ap']['protocol']})",
    _percent(heads["instance_ap"]["ap"]),
    "",
  )
  return table


def _at(scores: dict[str, Any], keys: tuple[str, ...]) -> float | None:
  return reduce(lambda node, key: node[key], keys, scores)


def _percent(value: float | None) -> str:
  return "–" if value is None else f"{100 * value:.1f}"


def save_picture(path: Path, picture: UInt8[np.ndarray, "H W 3"]) -> None:
  path.parent.mkdir(parents=True, exist_ok=True)
  Image.fromarray(picture).save(path)
