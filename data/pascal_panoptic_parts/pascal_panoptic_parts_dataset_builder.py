"""Pascal Panoptic Parts 2.0 (de Geus et al. 2021): photos of VOC 2010, 59 evaluated classes, parts
in 15 of them.
"""

import numpy as np
from etils import epath

from jppf_jax_data import pairs
from jppf_jax_data.pairs_builder import Files, PairsBuilder

FOLDERS = {"train": "training", "validation": "validation"}


class Builder(PairsBuilder):
  """Pascal Panoptic Parts: everyday photos with classes, instances and parts.

  Part ids are stored as the files number them, engines and wheels counted one by one; the label
  spec folds them.
  """

  MANUAL_DOWNLOAD_INSTRUCTIONS = """
  Unpack pascal_panoptic_parts_v2.0 and the images of VOC 2010 into manual_dir, so that it holds
  labels/{training,validation} and JPEGImages (or the images sorted into images/{training,validation}).
  """
  HOMEPAGE = "https://github.com/pmeletis/panoptic_parts"
  OFFICIAL = {"train": 4998, "validation": 5105}  # noqa: RUF012
  SPEC = "ppp"

  @classmethod
  def layout(cls, split: str) -> dict[str, str]:
    return {f"labels/{FOLDERS[split]}": "*.tif"}

  @classmethod
  def tree(cls, root: epath.Path, splits: tuple[str, ...] = ("train", "validation")) -> str:
    drawn = super().tree(root, splits)
    for folder in ("JPEGImages", *(f"images/{FOLDERS[split]}" for split in splits)):
      if (root / folder).is_dir():
        return f"{drawn}\n  ✓ {folder}  *.jpg"
    return f"{drawn}\n  ✗ JPEGImages  *.jpg   (or images/{{training,validation}})"

  @classmethod
  def files(cls, root: epath.Path, split: str) -> tuple[Files, Files]:
    """The folder of a label decides its split; VOC has more images than labels, so those are no
    finding.
    """
    labels = {path.stem: path for path in (root / "labels" / FOLDERS[split]).glob("*.tif")}
    images = {}
    for folder in (root / "JPEGImages", root / "images" / FOLDERS[split]):
      images |= {path.stem: path for path in folder.glob("*.jpg") if path.stem in labels}
    return images, labels

  @classmethod
  def read_label(cls, path: epath.Path) -> np.ndarray:
    return pairs.read_uids(path, max_scene_id=99)
