"""Cityscapes' format of instance results.

One text file per image, with one line `MASK.png CLASS_ID SCORE` per instance.
"""

import math
from pathlib import Path

import numpy as np

from jppf_jax.labels.formats.files import is_file_name, read_image
from jppf_jax.labels.quote import quoted
from jppf_jax.panoptic import Detection


def read_results(path: Path) -> list[Detection]:
  """Returns the instances that a text file lists.

  The paths of the masks are relative to the text file; non-zero pixels belong to the instance.

  Raises:
    FileNotFoundError: the text file or a mask does not exist.
    ValueError: the file is no text, or a line is not `MASK.png CLASS_ID SCORE`: a scene id 1..99
      and a finite number.
    ValueError: a mask cannot be read without loss, or has more than one channel.
  """
  try:
    lines = path.read_text(encoding="utf-8").splitlines()
  except UnicodeDecodeError as error:
    raise ValueError(f"{path} is no text in UTF-8: {error}") from error
  instances = []
  for number, line in enumerate(lines, start=1):
    if not line.strip():
      continue
    try:
      name, scene, score = _parse(line)
    except (IndexError, ValueError) as error:
      raise ValueError(
        f"{path}, line {number}: expected `MASK.png CLASS_ID SCORE`, found {quoted(line)}."
      ) from error
    mask = read_image(path.parent / name)
    if mask.ndim != 2 or mask.dtype.kind not in "iu":
      raise ValueError(
        f"{path.parent / name} has shape {mask.shape} and type {mask.dtype}, expected one channel "
        "of whole numbers."
      )
    instances.append(Detection(scene, score, np.asarray(mask != 0)))
  return instances


def _parse(line: str) -> tuple[str, int, float]:
  """Returns mask file, scene id and score; the file name may contain spaces."""
  *words, scene, score = line.split()
  name, class_id, number = " ".join(words), int(scene), float(score)
  if not is_file_name(name) or not 1 <= class_id <= 99 or not math.isfinite(number):
    raise ValueError("no name, no scene id, or no finite score")
  return name, class_id, number
