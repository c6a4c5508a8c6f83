"""How boxes are chosen, one image at a time, with Python lists."""

import numpy as np

from tests.oracles.boxes import clip, decode
from tests.oracles.nms import nms


def propose(levels, size, pre_nms, max_proposals, threshold):
  """`levels`: (logits, deltas, anchors) of each; returns (box, logit) pairs, best first."""
  kept = []
  for logits, deltas, anchors in levels:
    best = sorted(range(len(logits)), key=lambda i: -logits[i])[:pre_nms]
    decoded = [decode(anchors[i], deltas[i], (1, 1, 1, 1)) for i in best]
    boxes = np.array([clip(box, size) for box in decoded], np.float32)
    survivors = nms(boxes, logits[best], np.ones(len(best), bool), threshold)
    kept += [(boxes[rank], logits[i]) for rank, i in enumerate(best) if survivors[rank]]
  return sorted(kept, key=lambda pair: -pair[1])[:max_proposals]


def detect(
  proposals, valid, class_logits, deltas, size, score_threshold, nms_threshold, max_detections
):
  """Returns (box, label, score) triples, best first."""
  found = []
  for region in np.flatnonzero(valid):
    logits = class_logits[region].astype(np.float64)
    odds = np.exp(logits - logits.max())
    for label, score in enumerate(odds / odds.sum()):
      if label > 0 and score > score_threshold:
        box = decode(proposals[region], deltas[region, label], (0.1, 0.1, 0.2, 0.2))
        found.append((np.array(clip(box, size), np.float32), label, score))
  if not found:
    return []
  boxes, labels, scores = (np.array(column) for column in zip(*found))
  survivors = nms(boxes, scores, np.ones(len(found), bool), nms_threshold, labels)
  kept = [one for one, survives in zip(found, survivors) if survives]
  return sorted(kept, key=lambda one: -one[2])[:max_detections]
