"""From marks to labels: universal ids as Cityscapes Panoptic Parts writes them."""

import numpy as np
from jaxtyping import Int

from jppf_jax.street_scenes.canvas import Canvas
from jppf_jax.street_scenes.classes import DYNAMIC, OUT_OF_ROI, PARTITIONABLE

_MOST_INSTANCES = 1000  # per class: an instance id has three digits


def annotate(
  canvas: Canvas, *, smallest: int, no_parts_below: int, rim: int
) -> Int[np.ndarray, "H W"]:
  """Returns the uid (`SS`, `SS_III` or `SS_III_PP`) of the object at each pixel's centre.

  Instance ids count up from 0 per class. Inside an instance of a class with parts, a pixel without
  part is `SS_III` in instances with an even id and `SS_III_00` in the others, since real files have
  both.

  Args:
    canvas: the drawn scene.
    smallest: instances with fewer visible pixels are void ("dynamic"), because they are too small
      to be recognised.
    no_parts_below: instances with fewer visible pixels have no parts annotated.
    rim: pixels at the left, right and upper edge that are out of the region of interest, as after a
      rectification.
  """
  _, label = canvas.marks()
  label = label[canvas.centres, canvas.centres]
  _, owners, parts, _ = canvas.tables()
  owner, part = owners[label], parts[label]
  inside = np.zeros(owner.shape, bool)
  inside[rim:, rim : owner.shape[1] - rim] = True
  visible = owner[inside & (owner >= 0)]
  area = np.bincount(visible, minlength=len(canvas.objects))
  uid = np.zeros(len(canvas.objects) + 1, np.int64)  # the last row: nothing was drawn
  detailed, zeros = np.zeros(len(uid), bool), np.zeros(len(uid), bool)
  instances: dict[int, int] = {}
  for index, thing in enumerate(canvas.objects):
    uid[index] = thing.sid
    if not thing.instance or area[index] == 0:
      continue
    iid = instances.get(thing.sid, 0)
    too_small = area[index] < smallest
    if too_small or iid >= _MOST_INSTANCES:
      uid[index] = DYNAMIC
      continue
    instances[thing.sid] = iid + 1
    uid[index] = thing.sid * 1000 + iid
    large = area[index] >= no_parts_below
    detailed[index] = large and thing.sid in PARTITIONABLE
    zeros[index] = detailed[index] and iid % 2 == 1
  annotated = detailed[owner] & (part > 0)
  with_part = annotated | zeros[owner]
  base = uid[owner]
  uids = np.where(with_part, base * 100 + part, base)
  return np.where(inside, uids, OUT_OF_ROI).astype(np.int32)
