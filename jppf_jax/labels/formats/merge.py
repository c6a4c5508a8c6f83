"""Top-down merging of saved predictions, as for Baseline-1 and Baseline-2 of the paper.

Works on NumPy arrays of scene ids, the form of other systems' predictions; `top_down.py` does the
same with the output of our network. Follows `merge_to_panoptic` and `merge_to_pps` of
panoptic-parts (de Geus et al., CVPR 2021).
"""

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
from jaxtyping import Int, Int32

from jppf_jax.labels.spec import LabelSpec
from jppf_jax.panoptic import IGNORE, Detection, Panoptic


def merge_instances(
  semantic: Int[np.ndarray, "H W"],
  instances: Sequence[Detection],
  spec: LabelSpec,
  *,
  confidence: float = 0.5,
  overlap: float = 0.5,
  min_stuff: int = 1024,
) -> Panoptic:
  """Returns a panoptic prediction from classes and instances.

  Instances come first, in descending order of their scores; stuff gets the pixels that stay free.

  Args:
    semantic: scene ids; only those of stuff are used.
    instances: things, in any order.
    spec: the taxonomy.
    confidence: instances with a lower score are dropped.
    overlap: an instance is dropped if a larger share of it is already taken; otherwise its free
      pixels are used.
    min_stuff: a stuff class with fewer free pixels than this becomes void.

  Raises:
    ValueError: an instance has an unknown class or one of stuff, or a score that is no finite
      number.
    ValueError: `semantic` has scene ids that the dataset does not have.
    ValueError: a mask has another size than `semantic`.
  """
  spec.check_scene_ids(semantic)
  size = semantic.shape
  scene, instance = np.full(size, IGNORE, np.int32), np.zeros(size, np.int32)
  taken = np.zeros(size, bool)
  count: Counter[int] = Counter()
  stuff = [int(sid) for sid in spec.class_ids[: spec.num_stuff]]
  for found in instances:
    check_detection(found)
  for found in sorted(instances, key=lambda found: -found.score):
    if found.scene not in spec.class_ids:
      raise ValueError(
        f"There is an instance of class {found.scene}, which {spec.name} does not have."
      )
    if found.scene in stuff:
      name = spec.class_names[stuff.index(found.scene)]
      raise ValueError(
        f"There is an instance of class {found.scene}, {name}, which is stuff in {spec.name}; "
        "only things have instances."
      )
    if found.mask.shape != size:
      raise ValueError(
        f"There is an instance of size {found.mask.shape}; the classes have size {size}."
      )
    hidden = found.mask & taken
    area, hidden_area = int(found.mask.sum()), int(hidden.sum())
    if found.score < confidence or area == 0 or hidden_area / area > overlap:
      continue
    count[found.scene] += 1
    free = found.mask & ~taken
    scene[free] = found.scene
    instance[free] = count[found.scene]
    taken |= found.mask
  for sid in stuff:
    free = (semantic == sid) & ~taken
    if free.any() and free.sum() >= min_stuff:
      scene[free] = sid
      instance[free] = 1
  return Panoptic(scene, instance)


def check_detection(found: Detection) -> None:
  """Checks the type of a mask, and that the score can be compared.

  Raises:
    ValueError: the mask is not boolean, or the score is no finite number.
  """
  if found.mask.dtype != bool:
    raise ValueError(f"A mask has type {found.mask.dtype}, expected bool.")
  if not math.isfinite(found.score):
    raise ValueError(f"An instance of class {found.scene} has the score {found.score}.")


def check_parts(parts: Int[np.ndarray, "H W"], spec: LabelSpec) -> None:
  """Checks a map of part channels, which may have 255 (unknown) and further backgrounds too.

  Raises:
    ValueError: a channel that the spec does not have.
  """
  strange = np.setdiff1d(parts, [*range(spec.num_part_outputs), IGNORE])
  if len(strange):
    raise ValueError(
      f"The parts have channel {strange[0]}; {spec.name} has part channels 0 to "
      f"{spec.num_parts - 1}, and 255 is unknown."
    )


def merge_parts(
  panoptic: Panoptic, parts: Int[np.ndarray, "_H _W"], spec: LabelSpec
) -> Int32[np.ndarray, "H W 3"]:
  """Returns the three-channel form of a panoptic prediction with parts.

  Classes and instances stay as they are. If a class does not have the part of a pixel, only the
  part becomes unknown (255). Void pixels are (255, 0, 0).

  Args:
    panoptic: scene ids and instance ids.
    parts: part channels of `spec`, [H W]; 0 = background.
    spec: the taxonomy, with the part channels in which `parts` was predicted.

  Raises:
    ValueError: the sizes differ.
    ValueError: a class is unknown.
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
  semantic = spec.scene_to_train[panoptic.scene]
  is_channel = (parts >= 0) & (parts < spec.num_parts)
  channel = np.where(is_channel, parts, IGNORE)
  return spec.to_channels(semantic, panoptic.instance, channel)
