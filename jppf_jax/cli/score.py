"""`jppf score --spec=cpp --gt=DIR --pred=DIR --out=FILE.json`: scores predictions saved by any
system.

Ground truth: uid TIFFs, in the official folders or flat. Predictions: three-channel PNGs or uid
TIFFs. Two files belong together if their image ids are equal: the name without extension and
official suffix.
"""

import json
import os
from pathlib import Path
from typing import Any

from absl import app, flags
from rich.console import Console
from rich.table import Column, Table

from jppf_jax.cli.errors import plainly
from jppf_jax.cli.file_flags import OUT, SPEC
from jppf_jax.evaluation.score import score_folders
from jppf_jax.labels.registry import load_spec
from jppf_jax.metrics.scores import PART_PQ, PQ
from jppf_jax.saving import write_text

_GT = flags.DEFINE_string("gt", None, "Folder of the ground truth: uid TIFFs.")
_PRED = flags.DEFINE_string(
  "pred", None, "Folder of the predictions: three-channel PNGs or uid TIFFs."
)
_WORKERS = flags.DEFINE_integer(
  "workers", None, "Images scored at a time; default: one per core.", lower_bound=1
)
_MISSING = flags.DEFINE_enum(
  "missing", "error", ["error", "empty"], "Images without a prediction; empty: all void."
)

USAGE = "Needs --spec, --gt=DIR, --pred=DIR and --out=FILE.json, and nothing else."
QUALITIES = ("PartPQ", "PartSQ", "PartRQ", "PQ", "SQ", "RQ")
COUNTS = ("TP", "FP", "FN")


def main(argv: list[str]) -> None:
  """Scores the folders that the flags name; writes the report and prints it."""
  spec_name, gt, pred, out = SPEC.value, _GT.value, _PRED.value, OUT.value
  if len(argv) > 1 or spec_name is None or gt is None or pred is None or out is None:
    raise app.UsageError(USAGE)
  workers = _WORKERS.value or os.cpu_count() or 1
  with plainly("score", ValueError, OSError):
    spec = load_spec(spec_name)
    scores = score_folders(spec, Path(gt), Path(pred), missing=_MISSING.value, workers=workers)
  report = scores.to_json()
  write_text(out, json.dumps(report, allow_nan=False))
  print_tables(report, Console())
  print(f"Written to {Path(out)}.")


def print_tables(report: dict[str, Any], console: Console) -> None:
  """Prints the scores in percent: a row per class, a row per average, and the rest in a line."""
  table = Table("class", *_right(*QUALITIES, "IoU", *COUNTS))
  for row in report["per_class"]:
    qualities = _qualities(row["part_pq"], row["pq"])
    counts = [str(row["part_pq"][name.lower()]) for name in COUNTS]
    table.add_row(row["name"], *qualities, _percent(row["semantic_iou"]), *counts)
  console.print(table)
  table = Table("mean over", *_right("classes", *QUALITIES))
  for group, part_pq in report["part_pq"].items():
    qualities = _qualities(part_pq, report["pq"][group])
    table.add_row(group.replace("_", " "), str(part_pq["classes"]), *qualities)
  console.print(table)
  semantic, part = _percent(report["semantic_miou"]), _percent(report["part_miou"])
  density = _percent(report["density"]["full"])
  of_classes = _percent(report["density"]["scene_only"])
  console.print(
    f"{report['images']} images, {report['spec']}: semantic mIoU {semantic}, part mIoU {part}, "
    f"density {density} (classes only {of_classes})"
  )


def _qualities(part_pq: dict[str, Any], pq: dict[str, Any]) -> list[str]:
  """Returns the cells of the columns `QUALITIES`."""
  values = [part_pq[key] for key in PART_PQ] + [pq[key] for key in PQ]
  return [_percent(value) for value in values]


def _right(*names: str) -> list[Column]:
  """Returns right-aligned columns."""
  return [Column(name, justify="right") for name in names]


def _percent(value: float | None) -> str:
  return "–" if value is None else f"{100 * value:.1f}"


if __name__ == "__main__":
  app.run(main)
