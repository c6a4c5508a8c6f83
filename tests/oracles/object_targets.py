"""Objects of a label map, one at a time: a slow version of `jppf_jax.input_pipeline.batch`."""

import numpy as np


def objects(semantic, iid, num_stuff, max_objects, min_area):
  """Returns {(train id, instance id): (mask, box)} of the objects."""
  found = {}
  for k in range(num_stuff, 255):
    for i in sorted(set(iid[semantic == k].tolist()) - {-1}):
      mask = (semantic == k) & (iid == i)
      if mask.sum() >= min_area:
        ys, xs = np.where(mask)
        box = [xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]
        found[k, i] = mask, box
  largest = sorted(found, key=lambda key: (-found[key][0].sum(), key))[:max_objects]
  return {key: found[key] for key in sorted(largest)}
