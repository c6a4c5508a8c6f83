"""Objects of a label map, one at a time: the slow counterpart of `jppf_jax.input_pipeline.batch`."""

import numpy as np


def objects(semantic, iid, num_stuff, max_objects, min_area):
  """Returns {(train id, instance id): (mask, box)} of what counts as an object."""
  found = {}
  for k in range(num_stuff, 255):
    for i in sorted(set(iid[semantic == k].tolist()) - {-1}):
      mask = (semantic == k) & (iid == i)
      if mask.sum() >= min_area:
        ys, xs = np.where(mask)
        found[k, i] = (mask, [xs.min(), ys.min(), xs.max() + 1, ys.max() + 1])
  largest = sorted(found, key=lambda key: (-found[key][0].sum(), key))[:max_objects]
  return {key: found[key] for key in sorted(largest)}
