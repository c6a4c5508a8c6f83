"""PartPQ and PQ of one image with one mask per segment, rule by rule from docs/metrics.md."""

import numpy as np

from jppf_jax.labels import uids as uid_format


def part_pq(spec, uids, prediction, *, parts=True):
  """Returns {scene id: (tp, fp, fn, iou_sum)}; with `parts=False`, PQ."""
  sid, iid, pid = uid_format.decode(uids)
  gt_parts = spec.sid_pid_to_pid[sid, np.maximum(pid, 0)]
  evaluated = [int(i) for i in spec.class_ids]
  void = ~np.isin(sid, evaluated)
  pred_scene, pred_instance, pred_parts = np.moveaxis(prediction.astype(np.int64), -1, 0)
  results = {}
  for k, c in enumerate(evaluated):
    scored_by_parts = parts and bool(spec.has_parts[k])
    crowd = (sid == c) & (iid < 0) if k >= spec.num_stuff else np.zeros(sid.shape, bool)
    ids = np.where(iid < 0, 0, iid)
    segments = [(sid == c) & (ids == i) for i in np.unique(ids[sid == c])]
    if scored_by_parts:
      for segment in segments:
        if not gt_parts[segment].any():
          crowd = crowd | segment
    segments = [segment & ~crowd for segment in segments]
    segments = [segment for segment in segments if segment.any()]
    of_class = pred_scene == c
    predictions = [of_class & (pred_instance == i) for i in np.unique(pred_instance[of_class])]

    tp, iou_sum, unmatched = 0, 0.0, list(range(len(predictions)))
    for segment in segments:
      for z in unmatched:
        predicted = predictions[z]
        union = (segment | predicted).sum() - (void & predicted).sum()
        iou = (segment & predicted).sum() / union
        if iou > 0.5:
          tp += 1
          if scored_by_parts:
            iou = mean_part_iou(segment, predicted, gt_parts, pred_parts, void | crowd)
          iou_sum += iou
          unmatched.remove(z)
          break
    fp = 0
    for z in unmatched:
      ignored = (void | crowd) & predictions[z]
      fp += int(ignored.sum() / predictions[z].sum() <= 0.5)
    results[c] = (tp, fp, len(segments) - tp, iou_sum)
  return results


def mean_part_iou(segment, predicted, gt_parts, pred_parts, left_out):
  region = ~left_out & ~(segment & (gt_parts == 0))
  truth = np.where(segment, gt_parts, 0)[region]
  guess = np.where(predicted, pred_parts, 0)[region]
  ious = []
  for label in set(np.union1d(truth, guess)) - {255}:
    a, b = truth == label, guess == label
    ious.append((a & b).sum() / (a | b).sum())
  return np.mean(ious)
