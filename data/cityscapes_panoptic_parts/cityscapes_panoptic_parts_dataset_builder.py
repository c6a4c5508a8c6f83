"""Cityscapes Panoptic Parts (de Geus et al. 2021): street scenes.

19 classes are evaluated; five of them have parts.
"""

import numpy as np
from etils import epath

from jppf_jax_data import pairs
from jppf_jax_data.pairs_builder import Files, PairsBuilder

FOLDERS = {"train": "train", "validation": "val"}
IMAGE, LABEL = "_leftImg8bit.png", "_gtFinePanopticParts.tif"


class Builder(PairsBuilder):
  """Cityscapes Panoptic Parts: street scenes with classes, instances and parts."""

  MANUAL_DOWNLOAD_INSTRUCTIONS = """
  Download leftImg8bit_trainvaltest and gtFinePanopticParts_trainval from cityscapes-dataset.com
  (login). Unpack both into manual_dir, so that it contains leftImg8bit/{train,val} and
  gtFinePanopticParts/{train,val}.
  """
  HOMEPAGE = "https://github.com/pmeletis/panoptic_parts"
  OFFICIAL = {"train": 2975, "validation": 500}  # noqa: RUF012
  SPEC = "cpp_grouped"

  @classmethod
  def layout(cls, split: str) -> dict[str, str]:
    """Returns {folder: pattern of its files}; see `PairsBuilder`."""
    folder = FOLDERS[split]
    return {
      f"leftImg8bit/{folder}": f"<city>/*{IMAGE}",
      f"gtFinePanopticParts/{folder}": f"<city>/*{LABEL}",
    }

  @classmethod
  def files(cls, root: epath.Path, split: str) -> tuple[Files, Files]:
    """Returns images and label files by image id, e.g. aachen_000001_000019."""
    folder = FOLDERS[split]
    images = _by_id(root / "leftImg8bit" / folder, IMAGE)
    labels = _by_id(root / "gtFinePanopticParts" / folder, LABEL)
    return images, labels

  @classmethod
  def read_label(cls, path: epath.Path) -> np.ndarray:
    """Returns the uids of a label file; see `PairsBuilder`."""
    return pairs.read_uids(path, max_scene_id=34)


def _by_id(folder: epath.Path, suffix: str) -> Files:
  """Returns {image id: file} of the files of all cities."""
  return {path.name.removesuffix(suffix): path for path in folder.glob(f"*/*{suffix}")}
