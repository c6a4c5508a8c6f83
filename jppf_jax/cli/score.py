"""`jppf score --spec=cpp --gt=DIR --pred=DIR --out=FILE.json`: scores predictions saved by any
system.

Ground truth: uid TIFFs, in the official folders or flat. Predictions: three-channel PNGs or uid
TIFFs. Two files belong together if their image ids are equal: the name without extension and
official suffix.

Example: `jppf score --spec=cpp --gt=gtFinePanopticParts/val --pred=predictions --out=scores.json`
"""

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from absl import app, flags
from rich import box
from rich.console import Console
from rich.table import Column, Table

from jppf_jax.cli import command
from jppf_jax.cli.errors import plainly
from jppf_jax.cli.file_flags import GT, OUT, PRED, SPEC
from jppf_jax.saving import require_json, require_other, write_text

_WORKERS = flags.DEFINE_integer(
  "workers", None, "N: images scored at a time (default: one per core)", lower_bound=1
)
_MISSING = flags.DEFINE_enum(
  "missing",
  "error",
  ["error", "empty"],
  "an image without a prediction is an error, or counts as all void",
)

FLAGS = (
  SPEC,
  GT,
  PRED,
  (OUT, "FILE: all scores as JSON (required)"),
  _WORKERS,
  _MISSING,
)

USAGE = "Needs --spec, --gt=DIR, --pred=DIR and --out=FILE.json, and nothing else."
PART_QUALITIES = ("PartPQ", "PartSQ", "PartRQ")
QUALITIES = ("PQ", "SQ", "RQ")
COUNTS = ("TP", "FP", "FN")
GROUPS = {"parts": "with parts", "no_parts": "without parts"}  # the others have their plain names
MEANS_NOTE = (
  "(n): number of classes in the mean, those with a TP, FP or FN. PartPQ can have fewer than PQ: "
  "instances without any part label count in PQ only."
)
PRODUCT_NOTE = (
  "Mean SQ x mean RQ is not mean PQ, nor for PartPQ: PQ = SQ x RQ in each class, but the mean of "
  "products is not the product of means."
)


def main(argv: list[str]) -> None:
  """Scores the folders that the flags name; writes the report and prints it."""
  spec_name, gt, pred, out = SPEC.value, GT.value, PRED.value, OUT.value
  if len(argv) > 1 or spec_name is None or gt is None or pred is None or out is None:
    raise app.UsageError(USAGE)
  from jppf_jax.evaluation.score import score_folders
  from jppf_jax.labels.registry import load_spec
  from jppf_jax.metrics.scores import OWN_KEYS

  workers = _WORKERS.value or os.cpu_count() or 1
  with plainly("score", ValueError, OSError):
    require_other(out, [spec_name])
    require_json(out, OWN_KEYS)
    spec = load_spec(spec_name)
    scores = score_folders(spec, Path(gt), Path(pred), missing=_MISSING.value, workers=workers)
    report = scores.to_json()
    write_text(out, json.dumps(report, allow_nan=False))
  print_tables(report, Console())
  print(f"Written to {out}.")


def print_tables(report: dict[str, Any], console: Console) -> None:
  """Prints the scores in percent, readable at 80 columns.

  A table each for PartPQ and PQ, with a row per class and a row per mean; the rest in two lines.
  """
  from jppf_jax.metrics.scores import PART_PQ, PQ

  console.print(_table(report, "part_pq", PART_PQ, PART_QUALITIES))
  console.print(_table(report, "pq", PQ, QUALITIES))
  console.print(MEANS_NOTE)
  console.print(PRODUCT_NOTE)
  semantic = _mean_iou(report["semantic_miou"], report["per_class"], "semantic_iou", "classes")
  part = _mean_iou(report["part_miou"], report["per_part"], "iou", "part channels")
  density = _percent(report["density"]["full"])
  of_classes = _percent(report["density"]["scene_only"])
  console.print(f"{report['images']} images, {report['spec']}: semantic mIoU {semantic},")
  console.print(f"part mIoU {part}, density {density} (classes only {of_classes})")


def _table(report: dict[str, Any], metric: str, keys: Sequence[str], names: Sequence[str]) -> Table:
  """Returns the table of "part_pq" or "pq": classes, then the means and their classes' number."""
  with_iou = metric == "pq"
  ious = ("IoU",) if with_iou else ()
  table = Table("class", *_right(*names, *COUNTS, *ious), box=box.SIMPLE)
  for row in report["per_class"]:
    scores = row[metric]
    qualities = [_percent(scores[key]) for key in keys]
    counts = [str(scores[name.lower()]) for name in COUNTS]
    iou = [_percent(row["semantic_iou"])] if with_iou else []
    table.add_row(row["name"], *qualities, *counts, *iou)
  table.add_section()
  for group, means in report[metric].items():
    qualities = [_percent(means[key]) for key in keys]
    name = GROUPS.get(group, group)
    table.add_row(f"mean, {name} ({means['classes']})", *qualities)
  return table


def _mean_iou(mean: float | None, rows: list[dict[str, Any]], key: str, labels: str) -> str:
  """Returns a mean IoU and the number of labels in it."""
  number = sum(row[key] is not None for row in rows)
  return f"{_percent(mean)} ({number} {labels})"


def _right(*names: str) -> list[Column]:
  """Returns right-aligned columns, never narrower than their numbers."""
  return [Column(name, justify="right", no_wrap=True) for name in names]


def _percent(value: float | None) -> str:
  return "–" if value is None else f"{100 * value:.1f}"


if __name__ == "__main__":
  command.run_module(sys.modules[__name__])
