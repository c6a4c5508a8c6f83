"""Fusion the slow way: every channel of every instance on the whole image, float64, one rule after
the other.
"""

import numpy as np

TIE = 1e-10  # logits closer than this are equal


def sigmoid(x):
  with np.errstate(over="ignore"):
    return 1 / (1 + np.exp(-x))


def softmax(x):
  e = np.exp(x - x.max(-1, keepdims=True))
  return e / e.sum(-1, keepdims=True)


def upsample(logits, size):
  """Bilinear, four times the size, borders repeated, cropped."""
  for axis in (0, 1):
    n = logits.shape[axis]
    u = (np.arange(4 * n) + 0.5) / 4 - 0.5
    low = np.floor(u).astype(int)
    share = (u - low).reshape([-1 if a == axis else 1 for a in range(3)])
    a, b = (np.take(logits, np.clip(i, 0, n - 1), axis) for i in (low, low + 1))
    logits = a * (1 - share) + b * share
  return logits[: size[0], : size[1]].astype(np.float64)


def paste(mask, box, size, legacy=True):
  """One pixel at a time: the mask read at the pixel's centre between its four nearest cells, 0
  beyond.
  """
  x0, y0, x1, y1 = map(float, box)
  w, h = x1 - legacy - x0, y1 - legacy - y0
  image = np.zeros(size)
  if w <= 0 or h <= 0:
    return image
  rows, columns = mask.shape
  padded = np.pad(mask.astype(np.float64), 1)
  for i in range(size[0]):
    v = rows * (i + 0.5 - y0) / h + 0.5  # in cells of `padded`, whose centres are whole numbers
    if not 0 < v < rows + 1:
      continue
    for j in range(size[1]):
      u = columns * (j + 0.5 - x0) / w + 0.5
      if 0 < u < columns + 1:
        a, b = int(v), int(u)
        s, t = v - a, u - b
        top = (1 - t) * padded[a, b] + t * padded[a, b + 1]
        image[i, j] = (1 - s) * top + s * ((1 - t) * padded[a + 1, b] + t * padded[a + 1, b + 1])
  return image


def rectangle(box, size):
  x0, y0, x1, y1 = map(float, box)
  inside = np.zeros(size, bool)
  inside[
    max(int(y0 + 1), 0) : max(round(y1 - 2) + 1, 0), max(int(x0 + 1), 0) : max(round(x1 - 2) + 1, 0)
  ] = True
  return inside


def keep_instances(
  detections, size, score_threshold=0.5, overlap_threshold=0.5, legacy=True, above=0.0
):
  occupied, kept = np.zeros(size, bool), []
  for n, valid in enumerate(detections.valid):
    reached = paste(np.ones((28, 28)), detections.boxes[n], size, legacy) > 0
    mask = reached & (paste(detections.mask_logits[n], detections.boxes[n], size, legacy) > above)
    good = bool(valid) and detections.scores[n] > score_threshold
    if good and mask.any():
      good = (mask & occupied).sum() / mask.sum() <= overlap_threshold
    if good:
      occupied |= mask
    kept.append(good)
  return np.array(kept)


def is_clear(detections, size):
  """Whether no instance's fate hangs on masks that are 0 but for rounding."""
  rounded = [keep_instances(detections, size, above=above) for above in (-1e-5, 0.0, 1e-5)]
  return all(np.array_equal(kept, rounded[0]) for kept in rounded)


def fused_logits(terms, reduce=np.sum):
  terms = np.stack(terms)
  with np.errstate(invalid="ignore"):
    return reduce(sigmoid(terms), 0) * reduce(terms, 0)


def first_maximum(channels, owners=None, answer=None):
  """Index of the first maximum, and by how much it beats the channels that are not equal to it.

  Rounding to float32 may order equal channels either way (two places of one program may round
  otherwise): with the `answer` [H W] in question, an instance in it, or stuff, may take the place
  of the first maximum that it is equal to. `owners` are the numbers of the instances that the
  channels belong to, 0 for stuff. That the first wins where rounding has no say is for tests of
  single cases.
  """
  best = channels.max(0)
  equal = channels >= best - TIE
  with np.errstate(invalid="ignore"):
    margin = best - np.where(equal, -np.inf, channels).max(0)
  index = equal.argmax(0)
  if answer is None:
    return index, margin
  answered = equal & (np.array(owners, int)[:, None, None] == answer)
  return np.where(answered.any(0), answered.argmax(0), index), margin


def background_output(spec, k):
  """Where the part head says "class k, which has no parts": counted, not looked up; None for
  classes with parts.
  """
  if spec.class_parts[k]:
    return None
  rank = sum(not parts for parts in spec.class_parts[:k])
  divided = spec.name.endswith("_sembg")
  return spec.num_parts + rank - 1 if divided and rank else 0


