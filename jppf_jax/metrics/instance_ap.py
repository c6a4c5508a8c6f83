"""Average precision of instances, in two protocols that cannot be compared: Cityscapes' and COCO's.

The paper only says "mean AP". We report Cityscapes' for CPP and COCO's mask AP for PPP, and name
the protocol.
"""

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float64, Int, Int64
from pycocotools import mask as rle
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from jppf_jax.labels import uids as uid_format
from jppf_jax.labels.formats.coco import result
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.structs import IGNORE, Detection

OVERLAPS = np.arange(0.5, 1.0, 0.05)
SMALLEST = 100  # pixels; smaller ground-truth instances of Cityscapes are neither found nor missed


class CityscapesImage(NamedTuple):
  """What one image contributes: sizes and overlaps of ground truth (G) and predictions (D)."""

  gt_class: Int64[np.ndarray, " G"]
  gt_area: Int64[np.ndarray, " G"]
  gt_group: Bool[np.ndarray, " G"]
  pred_class: Int64[np.ndarray, " D"]
  pred_score: Float64[np.ndarray, " D"]
  pred_area: Int64[np.ndarray, " D"]
  pred_void: Int64[np.ndarray, " D"]
  intersection: Int64[np.ndarray, "D G"]


@dataclass
class CityscapesAP:
  """AP as Cityscapes' instance-level task defines it. Starts empty; `add` takes an image, `merge`
  another state.

  Ten overlaps from 0.50 to 0.95. A prediction matches an instance of its class if their IoU is
  above the overlap; of several for one instance, the best scored is right and the others are wrong.
  A prediction without a match is left out if more than the overlap's share of it lies on void,
  groups (crowd) or instances below 100 pixels, none of which need to be found. The area under the
  precision-recall curve is integrated in full (trapezoids), over any number of predictions.
  """

  spec: LabelSpec
  images: dict[str, CityscapesImage] = field(default_factory=dict)

  def add(
    self, image_id: str, uids: Int[np.ndarray, "H W"], instances: Sequence[Detection]
  ) -> None:
    """Adds an image: ground truth as in the label files, and predicted things with masks of the
    same size.

    Raises:
      ValueError: an image that is there already, or masks of another size.
    """
    _check(image_id, self.images, uids, instances)
    sid, iid, _ = uid_format.decode(uids)
    things = self.spec.class_ids[self.spec.num_stuff :]
    keys, key = np.unique(np.where(iid < 0, sid, sid * 1000 + iid), return_inverse=True)
    key = key.reshape(uids.shape)
    classes = np.where(keys > 99, keys // 1000, keys)
    is_gt = np.isin(classes, things)
    is_void = (keys <= 99) & (self.spec.sid_to_train[classes] == IGNORE)
    there = [found for found in instances if found.scene in things and found.mask.any()]
    pixels = np.array(
      [np.bincount(key[found.mask], minlength=len(keys)) for found in there], np.int64
    )
    pixels = pixels.reshape(len(there), len(keys))
    self.images[image_id] = CityscapesImage(
      gt_class=classes[is_gt].astype(np.int64),
      gt_area=np.bincount(key.reshape(-1), minlength=len(keys))[is_gt],
      gt_group=keys[is_gt] <= 99,
      pred_class=np.array([found.scene for found in there], np.int64),
      pred_score=np.array([found.score for found in there], np.float64),
      pred_area=pixels.sum(1),
      pred_void=pixels[:, is_void].sum(1),
      intersection=pixels[:, is_gt],
    )

  def merge(self, other: "CityscapesAP") -> None:
    """Adds the images of another state; raises ValueError if an image is in both."""
    self.images = _merged(self.images, other.images)

  def results(self) -> dict[str, Any]:
    """Returns {"protocol", "ap", "ap50", "per_class": [{"id", "name", "ap", "ap50"}]}; None without
    instances.
    """
    things = self.spec.class_ids[self.spec.num_stuff :].tolist()
    ordered = [self.images[image_id] for image_id in sorted(self.images)]
    ap = np.array(
      [[_cityscapes_ap(ordered, sid, overlap) for overlap in OVERLAPS] for sid in things]
    )
    return _report("cityscapes", self.spec, ap.reshape(len(things), len(OVERLAPS)))


def _cityscapes_ap(images: Sequence[CityscapesImage], sid: int, overlap: float) -> float:
  """Returns AP of one class at one overlap; NaN without instances that need to be found."""
  right, scores, missed, wanted = [], [], 0, 0
  for image in images:
    gts, preds = image.gt_class == sid, image.pred_class == sid
    area, group, score = image.gt_area[gts], image.gt_group[gts], image.pred_score[preds]
    intersection = image.intersection[preds][:, gts]
    matches = intersection > overlap * (area + image.pred_area[preds][:, None] - intersection)
    small = area < SMALLEST
    for g in np.flatnonzero(~group & ~small):
      found = np.sort(score[matches[:, g]])
      wanted += 1
      missed += len(found) == 0
      scores.append(found)
      right.append(np.arange(1, len(found) + 1) == len(found))
    ignored = image.pred_void[preds] + intersection @ (group.astype(int) + small)
    wrong = ~matches.any(1) & (ignored / image.pred_area[preds] <= overlap)
    scores.append(score[wrong])
    right.append(np.zeros(int(wrong.sum()), bool))
  if wanted == 0:
    return np.nan
  return _area_under_curve(np.concatenate(right), np.concatenate(scores), missed)


def _area_under_curve(
  right: Bool[np.ndarray, " N"], scores: Float64[np.ndarray, " N"], missed: int
) -> float:
  """Returns the integral of precision over recall; the curve starts at recall 0 with the first
  precision.
  """
  if not right.any():
    return 0.0
  order = np.argsort(-scores, kind="stable")
  last = np.append(np.diff(scores[order]) != 0, True)  # points of the curve: one per distinct score
  tp = np.cumsum(right[order])[last]
  precision, recall = tp / (np.flatnonzero(last) + 1), tp / (right.sum() + missed)
  widths, before = np.diff(recall, prepend=0.0), np.append(precision[0], precision[:-1])
  return float(np.sum(widths * (before + precision) / 2))


@dataclass
class CocoAP:
  """COCO's mask AP (101 recall points, 100 detections per image), as pycocotools computes it; a
  state as above.

  Things without an instance are crowd. COCO has no void: predictions on void are wrong.
  """

  spec: LabelSpec
  images: dict[str, tuple[list[dict], list[dict]]] = field(
    default_factory=dict
  )  # ground truth, predictions
  sizes: dict[str, tuple[int, int]] = field(default_factory=dict)

  def add(
    self, image_id: str, uids: Int[np.ndarray, "H W"], instances: Sequence[Detection]
  ) -> None:
    """Adds an image; arguments and errors as `CityscapesAP.add`."""
    _check(image_id, self.images, uids, instances)
    sid, iid, _ = uid_format.decode(uids)
    things = self.spec.class_ids[self.spec.num_stuff :]
    truth = []
    for key in np.unique(np.where(np.isin(sid, things), sid * 1001 + iid + 1, 0)):
      if key == 0:
        continue
      category, instance = key // 1001, key % 1001 - 1
      encoded = rle.encode(np.asfortranarray((sid == category) & (iid == instance), np.uint8))
      entry = {"category_id": int(category), "iscrowd": int(instance < 0), "segmentation": encoded}
      truth.append(entry | {"area": float(rle.area(encoded)), "bbox": rle.toBbox(encoded).tolist()})
    found = [
      result(image_id, instance)
      for instance in instances
      if instance.scene in things and instance.mask.any()
    ]
    self.images[image_id], self.sizes[image_id] = (truth, found), uids.shape

  def merge(self, other: "CocoAP") -> None:
    """Adds the images of another state; raises ValueError if an image is in both."""
    self.images = _merged(self.images, other.images)
    self.sizes = self.sizes | other.sizes

  def results(self) -> dict[str, Any]:
    """Returns as `CityscapesAP.results`, with protocol "coco"."""
    things = self.spec.class_ids[self.spec.num_stuff :].tolist()
    ordered = sorted(self.images)
    annotations = [entry | {"image_id": i} for i in ordered for entry in self.images[i][0]]
    found = [
      dict(entry) for i in ordered for entry in self.images[i][1]
    ]  # pycocotools adds to them
    with_truth = {entry["category_id"] for entry in annotations if not entry["iscrowd"]}
    if not with_truth:
      return _report("coco", self.spec, np.full((len(things), len(OVERLAPS)), np.nan))
    if not found:
      ap = [[0.0 if sid in with_truth else np.nan] * len(OVERLAPS) for sid in things]
      return _report("coco", self.spec, np.array(ap))
    truth = COCO()
    truth.dataset = {
      "images": [{"id": i, "height": self.sizes[i][0], "width": self.sizes[i][1]} for i in ordered],
      "annotations": [entry | {"id": n} for n, entry in enumerate(annotations, start=1)],
      "categories": [{"id": sid} for sid in things],
      "info": {},
    }
    with contextlib.redirect_stdout(io.StringIO()):  # pycocotools prints its progress
      truth.createIndex()
      evaluation = COCOeval(truth, truth.loadRes(found), "segm")
      evaluation.evaluate()
      evaluation.accumulate()
    precision = evaluation.eval["precision"][
      :, :, :, 0, -1
    ]  # [overlap, recall, class] of all sizes, 100 detections
    return _report("coco", self.spec, np.where(precision > -1, precision, np.nan).mean(1).T)


def _check(
  image_id: str, images: dict[str, Any], uids: np.ndarray, instances: Sequence[Detection]
) -> None:
  if image_id in images:
    raise ValueError(f"Image {image_id!r} is there already; each counts once.")
  for found in instances:
    if found.mask.shape != uids.shape:
      raise ValueError(
        f"An instance of {image_id!r} has a mask of {found.mask.shape}, the labels have {uids.shape}."
      )


def _merged(images: dict[str, Any], others: dict[str, Any]) -> dict[str, Any]:
  twice = sorted(images.keys() & others.keys())
  if twice:
    raise ValueError(
      f"{len(twice)} images are in both states, e.g. {twice[0]!r}; each counts once."
    )
  return images | others


def _report(protocol: str, spec: LabelSpec, ap: Float64[np.ndarray, "T O"]) -> dict[str, Any]:
  """Returns the results of both protocols from AP per thing class and overlap, NaN where there is
  none.
  """

  def mean(values: np.ndarray) -> float | None:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else None

  rows = zip(spec.class_ids[spec.num_stuff :].tolist(), spec.class_names[spec.num_stuff :], ap)
  per_class = [
    {"id": sid, "name": name, "ap": mean(row), "ap50": mean(row[:1])} for sid, name, row in rows
  ]
  return {"protocol": protocol, "ap": mean(ap), "ap50": mean(ap[:, 0]), "per_class": per_class}
