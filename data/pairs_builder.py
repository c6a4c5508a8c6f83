"""The builder of a dataset that lies on disk as photos and label maps.

To add a dataset, subclass `PairsBuilder` (about one page); `clothing_co_parsing` is the example.
"""

import warnings
from collections.abc import Iterator, Mapping

import numpy as np
from etils import epath

from jppf_jax_data import pairs
from jppf_jax_data.builder import SPLITS, DatasetBuilder, Example, Survey

Files = dict[str, epath.Path]  # image id -> file


class PairsBuilder(DatasetBuilder, skip_registration=True):
  """Builds records from files below `manual_dir`; if files are bad, all of them are listed.

  A subclass gives the constants and the three class methods `layout`, `files` and `read_label`.

  Attributes:
    OFFICIAL: examples per split of the official release; fewer give a warning. Empty if there is no
      such number.
  """

  OFFICIAL: Mapping[str, int] = {}

  @classmethod
  def layout(cls, split: str) -> dict[str, str]:
    """Returns the folders that must exist for a split -> what lies in them, to be shown."""
    raise NotImplementedError(f"{cls.__name__} must name its folders.")

  @classmethod
  def files(cls, root: epath.Path, split: str) -> tuple[Files, Files]:
    """Returns the images and the label files of a split.

    Images that nobody labelled on purpose are left out.
    """
    raise NotImplementedError(f"{cls.__name__} must find its files.")

  @classmethod
  def read_label(cls, path: epath.Path) -> np.ndarray:
    """Returns the uids of a label file, int32 [H W]; raises on a bad one."""
    raise NotImplementedError(f"{cls.__name__} must read its label files.")

  @classmethod
  def tree(cls, root: epath.Path, splits: tuple[str, ...] = SPLITS) -> str:
    """Draws the expected folders below `root`, each with a tick or a cross."""
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
      DataError: folders are missing; draws the expected ones, and says which splits could be built
        without them.
      ValueError: a split that no dataset has.
    """
    if unknown := sorted(set(splits) - set(SPLITS)):
      raise ValueError(f"{cls.name} has the splits {', '.join(SPLITS)}; got {', '.join(unknown)}.")
    cls._require_folders(root, splits)
    found, problems = {}, []
    for split in splits:
      images, labels = cls.files(root, split)
      found[split], lonely = pairs.match(images, labels)
      problems += lonely
      if not images and not labels:
        drawn = cls.tree(root, (split,))
        problems.append(f"{root}: no files for the split {split}; expected\n{drawn}")
    return found, problems

  @classmethod
  def _require_folders(cls, root: epath.Path, splits: tuple[str, ...]) -> None:
    present = []
    for split in splits:
      if all((root / folder).is_dir() for folder in cls.layout(split)):
        present.append(split)
    if len(present) == len(splits):
      return
    advice = "Is this the folder that holds the unpacked archives?"
    if present:
      advice = f"To build {present[0]} alone: --splits={present[0]}"
    drawn = f"folders are missing (✗) in {cls.tree(root, splits)}"
    raise pairs.DataError(cls.name, [drawn], advice=advice)

  def survey(self, manual_dir: epath.Path | None) -> Survey:
    root = self._root(manual_dir)
    found, _ = self.find(root, self.splits)  # the problems are reported with those of the contents
    counts = {split: len(found[split]) for split in found}
    shortfall = pairs.shortfall(self.name, counts, self.OFFICIAL)
    return Survey(counts, self.tree(root, self.splits), shortfall)

  def examples(self, manual_dir: epath.Path | None) -> dict[str, Iterator[Example]]:
    root = self._root(manual_dir)
    found, problems = self.find(root, self.splits)
    counts = {split: len(found[split]) for split in found}
    if shortfall := pairs.shortfall(self.name, counts, self.OFFICIAL):
      warnings.warn(shortfall, pairs.ShortfallWarning, stacklevel=2)
    reader = pairs.Reader(self.name, found, problems, self._checked_label)
    return {split: reader.examples(split) for split in found}

  def _root(self, manual_dir: epath.Path | None) -> epath.Path:
    if manual_dir is None:
      raise ValueError(f"{self.name} is built from raw files; say with manual_dir where they are.")
    return manual_dir

  def _checked_label(self, path: epath.Path) -> np.ndarray:
    return self._accept(self.read_label(path))
