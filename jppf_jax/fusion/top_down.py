"""The baseline that joint fusion is compared with: panoptic fusion first, then parts from the part
head, top down.

What `panoptic_parts`'s `merge_to_pps` does with saved predictions (de Geus et al., CVPR 2021).
"""

import dataclasses

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from jppf_jax.fusion.canvas import upsample
from jppf_jax.fusion.channels import unknown_parts
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.ops.boxes import ImageSize
from jppf_jax.structs import Array, PanopticParts


def part_map(
  part_logits: Float[Array, "h w O"],
  *,
  spec: LabelSpec,
  size: tuple[int, int],
  covered: ImageSize | None = None,
) -> Int[Array, "{size[0]} {size[1]}"]:
  """Returns the answer of the part head alone: part channels, 0 for any background.

  Args:
    part_logits: raw, stride 4.
    spec: the taxonomy.
    size: height and width of the result, at the top left of the padded image; static.
    covered: rows and columns of it that the image covers, see `joint.joint_fusion`. Pixels outside
      have any part.
  """
  best = jnp.argmax(upsample(part_logits, size, covered), axis=-1)
  return jnp.asarray(spec.output_to_part)[best]


def top_down_merge(
  panoptic: PanopticParts, parts: Int[Array, "*B H W"], *, spec: LabelSpec
) -> PanopticParts:
  """Returns the panoptic prediction with parts; class and instance stay as they are.

  If a class has several parts and the part head says none of them (but the background, or a part of
  another class), the part is unknown (255). Classes with one part have it everywhere, classes
  without parts have 0.

  Args:
    panoptic: classes and instances; its parts are not used.
    parts: part channels, e.g. of `part_map`.
    spec: the taxonomy.
  """
  class_has_part = np.zeros((256, spec.num_parts), bool)
  class_has_part[: spec.num_classes] = spec.part_matrix
  fits = jnp.asarray(class_has_part)[panoptic.semantic, parts]
  otherwise = jnp.asarray(unknown_parts(spec))[panoptic.semantic]
  return dataclasses.replace(panoptic, part=jnp.where(fits, parts, otherwise))
