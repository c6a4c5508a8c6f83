"""The contract of all builders: what a dataset offers beyond TFDS.

`PairsBuilder` satisfies it for photos with label files on disk: to add such a dataset, subclass
that (about one page; `clothing_co_parsing` is the example). A dataset that comes from anything
else subclasses `DatasetBuilder` itself: `SPEC`, `survey` and `examples`.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, TypedDict

import numpy as np
import tensorflow_datasets as tfds
from etils import epath
from jaxtyping import Int32

SPLITS = ("train", "validation")


class Example(TypedDict):
  """One image as it is stored: the bytes of an RGB image file, and one uid per pixel."""

  image_id: str
  image: bytes
  uids: Int32[np.ndarray, "H W"]


class Survey(NamedTuple):
  """What a builder has found before it reads anything.

  Attributes:
    counts: examples per split.
    found: the folders that were looked through, for people; empty if there are none.
    shortfall: says which splits have fewer examples than the official release; empty if none.
  """

  counts: dict[str, int]
  found: str = ""
  shortfall: str = ""


class DatasetBuilder(tfds.core.GeneratorBasedBuilder, skip_registration=True):
  """Builds TFDS records of images with uid maps.

  A subclass is called `Builder` and stands in `<name>/<name>_dataset_builder.py`. The attributes in
  capitals belong to the class; those in lower case may be set on the object before it builds.

  Attributes:
    SPEC: what the ids mean: a name or file for `labels.registry.load_spec`.
    RAW_FILES: whether it needs raw files, in a folder called `manual_dir`.
    OPTIONS: the entry of `config.data` that holds the builder's options, see `configured`; "" if it
      has none.
    HOMEPAGE: where the data comes from.
    splits: what to build.
    check_uids: called with the uids of each example; raises ValueError if it refuses them.
    on_example: called after each example, for a progress bar.
  """

  VERSION = tfds.core.Version("1.0.0")
  RELEASE_NOTES = {"1.0.0": "Raw uids."}  # noqa: RUF012 (TFDS reads it from the class)
  SPEC = ""
  RAW_FILES = True
  OPTIONS = ""
  HOMEPAGE = ""

  splits: tuple[str, ...] = SPLITS
  check_uids: Callable[[np.ndarray], None] | None = None
  on_example: Callable[[], object] | None = None

  @classmethod
  def configured(cls, options: str | Mapping[str, Any]) -> tfds.core.BuilderConfig | None:
    """Returns the TFDS config for some options.

    Args:
      options: the text behind the slash of `name/options`, or the entry `OPTIONS` of a run's config.

    Raises:
      ValueError: the options are not understood, or the dataset has none.
    """
    if options:
      raise ValueError(f"{cls.name} has no options; got {options!r}.")
    return None

  def survey(self, manual_dir: epath.Path | None) -> Survey:
    """Looks for what there is to build, and reads no image.

    Args:
      manual_dir: the raw files; None if the builder needs none.

    Raises:
      DataError: folders are missing.
    """
    raise NotImplementedError(f"{type(self).__name__} must say what it will build.")

  def examples(self, manual_dir: epath.Path | None) -> dict[str, Iterator[Example]]:
    """Returns the examples of each of `splits`.

    Raises:
      DataError: raw files are broken or do not fit together; all of them are listed.
    """
    raise NotImplementedError(f"{type(self).__name__} must give its examples.")

  def _info(self) -> tfds.core.DatasetInfo:
    features = tfds.features.FeaturesDict(
      {
        "image_id": tfds.features.Text(),
        "image": tfds.features.Image(shape=(None, None, 3)),
        "uids": tfds.features.Tensor(shape=(None, None), dtype=np.int32, encoding="zlib"),
      }
    )
    description = type(self).__doc__ or self.name
    return tfds.core.DatasetInfo(
      builder=self, features=features, homepage=self.HOMEPAGE, description=description
    )

  def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Any]:
    manual_dir = epath.Path(dl_manager.manual_dir) if self.RAW_FILES else None
    found = self.examples(manual_dir)
    return {split: self._generate_examples(found[split]) for split in self.splits}

  def _generate_examples(self, examples: Iterator[Example]) -> Iterator[tuple[str, Example]]:
    for example in examples:
      yield example["image_id"], example
      if self.on_example is not None:
        self.on_example()

  def _accept(self, uids: np.ndarray) -> np.ndarray:
    """Returns `uids` if `check_uids` does not refuse them."""
    if self.check_uids is not None:
      self.check_uids(uids)
    return uids
