"""A data set to scores and pictures: joint fusion beside top-down merging, and the heads before any
fusion.
"""

import json
import time
from collections.abc import Sequence
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8
from PIL import Image
from rich.table import Table
from tqdm import tqdm

from jppf_jax import build
from jppf_jax.evaluation.instances import instance_masks
from jppf_jax.evaluation.predict import Predictor, load_predictor
from jppf_jax.input_pipeline.read import Example
from jppf_jax.labels.formats.files import write_image
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


def evaluate(
  config: build.Config, workdir: str | Path, *, split: str | None = None, pictures: int = 4
) -> dict[str, Any]:
  """Scores the run in `workdir` on a split of its dataset, at the resolution of the labels.

  Writes `evaluation/<split>/scores.json` (the returned scores, with each class and image) and
  `evaluation/<split>/<image id>.png`, pictures of the first images.

  Args:
    config: of the run.
    workdir: of the run; its newest weights are used.
    split: of the config's dataset; its `eval_split` if None.
    pictures: how many images to draw.

  Returns:
    The report of `score_dataset`.
  """
  workdir, split = Path(workdir), split or build.eval_split(config)
  predictor = load_predictor(config, workdir / build.RUN_WEIGHTS)
  examples = build.examples(config, split)
  folder = workdir / "evaluation" / split
  report = score_dataset(predictor, examples, folder, pictures=pictures, title=split)
  write_text(folder / "scores.json", json.dumps(report, indent=1))
  return report


def score_dataset(
  predictor: Predictor,
  examples: Sequence[Example],
  folder: Path,
  *,
  pictures: int = 0,
  title: str = "",
) -> dict[str, Any]:
  """Predicts and scores all examples: joint fusion, top-down merging, and the heads before fusion.

  Args:
    predictor: the network with its weights.
    examples: images with their uids.
    folder: where pictures go.
    pictures: how many images to draw.
    title: shown beside the progress bar.

  Returns:
    `{"joint": scores, "top_down": scores, "heads": {"semantic_miou", "part_miou", "instance_ap"},
    "seconds_per_image"}`; scores as `Scores.to_json`, AP as `CityscapesAP.results` gives them.
  """
  spec = predictor.spec
  scores = {name: Scores(spec) for name in METHODS}
  semantic, part = IoU(spec.num_classes), IoU(spec.num_parts)
  instances, seconds = instance_ap(spec), []
  for index in tqdm(range(len(examples)), desc=f"evaluate {title}", unit="image"):
    example = examples[index]
    image_id, uids = example["image_id"], example["uids"]
    start = time.monotonic()
    prediction = predictor(example["image"])
    seconds.append(time.monotonic() - start)
    truth = spec.decode(uids)
    semantic.add(truth.semantic, prediction.semantic)
    part.add(truth.part, prediction.part)
    instances.add(image_id, uids, instance_masks(prediction.detections, spec, uids.shape))
    for name, answer in (("joint", prediction.joint), ("top_down", prediction.top_down)):
      channels = spec.to_channels(answer.semantic, answer.instance, answer.part)
      scores[name].add(image_id, uids, channels)
    if index < pictures:
      answers = {
        "Ground truth": truth,
        "Joint fusion": prediction.joint,
        "Top-down merge": prediction.top_down,
      }
      save_picture(folder / f"{image_id}.png", render.comparison(example["image"], answers, spec))
  heads = {
    "semantic_miou": semantic.mean(),
    "part_miou": part.mean(),
    "instance_ap": instances.results(),
  }
  after_compiling = seconds[1:]
  median = float(np.median(after_compiling)) if after_compiling else None
  report = {name: scores[name].to_json() for name in METHODS}
  return report | {"heads": heads, "seconds_per_image": median}


def instance_ap(spec: LabelSpec) -> CityscapesAP | CocoAP:
  """Returns an empty AP in the protocol that is customary for the taxonomy."""
  return CityscapesAP(spec) if spec.ap_protocol == "cityscapes" else CocoAP(spec)


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
  """Writes a picture as PNG."""
  write_image(path, Image.fromarray(picture), format="PNG")
