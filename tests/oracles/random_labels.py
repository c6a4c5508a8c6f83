"""Small random label images and predictions that use each rule of PartPQ (docs/metrics.md)."""

import numpy as np

from jppf_jax.structs import IGNORE


def random_pair(spec, rng, size=(12, 16)):
  """Returns (uids [H W] int32, prediction [H W 3] uint8)."""
  uids, segments = random_uids(spec, rng, size)
  return uids, random_prediction(spec, rng, uids, segments)


def random_uids(spec, rng, size):
  """Returns uids and the painted segments (class index, mask); later ones cover earlier ones."""
  uids = np.full(size, rng.choice(spec.class_ids[: spec.num_stuff]), np.int32)
  partitionable = np.flatnonzero(spec.has_parts)
  palette = rng.choice(partitionable, 2).tolist() if partitionable.size else []
  palette += rng.choice(spec.num_classes, 2).tolist()
  void = np.setdiff1d(np.flatnonzero(spec.legal[:, 0]), spec.class_ids)
  segments = []
  for _ in range(rng.integers(2, 9)):
    mask = random_rectangle(rng, size)
    k = int(rng.choice(palette))
    if rng.random() < 0.12:
      uids[mask] = rng.choice(void)
      continue
    uids[mask] = random_segment(spec, rng, k, int(mask.sum()))
    segments.append((k, mask))
  return uids, segments


def random_segment(spec, rng, k, pixels):
  """Returns the uids of a segment: a crowd, or parts that are unknown, known, repeated or wrong."""
  sid = int(spec.class_ids[k])
  iid = int(rng.choice([0, 0, 1, 2, 250]))
  kind = rng.random()
  if k < spec.num_stuff:
    return np.full(pixels, sid if kind < 0.7 else sid * 1000 + iid)
  if kind < 0.15:
    return np.full(pixels, sid)  # crowd
  if kind < 0.3 or not spec.has_parts[k]:
    return np.full(pixels, sid * 1000 + iid)  # no part is known
  folds = not spec.legal[sid].all()  # PPP; it writes unknown parts as SS_III only
  pids = np.flatnonzero(spec.legal[sid])[1:] if folds else np.arange(1, 6)
  pids = np.append(rng.choice(pids, rng.integers(1, 4)), 0 if kind < 0.6 else pids[0])
  stripes = pids[np.sort(rng.integers(0, len(pids), pixels))]
  unknown = sid * 1000 + iid if folds or kind < 0.45 else sid * 100_000 + iid * 100
  return np.where(stripes > 0, sid * 100_000 + iid * 100 + stripes, unknown)


def random_prediction(spec, rng, uids, segments):
  """Returns the ground truth with typical mistakes of predictions."""
  prediction = np.empty((*uids.shape, 3), np.uint8)
  prediction[...] = (rng.choice(spec.class_ids[: spec.num_stuff]), 0, 1)
  for number, (k, mask) in enumerate(segments):
    kind = rng.random()
    if kind < 0.08:
      continue  # an FN
    if kind < 0.3:
      mask = np.roll(mask, rng.integers(-1, 2, 2), (0, 1))
    elif kind < 0.4:
      same = uids // 1000 == uids[mask][-1] // 1000
      mask = half_of(mask & same)  # IoU 0.5, unless covered again
    if kind > 0.92:
      k = int(rng.integers(spec.num_classes))
    prediction[mask, 0] = spec.class_ids[k] if kind < 0.97 else 255
    prediction[mask, 1] = rng.choice([number, 0, 255])
    pids = np.array([*spec.class_pids[k], 255, 0, 77] if spec.has_parts[k] else [1])
    use = rng.choice(pids, rng.integers(1, 4))
    prediction[mask, 2] = use[np.sort(rng.integers(0, len(use), int(mask.sum())))]
    if spec.has_parts[k] and rng.random() < 0.6:
      copy_true_parts(spec, uids, prediction, mask)
  if rng.random() < 0.2:
    prediction[random_rectangle(rng, uids.shape)] = IGNORE
  return prediction


def copy_true_parts(spec, uids, prediction, mask):
  with_part = mask & (uids >= 100_000)
  prediction[with_part, 2] = spec.sid_pid_to_pid[uids[with_part] // 100_000, uids[with_part] % 100]


def half_of(mask):
  """Returns the first half of the pixels of a mask, in reading order."""
  chosen = np.flatnonzero(mask)
  half = np.zeros_like(mask)
  half.flat[chosen[: len(chosen) // 2]] = True
  return half


def random_rectangle(rng, size):
  (y0, y1), (x0, x1) = (np.sort(rng.choice(n + 1, 2, replace=False)) for n in size)
  mask = np.zeros(size, bool)
  mask[y0:y1, x0:x1] = True
  return mask
