"""Reads a built dataset: photos and uid maps as arrays, by position, without TensorFlow."""

import json
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
import tensorflow_datasets as tfds
from jaxtyping import Int32, UInt8

from jppf_jax import photos

# what the builders in `data/` write: the TFDS class of each feature, and of all together
_CLASSES = "tensorflow_datasets.core.features."
_ALL = f"{_CLASSES}features_dict.FeaturesDict"
_FEATURES = {
  "image_id": f"{_CLASSES}text_feature.Text",
  "image": f"{_CLASSES}image_feature.Image",
  "uids": f"{_CLASSES}tensor_feature.Tensor",
}
_CONTENTS = {"text", "image", "tensor", "description", "valueRange"}  # they name no class


class ReadError(ValueError):
  """A built dataset is not what the builders write, or has no such split."""


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
    ReadError: there is no such split; says which there are.
    ReadError: the dataset is not what the builders write.
  """
  builder = open_builder(folder)
  _check_split(folder, builder.info.splits, split)
  source = builder.as_data_source(split, decoders={"image": tfds.decode.SkipDecoding()})
  return Examples(source, cache=cache)


def _check_split(folder: str | Path, splits: Any, split: str) -> None:
  """Raises ReadError if there is no such split, or a part of it has no examples."""
  sizes = {name: info.num_examples for name, info in splits.items()}
  try:
    parts = tfds.core.ReadInstruction.from_spec(split).to_absolute(splits)
  except ValueError as error:
    names = ", ".join(f"{name} ({size} examples)" for name, size in sizes.items())
    raise ReadError(
      f"{folder} has no split {split!r}; it has {names}, and parts of them such as "
      f"{next(iter(sizes))}[:10%]."
    ) from error
  for part in parts:
    end = sizes[part.splitname] if part.to is None else part.to
    if (part.from_ or 0) >= end:
      raise ReadError(f"The split {split!r} of {folder} is empty.")


def open_builder(folder: str | Path) -> tfds.core.DatasetBuilder:
  """Opens a built dataset.

  TFDS imports the classes that the files of a dataset name, from any module. So they are compared
  first with those that our builders name.

  Raises:
    FileNotFoundError: there is no built dataset in that folder.
    ReadError: its records have other features than the builders write, or a file is damaged.
  """
  info, features = Path(folder) / "dataset_info.json", Path(folder) / "features.json"
  if not info.is_file():
    raise FileNotFoundError(
      f"{folder} contains no built dataset (no dataset_info.json); build one with `jppf prepare`."
    )
  if not (_is_known(_content(features)) and "features" not in _content(info)):
    raise ReadError(
      f"{folder} was not written by our builders: its records have other features than "
      f"{', '.join(_FEATURES)}; build it anew with `jppf prepare`."
    )
  return tfds.builder_from_directory(folder)


def _content(path: Path) -> Any:
  try:
    return json.loads(path.read_bytes())
  except ValueError as error:  # no JSON, or no text
    raise ReadError(f"{path} is damaged: {error}; build the dataset anew.") from error


def _is_known(features: Any) -> bool:
  """Returns whether `features.json` names the classes of our builders and no others."""
  try:
    found = features["featuresDict"]["features"]
    classes = {name: feature["pythonClassName"] for name, feature in found.items()}
    others = [set(feature) - {"pythonClassName"} for feature in found.values()]
    outer = (features["pythonClassName"], set(features), set(features["featuresDict"]))
  except (KeyError, TypeError, AttributeError):
    return False
  known_outer = (_ALL, {"pythonClassName", "featuresDict"}, {"features"})
  return classes == _FEATURES and outer == known_outer and all(keys <= _CONTENTS for keys in others)


def decode(record: dict[str, Any]) -> Example:
  """Returns a stored record (with the bytes of the image file) as arrays.

  Raises:
    ValueError: image and labels do not lie alike: their sizes differ, or EXIF turns the image.
    ImageError: the image cannot be read, see `photos.read_image`.
  """
  image_id = record["image_id"].decode()
  photo = photos.decode_image(record["image"])
  uids = np.asarray(record["uids"], np.int32)
  size = photo.pixels.shape[:2]
  if photo.orientation != 1 or size != uids.shape:
    raise ValueError(
      f"Record {image_id!r}: the image is {size}, with EXIF orientation {photo.orientation}; the "
      f"labels are {uids.shape}. Expected equal sizes and an upright image; build the dataset anew."
    )
  return {"image_id": image_id, "image": photo.pixels, "uids": uids}
