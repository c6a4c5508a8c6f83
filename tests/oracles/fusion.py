"""Fusion the slow way: all channels of all instances on the whole image, one rule after another."""

import numpy as np

from jppf_jax.structs import LogitViews

TIE = 1e-10  # logits closer than this are equal


def sigmoid(x):
  with np.errstate(over="ignore"):
    return 1 / (1 + np.exp(-x))


def softmax(x, axis=-1):
  e = np.exp(x - x.max(axis, keepdims=True))
  return e / e.sum(axis, keepdims=True)


def upsample(logits, size, zoom=(1, 1)):
  """Bilinear, `4 * zoom` times the size, borders repeated, cropped."""
  if isinstance(logits, LogitViews):
    return averaged(logits, size)
  for axis in (0, 1):
    n = logits.shape[axis]
    u = (np.arange(size[axis]) + 0.5) / zoom[axis] / 4 - 0.5
    low = np.floor(u).astype(int)
    share = (u - low).reshape([-1 if a == axis else 1 for a in range(3)])
    a, b = (np.take(logits, np.clip(i, 0, n - 1), axis) for i in (low, low + 1))
    logits = a.astype(np.float64) * (1 - share) + b * share
  return logits


def averaged(logits, size):
  """The log of the mean softmax of all views, plus the mean of their log-sum-exp."""
  probabilities, norms = [], []
  for view in logits.views:
    covered = np.asarray(view.covered)
    rows, columns = -(-covered // 4)
    seen = upsample(np.asarray(view.logits)[:rows, :columns], size, np.array(size) / covered)
    if view.mirrored:
      seen = seen[:, ::-1]
    if view.exchange:
      seen = np.stack([seen[..., channel] for channel in view.exchange], -1)
    probabilities.append(softmax(seen))
    norms.append(np.log(np.exp(seen).sum(-1, keepdims=True)))
  return np.log(np.mean(probabilities, 0)) + np.mean(norms, 0)


def paste(mask, box, size, legacy=True):
  """One pixel at a time: bilinear between the four nearest cells, 0 outside the mask."""
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
        top, bottom = (1 - t) * padded[a : a + 2, b] + t * padded[a : a + 2, b + 1]
        image[i, j] = (1 - s) * top + s * bottom
  return image


def rectangle(box, size, margin=0.0):
  x0, y0, x1, y1 = map(float, box)
  dx, dy = margin * (x1 - x0), margin * (y1 - y0)
  x0, y0, x1, y1 = x0 - dx, y0 - dy, x1 + dx, y1 + dy
  inside = np.zeros(size, bool)
  rows = slice(max(int(y0 + 1), 0), max(round(y1 - 2) + 1, 0))
  columns = slice(max(int(x0 + 1), 0), max(round(x1 - 2) + 1, 0))
  inside[rows, columns] = True
  return inside


def keep_instances(
  detections,
  size,
  score_threshold=0.5,
  overlap_threshold=0.5,
  legacy=True,
  above=0.0,
):
  occupied, kept = np.zeros(size, bool), []
  for n, valid in enumerate(detections.valid):
    box = detections.boxes[n]
    reached = paste(np.ones((28, 28)), box, size, legacy) > 0
    mask = reached & (paste(detections.mask_logits[n], box, size, legacy) > above)
    good = bool(valid) and detections.scores[n] > score_threshold
    if good and mask.any():
      taken = mask & occupied
      good = taken.sum() / mask.sum() <= overlap_threshold
    if good:
      occupied |= mask
    kept.append(good)
  return np.array(kept)


def is_clear(detections, size):
  """Whether the kept instances do not depend on the rounding of mask logits near 0."""
  rounded = [keep_instances(detections, size, above=above) for above in (-1e-5, 0.0, 1e-5)]
  return all(np.array_equal(kept, rounded[0]) for kept in rounded)


def fused_logits(terms, reduce=np.sum):
  terms = np.stack(terms)
  with np.errstate(invalid="ignore"):
    return reduce(sigmoid(terms), 0) * reduce(terms, 0)


def first_maximum(channels, owners=None, answer=None):
  """Index of the first maximum, and its margin over the channels that are not equal to it.

  Rounding to float32 may order equal channels either way. So if the `answer` [H W] under test has
  another owner whose channel equals the first maximum, the index is that of this owner. `owners`
  are the numbers of the instances that the channels belong to, 0 for stuff. Other tests check exact
  ties, where the first must win.
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
  """The part output of class k if it has no parts, else None. Counted, not looked up."""
  if spec.class_parts[k]:
    return None
  rank = sum(not parts for parts in spec.class_parts[:k])
  divided = spec.name.endswith("_sembg")
  return spec.num_parts + rank - 1 if divided and rank else 0


def joint_fusion(
  semantic_logits, part_logits, detections, *, spec, size, config, answer, legacy=True, zoom=(1, 1)
):
  """Returns (semantic, instance, part, margin).

  The margin is that of each pixel's maximum, before areas are looked at. `answer` is the instance
  map under test, see `first_maximum`. `size`, the boxes and the areas in `config` are in pixels of
  the result; `zoom` of them are one pixel of the network.
  """
  semantic = np.moveaxis(upsample(semantic_logits, size, zoom), -1, 0)
  part = np.moveaxis(upsample(part_logits, size, zoom), -1, 0)
  s, p = softmax(semantic, 0), softmax(part, 0)
  reduce = {"sum": np.sum, "mean": np.mean}[config.fuse_reduce]
  flp, flnp = [], []  # (channel, (instance, class, part))
  kept = keep_instances(detections, size, config.score_threshold, config.overlap_threshold, legacy)
  for n in np.flatnonzero(kept):
    c = train_id(detections, n, spec)
    mli = _mask_logits(detections, n, size, config, legacy)
    inside = rectangle(detections.boxes[n], size, config.box_margin)
    mls = np.where(inside, s[c], config.outside_value)
    group = flp if spec.class_parts[c] else flnp
    for share, label in _part_evidence(p, c, spec, config):
      mlp = np.where(inside, share, config.outside_value)
      fl = fused_logits([mli, mls, mlp], reduce)
      fl = np.where(np.isnan(fl), -np.inf, fl)
      group.append((fl, (n, c, label)))
  fls = [fused_logits([s[k], p[background_output(spec, k)]], reduce) for k in range(spec.num_stuff)]
  things, owners = [fl for fl, _ in flp + flnp], [owner for _, owner in flp + flnp]
  numbers = [n + 1 for n, _, _ in owners] + [0] * len(fls)
  index, margin = first_maximum(np.stack([*things, *fls]), numbers, answer)

  fill, fill_margin = {
    "semantic_argmax": first_maximum(semantic),
    "stuff_only": first_maximum(semantic[: spec.num_stuff]),
    "fused": first_maximum(np.stack(fls)),
  }[config.stuff_fill]
  return *_canvas(index, owners, fill, spec, config, size), np.minimum(margin, fill_margin)


def train_id(detections, n, spec):
  return int(detections.labels[n]) + spec.num_stuff - 1


def _mask_logits(detections, n, size, config, legacy):
  mask = detections.mask_logits[n].astype(np.float64)
  if config.instance_logit_activation == "sigmoid":
    mask = sigmoid(mask)
  return config.instance_logit_scale * paste(mask, detections.boxes[n], size, legacy)


def _part_evidence(p, c, spec, config):
  """(probability, part) of each part of class c, or of its background."""
  if not spec.class_parts[c]:
    return [(p[background_output(spec, c)], 0)]
  parts = [(p[q], q) for q in spec.class_parts[c]]
  if config.allow_void_part:
    backgrounds = p[0] + p[spec.num_parts :].sum(0)
    parts.append((backgrounds, 255))
  if config.renormalise_parts:
    total = sum(share for share, _ in parts)
    parts = [(share / total, label) for share, label in parts]
  return parts


def efficientps_fusion(
  semantic_logits, detections, *, spec, size, scale=4.0, config, answer, zoom=(1, 1)
):
  """Returns (semantic, instance, margin); arguments as above."""
  logits = np.moveaxis(upsample(semantic_logits, size, zoom), -1, 0)
  channels = list(logits[: spec.num_stuff])
  owners = []
  for n in np.flatnonzero(keep_instances(detections, size)):
    c, box = train_id(detections, n, spec), detections.boxes[n]
    mla = scale * paste(detections.mask_logits[n], box, size)
    mlb = np.where(rectangle(box, size, config.box_margin), logits[c], 0)
    channels.append(fused_logits([mla, mlb]))
    owners.append((n, c, 0))
  numbers = [0] * spec.num_stuff + [n + 1 for n, _, _ in owners]
  index, margin = first_maximum(np.stack(channels), numbers, answer)
  index = np.where(index < spec.num_stuff, len(owners), index - spec.num_stuff)
  fill, fill_margin = first_maximum(logits)
  semantic, instance, _ = _canvas(index, owners, fill, spec, config, size)
  return semantic, instance, np.minimum(margin, fill_margin)


def _canvas(index, owners, fill, spec, config, size):
  semantic, instance, part = np.full(size, 255), np.zeros(size, int), np.zeros(size, int)
  area = {n: 0 for n, _, _ in owners}
  for i, (n, _, _) in enumerate(owners):
    area[n] += (index == i).sum()
  for i, (n, c, label) in enumerate(owners):
    if area[n] >= config.min_thing_area:
      won = index == i
      semantic[won], instance[won], part[won] = c, n + 1, label
  for k in range(spec.num_stuff):
    free = (instance == 0) & (fill == k)
    if free.sum() >= config.min_stuff(size):
      semantic[free] = k
  return semantic, instance, part


def fill_void(found, semantic_logits, part_logits, detections, *, spec, zoom=(1, 1), legacy=True):
  """Returns (semantic, instance, part, margin) of an answer without void, pixel by pixel."""
  size = found.semantic.shape
  semantic, instance, part = (np.array(x) for x in (found.semantic, found.instance, found.part))
  classes = upsample(semantic_logits, size, zoom)
  parts = upsample(part_logits, size, zoom)
  there = sorted(set(semantic[semantic != 255].tolist())) or list(range(spec.num_stuff))
  pasted = [paste(m, b, size, legacy) for m, b in zip(detections.mask_logits, detections.boxes)]
  reached = [paste(np.ones((28, 28)), box, size, legacy) > 0 for box in detections.boxes]
  reached = [a | rectangle(box, size) for a, box in zip(reached, detections.boxes)]
  margin = np.full(size, np.inf)
  for y, x in np.ndindex(size):
    unknown = part[y, x] == 255
    if semantic[y, x] == 255 and there:
      unknown = True
      values = [classes[y, x, k] for k in there]
      k = there[int(np.argmax(values))]
      margin[y, x] = _gap(values)
      semantic[y, x] = k
      if k >= spec.num_stuff:
        own = [n for n in np.flatnonzero(found.segments.valid) if found.segments.labels[n] == k]
        near = [n for n in own if reached[n][y, x]]
        if near:
          values = [pasted[n][y, x] for n in near]
          best = near[int(np.argmax(values))]
          rivals = [pasted[n][y, x] for n in near if not _same_mask(detections, n, best)]
          lead = min((max(values) - value for value in rivals), default=np.inf)
        else:
          values = [-_distance(detections.boxes[n], y, x) for n in own]
          best, lead = own[int(np.argmax(values))], _gap(values)
        instance[y, x] = 1 + best
        margin[y, x] = min(margin[y, x], lead)
    channels = spec.class_parts[semantic[y, x]] if semantic[y, x] < spec.num_classes else ()
    if unknown:
      part[y, x] = 0
      if channels:
        values = [parts[y, x, q] for q in channels]
        part[y, x] = channels[int(np.argmax(values))]
        margin[y, x] = min(margin[y, x], _gap(values))
  return semantic, instance, part, margin


def promised_iou(found, part_logits, *, spec, zoom=(1, 1)):
  """Yields (pixels of a segment, {its parts: promised IoU}, logits of the parts of its class)."""
  size = found.semantic.shape
  logits = upsample(part_logits, size, zoom)
  semantic, instance = np.asarray(found.semantic), np.asarray(found.instance)
  stuff = (instance == 0) & (semantic < spec.num_stuff)
  masks = [instance == n for n in range(1, instance.max() + 1)]
  masks += [stuff & (semantic == k) for k in range(spec.num_stuff)]
  for mask in masks:
    if not mask.any():
      continue
    channels = list(spec.class_parts[semantic[mask][0]])
    if not channels:
      continue
    values = logits[mask][:, channels].astype(np.float64)
    share = np.exp(values - values.max(1, keepdims=True))
    share /= share.sum(1, keepdims=True)
    part = np.asarray(found.part)[mask]
    promised = {}
    for place, channel in enumerate(channels):
      own = part == channel
      if own.any():
        hits = share[own, place].sum()
        promised[channel] = hits / (own.sum() + share[~own, place].sum())
    yield mask, promised, dict(zip(channels, values.T))


def drop_weak_parts(found, part_logits, *, spec, threshold, zoom=(1, 1)):
  """Returns (part, margin): the parts of an answer, and how far the nearest decision was."""
  part, margin = np.array(found.part), np.inf
  for mask, promised, logits in promised_iou(found, part_logits, spec=spec, zoom=zoom):
    if not promised:
      continue
    stays = [channel for channel in promised if promised[channel] >= threshold]
    if not stays:
      stays = [max(promised, key=promised.get)]
      margin = min(margin, _gap(list(promised.values())))
    margin = min(margin, *(abs(value - threshold) for value in promised.values()))
    best = np.array(stays)[np.argmax([logits[channel] for channel in stays], axis=0)]
    goes = np.isin(part[mask], [channel for channel in promised if channel not in stays])
    part[mask] = np.where(goes, best, part[mask])
  return part, margin


def _same_mask(detections, a, b):
  """Whether two detections are equal everywhere, so that they tie whatever is rounded."""
  boxes, masks = detections.boxes, detections.mask_logits
  return np.array_equal(boxes[a], boxes[b]) and np.array_equal(masks[a], masks[b])


def _gap(values):
  """How much the best is ahead; equal values tie for certain."""
  best = max(values)
  return min([best - v for v in values if v != best], default=np.inf)


def _distance(box, y, x):
  x0, y0, x1, y1 = map(float, box)
  dx, dy = max(x0 - x - 0.5, x + 0.5 - x1, 0), max(y0 - y - 0.5, y + 0.5 - y1, 0)
  return np.float32(dx * dx + dy * dy)
