"""The builder of a dataset of photos and label files on disk.

To add a dataset, subclass `PairsBuilder` (about one page); `clothing_co_parsing` is the example.
"""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Self

import numpy as np
from etils import epath

from jppf_jax_data import pairs
from jppf_jax_data.builder import SPLITS, DatasetBuilder, Example, Survey, check_splits
from jppf_jax_data.left_out import LeftOutWarning, left_out

Files = dict[str, epath.Path]  # image id -> file
Listing = dict[str, tuple[Files, Files]]  # split -> images, label files


class PairsBuilder(
  DatasetBuilder,
  skip_registration=True,  # type: ignore[call-arg]  # TFDS has no types, so mypy sees `object`
):
  """Builds records from files below `manual_dir`; if files are bad, the error lists all of them.

  A subclass sets `SPEC` and defines the class methods `layout`, `files` and `read_label`.

  Attributes:
    OFFICIAL: number of examples per split in the official release; if there are fewer, the builder
      warns. Empty if there is no official number.
    BESIDE: endings of official files that are not needed; they are not reported as left out.
  """

  OFFICIAL: Mapping[str, int] = {}
  BESIDE: tuple[str, ...] = ()

  _listed: Mapping[tuple[epath.Path, tuple[str, ...]], Listing] = {}

  @classmethod
  def layout(cls, split: str) -> dict[str, str]:
    """Returns {folder: pattern of its files} of a split, to be shown to the user.

    All these folders must exist below `manual_dir`.
    """
    raise NotImplementedError(f"{cls.__name__} must define `layout`.")

  @classmethod
  def files(cls, root: epath.Path, split: str) -> tuple[Files, Files]:
    """Returns the images and the label files of a split, both as {image id: file}.

    An image without a label file is an error, so leave out images that are unlabelled on purpose.
    """
    raise NotImplementedError(f"{cls.__name__} must define `files`.")

  @classmethod
  def read_label(cls, path: epath.Path) -> np.ndarray:
    """Returns the uids of a label file, int32 [H W]; raises any exception if the file is bad."""
    raise NotImplementedError(f"{cls.__name__} must define `read_label`.")

  @classmethod
  def tree(cls, root: epath.Path, splits: tuple[str, ...] = SPLITS) -> str:
    """Returns a drawing of the expected folders below `root`, each with a tick or a cross."""
    layout: dict[str, str] = {}
    for split in splits:
      layout |= cls.layout(split)
    return pairs.tree(root, layout)

  @classmethod
  def find(
    cls, root: epath.Path, splits: tuple[str, ...] = SPLITS
  ) -> tuple[dict[str, list[pairs.Pair]], list[str]]:
    """Returns the pairs of each split, and one line for each problem.

    Raises:
      DataError: folders are missing; draws the expected ones, and says which split can be built
        without them.
      ValueError: there is no such split.
    """
    return cls._match(root, cls._list(root, splits))

  @classmethod
  def _list(cls, root: epath.Path, splits: tuple[str, ...]) -> Listing:
    check_splits(cls.name, splits)
    cls._require_folders(root, splits)
    return {split: cls.files(root, split) for split in splits}

  @classmethod
  def _match(
    cls, root: epath.Path, listing: Listing
  ) -> tuple[dict[str, list[pairs.Pair]], list[str]]:
    found: dict[str, list[pairs.Pair]] = {}
    problems: list[str] = []
    for split, (images, labels) in listing.items():
      found[split], lonely = pairs.match(images, labels)
      problems += lonely
      if not images and not labels:
        drawn = cls.tree(root, (split,))
        problems.append(f"{root}: no files for the split {split}; expected\n{drawn}")
    return found, problems

  @classmethod
  def _require_folders(cls, root: epath.Path, splits: tuple[str, ...]) -> None:
    present = [split for split in splits if cls._has_folders(root, split)]
    if len(present) == len(splits):
      return
    advice = "Is this the folder of the unpacked archives?"
    if present:
      advice = f"To build {present[0]} alone: --splits={present[0]}"
    drawn = f"folders are missing (✗) in {cls.tree(root, splits)}"
    raise pairs.DataError(cls.name, [drawn], advice=advice)

  @classmethod
  def _has_folders(cls, root: epath.Path, split: str) -> bool:
    return all((root / folder).is_dir() for folder in cls.layout(split))

  def survey(self, manual_dir: epath.Path | None) -> Survey:
    """Counts the pairs of each split; see `DatasetBuilder`."""
    root = self._root(manual_dir)
    listing = self._listing(root, self.splits)
    found, _ = self._match(root, listing)  # the problems are reported with those of the contents
    counts = {split: len(found[split]) for split in found}
    shortfall = pairs.shortfall(self.name, counts, self.OFFICIAL)
    return Survey(counts, self.tree(root, self.splits), shortfall, self._left_out(root))

  def raw_files(self, manual_dir: epath.Path, splits: Sequence[str]) -> list[epath.Path]:
    """Returns the images and label files of some splits; see `DatasetBuilder`."""
    return _all_files(self._listing(manual_dir, tuple(splits)))

  def at(self, data_dir: Path) -> Self:
    """Returns the same builder for another folder; see `DatasetBuilder`."""
    other = super().at(data_dir)
    other._listed = self._listed
    return other

  def examples(self, manual_dir: epath.Path | None) -> dict[str, Iterator[Example]]:
    """Reads the pairs of each split on all cores; see `DatasetBuilder`."""
    root = self._root(manual_dir)
    found, problems = self._match(root, self._listing(root, self.splits))
    counts = {split: len(found[split]) for split in found}
    if shortfall := pairs.shortfall(self.name, counts, self.OFFICIAL):
      warnings.warn(shortfall, pairs.ShortfallWarning, stacklevel=2)
    if rest := self._left_out(root):
      warnings.warn(f"{self.name}: {rest}", LeftOutWarning, stacklevel=2)
    reader = pairs.Reader(self.name, found, problems, self._checked_label)
    return {split: reader.examples(split) for split in found}

  def _listing(self, root: epath.Path, splits: tuple[str, ...]) -> Listing:
    """Returns the files of some splits; folders are read once, so that all that is said agrees."""
    if (root, splits) not in self._listed:
      listing = self._list(root, splits)
      self._listed = {**self._listed, (root, splits): listing}
    return self._listed[root, splits]

  def _left_out(self, root: epath.Path) -> str:
    """Names the files in the folders of `splits` that are of no split at all."""
    listing = dict(self._listing(root, self.splits))
    folders = [folder for split in listing for folder in self.layout(split)]
    for split in SPLITS:  # may share a folder with those that are built
      if split not in listing and self._has_folders(root, split):
        listing[split] = self.files(root, split)
    return left_out(root, folders, _all_files(listing), beside=self.BESIDE)

  def _root(self, manual_dir: epath.Path | None) -> epath.Path:
    if manual_dir is None:
      raise ValueError(f"{self.name} is built from raw files; say with manual_dir where they are.")
    return manual_dir

  def _checked_label(self, path: epath.Path) -> np.ndarray:
    return self._accept(self.read_label(path))


def _all_files(listing: Listing) -> list[epath.Path]:
  return [path for both in listing.values() for files in both for path in files.values()]
