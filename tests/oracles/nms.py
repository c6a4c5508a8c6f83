"""Greedy non-maximum suppression as in a textbook: a sorted list and two loops."""

import numpy as np

from tests.oracles.boxes import iou


def nms(boxes, scores, valid, threshold, classes=None):
  classes = np.zeros(len(boxes), int) if classes is None else classes
  best_first = sorted(np.flatnonzero(valid), key=lambda i: -scores[i])  # ties keep their order
  kept = []
  for i in best_first:
    rivals = [j for j in kept if classes[j] == classes[i]]
    if not any(iou(boxes[j], boxes[i]) > np.float32(threshold) for j in rivals):
      kept.append(i)
  return np.isin(np.arange(len(boxes)), kept)
