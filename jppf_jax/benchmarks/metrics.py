"""`jppf benchmark metrics`: our PartPQ and PQ beside the released evaluator, on the same images in
one process.
"""

import json
import platform
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int32, UInt8
from rich.console import Console
from rich.table import Table

from jppf_jax.benchmarks import reference
from jppf_jax.benchmarks.measure import own_process, peak_memory_mb
from jppf_jax.evaluation.score import score_folders
from jppf_jax.labels.cpp import cpp
from jppf_jax.labels.formats import files
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.metrics.cells import count_cells
from jppf_jax.metrics.part_pq import part_panoptic_quality
from jppf_jax.metrics.pq import Counts, panoptic_quality
from jppf_jax.saving import write_text
from jppf_jax.street_scenes.scene import make_scene

Pair = tuple[Int32[np.ndarray, "H W"], UInt8[np.ndarray, "H W 3"]]
REPEATS = 9  # of ours per image; the reference runs once, its seconds are far above the noise
WORKERS = 2


def run(
  out: str | None = None,
  *,
  size: tuple[int, int] = (1024, 2048),
  images: int = 3,
  files_scored: int = 24,
) -> None:
  """Prints how fast PartPQ and PQ are, and writes the same as JSON to `out`.

  The ratio is that of the reference's seconds for PartPQ alone to ours for PartPQ and PQ together,
  per image, on one core, reading files excluded.

  Args:
    out: a JSON file, or None.
    size: height and width of the generated scenes.
    images: how many scenes.
    files_scored: images of the measurement of `jppf score`; scenes repeat.
  """
  spec = cpp()
  pairs = [make_pair(spec, seed, size) for seed in range(images)]
  report: dict[str, Any] = {"size": list(size), "images": images}
  report |= measure_counting(spec, pairs)
  report |= measure_scoring(spec, pairs, files_scored)
  report["versions"] = {
    "python": platform.python_version(),
    "numpy": np.__version__,
    "machine": platform.machine(),
  }
  if out is not None:
    write_text(out, json.dumps(report, indent=2))
  print_report(report, Console())


def make_pair(spec: LabelSpec, seed: int, size: tuple[int, int]) -> Pair:
  """Returns a street scene's labels and a prediction of it: outlines a few pixels off, some parts
  unknown or wrong.
  """
  _, uids = make_scene(seed, size=size)
  prediction = spec.uids_to_channels(np.roll(uids, (2, 3), (0, 1)))
  rng = np.random.default_rng(seed)
  blocks = (
    rng.random((size[0] // 16 + 1, size[1] // 16 + 1))
    .repeat(16, 0)
    .repeat(16, 1)[: size[0], : size[1]]
  )
  has_part = np.isin(prediction[..., 0], spec.class_ids[spec.has_parts])
  prediction[has_part & (blocks < 0.1), 2] = 255
  prediction[has_part & (blocks > 0.9), 2] = 1
  prediction[blocks < 0.02] = 255
  return uids, prediction


def measure_counting(spec: LabelSpec, pairs: list[Pair]) -> dict[str, Any]:
  """Returns seconds per image of both implementations, their ratio, and whether they agree."""
  ours, theirs, equal = [], [], True
  for pair in pairs:
    seconds = []
    for _ in range(REPEATS):
      start = time.perf_counter()
      cells = count_cells(spec, *pair)
      counts = part_panoptic_quality(cells, spec)
      panoptic_quality(cells, spec)
      seconds.append(time.perf_counter() - start)
    ours.append(statistics.median(seconds))
    start = time.perf_counter()
    expected = reference.part_pq(spec.name, *pair)
    theirs.append(time.perf_counter() - start)
    equal &= agree(counts, expected, spec)
  return {
    "ratio": statistics.mean(theirs) / statistics.mean(ours),
    "reference_seconds_per_image": statistics.mean(theirs),
    "seconds_per_image": statistics.mean(ours),
    "equal": bool(equal),
  }


def agree(
  counts: Counts, expected: dict[int, tuple[int, int, int, float]], spec: LabelSpec
) -> bool:
  """Returns whether tp, fp, fn are equal and sums of IoUs within 1e-9."""
  ours = np.stack([counts.tp, counts.fp, counts.fn, counts.iou_sum], -1)
  return bool(
    np.allclose(ours, [expected[sid] for sid in spec.class_ids.tolist()], rtol=0, atol=1e-9)
  )


def measure_scoring(spec: LabelSpec, pairs: list[Pair], count: int) -> dict[str, Any]:
  """Returns images per second of `jppf score` once started, decoding included, and its peak memory
  (Linux only).

  It runs in a process of its own: this one's memory is full of scenes and of what the reference
  left.
  """
  with tempfile.TemporaryDirectory() as folder:
    root = Path(folder)
    for i in range(count):
      uids, prediction = pairs[i % len(pairs)]
      files.write_uids(root / "gt" / f"{i:04d}.tif", uids)
      files.write_channels(root / "pred" / f"{i:04d}.png", prediction)
    with own_process() as process:
      seconds, peak = process.submit(_timed_scoring, root, WORKERS).result()
  return {
    "score_images_per_second": count / seconds,
    "score_workers": WORKERS,
    "score_peak_memory_mb": peak,
  }


def _timed_scoring(root: Path, workers: int) -> tuple[float, float]:
  """Seconds to score the folders below `root`, and the most memory that this process held, MB."""
  start = time.perf_counter()
  scores = score_folders(cpp(), root / "gt", root / "pred", workers=workers, progress=False)
  scores.to_json()
  return time.perf_counter() - start, peak_memory_mb()


def print_report(report: dict[str, Any], console: Console) -> None:
  """Prints the figures as a table."""
  height, width = report["size"]
  table = Table(f"metrics, {report['images']} scenes of {height}x{width}", "")
  table.add_row(
    "panoptic-parts 2.0rc6: PartPQ", f"{report['reference_seconds_per_image']:.2f} s per image"
  )
  table.add_row("ours: PartPQ and PQ", f"{1000 * report['seconds_per_image']:.1f} ms per image")
  table.add_row("ratio, one core", f"{report['ratio']:.0f} x")
  table.add_row("same counts", "yes" if report["equal"] else "NO")
  workers = f"jppf score, {report['score_workers']} threads"
  table.add_row(
    f"{workers}, files included", f"{report['score_images_per_second']:.1f} images per second"
  )
  if report["score_peak_memory_mb"] is not None:
    table.add_row(f"{workers}, peak memory", f"{report['score_peak_memory_mb']:.0f} MB")
  console.print(table)
