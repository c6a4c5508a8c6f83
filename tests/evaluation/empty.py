"""Structs of one row that is padding, for predictions without instances."""

import numpy as np

from jppf_jax.structs import Detections, Segments

_ZERO = np.zeros(1, np.int32)
_SCORE = np.zeros(1, np.float32)
_PADDING = np.zeros(1, bool)

SEGMENTS = Segments(labels=_ZERO, scores=_SCORE, areas=_ZERO, valid=_PADDING)
DETECTIONS = Detections(
  boxes=np.zeros((1, 4), np.float32),
  labels=_ZERO,
  scores=_SCORE,
  mask_logits=np.zeros((1, 28, 28), np.float32),
  valid=_PADDING,
)
