"""`jppf benchmark input`: what the input pipeline costs at 1024 x 2048.

Measured are the stages one by one, several lossless image formats, and the whole pipeline.
"""

import io
import json
import os
import platform
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TypedDict

import numpy as np
import PIL
import tensorflow_datasets as tfds
from array_record.python.array_record_data_source import ArrayRecordDataSource
from array_record.python.array_record_module import ArrayRecordWriter
from jaxtyping import UInt8
from PIL import Image
from rich.console import Console
from rich.table import Table

from jppf_jax.benchmarks.measure import median_ms, own_process, peak_memory_mb
from jppf_jax.input_pipeline import augment, datasets, loader, read
from jppf_jax.input_pipeline.batch import stack, targets
from jppf_jax.labels.registry import load_spec
from jppf_jax.photos import decode_image
from jppf_jax.saving import write_text

SIZE = (1024, 2048)
SCENES = 6
BATCH_SIZE = 2
COPIES = 4  # of an image in the file whose size is measured

Pixels = UInt8[np.ndarray, "_h _w 3"]


class StageTimes(TypedDict):
  """Milliseconds per image, of one core."""

  read: float
  labels: float
  image: float
  augment: float
  targets: float
  batch: float


class FormatCost(TypedDict):
  """Size of an image in the ArrayRecord file, and milliseconds to read and decode it."""

  megabytes: float
  ms: float


class PipelineSpeed(TypedDict):
  """Speed of the training iterator, examples read from disk or cached in memory."""

  images_per_second_from_disk: float
  images_per_core_second_from_disk: float
  images_per_second_cached: float
  images_per_core_second_cached: float
  memory_mb: float


class Report(TypedDict):
  """What `run` returns and writes. `decode_share`: of the time of all stages."""

  size: list[int]
  cores: int
  python: str
  numpy: str
  pillow: str
  stages_ms: StageTimes
  formats: dict[str, FormatCost]
  pipeline: PipelineSpeed
  decode_share: float


def run(
  out: str | Path | None, *, size: tuple[int, int] = SIZE, scenes: int = SCENES, seconds: float = 10
) -> Report:
  """Measures on generated scenes, prints two tables and writes them as JSON.

  Args:
    out: a JSON file, or None.
    size: rows and columns of the scenes and of what is cropped from them.
    scenes: how many; each is read from disk every time.
    seconds: how long batches are taken from the whole pipeline.
  """
  with tempfile.TemporaryDirectory() as root:
    name = f"synthetic_panoptic_parts/{size[0]}x{size[1]}_train{scenes}_validation1_seed0"
    folder = datasets.build(name, data_dir=root)
    stages = _stages(folder, size)
    image = read.open_split(folder, "train")[0]["image"]
    formats = _formats(image, Path(root))
    with own_process() as process:
      pipeline = process.submit(_pipeline, folder, size, seconds).result()
  decoding = stages["read"] + stages["image"] + stages["labels"]
  everything = decoding + stages["augment"] + stages["targets"] + stages["batch"]
  report: Report = {
    "size": list(size),
    "cores": os.cpu_count() or 1,
    "python": platform.python_version(),
    "numpy": np.__version__,
    "pillow": PIL.__version__,
    "stages_ms": stages,
    "formats": formats,
    "pipeline": pipeline,
    "decode_share": decoding / everything,
  }
  _show(report)
  if out:
    write_text(out, json.dumps(report, indent=2))
  return report


def _stages(folder: Path, size: tuple[int, int]) -> StageTimes:
  spec, rng = load_spec("cpp_grouped"), np.random.default_rng(0)
  skip = tfds.decode.SkipDecoding()
  builder = tfds.builder_from_directory(folder)
  raw = builder.as_data_source("train", decoders={"image": skip, "uids": skip})
  with_labels = builder.as_data_source("train", decoders={"image": skip})
  record = with_labels[0]
  example = read.decode(record)
  image, uids = example["image"], example["uids"]

  def make_targets() -> dict[str, np.ndarray]:
    return targets(image, uids, spec, max_objects=100, min_area=16)

  fields: dict[str, Any] = {"image_id": "", **make_targets()}
  reading = median_ms(lambda: raw[0])
  reading_with_labels = median_ms(lambda: with_labels[0])
  batching = median_ms(lambda: stack([fields] * BATCH_SIZE))
  return {
    "read": reading,
    "labels": max(0.0, reading_with_labels - reading),
    "image": median_ms(lambda: read.decode(record)),
    "augment": median_ms(lambda: augment.random_view(rng, image, uids, size=size)),
    "targets": median_ms(make_targets),
    "batch": batching / BATCH_SIZE,
  }


class _Format(NamedTuple):
  """An image as stored, and how to get its pixels back."""

  content: bytes
  decode: Callable[[bytes], Pixels]


