"""Scores of each head before fusion ("Before Merge/Fusion" in the paper's Table 2)."""

from typing import Any

import numpy as np
from jaxtyping import Int

from jppf_jax.evaluation.compare import Prediction
from jppf_jax.evaluation.instances import instance_masks
from jppf_jax.labels.spec import Decoded, LabelSpec
from jppf_jax.metrics.instance_ap import CityscapesAP, CocoAP
from jppf_jax.metrics.iou import IoU


class HeadScores:
  """Semantic mIoU, part mIoU and instance AP of the heads that there are. Starts empty.

  AP is computed twice: over all detections, which are those above the `score_threshold` of
  `config.detection`, and over those that the fusions take.

  Args:
    spec: the taxonomy.
    min_score: the fusions take detections with a larger score.
  """

  def __init__(self, spec: LabelSpec, *, min_score: float):
    self.spec, self.min_score = spec, min_score
    self.semantic: IoU | None = None
    self.part: IoU | None = None
    self.instances: CityscapesAP | CocoAP | None = None
    self.fused_instances = instance_ap(spec)

  def add(
    self, image_id: str, uids: Int[np.ndarray, "H W"], truth: Decoded, prediction: Prediction
  ) -> None:
    """Adds an image.

    Args:
      image_id: its name.
      uids: ground truth as in the label files.
      truth: the same, decoded.
      prediction: at the size of the ground truth.
    """
    if prediction.semantic is not None:
      self.semantic = self.semantic or IoU(self.spec.num_classes)
      self.semantic.add(truth.semantic, np.asarray(prediction.semantic))
    if prediction.part is not None:
      self.part = self.part or IoU(self.spec.num_parts)
      self.part.add(truth.part, np.asarray(prediction.part))
    if prediction.detections is not None:
      self.instances = self.instances or instance_ap(self.spec)
      masks = instance_masks(prediction.detections, self.spec, uids.shape)
      self.instances.add(image_id, uids, masks)
      fused = [mask for mask in masks if mask.score > self.min_score]
      self.fused_instances.add(image_id, uids, fused)

  def merge(self, other: "HeadScores") -> None:
    """Adds the images of another state, of the same taxonomy.

    Raises:
      ValueError: an image is in both.
    """
    if other.semantic is not None:
      self.semantic = self.semantic or IoU(self.spec.num_classes)
      self.semantic.merge(other.semantic)
    if other.part is not None:
      self.part = self.part or IoU(self.spec.num_parts)
      self.part.merge(other.part)
    if other.instances is not None:
      self.instances = self.instances or instance_ap(self.spec)
      _merge(self.instances, other.instances)
      _merge(self.fused_instances, other.fused_instances)

  def to_json(self) -> dict[str, Any]:
    """Returns `{"semantic_miou", "part_miou", "instance_ap", "instance_ap_fused"}`, of the heads
    that there are; AP as `CityscapesAP.results`, with `min_score` for that of fused detections.
    """
    report: dict[str, Any] = {}
    if self.semantic is not None:
      report["semantic_miou"] = self.semantic.mean()
    if self.part is not None:
      report["part_miou"] = self.part.mean()
    if self.instances is not None:
      report["instance_ap"] = self.instances.results()
      fused = self.fused_instances.results()
      report["instance_ap_fused"] = {**fused, "min_score": self.min_score}
    return report


def _merge(ap: CityscapesAP | CocoAP, other: CityscapesAP | CocoAP) -> None:
  """Adds the images of another state, of the same protocol."""
  if isinstance(ap, CityscapesAP):
    assert isinstance(other, CityscapesAP)
    ap.merge(other)
  else:
    assert isinstance(other, CocoAP)
    ap.merge(other)


def instance_ap(spec: LabelSpec) -> CityscapesAP | CocoAP:
  """Returns an empty AP in the protocol that is customary for the taxonomy."""
  return CityscapesAP(spec) if spec.ap_protocol == "cityscapes" else CocoAP(spec)
