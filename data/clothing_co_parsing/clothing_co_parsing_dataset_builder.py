"""Clothing Co-Parsing (Yang et al. 2014): photos of people in the street, with labelled clothes.

The example for your own dataset: this file finds the files and turns labels into uids;
`clothing_co_parsing.yaml` says what the uids mean. Copy both.
"""

import hashlib
from pathlib import Path

import numpy as np
from etils import epath
from skimage.morphology import dilation

from jppf_jax_data import pairs
from jppf_jax_data.pairs_builder import Files, PairsBuilder

BACKGROUND, PERSON = 1, 2  # scene ids, as in clothing_co_parsing.yaml
MAX_LABEL = 58
NOBODY = "nobody"  # folder of photos without people, which `nobody.py` makes; may be missing
# too small or too rare to be a part: accessories, belt, bra, bracelet, earrings, gloves, intimate,
# necklace, panties, ring, wallet, watch
NO_PART = (1, 3, 8, 9, 15, 18, 23, 29, 30, 34, 56, 57)
MARGIN = 5  # pixels; photos are 550 pixels wide


class Builder(PairsBuilder):
  """Clothing Co-Parsing: one labelled person per photo, 58 kinds of clothes, skin and hair."""

  MANUAL_DOWNLOAD_INSTRUCTIONS = """
  Put photos/*.jpg and annotations/*.png (one label index 0..58 per pixel) from
  github.com/bearpaw/clothing-co-parsing into manual_dir.
  """
  HOMEPAGE = "https://github.com/bearpaw/clothing-co-parsing"
  SPEC = str(Path(__file__).with_name("clothing_co_parsing.yaml"))

  @classmethod
  def layout(cls, split: str) -> dict[str, str]:
    """Returns {folder: pattern of its files}; both splits share the folders."""
    return {"photos": "*.jpg", "annotations": "*.png"}

  @classmethod
  def files(cls, root: epath.Path, split: str) -> tuple[Files, Files]:
    """Returns images and label files by image id; about one photo in ten is for validation.

    A hash of the image id decides, so no photo changes its split if others are added. Photos of
    `NOBODY` are for training.
    """
    photos = pairs.by_id(root / "photos", ".jpg", ".jpeg")
    annotations = pairs.by_id(root / "annotations", ".png")
    found = _of_split(photos, split), _of_split(annotations, split)
    if split == "train":
      nobody = pairs.by_id(root / NOBODY, ".jpg")
      for files in found:
        files |= {f"{NOBODY}_{name}": path for name, path in nobody.items()}
    return found

  @classmethod
  def read_label(cls, path: epath.Path) -> np.ndarray:
    """Returns the uids of a label file: the person is instance 1, each label is a part id.

    Labels in `NO_PART` are person without a part.

    Unlabelled pixels (0) within `MARGIN` of the person are void, because they may be a missed seam
    or finger. Further away they are background; so are, wrongly, passers-by, who are rarely in
    focus. If a file has no label at all, the person is missing, and all pixels are void. A photo in
    the folder `NOBODY` is its own label file: all background.
    """
    if path.parent.name == NOBODY:
      _, size = pairs.read_image(path)
      return np.full(size, BACKGROUND, np.int32)
    labels = pairs.read_numbers(path)
    unknown = labels[(labels < 0) | (labels > MAX_LABEL)]
    if unknown.size:
      raise ValueError(
        f"{unknown.size} pixels with labels outside 0..{MAX_LABEL}, e.g. {unknown.max()}"
      )
    is_person = labels > 0
    if not is_person.any():
      return np.zeros(labels.shape, np.int32)
    side = 2 * MARGIN + 1
    near_person = dilation(is_person, np.ones((side, side), bool))
    around = np.where(near_person, 0, BACKGROUND)
    part_ids = np.where(np.isin(labels, NO_PART), 0, labels)
    part_uids = PERSON * 100_000 + 100 + part_ids.astype(np.int32)
    return np.where(is_person, part_uids, around).astype(np.int32)


def _of_split(files: Files, split: str) -> Files:
  return {image_id: path for image_id, path in files.items() if split_of(image_id) == split}


def split_of(image_id: str) -> str:
  """Returns the split of a photo: a hash of its name decides."""
  digest = hashlib.sha256(image_id.encode()).digest()
  return "validation" if digest[0] % 10 == 0 else "train"
