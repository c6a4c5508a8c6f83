"""How boxes are chosen, one image at a time, with Python lists."""

import numpy as np

from tests.oracles.boxes import clip, decode
from tests.oracles.nms import nms


def propose(levels, size, pre_nms, max_proposals, threshold):
  """`levels`: (logits, deltas, anchors) of each; returns (box, logit) pairs, best first."""
  kept = []
  for logits, deltas, anchors in levels:
    best = sorted(range(len(logits)), key=lambda i: -logits[i])[:pre_nms]
    boxes = np.array(
      [clip(decode(anchors[i], deltas[i], (1, 1, 1, 1)), size) for i in best], np.float32
    )
    survivors = nms(boxes, logits[best], np.ones(len(best), bool), threshold)
    kept += [(boxes[rank], logits[i]) for rank, i in enumerate(best) if survivors[rank]]
  return sorted(kept, key=lambda pair: -pair[1])[:max_proposals]


def detect(
  proposals, valid, class_logits, deltas, size, score_threshold, nms_threshold, max_detections
):
  """Returns (box, label, score) triples, best first."""
  found = []
  for region in np.flatnonzero(valid):
    odds = np.exp(class_logits[region].astype(np.float64) - class_logits[region].max())
    for label, score in enumerate(odds / odds.sum()):
      if label > 0 and score > score_threshold:
        box = clip(decode(proposals[region], deltas[region, label], (0.1, 0.1, 0.2, 0.2)), size)
        found.append((np.array(box, np.float32), label, score))
  if not found:
    return []
  boxes, labels, scores = (np.array(column) for column in zip(*found))
  survivors = nms(boxes, scores, np.ones(len(found), bool), nms_threshold, labels)
  return sorted((one for one, kept in zip(found, survivors) if kept), key=lambda one: -one[2])[
    :max_detections
  ]
