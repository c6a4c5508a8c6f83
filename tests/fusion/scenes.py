"""Small inputs for the fusions: logits of both heads, overlapping detections; exact in float32."""

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from jppf_jax.labels.cpp import cpp
from jppf_jax.structs import Detections, LogitView, LogitViews
from tests.oracles.fusion import is_clear

SPEC = cpp()
SIZE = (22, 38)  # not a multiple of 4: the logits cover 24 x 40
CELLS = (6, 10)  # of the logits
PERSON, RIDER, CAR, TRAIN, BICYCLE = 1, 2, 3, 6, 8  # region classes; the last two have no parts


def logits(seed, channels, *, levels=5, scale=2.0):
  """Few levels, so that channels are often exactly equal; interpolation by 1/8ths stays exact."""
  drawn = np.random.default_rng(seed).integers(0, levels, size=(*CELLS, channels))
  return (drawn * scale).astype(np.float32)


def constant_logits(channels, value=0):
  return np.full((*CELLS, channels), value, np.float32)


def train_id(region_class):
  return SPEC.num_stuff + region_class - 1


def detections(*rows, count=6):
  """Rows of (box, label, score, mask value or 28 x 28), best first; padding contains garbage."""
  rng = np.random.default_rng(0)
  boxes = rng.normal(size=(count, 4)).astype(np.float32) * 9
  masks = rng.normal(size=(count, 28, 28)).astype(np.float32) * 9
  labels = np.zeros(count, np.int32)
  scores = np.zeros(count, np.float32)
  valid = np.arange(count) < len(rows)
  for n, (box, label, score, mask) in enumerate(rows):
    boxes[n], labels[n], scores[n], masks[n] = box, label, score, mask
  return Detections(boxes=boxes, labels=labels, scores=scores, mask_logits=masks, valid=valid)


def logit_views(seed, channels, *, exchange=(), count=3):
  """Views of an image of `SIZE`, one of them mirrored; cells outside of them are large."""
  rng = np.random.default_rng(seed)
  kinds = (1.5, (33, 57), True), (1.0, (22, 38), False), (0.6, (13, 23), False)
  views = []
  for scale, covered, mirrored in kinds[:count]:
    logits = np.full((10, 17, channels), 1e3, np.float32)
    rows, columns = -(-np.array(covered) // 4)
    logits[:rows, :columns] = rng.normal(size=(rows, columns, channels)) * 3
    of_mirrored = exchange if mirrored else ()
    views.append(LogitView(logits, np.array(covered, np.int32), scale, mirrored, of_mirrored))
  return LogitViews(tuple(views))


@st.composite
def scenes(draw, spec=SPEC):
  """(semantic logits, part logits, detections); duplicates and equal classes are common."""
  seed = draw(st.integers(0, 999))
  rng = np.random.default_rng(seed)
  rows = []
  for _ in range(draw(st.integers(0, 5))):
    box, mask = draw(_boxes()), _mask(rng, draw(st.sampled_from([-1, 0, 1.5])))
    rows.append((box, draw(st.sampled_from([PERSON, RIDER, TRAIN, BICYCLE])), mask))
    if draw(st.booleans()):
      rows.append((box, draw(st.sampled_from([PERSON, RIDER, TRAIN])), mask))
  scored = [(box, label, 0.95 - 0.1 * n, mask) for n, (box, label, mask) in enumerate(rows[:6])]
  found = detections(*scored)
  assume(is_clear(found, SIZE))
  return logits(seed, spec.num_classes), logits(seed + 1, spec.num_part_outputs), found


@st.composite
def _boxes(draw):
  """Across and inside the borders, from one pixel to larger than the image."""
  x0, y0 = draw(st.integers(-6, 34)), draw(st.integers(-6, 18))
  width = draw(st.sampled_from([1, 3, 9, 29, 57]))
  height = draw(st.sampled_from([2, 8, 15, 29]))
  return [x0, y0, x0 + width, y0 + height]


def _mask(rng, offset):
  coarse = rng.choice([-2, 0, 0.5, 2], size=(7, 7))
  return coarse.repeat(4, 0).repeat(4, 1) + offset
