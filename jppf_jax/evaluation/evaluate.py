"""A dataset to scores and pictures: joint fusion, top-down merging, and each head before fusion; of
one network, or of several together.
"""

import dataclasses
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table
from tqdm import tqdm

from jppf_jax import build
from jppf_jax.evaluation.compare import Comparison, Prediction, load_comparison
from jppf_jax.evaluation.head_scores import HeadScores
from jppf_jax.evaluation.made_with import made_with
from jppf_jax.evaluation.save import save_picture
from jppf_jax.evaluation.together import NO_OTHERS, Source
from jppf_jax.input_pipeline.read import Examples
from jppf_jax.metrics.cells import count_cells
from jppf_jax.metrics.scores import Scores, score_cells
from jppf_jax.report import page
from jppf_jax.report.record import Answer, Recorder
from jppf_jax.report.rows import METHODS, ROWS
from jppf_jax.saving import write_text
from jppf_jax.structs import PanopticParts
from jppf_jax.visualization import render

_OF_PARTS = ("part_pq", "part_miou", "per_part", "density")  # without a part head: left out


def evaluate(
  config: build.Config,
  workdir: str | Path,
  *,
  split: str | None = None,
  pictures: int = 4,
  others: Mapping[str, Source] = NO_OTHERS,
  which: str = "last",
) -> dict[str, Any]:
  """Scores the run in `workdir` on a split of its dataset, at the resolution of the labels.

  Writes `scores.json` (the returned report, with each class and image), `<image id>.png`, pictures
  of the first images, and `report.html` into `results_folder`; what the page is made of, see
  `report.record`, stays there too.

  Args:
    config: of the run.
    workdir: of the run.
    split: of the config's dataset; its `eval_split` if None.
    pictures: how many images to draw.
    others: runs that give a head in place of this one, see `together.load`.
    which: of the weights in the folder: "last", "ema" or "best", see `build.WEIGHTS_OF_RUN`.

  Returns:
    The report of `score_dataset`, "parameters", of all networks, and "made_with", versions.

  Raises:
    WeightsError: a run has no weights, or they do not fit its config's network.
    ConfigError: the networks cannot be evaluated together.
    FileNotFoundError: the dataset is not built, and its raw files are not known.
    ValueError: the dataset has no such split.
  """
  workdir = Path(workdir)
  split = split or build.eval_split(config)
  predictor = load_comparison(config, workdir / build.WEIGHTS_OF_RUN[which], others)
  examples = build.examples(config, split)
  folder = results_folder(workdir, split, others, which=which)
  recorder = Recorder(folder, predictor.spec)
  report = score_dataset(
    predictor, examples, folder, pictures=pictures, title=split, recorder=recorder
  )
  report["parameters"] = predictor.parameters
  report["made_with"] = made_with()
  write_text(folder / "scores.json", json.dumps(report, indent=1))
  if recorder.images:
    page.write(folder)
  return report


def results_folder(
  workdir: str | Path,
  split: str,
  others: Mapping[str, Source] = NO_OTHERS,
  *,
  which: str = "last",
) -> Path:
  """Returns where `evaluate` writes: `evaluation/<split>` in the folder of the run; with other
  weights than the last `evaluation/<split>_<which>`, with other networks
  `evaluation/<split>_<head>_<name of their folder>`.
  """
  names = [split] if which == "last" else [split, which]
  names = [*names, *(f"{head}_{other.weights.parent.name}" for head, other in others.items())]
  return Path(workdir) / "evaluation" / "_".join(names)


