"""Average precision (AP) of instances, by the protocol of Cityscapes or of COCO.

The paper only says "mean AP". We report Cityscapes' for CPP and COCO's mask AP for PPP. The two
cannot be compared, so results name their protocol.

At one overlap threshold a true positive (TP) is a prediction that matches a ground-truth instance
of its class, a false positive (FP) a prediction that does not, a false negative (FN) a ground-truth
instance without a match.
"""

import contextlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypedDict, TypeVar

import numpy as np
from jaxtyping import Bool, Float64, Int, Int32, Int64
from pycocotools import mask as rle
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from jppf_jax.labels import uids as uid_format
from jppf_jax.labels.formats.coco import Record, result
from jppf_jax.labels.formats.merge import check_detection
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.panoptic import IGNORE, Detection

OVERLAPS = np.arange(0.5, 1.0, 0.05)
SMALLEST = 100  # pixels; Cityscapes ignores smaller ground-truth instances

_Image = TypeVar("_Image")


class ClassAP(TypedDict):
  """AP of one class, None without instances: mean over the overlaps, and at overlap 0.5."""

  id: int
  name: str
  ap: float | None
  ap50: float | None


class APReport(TypedDict):
  """Means over the classes with instances, None if there are none; and each class."""

  protocol: str
  ap: float | None
  ap50: float | None
  per_class: list[ClassAP]


