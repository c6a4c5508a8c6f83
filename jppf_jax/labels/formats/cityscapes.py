"""Cityscapes' format of instance results.

One text file per image, with one line `MASK.png CLASS_ID SCORE` per instance.
"""

from pathlib import Path

import numpy as np

from jppf_jax.labels.formats.files import read_image
from jppf_jax.structs import Detection


def read_results(path: Path) -> list[Detection]:
  """Returns the instances that a text file lists.

  The paths of the masks are relative to the text file; non-zero pixels belong to the instance.

  Raises:
    FileNotFoundError: the text file or a mask does not exist.
    ValueError: a line is not `MASK.png CLASS_ID SCORE`.
    ValueError: a mask cannot be read, or has more than one channel.
  """
  lines = path.read_text().splitlines()
  instances = []
  for number, line in enumerate(lines, start=1):
    if not line.strip():
      continue
    try:
      name, scene, score = _parse(line)
    except (IndexError, ValueError) as error:
      raise ValueError(
        f"{path}, line {number}: expected `MASK.png CLASS_ID SCORE`, found {line!r}."
      ) from error
    mask = read_image(path.parent / name)
    if mask.ndim != 2:
      raise ValueError(f"{path.parent / name} has shape {mask.shape}, expected one channel.")
    instances.append(Detection(scene, score, np.asarray(mask != 0)))
  return instances


def _parse(line: str) -> tuple[str, int, float]:
  """Returns mask file, scene id and score; the file name may contain spaces."""
  *words, scene, score = line.split()
  return " ".join(words), int(scene), float(score)
