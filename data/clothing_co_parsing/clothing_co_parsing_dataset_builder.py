"""Clothing Co-Parsing (Yang et al. 2014): photos of people in the street with what they wear, as a
set of panoptic parts.

The worked example of a data set of one's own: this file finds the files and turns labels into uids,
`clothing_co_parsing.yaml` says what the uids mean. Copy both.
"""

import hashlib
from pathlib import Path

import numpy as np
from etils import epath
from PIL import Image

from jppf_jax_data.pairs_builder import Files, PairsBuilder

BACKGROUND, PERSON = 1, 2  # scene ids, as in clothing_co_parsing.yaml
MAX_LABEL = 58
MARGIN = 5  # pixels, of 550 across


class Builder(PairsBuilder):
  """Clothing Co-Parsing: one labelled person per photo, 58 kinds of clothes, skin and hair."""

  MANUAL_DOWNLOAD_INSTRUCTIONS = """
  Put photos/*.jpg and annotations/*.png (one label index 0..58 per pixel) of github.com/bearpaw/clothing-co-parsing
  into manual_dir.
  """
  HOMEPAGE = "https://github.com/bearpaw/clothing-co-parsing"
  SPEC = str(Path(__file__).with_name("clothing_co_parsing.yaml"))

  @classmethod
  def layout(cls, split: str) -> dict[str, str]:
    return {"photos": "*.jpg", "annotations": "*.png"}

  @classmethod
  def files(cls, root: epath.Path, split: str) -> tuple[Files, Files]:
    """One photo of ten is for validation; a hash of the name decides, so adding photos moves none."""
    folders = (root / "photos").glob("*.jpg"), (root / "annotations").glob("*.png")
    images, labels = (
      {path.stem: path for path in folder if _split_of(path.stem) == split} for folder in folders
    )
    return images, labels

  @classmethod
  def read_label(cls, path: epath.Path) -> np.ndarray:
    """The person is instance 1, the file's label is the part id. What nobody labelled (0):

    Within `MARGIN` pixels of the person it may be a missed seam or finger: void. Further away it is
    background; so are, wrongly, passers-by, who are rarely in focus. In a file without any label
    the person was forgotten: all is void.
    """
    with path.open("rb") as file:
      labels = np.asarray(Image.open(file))
    if labels.ndim != 2 or labels.dtype != np.uint8:
      raise ValueError(
        f"expected one byte per pixel, found shape {labels.shape}, type {labels.dtype}"
      )
    if labels.max() > MAX_LABEL:
      raise ValueError(
        f"{(labels > MAX_LABEL).sum()} pixels with labels above {MAX_LABEL}, e.g. {labels.max()}"
      )
    if not labels.any():
      return np.zeros(labels.shape, np.int32)
    person = labels > 0
    uids = np.where(_near(person, MARGIN), 0, BACKGROUND)
    return np.where(person, PERSON * 100_000 + 100 + labels.astype(np.int32), uids).astype(np.int32)


def _split_of(image_id: str) -> str:
  digest = hashlib.sha256(image_id.encode()).digest()
  return "validation" if digest[0] % 10 == 0 else "train"


def _near(mask: np.ndarray, distance: int) -> np.ndarray:
  """Pixels in the square of side 2 * `distance` + 1 around some pixel of the mask."""
  for axis in (0, 1):
    length = mask.shape[axis]
    total = np.pad(np.cumsum(mask, axis), [(1, 0) if a == axis else (0, 0) for a in (0, 1)])
    ends = np.minimum(np.arange(length) + distance + 1, length)
    starts = np.maximum(np.arange(length) - distance, 0)
    mask = total.take(ends, axis) > total.take(starts, axis)
  return mask
