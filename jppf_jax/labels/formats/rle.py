"""COCO's run-length encoding of masks, decoded with all its numbers checked.

A mask is read column by column; the runs are alternately 0 and 1, and the first is 0. Compressed
counts are text: five bits per character, differences to the count before the last (cocoapi,
`maskApi.c`). pycocotools checks neither and reads or writes outside its memory on bad input.
"""

from typing import Any

import numpy as np
from jaxtyping import Bool, Int64

from jppf_jax.labels.quote import quoted

_MOST_CHARACTERS = 8  # of one count: 40 bits


def decode(segmentation: Any, size: tuple[int, int]) -> Bool[np.ndarray, "H W"]:
  """Returns the mask of a `segmentation`, `{"size": [H, W], "counts": text or list}`.

  Args:
    segmentation: as in a COCO JSON.
    size: height and width that the mask must have.

  Raises:
    ValueError: another form (a polygon, for example), another size, or counts that do not fill it.
  """
  if not isinstance(segmentation, dict) or not segmentation.keys() >= {"size", "counts"}:
    raise ValueError(
      f'segmentation is {quoted(segmentation)}, expected run lengths {{"size", "counts"}}; '
      "pycocotools (COCO.annToRLE) makes them of polygons"
    )
  if list(_as_list(segmentation["size"])) != list(size):
    raise ValueError(
      f"segmentation has size {quoted(segmentation['size'])}, the image has {list(size)}"
    )
  counts = _counts(segmentation["counts"])
  pixels = size[0] * size[1]
  if (counts.size and (counts.min() < 0 or counts.max() > pixels)) or counts.sum() != pixels:
    raise ValueError(f"the run lengths do not fill the {pixels} pixels of the mask")
  values = np.arange(counts.size) % 2 == 1
  columns = np.repeat(values, counts).reshape(size[1], size[0])
  return np.ascontiguousarray(columns.T)


def _as_list(value: Any) -> Any:
  return value if isinstance(value, (list, tuple)) else []


def _counts(counts: Any) -> Int64[np.ndarray, " N"]:
  """Returns the run lengths, from a list or from text."""
  if isinstance(counts, list):
    if not all(type(count) is int and 0 <= count < 2**40 for count in counts):
      raise ValueError(f"counts are {quoted(counts)}, expected whole numbers from 0 on")
    return np.array(counts, np.int64)
  if isinstance(counts, str) and counts.isascii():
    counts = counts.encode()
  if not isinstance(counts, bytes):
    raise ValueError(f"counts are {quoted(counts)}, expected a list or compressed text")
  return _decompressed(np.frombuffer(counts, np.uint8).astype(np.int64) - 48)


def _decompressed(codes: Int64[np.ndarray, " M"]) -> Int64[np.ndarray, " N"]:
  """Returns the run lengths that characters 0..63 mean; bit 5: the count goes on."""
  is_last = (codes & 32) == 0
  if codes.size and (codes.min() < 0 or codes.max() > 63 or not is_last[-1]):
    raise ValueError("counts are no compressed run lengths")
  ends = np.flatnonzero(is_last) + 1
  starts = np.append(0, ends[:-1])[: len(ends)]
  lengths = ends - starts
  if len(lengths) and lengths.max() > _MOST_CHARACTERS:
    raise ValueError("counts are no compressed run lengths")
  position = np.arange(codes.size) - np.repeat(starts, lengths)
  digits = (codes & 31) << (5 * position)
  values = np.add.reduceat(digits, starts) if len(starts) else np.zeros(0, np.int64)
  is_negative = (codes[ends - 1] & 16) != 0
  values = np.where(is_negative, values - (1 << (5 * lengths)), values)
  values[1::2] = np.cumsum(values[1::2])  # from the fourth count on: difference to the last but one
  values[2::2] = np.cumsum(values[2::2])
  return values
