"""Cityscapes with its own labels (Cordts et al. 2016): classes and instances, no parts."""

import numpy as np
from etils import epath

from jppf_jax_data import pairs
from jppf_jax_data.pairs_builder import Files, PairsBuilder

FOLDERS = {"train": "train", "validation": "val"}
IMAGE, LABEL = "_leftImg8bit.png", "_gtFine_instanceIds.png"


class Builder(PairsBuilder):
  """Cityscapes: street scenes with classes and instances, as EfficientPS is trained on.

  The panoptic files of Cityscapes are made of the same `instanceIds`, by a script of its tools.
  """

  MANUAL_DOWNLOAD_INSTRUCTIONS = """
  Download leftImg8bit_trainvaltest and gtFine_trainvaltest from cityscapes-dataset.com (login).
  Unpack both into manual_dir, so that it contains leftImg8bit/{train,val} and gtFine/{train,val}.
  """
  HOMEPAGE = "https://www.cityscapes-dataset.com"
  OFFICIAL = {"train": 2975, "validation": 500}  # noqa: RUF012
  BESIDE = ("_gtFine_color.png", "_gtFine_labelIds.png", "_gtFine_polygons.json")
  SPEC = "cityscapes"

  @classmethod
  def layout(cls, split: str) -> dict[str, str]:
    """Returns {folder: pattern of its files}; see `PairsBuilder`."""
    folder = FOLDERS[split]
    return {
      f"leftImg8bit/{folder}": f"<city>/*{IMAGE}",
      f"gtFine/{folder}": f"<city>/*{LABEL}",
    }

  @classmethod
  def files(cls, root: epath.Path, split: str) -> tuple[Files, Files]:
    """Returns images and label files by image id, e.g. aachen_000001_000019."""
    folder = FOLDERS[split]
    images = _by_id(root / "leftImg8bit" / folder, IMAGE)
    labels = _by_id(root / "gtFine" / folder, LABEL)
    return images, labels

  @classmethod
  def read_label(cls, path: epath.Path) -> np.ndarray:
    """Returns the uids of a label file; see `PairsBuilder`.

    `instanceIds` are uids already: a scene id, or scene id * 1000 + instance.
    """
    return pairs.read_uids(path, max_scene_id=33)


def _by_id(folder: epath.Path, suffix: str) -> Files:
  """Returns {image id: file} of the files of all cities."""
  return {path.name.removesuffix(suffix): path for path in folder.glob(f"*/*{suffix}")}
