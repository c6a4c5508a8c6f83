"""Cityscapes Panoptic Parts (de Geus et al. 2021): street scenes, 19 evaluated classes, parts in five of them."""

import functools

import numpy as np
import tensorflow_datasets as tfds
from etils import epath
from jppf_jax_data import pairs

NAME = "cityscapes_panoptic_parts"
FOLDERS = {"train": "train", "validation": "val"}
OFFICIAL = {"train": 2975, "validation": 500}
MAX_SCENE_ID = 34
IMAGE, LABEL = "_leftImg8bit.png", "_gtFinePanopticParts.tif"


class Builder(tfds.core.GeneratorBasedBuilder):
  """Image files are stored byte for byte, uid maps as compressed int32."""

  VERSION = tfds.core.Version("1.0.0")
  RELEASE_NOTES = {"1.0.0": "Raw uids."}  # noqa: RUF012 (TFDS reads it from the class)
  MANUAL_DOWNLOAD_INSTRUCTIONS = """
  Unpack leftImg8bit_trainvaltest and gtFinePanopticParts_trainval, both from cityscapes-dataset.com (login), into
  manual_dir, so that it holds leftImg8bit/{train,val} and gtFinePanopticParts/{train,val}.
  """

  splits: tuple[str, ...] = ("train", "validation")  # set on the object to build fewer

  def _info(self) -> tfds.core.DatasetInfo:
    features = tfds.features
    return tfds.core.DatasetInfo(
      builder=self,
      description=__doc__,
      homepage="https://github.com/pmeletis/panoptic_parts",
      features=features.FeaturesDict(
        {
          "image_id": features.Text(),
          "image": features.Image(shape=(None, None, 3), encoding_format="png"),
          "uids": features.Tensor(shape=(None, None), dtype=np.int32, encoding="zlib"),
        }
      ),
    )

  def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict:
    found, problems = find(epath.Path(dl_manager.manual_dir), self.splits)
    reader = pairs.Reader(NAME, found, problems, functools.partial(pairs.read_uids, max_scene_id=MAX_SCENE_ID))
    return {split: self._generate_examples(reader, split) for split in found}

  def _generate_examples(self, reader: pairs.Reader, split: str):
    yield from reader.examples(split)


def layout(splits: tuple[str, ...] = ("train", "validation")) -> dict[str, str]:
  """Returns the expected folders, and what lies in them."""
  files = {"leftImg8bit": f"<city>/*{IMAGE}", "gtFinePanopticParts": f"<city>/*{LABEL}"}
  return {f"{top}/{FOLDERS[split]}": name for split in splits for top, name in files.items()}


def find(root: epath.Path, splits: tuple[str, ...] = ("train", "validation")) -> tuple[dict, list[str]]:
  """Returns the pairs of every split and the problems; warns if there are fewer than in the official release.

  Raises:
    DataError: folders are missing; draws the expected ones.
  """
  if not all((root / folder).is_dir() for folder in layout(splits)):
    raise pairs.DataError(NAME, ["folders are missing (✗):\n" + pairs.tree(root, layout(splits))])
  problems, found = [], {}
  for split in splits:
    images = _by_id(root / "leftImg8bit" / FOLDERS[split], IMAGE)
    labels = _by_id(root / "gtFinePanopticParts" / FOLDERS[split], LABEL)
    found[split], lonely = pairs.match(images, labels)
    problems += lonely or ([] if found[split] else [f"{root / 'leftImg8bit' / FOLDERS[split]}: no <city>/*{IMAGE}"])
  pairs.warn_of_shortfall(NAME, {split: len(found[split]) for split in found}, OFFICIAL)
  return found, problems


def _by_id(folder: epath.Path, suffix: str) -> dict[str, epath.Path]:
  return {path.name.removesuffix(suffix): path for path in folder.glob(f"*/*{suffix}")}
