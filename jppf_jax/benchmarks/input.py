"""`jppf benchmark input`: what the input pipeline costs at 1024 x 2048, by stage, and what other
image formats cost.
"""

import io
import json
import os
import platform
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import PIL
import tensorflow_datasets as tfds
from array_record.python.array_record_data_source import ArrayRecordDataSource
from array_record.python.array_record_module import ArrayRecordWriter
from PIL import Image
from rich.console import Console
from rich.table import Table

from jppf_jax.benchmarks.measure import median_ms, own_process, peak_memory_mb
from jppf_jax.input_pipeline import augment, datasets, loader, read
from jppf_jax.input_pipeline.batch import stack, targets
from jppf_jax.labels.registry import load_spec
from jppf_jax.saving import write_text

SIZE = (1024, 2048)
SCENES = 6
REPEATS = 7


def run(
  out: str | Path | None, *, size: tuple[int, int] = SIZE, scenes: int = SCENES, seconds: float = 10
) -> dict:
  """Measures on generated scenes, prints two tables, writes them as JSON to `out` where given, and
  returns them.

  Args:
    out: a file, or None.
    size: rows and columns of the scenes and of what is cropped from them.
    scenes: how many, each read anew every time.
    seconds: how long batches are taken from the whole pipeline.
  """
  with tempfile.TemporaryDirectory() as root:
    name = f"synthetic_panoptic_parts/{size[0]}x{size[1]}_train{scenes}_validation1_seed0"
    folder = datasets.build(name, data_dir=root)
    report = {
      "size": list(size),
      "cores": os.cpu_count(),
      "python": platform.python_version(),
      "numpy": np.__version__,
      "pillow": PIL.__version__,
      "stages_ms": _stages(folder, size),
      "formats": _formats(read.open_split(folder, "train")[0]["image"], Path(root)),
    }
    with own_process() as process:
      report["pipeline"] = process.submit(_pipeline, folder, size, seconds).result()
  stages = report["stages_ms"]
  report["decode_share"] = (stages["read"] + stages["image"] + stages["labels"]) / sum(
    stages.values()
  )
  _show(report)
  if out:
    write_text(out, json.dumps(report, indent=2))
  return report


def _stages(folder: Path, size: tuple[int, int]) -> dict[str, float]:
  """Milliseconds of one core per image."""
  spec, rng = load_spec("cpp_grouped"), np.random.default_rng(0)
  skip = tfds.decode.SkipDecoding()
  builder = tfds.builder_from_directory(folder)
  raw = builder.as_data_source("train", decoders={"image": skip, "uids": skip})
  with_labels = builder.as_data_source("train", decoders={"image": skip})
  record, example = with_labels[0], read.open_split(folder, "train")[0]
  reading = median_ms(lambda: raw[0])
  fields = {
    "image_id": "",
    **targets(example["image"], example["uids"], spec, max_objects=100, min_area=16),
  }
  return {
    "read": reading,
    "labels": max(0.0, median_ms(lambda: with_labels[0]) - reading),
    "image": median_ms(lambda: read.decode(record)),
    "augment": median_ms(
      lambda: augment.random_view(rng, example["image"], example["uids"], size=size)
    ),
    "targets": median_ms(
      lambda: targets(example["image"], example["uids"], spec, max_objects=100, min_area=16)
    ),
    "batch": median_ms(lambda: stack([fields, fields])) / 2,
  }


def _formats(image: np.ndarray, folder: Path) -> dict[str, dict[str, float]]:
  """Size in the ArrayRecord file, and milliseconds to read and decode, of ways to keep an image
  without loss.
  """

  def saved(**options: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, **options)
    return file.getvalue()

  def by_pillow(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))

  def pixels(content: bytes) -> np.ndarray:
    return np.frombuffer(content, np.uint8).reshape(image.shape)

  def summed(content: bytes) -> np.ndarray:
    rows = pixels(content).copy()
    for y in range(1, len(rows)):
      rows[y] += rows[y - 1]
    return rows

  differences = image.copy()
  differences[1:] -= image[:-1]
  ways = {
    "PNG, level 6": (saved(format="PNG", compress_level=6), by_pillow),
    "PNG, level 1": (saved(format="PNG", compress_level=1), by_pillow),
    "WebP, lossless": (saved(format="WEBP", lossless=True, method=0), by_pillow),
    "pixels (zstd of ArrayRecord)": (image.tobytes(), pixels),
    "row differences (zstd of ArrayRecord)": (differences.tobytes(), summed),
  }
  report = {}
  for name, (content, decode) in ways.items():
    path = str(folder / f"{len(report)}.array_record")
    writer = ArrayRecordWriter(path, "group_size:1")
    for _ in range(4):
      writer.write(content)
    writer.close()
    source = ArrayRecordDataSource([path])
    np.testing.assert_array_equal(decode(source[0]), image)
    read_and_decode = median_ms(lambda source=source, decode=decode: decode(source[0]))
    report[name] = {"megabytes": Path(path).stat().st_size / 4e6, "ms": read_and_decode}
  return report


def _pipeline(folder: Path, size: tuple[int, int], seconds: float) -> dict[str, float]:
  """Images per second, and per second of one core, that the training iterator gives with a thread
  per core.

  Memory is what it takes from disk, at batch 2, above that of the imports.
  """
  view = loader.View(load_spec("cpp_grouped"), size, (0.5, 2.0), True, max_objects=100, min_area=16)
  threads = os.cpu_count() or 1
  report, before = {}, peak_memory_mb()
  for name, cache in (("from_disk", False), ("cached", True)):
    examples = read.open_split(folder, "train", cache=cache)
    batches = loader.train_iterator(examples, view, batch_size=2, seed=0, threads=threads)
    for _ in range(len(examples) if cache else 2 * threads):
      next(batches)
    start, worked, count = time.perf_counter(), time.process_time(), 0
    while time.perf_counter() - start < seconds:
      next(batches)
      count += 2
    report[f"images_per_second_{name}"] = count / (time.perf_counter() - start)
    report[f"images_per_core_second_{name}"] = count / (time.process_time() - worked)
    report.setdefault("memory_mb", peak_memory_mb() - before)
  return report


def _show(report: dict) -> None:
  console = Console()
  rows, columns = report["size"]
  table = Table("stage", "ms per image", title=f"Input pipeline, {rows} x {columns}, one core")
  for name, milliseconds in report["stages_ms"].items():
    table.add_row(name, f"{milliseconds:.1f}")
  table.add_row(
    "decode (read, labels, image)", f"{100 * report['decode_share']:.0f} %", style="dim"
  )
  console.print(table)
  table = Table("lossless format", "MB", "ms to read and decode", title="Ways to keep the image")
  for name, row in report["formats"].items():
    table.add_row(name, f"{row['megabytes']:.2f}", f"{row['ms']:.1f}")
  console.print(table)
  pipeline = report["pipeline"]
  per_core = pipeline["images_per_core_second_from_disk"]
  console.print(
    f"{report['cores']} cores: {pipeline['images_per_second_from_disk']:.1f} images/s from disk, "
    f"{pipeline['images_per_second_cached']:.1f} from memory; per core and second of processor time "
    f"{per_core:.1f} and {pipeline['images_per_core_second_cached']:.1f}; memory {pipeline['memory_mb']:.0f} MB.\n"
    f"A GPU that trains on n images per second needs n / {per_core:.1f} cores to feed it from disk.",
    soft_wrap=True,
  )
