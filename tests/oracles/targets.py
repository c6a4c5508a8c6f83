"""Matching as in EfficientPS: the full matrix of overlaps, then one rule after the other."""

import numpy as np

from tests.oracles import boxes as box_oracles


def match(boxes, candidates, objects, valid, *, positive_iou, negative_iou, min_positive_iou):
  """For each box the row of its object, -1 for background, -2 for neither."""
  boxes_in, objects_in = np.flatnonzero(candidates), np.flatnonzero(valid)
  assigned = np.full(len(boxes), -2)
  overlaps = np.zeros((len(boxes_in), len(objects_in)), np.float32)
  for i, n in enumerate(boxes_in):
    for j, g in enumerate(objects_in):
      overlaps[i, j] = box_oracles.iou(boxes[n], objects[g])
    best = overlaps[i].max(initial=0)
    if best < np.float32(negative_iou):
      assigned[n] = -1
    if len(objects_in) and best >= np.float32(positive_iou):
      assigned[n] = objects_in[overlaps[i].argmax()]
  for j, g in enumerate(objects_in):
    best = overlaps[:, j].max(initial=0)
    if best >= np.float32(min_positive_iou):
      assigned[boxes_in[overlaps[:, j] == best]] = g
  return assigned
