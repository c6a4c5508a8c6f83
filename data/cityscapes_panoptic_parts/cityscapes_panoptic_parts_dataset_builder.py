"""Cityscapes Panoptic Parts (de Geus et al. 2021): street scenes, 19 evaluated classes, parts in
five of them.
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
  Unpack leftImg8bit_trainvaltest and gtFinePanopticParts_trainval, both from cityscapes-dataset.com (login), into
  manual_dir, so that it holds leftImg8bit/{train,val} and gtFinePanopticParts/{train,val}.
  """
  HOMEPAGE = "https://github.com/pmeletis/panoptic_parts"
  OFFICIAL = {"train": 2975, "validation": 500}  # noqa: RUF012
  SPEC = "cpp_grouped"

  @classmethod
  def layout(cls, split: str) -> dict[str, str]:
    folder = FOLDERS[split]
    return {
      f"leftImg8bit/{folder}": f"<city>/*{IMAGE}",
      f"gtFinePanopticParts/{folder}": f"<city>/*{LABEL}",
    }

  @classmethod
  def files(cls, root: epath.Path, split: str) -> tuple[Files, Files]:
    folder = FOLDERS[split]
    return _by_id(root / "leftImg8bit" / folder, IMAGE), _by_id(
      root / "gtFinePanopticParts" / folder, LABEL
    )

  @classmethod
  def read_label(cls, path: epath.Path) -> np.ndarray:
    return pairs.read_uids(path, max_scene_id=34)


def _by_id(folder: epath.Path, suffix: str) -> Files:
  return {path.name.removesuffix(suffix): path for path in folder.glob(f"*/*{suffix}")}
