"""Pascal Panoptic Parts 2.0 (de Geus et al. 2021): photos of VOC 2010.

59 classes are evaluated; 15 of them have parts.
"""

import numpy as np
from etils import epath

from jppf_jax_data import pairs
from jppf_jax_data.builder import SPLITS
from jppf_jax_data.pairs_builder import Files, PairsBuilder

FOLDERS = {"train": "training", "validation": "validation"}


class Builder(PairsBuilder):
  """Pascal Panoptic Parts: everyday photos with classes, instances and parts.

  Part ids are stored as they are in the files, where for example each wheel has its own id; the
  label spec folds them.
  """

  MANUAL_DOWNLOAD_INSTRUCTIONS = """
  Unpack pascal_panoptic_parts_v2.0 and the images of VOC 2010 into manual_dir, so that it contains
  labels/{training,validation} and JPEGImages (or images/{training,validation}).
  """
  HOMEPAGE = "https://github.com/pmeletis/panoptic_parts"
  OFFICIAL = {"train": 4998, "validation": 5105}  # noqa: RUF012
  SPEC = "ppp"

  @classmethod
  def layout(cls, split: str) -> dict[str, str]:
    """Returns {folder: pattern of its files}; the images may be in two places, see `tree`."""
    return {f"labels/{FOLDERS[split]}": "*.tif"}

  @classmethod
  def tree(cls, root: epath.Path, splits: tuple[str, ...] = SPLITS) -> str:
    """Returns a drawing of the label folders and of the images in either place."""
    drawn = super().tree(root, splits)
    sorted_images = [f"images/{FOLDERS[split]}" for split in splits]
    for folder in ("JPEGImages", *sorted_images):
      if (root / folder).is_dir():
        return f"{drawn}\n  ✓ {folder}  *.jpg"
    return f"{drawn}\n  ✗ JPEGImages  *.jpg   (or images/{{training,validation}})"

  @classmethod
  def files(cls, root: epath.Path, split: str) -> tuple[Files, Files]:
    """Returns images and label files by image id; the folder of a label file is its split.

    VOC has more images than labels, so images without a label file are left out.
    """
    label_folder = root / "labels" / FOLDERS[split]
    labels = pairs.by_id(label_folder, ".tif")
    images: Files = {}
    for folder in (root / "JPEGImages", root / "images" / FOLDERS[split]):
      photos = pairs.by_id(folder, ".jpg")
      images |= {image_id: path for image_id, path in photos.items() if image_id in labels}
    return images, labels

  @classmethod
  def read_label(cls, path: epath.Path) -> np.ndarray:
    """Returns the uids of a label file; see `PairsBuilder`."""
    return pairs.read_uids(path, max_scene_id=99)