def score_dataset(
  predictor: Comparison,
  examples: Examples,
  folder: Path,
  *,
  pictures: int = 0,
  title: str = "",
  images: int | None = None,
  recorder: Recorder | None = None,
) -> dict[str, Any]:
  """Predicts and scores examples: both methods, and each head before fusion.

  Args:
    predictor: the network with its weights.
    examples: images with their uids.
    folder: where `<image id>.png` goes for each picture.
    pictures: how many images to draw, from the first.
    title: shown beside the progress bar.
    images: how many to score, from the first; None: all.
    recorder: gets each image, for a report page.

  Returns:
    `{"images", "joint": scores, "top_down": scores, "heads", "testing": {"scales", "flip"},
    "seconds_per_image"}`. Scores are those of `Scores.to_json`, `heads` those of
    `HeadScores.to_json`. Without a part head there is "panoptic" in place of both fusions, without
    scores of parts; with only a semantic head, a part head or an instance head there is none. The
    seconds are the median, None for a single image: the first compiles.
  """
  spec = predictor.spec
  scores: dict[str, Scores] = {}
  heads = HeadScores(spec, min_score=predictor.config.score_threshold)
  seconds = []
  count = len(examples) if images is None else min(images, len(examples))
  for index in tqdm(range(count), desc=f"evaluate {title}", unit="image"):
    example = examples[index]
    image_id, uids = example["image_id"], example["uids"]
    start = time.monotonic()
    prediction = predictor(example["image"])
    seconds.append(time.monotonic() - start)
    truth = spec.decode(uids)
    heads.add(image_id, uids, truth, prediction)
    answers = _by_method(prediction)
    compared = {}
    for name, answer in answers.items():
      channels = spec.to_channels(*render.label_maps(answer))
      cells = count_cells(spec, uids, channels)
      scores.setdefault(name, Scores(spec)).add_score(image_id, score_cells(spec, cells))
      compared[name] = Answer(channels, cells, np.asarray(answer.segments.scores))
    if recorder is not None:
      recorder.add(image_id, example["image"], uids, compared)
    if answers and index < pictures:
      drawn: dict[str, render.Answer] = {"Ground truth": truth}
      for name, answer in answers.items():
        drawn[METHODS[name].capitalize()] = answer
      picture = render.comparison(example["image"], drawn, spec)
      save_picture(folder / f"{image_id}.png", picture)
  if recorder is not None:
    recorder.save(scores)
  report: dict[str, Any] = {"images": count}
  report |= {name: of_method.to_json() for name, of_method in scores.items()}
  if "panoptic" in report:
    report["panoptic"] = _without_parts(report["panoptic"])
  report["heads"] = heads.to_json()
  report["testing"] = dataclasses.asdict(predictor.testing)
  return report | {"seconds_per_image": _median(seconds[1:])}


def _without_parts(scores: dict[str, Any]) -> dict[str, Any]:
  """Returns the scores without those that compare parts: here all parts are unknown."""
  kept = {name: value for name, value in scores.items() if name not in _OF_PARTS}
  classes = [{k: v for k, v in row.items() if k != "part_pq"} for row in scores["per_class"]]
  return kept | {"density": {"full": scores["density"]["scene_only"]}, "per_class": classes}


def _by_method(prediction: Prediction) -> dict[str, PanopticParts]:
  """Returns the answer of each of `METHODS` that the prediction has."""
  found = {name: getattr(prediction, name) for name in METHODS}
  return {name: answer for name, answer in found.items() if answer is not None}


def _median(seconds: list[float]) -> float | None:
  return float(np.median(seconds)) if seconds else None


def summary(report: dict[str, Any], title: str) -> Table:
  """Returns the report of `evaluate` as a table, in percent, one column per method."""
  methods = [name for name in METHODS if name in report]
  table = Table(title=title)
  table.add_column("")
  for name in methods:
    table.add_column(METHODS[name], justify="right")
  if not methods:
    table.add_column("before fusion", justify="right")
  for row, keys in ROWS.items():
    values = [_at(report[name], keys) for name in methods]
    if any(value is not _LACKING for value in values):
      table.add_row(row, *map(_percent, values))
  table.add_section()
  heads = report["heads"]
  for name in ("semantic", "part"):
    if f"{name}_miou" in heads:
      table.add_row(f"{name} head mIoU", _percent(heads[f"{name}_miou"]))
  if "instance_ap" in heads:
    ap, fused = heads["instance_ap"], heads["instance_ap_fused"]
    table.add_row(f"instance head AP ({ap['protocol']})", _percent(ap["ap"]))
    table.add_row(f"  of scores above {fused['min_score']:g}", _percent(fused["ap"]))
  table.add_section()
  if "parameters" in report:
    table.add_row("parameters, M", f"{report['parameters'] / 1e6:.2f}")
  if report["seconds_per_image"] is not None:
    table.add_row("seconds per image", f"{report['seconds_per_image']:.2f}")
  return table


def number_at(report: Any, path: tuple[str, ...]) -> float | None:
  """Returns the number that is under nested keys of a report; None if there is none."""
  for name in path:
    if report is None or name not in report:
      return None
    report = report[name]
  return None if report is None else float(report)


_LACKING = object()  # a score that the method does not have


def _at(scores: dict[str, Any], keys: tuple[str, ...]) -> Any:
  """Returns the number that is under nested keys; `_LACKING` if there is none."""
  found: Any = scores
  for key in keys:
    if key not in found:
      return _LACKING
    found = found[key]
  return found


def _percent(value: float | None) -> str:
  return "–" if value is None else f"{100 * value:.1f}"
