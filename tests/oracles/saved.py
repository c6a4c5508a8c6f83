"""Top-down merging pixel by pixel, as `merge_to_panoptic` and `merge_to_pps` of panoptic-parts
describe it.
"""

import numpy as np


def merge_instances(semantic, instances, spec, confidence, overlap, min_stuff):
  """Returns (scene, instance) of a panoptic prediction."""
  scene, number = np.full(semantic.shape, 255), np.zeros(semantic.shape, int)
  taken, counts = set(), {}
  confident = [i for i in instances if i.score >= confidence]
  for found in sorted(confident, key=lambda i: i.score, reverse=True):
    pixels = pixels_of(found.mask)
    if not pixels or len(pixels & taken) / len(pixels) > overlap:
      continue
    counts[found.scene] = counts.get(found.scene, 0) + 1
    for pixel in pixels - taken:
      scene[pixel], number[pixel] = found.scene, counts[found.scene]
    taken |= pixels
  for sid in spec.class_ids[: spec.num_stuff].tolist():
    pixels = pixels_of(semantic == sid) - taken
    if len(pixels) >= min_stuff:
      for pixel in pixels:
        scene[pixel], number[pixel] = sid, 1
  return scene, number


def pixels_of(mask):
  return set(map(tuple, np.argwhere(mask).tolist()))


def merge_parts(scene, instance, parts, spec):
  """Returns the three channels."""
  channels = np.zeros((*scene.shape, 3), np.uint8)
  for y, x in np.ndindex(*scene.shape):
    if scene[y, x] == 255:
      channels[y, x] = (255, 0, 0)
      continue
    k = spec.class_ids.tolist().index(scene[y, x])
    pids = dict(zip(spec.class_parts[k], spec.class_pids[k]))
    pid = pids.get(int(parts[y, x]), 255) if len(pids) > 1 else 1
    channels[y, x] = (scene[y, x], instance[y, x], pid)
  return channels
