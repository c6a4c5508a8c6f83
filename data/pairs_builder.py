"""The builder of a data set that lies on disk as photos and label maps: a data set of one's own is
a subclass of a page.

`clothing_co_parsing` is the example to start from.
"""

from collections.abc import Callable, Mapping

import numpy as np
import tensorflow_datasets as tfds
from etils import epath

from jppf_jax_data import pairs

Files = dict[str, epath.Path]  # image id -> file
SPLITS = ("train", "validation")


def dataset_info(builder: tfds.core.DatasetBuilder, **about: str) -> tfds.core.DatasetInfo:
  """Returns what all our data sets store: the image file as it is, and uids as compressed int32."""
  features = tfds.features
  return tfds.core.DatasetInfo(
    builder=builder,
    features=features.FeaturesDict(
      {
        "image_id": features.Text(),
        "image": features.Image(shape=(None, None, 3)),
        "uids": features.Tensor(shape=(None, None), dtype=np.int32, encoding="zlib"),
      }
    ),
    **about,
  )


class PairsBuilder(tfds.core.GeneratorBasedBuilder, skip_registration=True):
  """Builds TFDS records from files found under `manual_dir`; every bad file is listed before it
  gives up.

  A subclass is called `Builder`, stands in `<name>/<name>_dataset_builder.py`, and gives the
  constants and the three class methods. The attributes in lower case may be set on the object
  before building.

  Attributes:
    HOMEPAGE: where the data comes from.
    OFFICIAL: examples per split of the official release; fewer give a warning. Empty where there is
      no such number.
    SPEC: what its ids mean: a name or file for `labels.registry.load_spec`.
    splits: what to build.
    check_uids: raises ValueError if it does not like the uids of a label file; to hold them to a
      label spec.
    on_example: called after each example; for a progress bar.
  """

  VERSION = tfds.core.Version("1.0.0")
  RELEASE_NOTES = {"1.0.0": "Raw uids."}  # noqa: RUF012 (TFDS reads it from the class)
  HOMEPAGE = ""
  OFFICIAL: Mapping[str, int] = {}
  SPEC = ""

  splits: tuple[str, ...] = SPLITS
  check_uids: Callable[[np.ndarray], None] | None = None
  on_example: Callable[[], None] | None = None

  @classmethod
  def layout(cls, split: str) -> dict[str, str]:
    """Returns the folders that must exist for a split, and what lies in them, to be shown to
    people.
    """
    raise NotImplementedError

  @classmethod
  def files(cls, root: epath.Path, split: str) -> tuple[Files, Files]:
    """Returns the images and the label files of a split. Images that nobody labelled on purpose are
    left out.
    """
    raise NotImplementedError

  @classmethod
  def read_label(cls, path: epath.Path) -> np.ndarray:
    """Returns the uids of a label file, int32 [H W]; raises on a bad one."""
    raise NotImplementedError

  @classmethod
  def tree(cls, root: epath.Path, splits: tuple[str, ...] = SPLITS) -> str:
    """Draws the expected folders below `root` with a tick or a cross each."""
    return pairs.tree(
      root, {folder: what for split in splits for folder, what in cls.layout(split).items()}
    )

  @classmethod
  def find(
    cls, root: epath.Path, splits: tuple[str, ...] = SPLITS
  ) -> tuple[dict[str, list[pairs.Pair]], list[str]]:
    """Returns the pairs of every split, and the problems met; warns of fewer pairs than in the
    official release.

    Raises:
      DataError: folders are missing; draws the expected ones, and says which splits could be built
        without them.
      ValueError: a split that no data set has.
    """
    if unknown := sorted(set(splits) - set(SPLITS)):
      raise ValueError(f"{cls.name} has the splits {', '.join(SPLITS)}; got {', '.join(unknown)}.")
    present = [
      split for split in splits if all((root / folder).is_dir() for folder in cls.layout(split))
    ]
    if len(present) < len(splits):
      drawn = f"folders are missing (✗) in {cls.tree(root, splits)}"
      advice = f"To build {present[0]} alone: --splits={present[0]}" if present else ""
      advice = advice or "Is this the folder that holds the unpacked archives?"
      raise pairs.DataError(cls.name, [drawn], advice=advice)
    found, problems = {}, []
    for split in splits:
      images, labels = cls.files(root, split)
      found[split], lonely = pairs.match(images, labels)
      problems += lonely
      if not images and not labels:
        problems.append(
          f"{root}: no files for the split {split}; expected\n{cls.tree(root, (split,))}"
        )
    pairs.warn_of_shortfall(cls.name, {split: len(found[split]) for split in found}, cls.OFFICIAL)
    return found, problems

  def _info(self) -> tfds.core.DatasetInfo:
    return dataset_info(self, homepage=self.HOMEPAGE, description=self.__doc__ or self.name)

  def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict:
    found, problems = self.find(epath.Path(dl_manager.manual_dir), self.splits)
    reader = pairs.Reader(self.name, found, problems, self._checked_label)
    return {split: self._generate_examples(reader, split) for split in found}

  def _checked_label(self, path: epath.Path) -> np.ndarray:
    uids = self.read_label(path)
    if self.check_uids is not None:
      self.check_uids(uids)
    return uids

  def _generate_examples(self, reader: pairs.Reader, split: str):
    for key, example in reader.examples(split):
      yield key, example
      if self.on_example is not None:
        self.on_example()
