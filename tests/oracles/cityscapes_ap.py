"""AP of Cityscapes' instance-level task, prediction by prediction, from the description of the
protocol.
"""

import numpy as np

from jppf_jax.labels import uids as uid_format


def average_precision(spec, images, sid, overlaps):
  """Returns AP of a class at each overlap; `images` are (uids, detections). NaN without an instance
  to be found.
  """
  overlapping = [overlaps_of(spec, uids, detections, sid) for uids, detections in images]
  return np.array([at_overlap(overlapping, overlap) for overlap in overlaps])


def overlaps_of(spec, uids, detections, sid):
  """Returns (truths to be found, [(score, [(which truth, IoU)], IoUs with what need not be found,
  share ignored)]).
  """
  scene, instance, _ = uid_format.decode(uids)
  void = ~np.isin(scene, spec.class_ids) & (instance < 0)
  truths = [
    (scene == sid) & (instance == i) for i in np.unique(instance[(scene == sid) & (instance >= 0)])
  ]
  group = (scene == sid) & (instance < 0)
  wanted = [truth for truth in truths if truth.sum() >= 100]
  others = [truth for truth in truths if truth.sum() < 100] + [group] * bool(group.any())
  rows = []
  for d in detections:
    if d.scene != sid or not d.mask.any():
      continue
    ignored = (d.mask & void).sum() + sum((d.mask & other).sum() for other in others)
    if group.sum() < 100:
      ignored += (d.mask & group).sum()  # a small group counts twice: as a group and as small
    rows.append(
      (
        d.score,
        [iou(d.mask, t) for t in wanted],
        [iou(d.mask, t) for t in others],
        ignored / d.mask.sum(),
      )
    )
  return len(wanted), rows


def iou(a, b):
  return (a & b).sum() / (a | b).sum()


def at_overlap(images, overlap):
  results, wanted, missed = [], 0, 0  # (score, right)
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
  points = []
  for threshold in sorted({score for score, _ in results}, reverse=True):
    kept = [right for score, right in results if score >= threshold]
    points.append(
      (sum(kept) / (sum(right for _, right in results) + missed), sum(kept) / len(kept))
    )
  area, last_recall, last_precision = 0.0, 0.0, points[0][1] if points else 0.0
  for recall, precision in points:
    area += (recall - last_recall) * (precision + last_precision) / 2
    last_recall, last_precision = recall, precision
  return area
