"""What a model answers for one image: maps, segments, picture, files."""

import dataclasses
import io
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Int, UInt8
from PIL import Image, ImageShow

from jppf_jax.evaluation import outputs
from jppf_jax.evaluation.save import save_prediction
from jppf_jax.evaluation.segments import Record, SegmentTable, segment_table
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.structs import PanopticParts
from jppf_jax.visualization import render


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Segmentation:
  """Class, instance and part of every pixel of an image, at the image's own size.

  Notebooks show it as its picture.

  Attributes:
    image: RGB, 0..255, upright.
    answer: the three maps, and the instances with their scores.
    spec: the taxonomy: names and colours of classes and parts.
    name: of the files that `save` writes.
    source: the file that the image was read from; None if there is none.
  """

  image: UInt8[np.ndarray, "H W 3"]
  answer: PanopticParts
  spec: LabelSpec
  name: str = "image"
  source: Path | None = None

  @property
  def semantic(self) -> Int[np.ndarray, "H W"]:
    """Train ids: indices of `spec.class_names`; 255 = void."""
    return np.asarray(self.answer.semantic)

  @property
  def instance(self) -> Int[np.ndarray, "H W"]:
    """0 for stuff and void, else the number of the instance in the image."""
    return np.asarray(self.answer.instance)

  @property
  def part(self) -> Int[np.ndarray, "H W"]:
    """Indices of `spec.part_names`; 0 = void or a class without parts, 255 = part unknown."""
    return np.asarray(self.answer.part)

  @cached_property
  def segments(self) -> SegmentTable:
    """A record for each segment, see `segments.segment_table`; `print` shows them as a table."""
    return segment_table(self.answer, self.spec)

  def mask(self, segment: Record) -> Bool[np.ndarray, "H W"]:
    """Returns the pixels of one of `segments`."""
    of_instance = self.instance == segment["instance"]
    return of_instance & (self.semantic == segment["train_id"])

  def picture(
    self, *, numbers: bool = False, scores: bool = False
  ) -> UInt8[np.ndarray, "height width 3"]:
    """Returns a sheet, RGB: the answer over the photo, classes, instances, parts, and a legend.

    Args:
      numbers: write the instance numbers on the instances.
      scores: write the scores on the instances.
    """
    return render.explained(self.image, self.answer, self.spec, numbers=numbers, scores=scores)

  def show(self, *, numbers: bool = False, scores: bool = False) -> None:
    """Opens the picture in the viewer of the system; the arguments are those of `picture`.

    Raises:
      RuntimeError: there is no viewer.
    """
    sheet = Image.fromarray(self.picture(numbers=numbers, scores=scores))
    if not ImageShow.show(sheet, title=self.name):
      raise RuntimeError("There is no viewer for pictures here; write one with .save(FOLDER).")

  def save(
    self,
    folder: str | Path,
    *,
    name: str | None = None,
    numbers: bool = False,
    scores: bool = False,
  ) -> None:
    """Writes the files that `jppf predict` writes: see `save.save_prediction`.

    `panoptic.json` and `segments.csv` of the folder get the image added. Files of an image of the
    same name are replaced.

    Args:
      folder: where the files go.
      name: of the files; None for `self.name`.
      numbers: write the instance numbers into the picture.
      scores: write the scores of the instances into the picture.

    Raises:
      OutputError: a file would replace the image itself, or the folder belongs to something else.
    """
    folder, name = Path(folder), name or self.name
    read = [] if self.source is None else [self.source]
    outputs.check_folder(folder, read, [name])
    index = outputs.Index(folder, self.spec)
    saved = save_prediction(
      folder, name, self.image, self.answer, self.spec, numbers=numbers, scores=scores
    )
    index.add(saved.panoptic, saved.segments)
    index.save()

  def _repr_png_(self) -> bytes:
    """Returns the picture as PNG, for notebooks."""
    content = io.BytesIO()
    Image.fromarray(self.picture()).save(content, format="PNG")
    return content.getvalue()

  def __repr__(self) -> str:
    height, width = self.semantic.shape
    instances = sum(segment["instance"] > 0 for segment in self.segments)
    return (
      f"Segmentation of {self.name!r}, {height} x {width}: {len(self.segments)} segments, "
      f"{instances} of them instances"
    )
