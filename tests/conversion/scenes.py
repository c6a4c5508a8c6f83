"""Labels for tests: random uids, and photos of the same size."""

from pathlib import Path

import numpy as np
from PIL import Image

SPEC = """
stuff:
  floor: {id: 1, color: [110, 110, 110]}
  wall: {id: 7, color: [10, 110, 110]}
things:
  robot: {id: 2, color: [220, 20, 60], parts: {arm: [1, 4], wheel: [3]}}
  cart: {id: 3, color: [0, 0, 142], parts: {wheel: [1], body: [2]}}
  box: {id: 4, color: [0, 90, 142]}
share_parts: true
ignore: [9]
names:
  bot: robot
  wheel: [robot/wheel, cart/wheel]
  shadow: void
"""
FILLS = f"{SPEC}  unlabelled: floor\n"
RESTS = f"{SPEC}  robot/unlabelled: robot/wheel\n  cart/unlabelled: cart/void\n"


def write_spec(folder: Path, text: str = SPEC) -> str:
  """Writes the YAML of the taxonomy; returns its path."""
  folder.mkdir(parents=True, exist_ok=True)
  path = folder / "warehouse.yaml"
  path.write_text(text)
  return str(path)


def write_photo(path: Path, size: tuple[int, int], seed: int = 0, **options) -> Path:
  """Writes a noisy photo of this height and width."""
  path.parent.mkdir(parents=True, exist_ok=True)
  pixels = np.random.default_rng(seed).integers(0, 255, (*size, 3), np.uint8)
  Image.fromarray(pixels).save(path, **options)
  return path


def random_uids(rng: np.random.Generator, size: tuple[int, int], *, crowd: bool = True):
  """Returns uids in all forms: blobs and noise, holes, crowds, parts known and unknown.

  Objects of a class have numbers with gaps, and 0.
  """
  uids = np.zeros(size, np.int32)
  choices = [0, 1, 7, 2_000, 200_001, 200_003, 2_017, 201_701, 201_703, 301_102, 3_011, 300_401]
  choices += [4_000, 4_999] + ([2, 4] if crowd else [])
  height, width = size
  for _ in range(14):
    top, left = rng.integers(0, height), rng.integers(0, width)
    rows, columns = rng.integers(1, height // 2 + 2), rng.integers(1, width // 2 + 2)
    uids[top : top + rows, left : left + columns] = rng.choice(choices)
  noisy = rng.random(size) < 0.1
  uids[noisy] = rng.choice(choices, noisy.sum())
  return uids
