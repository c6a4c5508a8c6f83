"""`jppf score --spec=cpp --gt=DIR --pred=DIR --out=FILE.json`: scores predictions saved by any
system.

Ground truth: uid TIFFs, in the official folders or flat. Predictions: three-channel PNGs or uid
TIFFs. Files belong
together if their image ids are equal: the name without extension and official suffix.
"""

import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import numpy as np
from absl import app, flags
from rich.console import Console
from rich.table import Column, Table
from tqdm import tqdm

from jppf_jax.cli.errors import plainly
from jppf_jax.cli.file_flags import OUT, SPEC
from jppf_jax.labels.formats import files
from jppf_jax.labels.registry import load_spec
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.metrics.scores import ImageScore, Scores, score_image
from jppf_jax.saving import write_text
from jppf_jax.structs import IGNORE

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


def score_folders(
  spec: LabelSpec,
  gt: Path,
  pred: Path,
  *,
  missing: str = "error",
  workers: int = 1,
  progress: bool = True,
) -> Scores:
  """Returns the scores of a folder of predictions.

  Args:
    spec: the taxonomy of both.
    gt: folder of uid TIFFs; each is an image to score.
    pred: folder of three-channel PNGs or uid TIFFs; images without ground truth are left out, with
      a note.
    missing: "error", or "empty": an image without a prediction counts as one where nothing was
      predicted.
    workers: threads; decoding and counting run outside Python's lock. The result is the same for
      any number.
    progress: shows a bar.

  Raises:
    FileNotFoundError: a folder does not exist or holds no such file.
    ValueError: predictions are missing, or files cannot be read or do not fit together; all of them
      are listed.
  """
  labels, predictions = files.find(gt, files.TIFF), files.find(pred, (".png", *files.TIFF))
  without = [image_id for image_id in labels if image_id not in predictions]
  if without and missing == "error":
    raise ValueError(
      f"{len(without)} of {len(labels)} images have no prediction in {pred}: {_some(without)}. "
      "Score them as empty with --missing=empty, or point --gt at the folder that was predicted."
    )
  surplus = [image_id for image_id in predictions if image_id not in labels]
  if surplus:
    print(
      f"Left out: {len(surplus)} predictions without ground truth, {_some(surplus)}.",
      file=sys.stderr,
    )

  scores, problems = Scores(spec), []
  with (
    ThreadPoolExecutor(workers) as pool,
    tqdm(total=len(labels), unit="image", disable=not progress) as bar,
  ):
    jobs = {pool.submit(score_files, spec, labels[i], predictions.get(i)): i for i in labels}
    for job in as_completed(jobs):
      try:
        scores.add_score(jobs[job], job.result())
      except (ValueError, OSError) as error:
        problems.append(f"{jobs[job]}: {error}")
      bar.update()
  if problems:
    raise ValueError(
      f"{len(problems)} of {len(labels)} images cannot be scored:\n  "
      + "\n  ".join(sorted(problems))
    )
  return scores


def score_files(spec: LabelSpec, label: Path, prediction: Path | None) -> ImageScore:
  """Returns the counts of one image; without a prediction, as if nothing was predicted."""
  uids = files.read_uids(label)
  if prediction is None:
    return score_image(spec, uids, np.full((*uids.shape, 3), IGNORE, np.uint8))
  return score_image(spec, uids, files.read_prediction(prediction, spec))


def _some(image_ids: list[str], shown: int = 5) -> str:
  return ", ".join(image_ids[:shown]) + (" ..." if len(image_ids) > shown else "")


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
