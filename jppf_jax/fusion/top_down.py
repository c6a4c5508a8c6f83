"""The baseline that joint fusion is compared with: panoptic fusion first, then parts from the part
head, top down.

What `panoptic_parts`'s `merge_to_pps` does with saved predictions (de Geus et al., CVPR 2021).
"""

import dataclasses

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from jppf_jax.fusion.canvas import unknown_parts, upsample
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.structs import Array, PanopticParts


def part_map(
  part_logits: Float[Array, "h w O"], *, spec: LabelSpec, size: tuple[int, int]
) -> Int[Array, "{size[0]} {size[1]}"]:
  """Returns the part head's own answer, for an image of `size` (height, width): part channels, any
  background is 0.
  """
  best = jnp.argmax(upsample(part_logits, size), axis=-1)
  return jnp.asarray(spec.output_to_part)[best]


def top_down_merge(
  panoptic: PanopticParts, parts: Int[Array, "*B H W"], *, spec: LabelSpec
) -> PanopticParts:
  """Returns the panoptic prediction with parts; class and instance are final.

  Where the part is none of the class's parts (the background, or a part of another class), it is
  unknown (255). Classes with a single part have it everywhere, classes without have 0.

  Args:
    panoptic: classes and instances; its parts are not looked at.
    parts: part channels, e.g. of `part_map`.
    spec: the taxonomy.
  """
  fits = np.zeros((256, spec.num_parts), bool)
  fits[: spec.num_classes] = spec.part_matrix
  fits = jnp.asarray(fits)[panoptic.semantic, parts]
  part = jnp.where(fits, parts, jnp.asarray(unknown_parts(spec))[panoptic.semantic])
  return dataclasses.replace(panoptic, part=part)
