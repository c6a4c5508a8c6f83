"""A dataset to scores and pictures: joint fusion, top-down merging, and each head before fusion; of
one network, or of several together.
"""

import dataclasses
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
from rich.table import Table
from tqdm import tqdm

from jppf_jax import build
from jppf_jax.checkpoints import model_folder
from jppf_jax.evaluation.compare import Comparison, load_comparison
from jppf_jax.evaluation.dataset_scores import DatasetScores, by_method
from jppf_jax.evaluation.made_with import made_with
from jppf_jax.evaluation.oracle import Oracle
from jppf_jax.evaluation.readings import Readings
from jppf_jax.evaluation.save import save_picture
from jppf_jax.evaluation.together import NO_OTHERS, Source
from jppf_jax.evaluation.variants import Variants, score_variants
from jppf_jax.input_pipeline.read import Examples
from jppf_jax.report import page
from jppf_jax.report.record import Recorder
from jppf_jax.report.rows import METHODS, ROWS, VARIANT_ROWS, VARIANTS
from jppf_jax.saving import write_text
from jppf_jax.visualization import render


def evaluate(
  config: build.Config,
  workdir: str | Path,
  *,
  split: str | None = None,
  pictures: int = 4,
  others: Mapping[str, Source] = NO_OTHERS,
  which: str = "last",
  weights: Path | None = None,
  oracle: bool = False,
  readings: bool = False,
) -> dict[str, Any]:
  """Scores the run in `workdir` on a split of its dataset, at the resolution of the labels.

  Writes `scores.json` (the returned report, with each class and image), `<image id>.png`, pictures
  of the first images, and `report.html` into `results_folder`; what the page is made of, see
  `report.record`, stays there too.

  Args:
    config: of the run.
    workdir: of the run; with `weights` any folder.
    split: of the config's dataset; its `eval_split` if None.
    pictures: how many images to draw.
    others: runs that give a head in place of this one, see `together.load`.
    which: of the weights in the folder: "last", "ema" or "best", see `model_folder.OF_RUN`.
    weights: the file of a model, in place of those of the folder.
    oracle: score the fusions with the truth in place of the heads as well, see `oracle.Oracle`.
    readings: score the fusions with other choices as well, see `readings.Readings`.

  Returns:
    The report of `score_dataset`, "parameters", of all networks, "made_with", versions, and under
    "oracle" and "readings", if they were asked for, the scores of `variants.score_variants`.

  Raises:
    WeightsError: a run has no weights, or they do not fit its config's network.
    ConfigError: the networks cannot be evaluated together, or their fusion has no variants.
    FileNotFoundError: the dataset is not built, and its raw files are not known.
    ValueError: the dataset has no such split.
  """
  workdir = Path(workdir)
  split = split or build.eval_split(config)
  file = weights or model_folder.weights_in(workdir, which)
  predictor = load_comparison(config, file, others)
  asked: dict[str, Variants] = {}  # before hours of work, as they may be impossible
  if oracle:
    asked["oracle"] = Oracle.of(predictor)
  if readings:
    asked["readings"] = Readings.of(predictor)
  examples = build.examples(config, split)
  folder = results_folder(workdir, split, others, which=which)
  recorder = Recorder(folder, predictor.spec)
  report = score_dataset(
    predictor, examples, folder, pictures=pictures, title=split, recorder=recorder
  )
  report["parameters"] = predictor.parameters
  report["made_with"] = made_with()
  for key, variants in asked.items():
    report[key] = score_variants(variants, examples, title=f"{key} {split}")
  write_text(folder / "scores.json", json.dumps(report, indent=1))
  if recorder.images:
    page.write(folder, run=file.parent)
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
  recorder: Recorder | None = None,
) -> dict[str, Any]:
  """Predicts and scores all examples, see `count_dataset`.

  Returns:
    The report of `DatasetScores`, and "testing": {"scales", "flip"}.
  """
  every = range(len(examples))
  counted = count_dataset(
    predictor, examples, folder, every, pictures=pictures, title=title, recorder=recorder
  )
  return counted.report() | {"testing": dataclasses.asdict(predictor.testing)}


def count_dataset(
  predictor: Comparison,
  examples: Examples,
  folder: Path,
  indices: Sequence[int],
  *,
  pictures: int = 0,
  title: str = "",
  recorder: Recorder | None = None,
) -> DatasetScores:
  """Predicts examples and counts for their scores: all methods, and each head before fusion.

  Args:
    predictor: the network with its weights.
    examples: images with their uids.
    folder: where `<image id>.png` goes for each picture.
    indices: which of the examples.
    pictures: how many images to draw, from the first one of the dataset.
    title: shown beside the progress bar.
    recorder: gets each image, for a report page.
  """
  spec = predictor.spec
  counted = DatasetScores(spec, min_score=predictor.config.score_threshold)
  others_show_it = jax.process_index() > 0
  for index in tqdm(indices, f"evaluate {title}", unit="image", disable=others_show_it):
    example = examples[index]
    image_id, uids = example["image_id"], example["uids"]
    start = time.monotonic()
    prediction = predictor(example["image"])
    seconds = time.monotonic() - start
    truth = spec.decode(uids)
    compared = counted.add(image_id, uids, truth, prediction, seconds=seconds)
    if recorder is not None:
      recorder.add(image_id, example["image"], uids, compared)
    answers = by_method(prediction)
    if answers and index < pictures:
      drawn: dict[str, render.Answer] = {"Ground truth": truth}
      for name, answer in answers.items():
        drawn[METHODS[name].capitalize()] = answer
      picture = render.comparison(example["image"], drawn, spec)
      save_picture(folder / f"{image_id}.png", picture)
  if recorder is not None:
    recorder.save(counted.methods)
  return counted


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


def variants_summary(report: dict[str, Any], key: str) -> Table:
  """Returns what the fusions score in each variant of a table of `rows.VARIANTS`, in percent."""
  of_all = report[key]
  methods = [name for name in METHODS if name in next(iter(of_all.values()))]
  table = Table(title=f"{VARIANTS[key][1]}, percent")
  table.add_column("", no_wrap=True)
  for row in VARIANT_ROWS:
    table.add_column(row.replace("PartPQ ", ""), justify="right", no_wrap=True)
  for method in methods:
    table.add_section()
    table.add_row(METHODS[method])
    for name, scores in of_all.items():
      values = [number_at(scores[method], ROWS[row]) for row in VARIANT_ROWS]
      table.add_row(f"  {name}", *map(_percent, values))
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
