"""Tiny raw data sets in the official layouts, written where a test wants them."""

from pathlib import Path

import numpy as np
from PIL import Image

SAMPLES = Path(__file__).parents[3] / "shared" / "samples"


def scene(seed: int = 0, size: tuple[int, int] = (16, 32)) -> tuple[np.ndarray, np.ndarray]:
  """A noisy image, and uids of every form: void, road, crowd, a person with parts, a car with and without, a train."""
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
  """Writes scenes as Cityscapes Panoptic Parts and returns (image, label) paths in the order of writing."""
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
