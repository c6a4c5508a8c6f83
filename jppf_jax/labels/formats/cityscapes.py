"""Cityscapes' format of instance results: a text file per image, a line `MASK.png CLASS_ID SCORE`
per instance.
"""

from pathlib import Path

import numpy as np

from jppf_jax.labels.formats.files import read_image
from jppf_jax.structs import Detection


def read_results(path: Path) -> list[Detection]:
  """Returns the instances that a text file lists; masks lie relative to it, non-zero is inside.

  Raises:
    FileNotFoundError: the text file or a mask does not exist.
    ValueError: a line that is not `MASK.png CLASS_ID SCORE`, or a mask that cannot be read.
  """
  instances = []
  for number, line in enumerate(path.read_text().splitlines(), start=1):
    fields = line.split()
    if not fields:
      continue
    try:
      name, scene, score = " ".join(fields[:-2]), int(fields[-2]), float(fields[-1])
    except (IndexError, ValueError) as error:
      raise ValueError(
        f"{path}, line {number}: expected `MASK.png CLASS_ID SCORE`, found {line!r}."
      ) from error
    mask = read_image(path.parent / name)
    if mask.ndim != 2:
      raise ValueError(f"{path.parent / name} has shape {mask.shape}, expected one channel.")
    instances.append(Detection(scene, score, np.asarray(mask != 0)))
  return instances
