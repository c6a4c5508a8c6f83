"""The contract of all builders: what they offer beyond TFDS.

To add a dataset of photos with label files on disk, subclass `PairsBuilder` (about one page;
`clothing_co_parsing` is the example). To add any other dataset, subclass `DatasetBuilder`: set
`SPEC` and write `survey` and `examples`.
"""

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self, TypedDict

import numpy as np
import tensorflow_datasets as tfds
from etils import epath
from jaxtyping import Int32

from jppf_jax import photos
from jppf_jax_data.left_out import visible_files
from jppf_jax_data.shuffling import plain_buckets

SPLITS = ("train", "validation")


class Example(TypedDict):
  """One image as stored: its id, the bytes of an RGB image file, and one uid per pixel."""

  image_id: str
  image: bytes
  uids: Int32[np.ndarray, "H W"]


class Survey(NamedTuple):
  """What a builder finds before it reads any image.

  Attributes:
    counts: number of examples per split.
    found: a drawing of the folders that were searched; empty if there are none.
    shortfall: says which splits have fewer examples than the official release; empty if none.
    left_out: names the files of the raw folders that the builder does not read; empty if none.
  """

  counts: dict[str, int]
  found: str = ""
  shortfall: str = ""
  left_out: str = ""


def check_splits(name: str, splits: Sequence[str]) -> None:
  """Compares the names of splits with `SPLITS`.

  Args:
    name: of the dataset, for the message.
    splits: what is to be built.

  Raises:
    ValueError: there is no such split, or none is named.
  """
  unknown = sorted(set(splits) - set(SPLITS))
  if splits and not unknown:
    return
  near = [match for split in unknown for match in difflib.get_close_matches(split, SPLITS, n=1)]
  advice = f" Did you mean {near[0]}?" if near else ""
  got = ", ".join(unknown) or "none"
  raise ValueError(f"{name} has the splits {', '.join(SPLITS)}; got {got}.{advice}")


class DatasetBuilder(
  tfds.core.GeneratorBasedBuilder,
  skip_registration=True,  # type: ignore[call-arg]  # TFDS has no types, so mypy sees `object`
):
  """Builds TFDS records of images with uid maps.

  A subclass is called `Builder`, in the file `<name>/<name>_dataset_builder.py`. The attributes in
  capitals belong to the class; those in lower case may be set on the object before it builds.

  Attributes:
    SPEC: what the ids mean: a name or a file for `labels.registry.load_spec`.
    RAW_FILES: whether raw files are needed, in a folder called `manual_dir`.
    OPTIONS: the entry of `config.data` with the options of the builder, see `configured`; "" if
      there are none.
    HOMEPAGE: where the data comes from.
    splits: the splits to build.
    check_uids: called with the uids of each example; raises ValueError if it refuses them.
    on_example: called after each example, for a progress bar.
    on_complete: called with the folder of all records, before it gets its final name.
    source_file, source_digest: your own builder, and the SHA-256 of that file when it was imported;
      None and "" for the builders of the package.
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
  on_complete: Callable[[Path], object] | None = None
  source_file: Path | None = None
  source_digest: str = ""

  @classmethod
  def configured(cls, options: str | Mapping[str, Any]) -> tfds.core.BuilderConfig | None:
    """Returns the TFDS config for the given options; None if the builder has no options.

    Args:
      options: the text after the slash of `name/options`, or the entry `OPTIONS` of `config.data`.
        If empty, the defaults.

    Raises:
      ValueError: the options are not understood, or the dataset has none.
    """
    if options:
      raise ValueError(f"{cls.name} has no options; got {options!r}.")
    return None

  def survey(self, manual_dir: epath.Path | None) -> Survey:
    """Returns what there is to build, without reading any image.

    Args:
      manual_dir: the raw files; None if the builder needs none.

    Raises:
      DataError: folders are missing.
    """
    raise NotImplementedError(f"{type(self).__name__} must define `survey`.")

  def raw_files(self, manual_dir: epath.Path, splits: Sequence[str]) -> list[epath.Path]:
    """Returns the files that the examples are made of; all that are there by default.

    A build is stale if they differ from those that it was made of. Hidden files do not count, nor
    does what is built in `data_dir`.

    Args:
      manual_dir: the raw files.
      splits: of the examples.

    Raises:
      DataError: folders are missing.
    """
    built = Path(self.data_dir_root).resolve()
    found = map(epath.Path, visible_files(Path(manual_dir)))
    return [path for path in found if built not in Path(path).resolve().parents]

  def examples(self, manual_dir: epath.Path | None) -> dict[str, Iterator[Example]]:
    """Returns the examples of each of `splits`.

    Args:
      manual_dir: the raw files; None if the builder needs none.

    Raises:
      DataError: raw files are broken or do not fit together; lists all of them. Raised at the
        latest while the examples are read.
    """
    raise NotImplementedError(f"{type(self).__name__} must define `examples`.")

  def at(self, data_dir: Path) -> Self:
    """Returns the same builder, with the same settings, for another folder of built datasets."""
    config: Any = self.builder_config
    if config is not None and config.name in self.builder_configs:
      config = config.name  # TFDS insists that a config it knows is given by name
    other = type(self)(data_dir=str(data_dir), file_format="array_record", config=config)
    other.splits, other.check_uids = self.splits, self.check_uids
    other.on_example, other.on_complete = self.on_example, self.on_complete
    return other

  def download_and_prepare(self, **settings: Any) -> None:
    """Builds the records, without TensorFlow at any size; arguments as in TFDS.

    At most `shuffling.MEMORY` bytes of records are held in memory, the rest in files beside the
    result, which need as much room on disk as the records until the end of each split.
    """
    with plain_buckets():
      super().download_and_prepare(**settings)

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
    return {split: self._generate_examples(split, found[split]) for split in self.splits}

  def _download_and_prepare(self, *args: Any, **settings: Any) -> None:
    super()._download_and_prepare(*args, **settings)
    if self.on_complete is not None:
      self.on_complete(Path(self.data_dir))  # the temporary folder, while TFDS builds

  def _generate_examples(
    self, split: str, examples: Iterator[Example]
  ) -> Iterator[tuple[str, Example]]:
    known: set[str] = set()
    for example in examples:
      _require_upright(example)
      image_id = example["image_id"]
      if image_id in known:
        raise ValueError(f"{self.name} has two examples {image_id!r} in the split {split}.")
      known.add(image_id)
      yield image_id, example
      if self.on_example is not None:
        self.on_example()
    if not known:
      raise ValueError(f"{self.name} has no examples in the split {split}.")

  def _accept(self, uids: np.ndarray) -> np.ndarray:
    """Returns `uids` if `check_uids` does not refuse them."""
    if self.check_uids is not None:
      self.check_uids(uids)
    return uids


def _require_upright(example: Example) -> None:
  """Refuses an image that readers would turn, because its uids would not turn with it."""
  orientation = photos.stored_orientation(example["image"])
  if orientation != 1:
    raise ValueError(
      f"Example {example['image_id']!r}: EXIF turns or mirrors the image (orientation "
      f"{orientation}), its uids stay as they are. Pass both through jppf_jax_data.pairs.aligned."
    )