def _formats(image: Pixels, folder: Path) -> dict[str, FormatCost]:
  """Returns the cost of each lossless way to keep an image; files are written to `folder`."""

  def pixels(content: bytes) -> Pixels:
    return np.frombuffer(content, np.uint8).reshape(image.shape)

  def summed(content: bytes) -> Pixels:
    rows = pixels(content).copy()
    for y in range(1, len(rows)):
      rows[y] += rows[y - 1]
    return rows

  differences = image.copy()
  differences[1:] -= image[:-1]
  formats = {
    "PNG, level 6": _by_pillow(image, format="PNG", compress_level=6),
    "PNG, level 1": _by_pillow(image, format="PNG", compress_level=1),
    "WebP, lossless": _by_pillow(image, format="WEBP", lossless=True, method=0),
    "pixels (zstd of ArrayRecord)": _Format(image.tobytes(), pixels),
    "row differences (zstd of ArrayRecord)": _Format(differences.tobytes(), summed),
  }
  report: dict[str, FormatCost] = {}
  for name, stored in formats.items():
    path = folder / f"{len(report)}.array_record"
    report[name] = _cost(stored, image, path)
  return report


def _by_pillow(image: Pixels, **options: Any) -> _Format:
  """Returns the image as a file of Pillow, saved with `options`."""
  file = io.BytesIO()
  Image.fromarray(image).save(file, **options)

  def decode(content: bytes) -> Pixels:
    return decode_image(content).pixels

  return _Format(file.getvalue(), decode)


def _cost(stored: _Format, image: Pixels, path: Path) -> FormatCost:
  """Returns the cost of an image in an ArrayRecord file at `path`, which it writes."""
  writer = ArrayRecordWriter(str(path), "group_size:1")
  for _ in range(COPIES):
    writer.write(stored.content)
  writer.close()
  source = ArrayRecordDataSource([str(path)])
  np.testing.assert_array_equal(stored.decode(source[0]), image)
  size = path.stat().st_size / COPIES
  return {"megabytes": size / 1e6, "ms": median_ms(lambda: stored.decode(source[0]))}


def _pipeline(folder: Path, size: tuple[int, int], seconds: float) -> PipelineSpeed:
  """Returns the speed of the training iterator with one thread per core.

  Memory is the peak while it reads from disk, above that of the imports.
  """
  view = loader.View(load_spec("cpp_grouped"), size, (0.5, 2.0), True, max_objects=100, min_area=16)
  before = peak_memory_mb()
  disk_speed, disk_core_speed = _speed(folder, view, seconds, cache=False)
  memory = peak_memory_mb() - before
  cached_speed, cached_core_speed = _speed(folder, view, seconds, cache=True)
  return {
    "images_per_second_from_disk": disk_speed,
    "images_per_core_second_from_disk": disk_core_speed,
    "images_per_second_cached": cached_speed,
    "images_per_core_second_cached": cached_core_speed,
    "memory_mb": memory,
  }


def _speed(
  folder: Path, view: loader.View, seconds: float | int, *, cache: bool
) -> tuple[float, float]:
  """Returns images per second, and per second of processor time, after a warm-up."""
  threads = os.cpu_count() or 1
  examples = read.open_split(folder, "train", cache=cache)
  batches = loader.train_iterator(examples, view, batch_size=BATCH_SIZE, seed=0, threads=threads)
  warm_up = len(examples) if cache else 2 * threads
  for _ in range(warm_up):
    next(batches)
  images, start, worked = 0, time.perf_counter(), time.process_time()
  while time.perf_counter() - start < seconds:
    next(batches)
    images += BATCH_SIZE
  elapsed = time.perf_counter() - start
  processor_time = time.process_time() - worked
  return images / elapsed, images / processor_time


def _show(report: Report) -> None:
  """Prints the report as two tables and a summary."""
  console = Console()
  rows, columns = report["size"]
  table = Table("stage", "ms per image", title=f"Input pipeline, {rows} x {columns}, one core")
  for stage, milliseconds in report["stages_ms"].items():
    table.add_row(stage, f"{milliseconds:.1f}")
  share = f"{100 * report['decode_share']:.0f} %"
  table.add_row("decode (read, labels, image)", share, style="dim")
  console.print(table)
  table = Table("lossless format", "MB", "ms to read and decode", title="Ways to keep the image")
  for name, cost in report["formats"].items():
    table.add_row(name, f"{cost['megabytes']:.2f}", f"{cost['ms']:.1f}")
  console.print(table)
  speed = report["pipeline"]
  per_core = speed["images_per_core_second_from_disk"]
  console.print(
    f"{report['cores']} cores: {speed['images_per_second_from_disk']:.1f} images/s from disk, "
    f"{speed['images_per_second_cached']:.1f} from memory; "
    f"per core and second of processor time {per_core:.1f} and "
    f"{speed['images_per_core_second_cached']:.1f}; memory {speed['memory_mb']:.0f} MB.\n"
    f"A GPU that trains on n images per second needs n / {per_core:.1f} cores "
    "to feed it from disk.",
    soft_wrap=True,
  )
