"""Writes tiny raw datasets in the official layouts."""

from pathlib import Path

import numpy as np
from PIL import Image

SAMPLES = Path(__file__).parents[3] / "shared" / "samples"


def scene(seed: int = 0, size: tuple[int, int] = (16, 32)) -> tuple[np.ndarray, np.ndarray]:
  """Returns a noisy image, and uids of every form.

  Void, sky, road, a crowd, a person with parts, a car with a part on some pixels, a train.
  """
  height, width = size
  image = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
  uids = np.full(size, 7, np.int32)
  uids[: height // 4] = 23
  uids[:, :2] = 0
  uids[height // 2 :, 3:8] = 2_400_001
  uids[height // 2 : height // 2 + 2, 3:8] = 2_400_002
  uids[height // 2 :, 10:16] = 26_001
  uids[-3:, 10:16] = 2_600_102
  uids[height // 2 :, 18:22] = 31_000
  uids[height // 2 :, 24:28] = 24
  return image, uids


def write_cpp(
  root: Path, counts: dict[str, int] | None = None, size: tuple[int, int] = (16, 32)
) -> list[tuple[Path, Path]]:
  """Writes scenes as Cityscapes Panoptic Parts; returns (image, label) paths in this order."""
  written = []
  for split, count in (counts or {"train": 2, "val": 1}).items():
    for index in range(count):
      stem = f"town_{len(written):06d}_000019"
      image_file = root / "leftImg8bit" / split / "town" / f"{stem}_leftImg8bit.png"
      label_file = root / "gtFinePanopticParts" / split / "town" / f"{stem}_gtFinePanopticParts.tif"
      image, uids = scene(index, size)
      for file in (image_file, label_file):
        file.parent.mkdir(parents=True, exist_ok=True)
      Image.fromarray(image).save(image_file)
      Image.fromarray(uids).save(label_file, compression="tiff_lzw")
      written.append((image_file, label_file))
  return written


def truncate(path: Path, keep: float = 0.5) -> None:
  """Cuts the end off a file."""
  content = path.read_bytes()
  path.write_bytes(content[: int(len(content) * keep)])


def write_ppp(
  root: Path, counts: dict[str, int] | None = None, images: str = "JPEGImages"
) -> list[tuple[Path, Path]]:
  """Writes photos as Pascal Panoptic Parts, of different sizes; `images` may contain {split}."""
  written = []
  for split, count in (counts or {"training": 2, "validation": 1}).items():
    for index in range(count):
      image_id, size = f"2008_{len(written):06d}", (20 + index, 30 - index)
      image_file = root / images.format(split=split) / f"{image_id}.jpg"
      label_file = root / "labels" / split / f"{image_id}.tif"
      uids = np.full(size, 84, np.int32)
      uids[5:15, 5:15] = 15_001
      uids[5:10, 5:15] = 1_500_101
      uids[15:, :10] = 100_206 + 10 * index  # an aeroplane's engine, numbered per occurrence
      for file in (image_file, label_file):
        file.parent.mkdir(parents=True, exist_ok=True)
      Image.fromarray(scene(index, size)[0]).save(image_file, quality=95)
      Image.fromarray(uids).save(label_file, compression="tiff_lzw")
      written.append((image_file, label_file))
  return written


def write_clothing(root: Path, count: int = 12) -> list[tuple[Path, Path]]:
  """Writes photos as Clothing Co-Parsing: a person with a face, a dress and shoes.

  One photo in twelve has no labels.
  """
  written = []
  for index in range(1, count + 1):
    image_file = root / "photos" / f"{index:04d}.jpg"
    label_file = root / "annotations" / f"{index:04d}.png"
    labels = np.zeros((40, 30), np.uint8)
    if index % 12:
      labels[8:12, 12:16], labels[12:24, 11:17], labels[24:26, 12:16] = 41, 14, 39
    for file in (image_file, label_file):
      file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(scene(index, labels.shape)[0]).save(image_file)
    Image.fromarray(labels).save(label_file)
    written.append((image_file, label_file))
  return written
