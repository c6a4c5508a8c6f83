"""Top-down merging of saved predictions: how the baselines of the paper are made (its Baseline-1
and Baseline-2).

In the data set's ids and NumPy, as predictions of other systems come; `top_down.py` does the same
with our network's output. Follows `merge_to_panoptic` and `merge_to_pps` of panoptic-parts (de Geus
et al., CVPR 2021).
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from jaxtyping import Int, UInt8

from jppf_jax.labels.spec import LabelSpec
from jppf_jax.structs import IGNORE, Detection, Panoptic


def merge_instances(
  semantic: Int[np.ndarray, "H W"],
  instances: Sequence[Detection],
  spec: LabelSpec,
  *,
  confidence: float = 0.5,
  overlap: float = 0.5,
  min_stuff: int = 1024,
) -> Panoptic:
  """Returns a panoptic prediction from classes and instances: instances first, best first, then
  stuff where it is free.

  Args:
    semantic: scene ids; of these, only stuff is used.
    instances: things, in any order.
    spec: the taxonomy.
    confidence: instances with a lower score are dropped.
    overlap: so is an instance of which more than this share is taken already; the rest of others is
      painted.
    min_stuff: pixels below which the free part of a stuff class stays void.

  Raises:
    ValueError: an instance of an unknown class, or a mask of another size.
  """
  scene, instance = np.full(semantic.shape, IGNORE, np.int32), np.zeros(semantic.shape, np.int32)
  taken, count = np.zeros(semantic.shape, bool), Counter()
  for found in sorted(instances, key=lambda found: -found.score):
    if found.scene not in spec.class_ids:
      raise ValueError(
        f"There is an instance of class {found.scene}, which {spec.name} does not have."
      )
    if found.mask.shape != semantic.shape:
      raise ValueError(
        f"There is an instance of size {found.mask.shape}; the classes have {semantic.shape}."
      )
    area, hidden = int(found.mask.sum()), int((found.mask & taken).sum())
    if found.score < confidence or area == 0 or hidden / area > overlap:
      continue
    count[found.scene] += 1
    free = found.mask & ~taken
    scene[free], instance[free] = found.scene, count[found.scene]
    taken |= found.mask
  for sid in spec.class_ids[: spec.num_stuff]:
    free = (semantic == sid) & ~taken
    if free.any() and free.sum() >= min_stuff:
      scene[free], instance[free] = sid, 1
  return Panoptic(scene, instance)


def merge_parts(
  panoptic: Panoptic, parts: Int[np.ndarray, "_H _W"], spec: LabelSpec
) -> UInt8[np.ndarray, "H W 3"]:
  """Returns the three-channel form of a panoptic prediction with parts; class and instance are
  final.

  A part that its class does not have voids the part only (255). Void pixels are (255, 0, 0).

  Args:
    panoptic: scene ids and instance ids, at most 255 per class.
    parts: [H W]: part channels of `spec`; 0 = background.
    spec: the taxonomy; its part channels are those that `parts` was predicted with.

  Raises:
    ValueError: the sizes differ, a class is unknown, or a class has more than 255 instances.
  """
  if parts.shape != panoptic.scene.shape:
    raise ValueError(
      f"The panoptic prediction has size {panoptic.scene.shape}, the parts {parts.shape}."
    )
  unknown = np.setdiff1d(panoptic.scene, [*spec.class_ids, IGNORE])
  if len(unknown):
    raise ValueError(
      f"The panoptic prediction has class {unknown[0]}, which {spec.name} does not have."
    )
  if panoptic.instance.max(initial=0) > 255:
    raise ValueError(
      f"A class has {panoptic.instance.max()} instances; the three-channel form holds at most 255."
    )
  channel = np.where((parts >= 0) & (parts < spec.num_parts), parts, IGNORE)
  return spec.to_channels(spec.scene_to_train[panoptic.scene], panoptic.instance, channel)
