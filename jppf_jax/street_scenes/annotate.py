"""From marks to labels: universal ids as Cityscapes Panoptic Parts writes them."""

import numpy as np
from jaxtyping import Int

from jppf_jax.street_scenes.canvas import Canvas

PARTITIONABLE = (24, 25, 26, 27, 28)
OUT_OF_ROI, DYNAMIC = 3, 5
_MOST_INSTANCES = 1000  # per class: an instance id has three digits


def annotate(
  canvas: Canvas, *, smallest: int, no_parts_below: int, rim: int
) -> Int[np.ndarray, "H W"]:
  """The uid (`SS`, `SS_III` or `SS_III_PP`) of what is seen at every pixel's centre.

  Instance ids count up from 0 per class. Inside an instance of a class with parts, a pixel without
  part is written as `SS_III` or as `SS_III_00`, by turns of instances, since real files hold both.

  Args:
    canvas: the drawn scene.
    smallest: instances with fewer visible pixels are void ("dynamic"): nobody could tell what they
      are.
    no_parts_below: instances with fewer visible pixels have no parts annotated.
    rim: pixels at the left, right and upper edge that are out of the region of interest, as after a
      rectification.
  """
  scale = canvas.scale
  _, label = canvas.marks()
  label = label[scale // 2 :: scale, scale // 2 :: scale]
  _, owners, parts, _ = canvas.tables()
  owner, part = owners[label], parts[label]
  inside = np.zeros(owner.shape, bool)
  inside[rim:, rim : owner.shape[1] - rim] = True
  area = np.bincount(owner[inside & (owner >= 0)], minlength=len(canvas.objects))
  uid = np.zeros(len(canvas.objects) + 1, np.int64)  # the last row: nothing was drawn
  detailed, zeros = np.zeros(len(uid), bool), np.zeros(len(uid), bool)
  instances: dict[int, int] = {}
  for index, thing in enumerate(canvas.objects):
    uid[index] = thing.sid
    if not thing.instance or area[index] == 0:
      continue
    iid = instances.get(thing.sid, 0)
    if area[index] < smallest or iid >= _MOST_INSTANCES:
      uid[index] = DYNAMIC
      continue
    instances[thing.sid] = iid + 1
    uid[index] = thing.sid * 1000 + iid
    detailed[index] = thing.sid in PARTITIONABLE and area[index] >= no_parts_below
    zeros[index] = detailed[index] and iid % 2 == 1
  with_part = (detailed[owner] & (part > 0)) | zeros[owner]
  uids = np.where(with_part, uid[owner] * 100 + part, uid[owner])
  return np.where(inside, uids, OUT_OF_ROI).astype(np.int32)
