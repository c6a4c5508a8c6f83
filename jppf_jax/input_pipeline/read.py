"""Reads a built data set: photos and uid maps as arrays, by position, with no TensorFlow."""

import io
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
import tensorflow_datasets as tfds
from jaxtyping import Int32, UInt8
from PIL import Image


class Example(TypedDict):
  """One image with its labels, as stored."""

  image_id: str
  image: UInt8[np.ndarray, "H W 3"]
  uids: Int32[np.ndarray, "H W"]


class Examples:
  """A split as a random-access source, which grain shuffles and divides.

  With `cache` every example is decoded once and kept in memory, 7 bytes per pixel: for small data
  sets. Arrays are read-only then. Worker processes start with an empty cache each.
  """

  def __init__(self, source: Any, *, cache: bool = False):
    self._source = source
    self._cache: dict[int, Example] | None = {} if cache else None

  def __len__(self) -> int:
    return len(self._source)

  def __getitem__(self, index: int) -> Example:
    if not 0 <= index < len(self):
      raise IndexError(
        f"example {index} of {len(self)}"
      )  # what ends a `for` loop over the examples
    if self._cache is None:
      return decode(self._source[index])
    if index not in self._cache:
      example = decode(self._source[index])
      example["image"].setflags(write=False)
      example["uids"].setflags(write=False)
      self._cache[index] = example
    return self._cache[index]

  def __getstate__(self) -> dict[str, Any]:
    return {"_source": self._source, "_cache": None if self._cache is None else {}}

  def __repr__(self) -> str:
    return f"Examples({len(self)}, cache={self._cache is not None})"


def open_split(folder: str | Path, split: str, *, cache: bool = False) -> Examples:
  """Opens one split of a built data set.

  Args:
    folder: holds `dataset_info.json`; `datasets.build` and `datasets.folder` return it.
    split: "train", "validation", or a part in TFDS notation such as "train[:50%]".
    cache: keep decoded examples in memory.

  Raises:
    FileNotFoundError: no data set in that folder.
    ValueError: no such split; says which there are.
  """
  if not (Path(folder) / "dataset_info.json").is_file():
    raise FileNotFoundError(
      f"{folder} holds no built data set (no dataset_info.json); build one with `jppf prepare`."
    )
  builder = tfds.builder_from_directory(folder)
  if split.split("[")[0] not in builder.info.splits:
    raise ValueError(f"{folder} has no split {split!r}; it has {', '.join(builder.info.splits)}.")
  source = builder.as_data_source(split, decoders={"image": tfds.decode.SkipDecoding()})
  return Examples(source, cache=cache)


def decode(record: dict[str, Any]) -> Example:
  """Turns a stored record (image file as bytes) into arrays; any Pillow mode becomes RGB."""
  image = Image.open(io.BytesIO(record["image"]))
  pixels = np.asarray(image if image.mode == "RGB" else image.convert("RGB"))
  return {
    "image_id": record["image_id"].decode(),
    "image": pixels,
    "uids": np.asarray(record["uids"], np.int32),
  }