def joint_fusion(
  semantic_logits, part_logits, detections, *, spec, size, config, answer, legacy=True
):
  """Returns (semantic, instance, part, margin); margin is how clear each pixel was, before areas
  are looked at.

  `answer` is the instance map in question, see `first_maximum`.
  """
  semantic, part = upsample(semantic_logits, size), upsample(part_logits, size)
  s, p = softmax(semantic), softmax(part)
  reduce = {"sum": np.sum, "mean": np.mean}[config.fuse_reduce]
  with_parts, without_parts, owners_p, owners_np = [], [], [], []
  kept = keep_instances(detections, size, config.score_threshold, config.overlap_threshold, legacy)
  for n in np.flatnonzero(kept):
    c = int(detections.labels[n]) + spec.num_stuff - 1
    mask, inside = (
      detections.mask_logits[n].astype(np.float64),
      rectangle(detections.boxes[n], size),
    )
    mask = sigmoid(mask) if config.instance_logit_activation == "sigmoid" else mask
    mli = config.instance_logit_scale * paste(mask, detections.boxes[n], size, legacy)
    parts = [(p[..., q], q) for q in spec.class_parts[c]] or [
      (p[..., background_output(spec, c)], 0)
    ]
    if config.allow_void_part and spec.class_parts[c]:
      parts.append((p[..., 0] + p[..., spec.num_parts :].sum(-1), 255))
    total = (
      sum(share for share, _ in parts) if config.renormalise_parts and spec.class_parts[c] else 1
    )
    for share, label in parts:
      evidence = [np.where(inside, x, config.outside_value) for x in (s[..., c], share / total)]
      fl = fused_logits([mli, *evidence], reduce)
      fl = np.where(np.isnan(fl), -np.inf, fl)
      (with_parts if spec.class_parts[c] else without_parts).append(fl)
      (owners_p if spec.class_parts[c] else owners_np).append((n, c, label))
  stuff = [
    fused_logits([s[..., k], p[..., background_output(spec, k)]], reduce)
    for k in range(spec.num_stuff)
  ]
  owners = [*owners_p, *owners_np]
  numbers = [n + 1 for n, _, _ in owners] + [0] * len(stuff)
  index, margin = first_maximum(np.stack([*with_parts, *without_parts, *stuff]), numbers, answer)

  stuff_index, stuff_margin = first_maximum(np.stack(stuff))
  fill, fill_margin = {
    "semantic_argmax": first_maximum(np.moveaxis(semantic, -1, 0)),
    "stuff_only": first_maximum(np.moveaxis(semantic[..., : spec.num_stuff], -1, 0)),
    "fused": (stuff_index, stuff_margin),
  }[config.stuff_fill]
  return *_canvas(index, owners, fill, spec, config, size), np.minimum(margin, fill_margin)


def efficientps_fusion(semantic_logits, detections, *, spec, size, scale=4.0, config, answer):
  """Returns (semantic, instance, margin); arguments as above."""
  logits = upsample(semantic_logits, size)
  channels = [logits[..., k] for k in range(spec.num_stuff)]
  owners = []
  for n in np.flatnonzero(keep_instances(detections, size)):
    c = int(detections.labels[n]) + spec.num_stuff - 1
    mlb = np.where(rectangle(detections.boxes[n], size), logits[..., c], 0)
    channels.append(
      fused_logits([scale * paste(detections.mask_logits[n], detections.boxes[n], size), mlb])
    )
    owners.append((n, c, 0))
  numbers = [0] * spec.num_stuff + [n + 1 for n, _, _ in owners]
  index, margin = first_maximum(np.stack(channels), numbers, answer)
  index = np.where(index < spec.num_stuff, len(owners), index - spec.num_stuff)
  fill, fill_margin = first_maximum(np.moveaxis(logits, -1, 0))
  semantic, instance, _ = _canvas(index, owners, fill, spec, config, size)
  return semantic, instance, np.minimum(margin, fill_margin)


def _canvas(index, owners, fill, spec, config, size):
  semantic, instance, part = np.full(size, 255), np.zeros(size, int), np.zeros(size, int)
  for n in sorted({n for n, _, _ in owners}):
    mine = [(i, c, label) for i, (m, c, label) in enumerate(owners) if m == n]
    area = sum((index == i).sum() for i, _, _ in mine)
    for i, c, label in mine if area >= config.min_thing_area else []:
      semantic[index == i], instance[index == i], part[index == i] = c, n + 1, label
  for k in range(spec.num_stuff):
    free = (instance == 0) & (fill == k)
    if free.sum() >= config.min_stuff(size):
      semantic[free] = k
  return semantic, instance, part
