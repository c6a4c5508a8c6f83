"""AP of Cityscapes' instance-level task, prediction by prediction, as its protocol describes it."""

import numpy as np

from jppf_jax.labels import uids as uid_format


def average_precision(spec, images, sid, overlaps):
  """Returns AP of a class at each overlap; `images` are (uids, detections).

  NaN if there is no instance to find.
  """
  overlapping = [overlaps_of(spec, uids, detections, sid) for uids, detections in images]
  return np.array([at_overlap(overlapping, overlap) for overlap in overlaps])


def overlaps_of(spec, uids, detections, sid):
  """Returns the number of instances to find, and a row for each detection of the class.

  A row is (score, IoUs with the instances to find, IoUs with the others, share of ignored pixels).
  """
  scene, instance, _ = uid_format.decode(uids)
  void = ~np.isin(scene, spec.class_ids) & (instance < 0)
  of_class = scene == sid
  group = of_class & (instance < 0)
  numbers = np.unique(instance[of_class & (instance >= 0)])
  truths = [of_class & (instance == i) for i in numbers]
  wanted = [truth for truth in truths if truth.sum() >= 100]
  others = [truth for truth in truths if truth.sum() < 100]
  if group.any():
    others.append(group)
  ignored = [void, *others]
  if group.sum() < 100:
    ignored.append(group)  # a small group counts twice: as a group and as small
  rows = []
  for d in detections:
    if d.scene == sid and d.mask.any():
      ignored_pixels = sum((d.mask & region).sum() for region in ignored)
      ious = [iou(d.mask, truth) for truth in wanted]
      other_ious = [iou(d.mask, truth) for truth in others]
      rows.append((d.score, ious, other_ious, ignored_pixels / d.mask.sum()))
  return len(wanted), rows


def iou(a, b):
  return (a & b).sum() / (a | b).sum()


def at_overlap(images, overlap):
  results, wanted, missed = [], 0, 0  # a result is (score, is TP)
  for truths, rows in images:
    wanted += truths
    for truth in range(truths):
      scores = sorted((score for score, ious, _, _ in rows if ious[truth] > overlap), reverse=True)
      results += [(score, place == 0) for place, score in enumerate(scores)]
      missed += not scores
    for score, ious, other_ious, ignored in rows:
      if max([0, *ious, *other_ious]) <= overlap and ignored <= overlap:
        results.append((score, False))
  if not wanted:
    return np.nan
  return area_under_curve([score for score, _ in results], [tp for _, tp in results], missed)


def area_under_curve(scores, is_tp, missed):
  """Returns the area of cityscapesScripts' evalInstanceLevelSemanticLabeling.

  Precision and recall at each distinct score, the lowest first, and the point (1, 0) at the end.
  The weight of a precision is half the distance of the recalls beside it.
  """
  points = []
  for threshold in sorted(set(scores)):
    kept = [tp for score, tp in zip(scores, is_tp) if score >= threshold]
    points.append((sum(kept) / len(kept), sum(kept) / max(sum(is_tp) + missed, 1)))
  precision, recall = np.array([*points, (1.0, 0.0)]).T
  beside = np.concatenate([recall[:1], recall, [0.0]])
  weights = np.convolve(beside, [-0.5, 0, 0.5], "valid")
  return float(precision @ weights)
