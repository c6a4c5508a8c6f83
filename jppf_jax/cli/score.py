"""`jppf score --spec=cpp --gt=DIR --pred=DIR --out=FILE.json`: scores predictions saved by any
system.

Ground truth: uid TIFFs, in the official folders or flat. Predictions: three-channel PNGs or uid
TIFFs. Files belong
together if their image ids are equal: the name without extension and official suffix.
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


def main(argv: list[str]) -> None:
  if len(argv) > 1 or None in (SPEC.value, _GT.value, _PRED.value, OUT.value):
    raise app.UsageError(
      "Needs --spec, --gt=DIR, --pred=DIR and --out=FILE.json, and nothing else."
    )
  with plainly("score", ValueError, OSError):
    spec = load_spec(SPEC.value)
    workers = _WORKERS.value or os.cpu_count() or 1
    scores = score_folders(
      spec, Path(_GT.value), Path(_PRED.value), missing=_MISSING.value, workers=workers
    )
  report = scores.to_json()
  out = Path(OUT.value)
  write_text(out, json.dumps(report, allow_nan=False))
  print_tables(report, Console())
  print(f"Written to {out}.")


def print_tables(report: dict[str, Any], console: Console) -> None:
  """Prints the scores in percent: per class, averages, and the rest in a line."""
  table = Table(
    "class",
    *_right("PartPQ", "PartSQ", "PartRQ", "PQ", "SQ", "RQ", "IoU", "found", "wrong", "missed"),
  )
  for row in report["per_class"]:
    part_pq, pq = row["part_pq"], row["pq"]
    values = [part_pq[key] for key in ("part_pq", "part_sq", "part_rq")] + [
      pq[key] for key in ("pq", "sq", "rq")
    ]
    counts = [str(part_pq[key]) for key in ("tp", "fp", "fn")]
    table.add_row(row["name"], *map(_percent, [*values, row["semantic_iou"]]), *counts)
  console.print(table)
  table = Table("mean over", *_right("classes", "PartPQ", "PartSQ", "PartRQ", "PQ", "SQ", "RQ"))
  for group, part_pq in report["part_pq"].items():
    pq = report["pq"][group]
    values = [part_pq[key] for key in ("part_pq", "part_sq", "part_rq")] + [
      pq[key] for key in ("pq", "sq", "rq")
    ]
    table.add_row(group.replace("_", " "), str(part_pq["classes"]), *map(_percent, values))
  console.print(table)
  density = report["density"]
  console.print(
    f"{report['images']} images, {report['spec']}: semantic mIoU {_percent(report['semantic_miou'])}, "
    f"part mIoU {_percent(report['part_miou'])}, density {_percent(density['full'])} "
    f"(classes only {_percent(density['scene_only'])})"
  )


def _right(*names: str) -> list[Column]:
  """Returns right-aligned columns."""
  return [Column(name, justify="right") for name in names]


def _percent(value: float | None) -> str:
  return "–" if value is None else f"{100 * value:.1f}"


if __name__ == "__main__":
  app.run(main)
