"""Every score of a set of predictions, as `jppf score` and `jppf evaluate` report them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Shaped

from jppf_jax.labels.spec import LabelSpec
from jppf_jax.metrics.cells import Cells, count_cells, foreign_parts
from jppf_jax.metrics.density import Density
from jppf_jax.metrics.iou import IoU, add_parts, add_semantic
from jppf_jax.metrics.part_pq import part_panoptic_quality
from jppf_jax.metrics.pq import Counts, averages, panoptic_quality

PART_PQ = ("part_pq", "part_sq", "part_rq")
PQ = ("pq", "sq", "rq")
OWN_KEYS = ("spec", "images", "part_pq", "per_class")  # by which a report of ours is known

Row = dict[str, Any]  # of a table in the report, as JSON


@dataclass
class ImageScore:
  """What one image contributes to the scores: counts only, a few kilobytes."""

  part_pq: Counts
  pq: Counts
  semantic: IoU
  parts: IoU
  density: Density
  foreign_parts: set[tuple[int, int]]  # see `cells.foreign_parts`


def score_image(
  spec: LabelSpec, uids: Shaped[np.ndarray, "H W"], prediction: Shaped[np.ndarray, "_H _W _C"]
) -> ImageScore:
  """Returns the counts of one image; arguments and errors as `count_cells`."""
  return score_cells(spec, count_cells(spec, uids, prediction))


def score_cells(spec: LabelSpec, cells: Cells) -> ImageScore:
  """Returns the counts of one image from its cells."""
  score = ImageScore(
    part_pq=part_panoptic_quality(cells, spec),
    pq=panoptic_quality(cells, spec),
    semantic=IoU(spec.num_classes),
    parts=IoU(spec.num_parts),
    density=Density(),
    foreign_parts=foreign_parts(cells, spec),
  )
  add_semantic(score.semantic, cells)
  add_parts(score.parts, cells, spec)
  score.density.add_cells(spec, cells)
  return score


class Scores:
  """All scores of a set of images. Starts empty; `add` takes an image, `merge` another state.

  Sums run over the images in the order of their ids, so the result is the same for any number of
  processes and any order of `add` and `merge`.
  """

  def __init__(self, spec: LabelSpec):
    self.spec = spec
    self.semantic = IoU(spec.num_classes)
    self.parts = IoU(spec.num_parts)
    self.density = Density()
    self.images: dict[str, tuple[Counts, Counts]] = {}  # image id -> PartPQ, PQ

  def add(
    self,
    image_id: str,
    uids: Shaped[np.ndarray, "H W"],
    prediction: Shaped[np.ndarray, "_H _W _C"],
  ) -> None:
    """Scores an image and adds it; arguments and errors as `count_cells`.

    Raises:
      ValueError: the image was added before.
    """
    self.add_score(image_id, score_image(self.spec, uids, prediction))

  def add_score(self, image_id: str, score: ImageScore) -> None:
    """Adds an image that was scored elsewhere, e.g. by a worker process.

    Raises:
      ValueError: the image was added before.
    """
    self._claim([image_id])
    self.images[image_id] = (score.part_pq, score.pq)
    self.semantic.merge(score.semantic)
    self.parts.merge(score.parts)
    self.density.merge(score.density)

  def merge(self, other: "Scores") -> None:
    """Adds the images of another state.

    Raises:
      ValueError: an image is in both.
      ValueError: the states use different label specs.
    """
    if other.spec.name != self.spec.name:
      raise ValueError(
        f"Cannot merge scores of spec {other.spec.name!r} into scores of {self.spec.name!r}."
      )
    self._claim(other.images)
    self.images |= other.images
    self.semantic.merge(other.semantic)
    self.parts.merge(other.parts)
    self.density.merge(other.density)

  def _claim(self, image_ids: Iterable[str]) -> None:
    twice = sorted(set(image_ids) & self.images.keys())
    if twice:
      raise ValueError(
        f"{len(twice)} images are scored already, e.g. {twice[0]!r}; each counts once."
      )

  def to_json(self, per_image: bool = True) -> dict[str, Any]:
    """Returns every score: fractions; None if a class, or a whole group of classes, never occurs.

    Keys: spec, images, part_pq and pq (each all, parts, no_parts, things, stuff), density,
    semantic_miou, part_miou, per_class, per_part and, with `per_image`, per_image.
    """
    zero = Counts.empty(self.spec.num_classes)
    images = sorted(self.images.items())
    part_pq = sum((part_counts for _, (part_counts, _) in images), zero)
    pq = sum((counts for _, (_, counts) in images), zero)
    per_class = _per_class(self.spec, part_pq, pq)
    for row, iou in zip(per_class, self.semantic.per_label().tolist()):
      row["semantic_iou"] = _or_none(iou)
    report = {
      "spec": self.spec.name,
      "images": len(self.images),
      "part_pq": averages(part_pq, self.spec, PART_PQ),
      "pq": averages(pq, self.spec, PQ),
      "density": self.density.results(),
      "semantic_miou": self.semantic.mean(),
      "part_miou": self.parts.mean(),
      "per_class": per_class,
      "per_part": _per_part(self.spec, self.parts),
    }
    if per_image:
      report["per_image"] = {
        image_id: {"per_class": _per_class(self.spec, *counts)} for image_id, counts in images
      }
    return report


def _per_class(spec: LabelSpec, part_pq: Counts, pq: Counts) -> list[Row]:
  """Returns {"id", "name", "part_pq", "pq"} of each class."""
  sids = spec.class_ids.tolist()
  rows = zip(sids, spec.class_names, _rows(part_pq, PART_PQ), _rows(pq, PQ))
  return [
    {"id": sid, "name": name, "part_pq": part_pq_row, "pq": pq_row}
    for sid, name, part_pq_row, pq_row in rows
  ]


def _per_part(spec: LabelSpec, parts: IoU) -> list[Row]:
  """Returns {"channel", "name", "iou"} of each part channel."""
  ious = zip(spec.part_names, parts.per_label().tolist())
  return [
    {"channel": channel, "name": name, "iou": _or_none(iou)}
    for channel, (name, iou) in enumerate(ious)
  ]


def _rows(counts: Counts, names: tuple[str, str, str]) -> list[Row]:
  """Returns {"tp", "fp", "fn", "iou_sum", quality, sq, rq} of each class."""
  keys = ("tp", "fp", "fn", "iou_sum", *names)
  columns = (counts.tp, counts.fp, counts.fn, counts.iou_sum, *counts.qualities())
  values = zip(*(column.tolist() for column in columns))
  # Most classes are in few images; the others share one object, to save memory.
  absent: Row = dict(zip(keys, (0, 0, 0, 0.0, None, None, None)))
  occurs = counts.occurs.tolist()
  return [dict(zip(keys, row)) if found else absent for found, row in zip(occurs, values)]


def _or_none(value: float) -> float | None:
  """Returns None for NaN: JSON has no NaN."""
  return None if np.isnan(value) else value
