"""Small random inputs for the fusions: logits of both heads and overlapping detections, exact in
float32.
"""

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from jppf_jax.labels.cpp import cpp
from jppf_jax.structs import Detections
from tests.oracles.fusion import is_clear

SPEC = cpp()
SIZE = (22, 38)  # not a multiple of 4: the logits cover 24 x 40
PERSON, RIDER, CAR, TRAIN, BICYCLE = 1, 2, 3, 6, 8  # region classes; the last two have no parts


def logits(seed, channels, *, levels=5, scale=2.0):
  """Few levels, so that channels are often exactly equal; interpolation by 1/8ths stays exact."""
  return (np.random.default_rng(seed).integers(0, levels, size=(6, 10, channels)) * scale).astype(
    np.float32
  )


def detections(*rows, count=6):
  """Rows of (box, label, score, mask value or 28 x 28), best first; the rest is padding full of
  nonsense.
  """
  rng = np.random.default_rng(0)
  boxes = rng.normal(size=(count, 4)).astype(np.float32) * 9
  masks = rng.normal(size=(count, 28, 28)).astype(np.float32) * 9
  labels, scores, valid = (
    np.zeros(count, np.int32),
    np.zeros(count, np.float32),
    np.arange(count) < len(rows),
  )
  for n, (box, label, score, mask) in enumerate(rows):
    boxes[n], labels[n], scores[n], masks[n] = box, label, score, mask
  return Detections(boxes=boxes, labels=labels, scores=scores, mask_logits=masks, valid=valid)


@st.composite
def scenes(draw, spec=SPEC):
  """(semantic logits, part logits, detections); duplicates and equal classes are common."""
  seed = draw(st.integers(0, 999))
  rng = np.random.default_rng(seed)
  rows = []
  for _ in range(draw(st.integers(0, 5))):
    x0, y0 = draw(st.integers(-6, 34)), draw(st.integers(-6, 18))
    width, height = draw(st.sampled_from([1, 3, 9, 29, 57])), draw(st.sampled_from([2, 8, 15, 29]))
    mask = rng.choice([-2, 0, 0.5, 2], size=(7, 7)).repeat(4, 0).repeat(4, 1) + draw(
      st.sampled_from([-1, 0, 1.5])
    )
    rows.append(
      (
        [x0, y0, x0 + width, y0 + height],
        draw(st.sampled_from([PERSON, RIDER, TRAIN, BICYCLE])),
        0,
        mask,
      )
    )
    if draw(st.booleans()):
      rows.append((*rows[-1][:1], draw(st.sampled_from([PERSON, RIDER, TRAIN])), 0, mask))
  rows = [(box, label, 0.95 - 0.1 * n, mask) for n, (box, label, _, mask) in enumerate(rows[:6])]
  found = detections(*rows)
  assume(is_clear(found, SIZE))
  return logits(seed, spec.num_classes), logits(seed + 1, spec.num_part_outputs), found
