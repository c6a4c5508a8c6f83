"""Reads a built dataset: photos and uid maps as arrays, by position, without TensorFlow."""

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
  """A split with random access, from which grain reads.

  With `cache`, for small datasets, each example is decoded once and kept in memory (7 bytes per
  pixel); its arrays are read-only. Each worker process starts with an empty cache.
  """

  def __init__(self, source: Any, *, cache: bool = False):
    self._source = source
    self._cache: dict[int, Example] | None = {} if cache else None

  def __len__(self) -> int:
    return len(self._source)

  def __getitem__(self, index: int) -> Example:
    if not 0 <= index < len(self):  # IndexError also ends a `for` loop over the examples
      raise IndexError(f"There is no example {index}; the split has {len(self)}.")
    if self._cache is None:
      return decode(self._source[index])
    if index not in self._cache:
      example = decode(self._source[index])
      example["image"].setflags(write=False)
      example["uids"].setflags(write=False)
      self._cache[index] = example
    return self._cache[index]

  def __getstate__(self) -> dict[str, Any]:
    empty_cache: dict[int, Example] | None = None if self._cache is None else {}
    return {"_source": self._source, "_cache": empty_cache}

  def __repr__(self) -> str:
    return f"Examples({len(self)}, cache={self._cache is not None})"


def open_split(folder: str | Path, split: str, *, cache: bool = False) -> Examples:
  """Opens one split of a built dataset.

  Args:
    folder: contains `dataset_info.json`; `datasets.build` and `datasets.folder` return it.
    split: "train", "validation", or a part in TFDS notation such as "train[:50%]".
    cache: whether to keep decoded examples in memory.

  Raises:
    FileNotFoundError: there is no built dataset in that folder.
    ValueError: there is no such split; says which there are.
  """
  if not (Path(folder) / "dataset_info.json").is_file():
    raise FileNotFoundError(
      f"{folder} contains no built dataset (no dataset_info.json); build one with `jppf prepare`."
    )
  builder = tfds.builder_from_directory(folder)
  name = split.split("[")[0]
  if name not in builder.info.splits:
    names = ", ".join(builder.info.splits)
    raise ValueError(f"{folder} has no split {split!r}; it has {names}.")
  source = builder.as_data_source(split, decoders={"image": tfds.decode.SkipDecoding()})
  return Examples(source, cache=cache)


def decode(record: dict[str, Any]) -> Example:
  """Returns a stored record (with the bytes of the image file) as arrays.

  Any Pillow mode becomes RGB.
  """
  image: Image.Image = Image.open(io.BytesIO(record["image"]))
  if image.mode != "RGB":
    image = image.convert("RGB")
  return {
    "image_id": record["image_id"].decode(),
    "image": np.asarray(image),
    "uids": np.asarray(record["uids"], np.int32),
  }
