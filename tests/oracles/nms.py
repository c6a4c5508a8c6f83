"""Greedy non-maximum suppression as the textbook says it: a sorted list and two loops."""

import numpy as np

from tests.oracles.boxes import iou


def nms(boxes, scores, valid, threshold, classes=None):
  classes = np.zeros(len(boxes), int) if classes is None else classes
  kept = []
  for i in sorted(
    np.flatnonzero(valid), key=lambda i: -scores[i]
  ):  # sorted keeps the input order of ties
    if all(
      classes[i] != classes[j] or not iou(boxes[j], boxes[i]) > np.float32(threshold) for j in kept
    ):
      kept.append(i)
  return np.isin(np.arange(len(boxes)), kept)
