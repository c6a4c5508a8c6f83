"""Every score of a set of predictions, as `jppf score` and `jppf evaluate` report them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Int, UInt8

from jppf_jax.labels.spec import LabelSpec
from jppf_jax.metrics.cells import count_cells
from jppf_jax.metrics.density import Density
from jppf_jax.metrics.iou import IoU, add_parts, add_semantic
from jppf_jax.metrics.part_pq import part_panoptic_quality
from jppf_jax.metrics.pq import Counts, averages, panoptic_quality

PART_PQ = ("part_pq", "part_sq", "part_rq")
PQ = ("pq", "sq", "rq")


@dataclass
class ImageScore:
  """What one image contributes to the scores: counts only, a few kilobytes."""

  part_pq: Counts
  pq: Counts
  semantic: IoU
  parts: IoU
  density: Density


def score_image(
  spec: LabelSpec, uids: Int[np.ndarray, "H W"], prediction: UInt8[np.ndarray, "_H _W _C"]
) -> ImageScore:
  """Returns the counts of one image.

  Args:
    spec: the taxonomy of both.
    uids: ground truth as in the label files.
    prediction: [H W 3]: scene id, instance id, evaluation pid; 255 = nothing.

  Raises:
    ValueError: the sizes differ, or the ground truth holds ids that the data set does not have.
  """
  cells = count_cells(spec, uids, prediction)
  score = ImageScore(
    part_pq=part_panoptic_quality(cells, spec),
    pq=panoptic_quality(cells, spec),
    semantic=IoU(spec.num_classes),
    parts=IoU(spec.num_parts),
    density=Density(),
  )
  add_semantic(score.semantic, cells)
  add_parts(score.parts, cells, spec)
  score.density.add_cells(spec, cells)
  return score


class Scores:
  """All scores of a set of images. Starts empty; `add` takes an image, `merge` another state.

  Sums run over the images in the order of their ids, so the result does not depend on who counted
  which image.
  """

  def __init__(self, spec: LabelSpec):
    self.spec = spec
    self.semantic = IoU(spec.num_classes)
    self.parts = IoU(spec.num_parts)
    self.density = Density()
    self.images: dict[str, tuple[Counts, Counts]] = {}  # image id -> PartPQ, PQ

  def add(
    self, image_id: str, uids: Int[np.ndarray, "H W"], prediction: UInt8[np.ndarray, "_H _W _C"]
  ) -> None:
    """Scores an image and adds it. Raises ValueError as `score_image`, and for an image that is
    there already.
    """
    self.add_score(image_id, score_image(self.spec, uids, prediction))

  def add_score(self, image_id: str, score: ImageScore) -> None:
    """Adds an image that was scored elsewhere, e.g. by a worker process."""
    self._claim([image_id])
    self.images[image_id] = (score.part_pq, score.pq)
    self.semantic.merge(score.semantic)
    self.parts.merge(score.parts)
    self.density.merge(score.density)

  def merge(self, other: "Scores") -> None:
    """Adds the images of another state.

    Raises:
      ValueError: an image is in both, or the states use different label specs.
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

  def _claim(self, image_ids) -> None:
    twice = sorted(set(image_ids) & self.images.keys())
    if twice:
      raise ValueError(
        f"{len(twice)} images are scored already, e.g. {twice[0]!r}; each counts once."
      )

  def to_json(self, per_image: bool = True) -> dict[str, Any]:
    """Returns every score: fractions; None where a class, or a whole group of classes, never
    occurs.

    Keys: spec, images, part_pq and pq (each all, parts, no_parts, things, stuff), density,
    semantic_miou, part_miou, per_class, per_part, and per_image unless switched off.
    """
    zero = Counts.empty(self.spec.num_classes)
    ordered = [self.images[image_id] for image_id in sorted(self.images)]
    part_pq, pq = sum((p for p, _ in ordered), zero), sum((q for _, q in ordered), zero)
    report = {
      "spec": self.spec.name,
      "images": len(self.images),
      "part_pq": averages(part_pq, self.spec, PART_PQ),
      "pq": averages(pq, self.spec, PQ),
      "density": self.density.results(),
      "semantic_miou": self.semantic.mean(),
      "part_miou": self.parts.mean(),
      "per_class": _per_class(self.spec, part_pq, pq),
      "per_part": [
        {"channel": channel, "name": name, "iou": _or_none(iou)}
        for channel, (name, iou) in enumerate(
          zip(self.spec.part_names, self.parts.per_label().tolist())
        )
      ],
    }
    for row, iou in zip(report["per_class"], self.semantic.per_label().tolist()):
      row["semantic_iou"] = _or_none(iou)
    if per_image:
      report["per_image"] = {
        image_id: {"per_class": _per_class(self.spec, *self.images[image_id])}
        for image_id in sorted(self.images)
      }
    return report


def _per_class(spec: LabelSpec, part_pq: Counts, pq: Counts) -> list[dict[str, Any]]:
  ids = zip(spec.class_ids.tolist(), spec.class_names, _rows(part_pq, PART_PQ), _rows(pq, PQ))
  return [
    {"id": sid, "name": name, "part_pq": parts, "pq": masks} for sid, name, parts, masks in ids
  ]


def _rows(counts: Counts, names: tuple[str, str, str]) -> list[dict[str, float | int | None]]:
  """Returns {"tp", "fp", "fn", "iou_sum", quality, sq, rq} of each class."""
  columns = (counts.tp, counts.fp, counts.fn, counts.iou_sum, *counts.qualities())
  keys = ("tp", "fp", "fn", "iou_sum", *names)
  absent = dict(
    zip(keys, (0, 0, 0, 0.0, None, None, None))
  )  # one object for all: most classes are in few images
  rows = zip(counts.occurs.tolist(), zip(*(column.tolist() for column in columns)))
  return [dict(zip(keys, row)) if occurs else absent for occurs, row in rows]


def _or_none(value: float | int) -> float | int | None:
  """Returns None for NaN: JSON has no NaN."""
  return None if np.isnan(value) else value