class CityscapesImage(NamedTuple):
  """What one image contributes: areas and overlaps of ground truth (G) and predictions (D)."""

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
  """AP as Cityscapes' instance-level task defines it.

  Starts empty; `add` takes an image, `merge` another state.

  Ten overlap thresholds from 0.50 to 0.95. A prediction matches an instance of its class if their
  IoU is above the threshold. If several match one instance, the one with the best score is the TP,
  the others are FP. Void, groups (crowd) and instances below 100 pixels are ignored: they are no
  FN, and a prediction without a match is no FP if the share of it that lies on them is above the
  threshold. The area under the precision-recall curve is integrated in full (trapezoids, from
  precision 1 at recall 0), over any number of predictions.
  """

  spec: LabelSpec
  images: dict[str, CityscapesImage] = field(default_factory=dict)

  def add(
    self, image_id: str, uids: Int[np.ndarray, "H W"], instances: Sequence[Detection]
  ) -> None:
    """Adds an image.

    Args:
      image_id: its name.
      uids: ground truth as in the label files.
      instances: predicted things with masks of the same size; classes of the dataset that are no
        things of the evaluation are left out.

    Raises:
      ValueError: the image was added before.
      ValueError: the ground truth holds ids that the dataset does not have.
      ValueError: a mask of another size or type, a class that the dataset does not have, or a score
        that is no finite number.
    """
    _check(self.spec, image_id, self.images, uids, instances)
    sid, iid, _ = uid_format.decode(uids)
    segment_id = np.where(iid < 0, sid, sid * 1000 + iid)
    ids, segment = np.unique(segment_id, return_inverse=True)
    segment = segment.reshape(uids.shape)
    classes = np.where(ids > 99, ids // 1000, ids)
    has_no_instance = ids <= 99
    is_gt = np.isin(classes, _thing_ids(self.spec))
    is_void = has_no_instance & (self.spec.sid_to_train[classes] == IGNORE)
    areas = np.bincount(segment.reshape(-1), minlength=len(ids))
    things = _things(instances, self.spec)
    pixels = np.zeros((len(things), len(ids)), np.int64)
    for row, thing in zip(pixels, things):
      row[:] = np.bincount(segment[thing.mask], minlength=len(ids))
    self.images[image_id] = CityscapesImage(
      gt_class=classes[is_gt].astype(np.int64),
      gt_area=areas[is_gt],
      gt_group=has_no_instance[is_gt],
      pred_class=np.array([thing.scene for thing in things], np.int64),
      pred_score=np.array([thing.score for thing in things], np.float64),
      pred_area=pixels.sum(1),
      pred_void=pixels[:, is_void].sum(1),
      intersection=pixels[:, is_gt],
    )

  def merge(self, other: "CityscapesAP") -> None:
    """Adds the images of another state.

    Raises:
      ValueError: an image is in both.
    """
    self.images = _merged(self.images, other.images)

  def results(self) -> APReport:
    """Returns AP over all images, protocol "cityscapes"."""
    images = [self.images[image_id] for image_id in sorted(self.images)]
    sids = _thing_ids(self.spec).tolist()
    ap = np.empty((len(sids), len(OVERLAPS)))
    for t, sid in enumerate(sids):
      ap[t] = [_cityscapes_ap(images, sid, overlap) for overlap in OVERLAPS]
    return _report("cityscapes", self.spec, ap)


class _Scored(NamedTuple):
  """Predictions of one class that count, TP or FP, and the ground-truth instances that count."""

  score: Float64[np.ndarray, " N"]
  is_tp: Bool[np.ndarray, " N"]
  num_gt: int


def _cityscapes_ap(images: Sequence[CityscapesImage], sid: int, overlap: float) -> float:
  """Returns AP of one class at one overlap; NaN without ground-truth instances that count."""
  scored = [_score_predictions(image, sid, overlap) for image in images]
  num_gt = sum(image.num_gt for image in scored)
  if num_gt == 0:
    return np.nan
  score = np.concatenate([image.score for image in scored])
  is_tp = np.concatenate([image.is_tp for image in scored])
  return _area_under_curve(is_tp, score, num_gt)


def _score_predictions(image: CityscapesImage, sid: int, overlap: float) -> _Scored:
  """Returns which predictions of one image are TP and FP for one class at one overlap."""
  gts = image.gt_class == sid
  preds = image.pred_class == sid
  area = image.gt_area[gts]
  score = image.pred_score[preds]
  pred_area = image.pred_area[preds]
  intersection = image.intersection[preds][:, gts]
  union = area + pred_area[:, None] - intersection
  matches = intersection > overlap * union  # [D G]
  is_ignored = image.gt_group[gts] | (area < SMALLEST)
  counted = np.flatnonzero(~is_ignored)
  scores, is_tp = [], []
  for gt in counted:
    candidates = np.sort(score[matches[:, gt]])
    is_best = np.arange(1, len(candidates) + 1) == len(candidates)
    scores.append(candidates)
    is_tp.append(is_best)
  on_groups = intersection @ image.gt_group[gts]
  on_small = intersection @ (area < SMALLEST)
  ignored_share = (image.pred_void[preds] + on_groups + on_small) / pred_area
  without_match = ~matches.any(1) & (ignored_share <= overlap)
  scores.append(score[without_match])
  is_tp.append(np.zeros(len(scores[-1]), bool))
  return _Scored(np.concatenate(scores), np.concatenate(is_tp), len(counted))


def _area_under_curve(
  is_tp: Bool[np.ndarray, " N"], score: Float64[np.ndarray, " N"], num_gt: int
) -> float:
  """Returns the integral of precision over recall.

  The curve starts at recall 0 with precision 1, as that of `cityscapesScripts` does, and has one
  point per distinct score.
  """
  if not is_tp.any():
    return 0.0
  order = np.argsort(-score, kind="stable")
  score_changes = np.diff(score[order]) != 0
  is_point = np.append(score_changes, True)
  tp = np.cumsum(is_tp[order])[is_point]
  predictions = np.flatnonzero(is_point) + 1
  precision = tp / predictions
  recall = tp / num_gt
  widths = np.diff(recall, prepend=0.0)
  previous = np.append(1.0, precision[:-1])
  trapezoids = widths * (previous + precision) / 2
  return float(np.sum(trapezoids))


class CocoImage(NamedTuple):
  """What one image contributes: its size, and entries as in COCO's JSON files."""

  size: tuple[int, int]
  annotations: list[Record]
  detections: list[Record]


@dataclass
class CocoAP:
  """COCO's mask AP (101 recall points, 100 detections per image), as pycocotools computes it.

  Starts empty; `add` takes an image, `merge` another state. Things without an instance are crowd.
  COCO has no void: predictions on void are FP.
  """

  spec: LabelSpec
  images: dict[str, CocoImage] = field(default_factory=dict)

  def add(
    self, image_id: str, uids: Int[np.ndarray, "H W"], instances: Sequence[Detection]
  ) -> None:
    """Adds an image; arguments and errors as `CityscapesAP.add`."""
    _check(self.spec, image_id, self.images, uids, instances)
    annotations = _annotations(uids, self.spec)
    detections = [result(image_id, thing) for thing in _things(instances, self.spec)]
    self.images[image_id] = CocoImage(uids.shape, annotations, detections)

  def merge(self, other: "CocoAP") -> None:
    """Adds the images of another state.

    Raises:
      ValueError: an image is in both.
    """
    self.images = _merged(self.images, other.images)

  def results(self) -> APReport:
    """Returns AP over all images, protocol "coco"."""
    sids = _thing_ids(self.spec).tolist()
    images: list[Record] = []
    annotations: list[Record] = []
    detections: list[Record] = []
    for image_id, image in sorted(self.images.items()):
      height, width = image.size
      images.append({"id": image_id, "height": height, "width": width})
      annotations += [entry | {"image_id": image_id} for entry in image.annotations]
      detections += [dict(entry) for entry in image.detections]  # pycocotools adds keys to them
    for number, entry in enumerate(annotations, start=1):
      entry["id"] = number
    with_truth = {entry["category_id"] for entry in annotations if not entry["iscrowd"]}
    if not with_truth or not detections:
      class_ap = [0.0 if sid in with_truth else np.nan for sid in sids]
      ap = np.repeat(np.array(class_ap)[:, None], len(OVERLAPS), axis=1)
      return _report("coco", self.spec, ap)
    truth = COCO()
    truth.dataset = {
      "images": images,
      "annotations": annotations,
      "categories": [{"id": sid} for sid in sids],
      "info": {},
    }
    with contextlib.redirect_stdout(io.StringIO()):  # pycocotools prints its progress
      truth.createIndex()
      evaluation = COCOeval(truth, truth.loadRes(detections), "segm")
      evaluation.evaluate()
      evaluation.accumulate()
    # [overlap, recall, class, size, detections]: of all sizes, with 100 detections
    precision = evaluation.eval["precision"][:, :, :, 0, -1]
    known = np.where(precision > -1, precision, np.nan)
    return _report("coco", self.spec, known.mean(1).T)


def _annotations(uids: Int[np.ndarray, "H W"], spec: LabelSpec) -> list[Record]:
  """Returns the things of an image as entries of COCO's `annotations`, without image id and id."""
  sid, iid, _ = uid_format.decode(uids)
  is_thing = np.isin(sid, _thing_ids(spec))
  keys = np.unique(np.where(is_thing, sid * 1001 + iid + 1, 0))
  annotations: list[Record] = []
  for key in keys[keys > 0].tolist():
    category, instance = key // 1001, key % 1001 - 1
    mask = (sid == category) & (iid == instance)
    encoded = rle.encode(np.asfortranarray(mask, np.uint8))
    annotations.append(
      {
        "category_id": category,
        "iscrowd": int(instance < 0),
        "segmentation": encoded,
        "area": float(rle.area(encoded)),
        "bbox": rle.toBbox(encoded).tolist(),
      }
    )
  return annotations


def _thing_ids(spec: LabelSpec) -> Int32[np.ndarray, " T"]:
  """Returns the scene ids of the thing classes."""
  return spec.class_ids[spec.num_stuff :]


def _things(instances: Sequence[Detection], spec: LabelSpec) -> list[Detection]:
  """Returns the predicted things that have pixels."""
  sids = _thing_ids(spec)
  return [instance for instance in instances if instance.scene in sids and instance.mask.any()]


def _check(
  spec: LabelSpec,
  image_id: str,
  images: Mapping[str, Any],
  uids: Int[np.ndarray, "H W"],
  instances: Sequence[Detection],
) -> None:
  if image_id in images:
    raise ValueError(f"Image {image_id!r} was added before; each counts once.")
  spec.check_uids(uids)
  for instance in instances:
    check_detection(instance)
    if not (0 < instance.scene < 100 and spec.legal[instance.scene, 0]):
      raise ValueError(
        f"An instance of {image_id!r} has class {instance.scene}, which {spec.name} does not have."
      )
    if instance.mask.shape != uids.shape:
      raise ValueError(
        f"An instance of {image_id!r} has a mask of {instance.mask.shape}, "
        f"the labels have {uids.shape}."
      )


def _merged(images: dict[str, _Image], others: dict[str, _Image]) -> dict[str, _Image]:
  twice = sorted(images.keys() & others.keys())
  if twice:
    raise ValueError(
      f"{len(twice)} images are in both states, e.g. {twice[0]!r}; each counts once."
    )
  return images | others


def _report(protocol: str, spec: LabelSpec, ap: Float64[np.ndarray, "T O"]) -> APReport:
  """Returns the results of both protocols from AP per thing class and overlap, NaN = no AP."""
  names = spec.class_names[spec.num_stuff :]
  rows = zip(_thing_ids(spec).tolist(), names, ap)
  per_class: list[ClassAP] = [
    {"id": sid, "name": name, "ap": _mean(row), "ap50": _mean(row[:1])} for sid, name, row in rows
  ]
  return {
    "protocol": protocol,
    "ap": _mean(ap),
    "ap50": _mean(ap[:, 0]),
    "per_class": per_class,
  }


def _mean(values: Float64[np.ndarray, "..."]) -> float | None:
  known = values[~np.isnan(values)]
  return float(known.mean()) if known.size else None
