"""`jppf benchmark metrics`: our PartPQ and PQ against the released evaluator of panoptic-parts.

Both count the same images in one process. `scoring.py` measures `jppf score`, files included.
"""

import json
import platform
import statistics
import time
from pathlib import Path
from typing import TypedDict

import numpy as np
from rich.console import Console
from rich.table import Table

from jppf_jax.benchmarks import reference, scoring
from jppf_jax.benchmarks.scoring import Pair
from jppf_jax.labels.cpp import cpp
from jppf_jax.labels.formats import files
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.metrics.cells import count_cells
from jppf_jax.metrics.part_pq import part_panoptic_quality
from jppf_jax.metrics.pq import Counts, panoptic_quality
from jppf_jax.saving import write_text
from jppf_jax.street_scenes.scene import make_scene

REPEATS = 9  # of ours per image; the reference runs once, its seconds are far above the noise


class CountingSpeed(TypedDict):
  """Seconds per image of both implementations, and whether their counts agree."""

  ratio: float
  reference_seconds_per_image: float
  seconds_per_image: float
  equal: bool


class Report(CountingSpeed, scoring.ScoringSpeed):
  """What `run` writes."""

  size: list[int]
  images: int
  versions: dict[str, str]


def run(
  out: str | Path | None = None,
  *,
  size: tuple[int, int] = (1024, 2048),
  images: int = 3,
  files_scored: int = 24,
) -> None:
  """Prints how fast PartPQ and PQ are, and writes the same as JSON to `out`.

  The ratio divides the reference's seconds for PartPQ alone by ours for PartPQ and PQ together.
  Both are per image, on one core, without reading files.

  Args:
    out: a JSON file, or None.
    size: height and width of the generated scenes.
    images: how many scenes.
    files_scored: images in the measurement of `jppf score`; scenes repeat.
  """
  spec = cpp()
  pairs = [make_pair(spec, seed, size) for seed in range(images)]
  versions = {
    "python": platform.python_version(),
    "numpy": np.__version__,
    "machine": platform.machine(),
  }
  report: Report = {
    "size": list(size),
    "images": images,
    **measure_counting(spec, pairs),
    **scoring.measure(spec, pairs, files_scored),
    "versions": versions,
  }
  if out is not None:
    write_text(out, json.dumps(report, indent=2))
  print_report(report, Console())


def make_pair(spec: LabelSpec, seed: int, size: tuple[int, int]) -> Pair:
  """Returns the labels of a street scene and a prediction of it.

  Outlines are a few pixels off, some parts are unknown or wrong.
  """
  _, uids = make_scene(seed, size=size)
  shifted = np.roll(uids, (2, 3), (0, 1))
  prediction = files.eight_bits(spec.uids_to_channels(shifted))
  rows, columns = size
  rng = np.random.default_rng(seed)
  noise = rng.random((rows // 16 + 1, columns // 16 + 1))
  blocks = noise.repeat(16, 0).repeat(16, 1)[:rows, :columns]
  scenes_with_parts = spec.class_ids[spec.has_parts]
  has_part = np.isin(prediction[..., 0], scenes_with_parts)
  prediction[has_part & (blocks < 0.1), 2] = 255
  prediction[has_part & (blocks > 0.9), 2] = 1
  prediction[blocks < 0.02] = 255
  return uids, prediction


def measure_counting(spec: LabelSpec, pairs: list[Pair]) -> CountingSpeed:
  """Returns seconds per image of both implementations, their ratio, and whether they agree."""
  uids, prediction = pairs[0]
  reference.part_pq(spec.name, uids[:64, :64], prediction[:64, :64])  # imports it, not measured
  ours, theirs, equal = [], [], True
  for pair in pairs:
    seconds = [_seconds_of_ours(spec, pair) for _ in range(REPEATS)]
    ours.append(statistics.median(seconds))
    start = time.perf_counter()
    expected = reference.part_pq(spec.name, *pair)
    theirs.append(time.perf_counter() - start)
    counts = part_panoptic_quality(count_cells(spec, *pair), spec)
    equal = equal and agree(counts, expected, spec)
  return {
    "ratio": statistics.mean(theirs) / statistics.mean(ours),
    "reference_seconds_per_image": statistics.mean(theirs),
    "seconds_per_image": statistics.mean(ours),
    "equal": equal,
  }


def _seconds_of_ours(spec: LabelSpec, pair: Pair) -> float:
  """Returns the seconds for PartPQ and PQ of one image."""
  start = time.perf_counter()
  cells = count_cells(spec, *pair)
  part_panoptic_quality(cells, spec)
  panoptic_quality(cells, spec)
  return time.perf_counter() - start


def agree(
  counts: Counts, expected: dict[int, tuple[int, int, int, float]], spec: LabelSpec
) -> bool:
  """Returns whether TP, FP and FN are equal and sums of IoUs within 1e-9."""
  ours = np.stack([counts.tp, counts.fp, counts.fn, counts.iou_sum], -1)
  theirs = [expected[sid] for sid in spec.class_ids.tolist()]
  return np.allclose(ours, theirs, rtol=0, atol=1e-9)


def print_report(report: Report, console: Console) -> None:
  """Prints the report as a table."""
  height, width = report["size"]
  table = Table(f"metrics, {report['images']} scenes of {height}x{width}", "")
  reference_seconds = report["reference_seconds_per_image"]
  milliseconds = 1000 * report["seconds_per_image"]
  workers = f"jppf score, {report['score_workers']} threads"
  table.add_row("panoptic-parts 2.0rc6: PartPQ", f"{reference_seconds:.2f} s per image")
  table.add_row("ours: PartPQ and PQ", f"{milliseconds:.1f} ms per image")
  table.add_row("ratio, one core", f"{report['ratio']:.0f} x")
  table.add_row("same counts", "yes" if report["equal"] else "NO")
  ours = f"{report['score_images_per_second']:.1f} images per second"
  of_uids = f"{report['score_uids_images_per_second']:.1f} images per second"
  table.add_row(f"{workers}, files included", ours)
  table.add_row(f"{workers}, uid TIFFs", of_uids)
  table.add_row(f"{workers}, peak memory", f"{report['score_peak_memory_mb']:.0f} MB")
  if report["hotcoco"] is None:
    table.add_row("hotcoco: PQ", "not installed; pip install hotcoco")
  else:
    theirs = f"{report['hotcoco_images_per_second']:.1f} images per second"
    table.add_row(f"hotcoco {report['hotcoco']}: PQ, files included", theirs)
    table.add_row("jppf score / hotcoco", f"{report['score_ratio_to_hotcoco']:.2f} x")
    table.add_row("same PQ", "yes" if report["hotcoco_same_pq"] else "NO")
  console.print(table)
