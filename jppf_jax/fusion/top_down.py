"""The baseline that joint fusion is compared with: panoptic fusion first, then parts from the part
head, top down.

What `panoptic_parts`'s `merge_to_pps` does with saved predictions (de Geus et al., CVPR 2021).
"""

import dataclasses

import jax
import jax.numpy as jnp
from jaxtyping import Float, Int

from jppf_jax.fusion.canvas import first_maximum
from jppf_jax.fusion.channels import parts_of_ids, unknown_parts
from jppf_jax.fusion.config import Zoom
from jppf_jax.fusion.frame import make_frame, upsample
from jppf_jax.fusion.tiles import Shape, Tile, by_platform, one_at_a_time, over_image
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.ops.boxes import ImageSize
from jppf_jax.structs import Array, LogitViews, PanopticParts


def class_map(
  semantic_logits: Float[Array, "h w K"] | LogitViews,
  *,
  size: tuple[int, int],
  covered: ImageSize | None = None,
  zoom: Zoom = None,
) -> Int[Array, "{size[0]} {size[1]}"]:
  """Returns the answer of the semantic head alone: the train id with the largest logit.

  Args:
    semantic_logits: raw, stride 4.
    size: height and width of the result, at the top left of the padded image; static.
    covered: rows and columns of it that the image covers, see `joint.joint_fusion`. Pixels outside
      have any class.
    zoom: pixels of the result per pixel of the network, see `joint.joint_fusion`.
  """

  def find(
    shape: Shape, logits: Array | LogitViews, covered: ImageSize | None, zoom: Zoom
  ) -> Int[Array, "H W"]:
    frame = make_frame(size, covered, zoom, logits.shape[:2])

    def look(best: Array, tile: Tile) -> jax.Array:
      _, channel = first_maximum(tuple(upsample(logits, tile, frame)))
      return tile.put(best, channel)

    start = jnp.zeros(size, jnp.int32)
    return over_image(frame.image, size, shape, look, start)

  return one_at_a_time(by_platform(find))(semantic_logits, covered, zoom)


def part_map(
  part_logits: Float[Array, "h w O"] | LogitViews,
  *,
  spec: LabelSpec,
  size: tuple[int, int],
  covered: ImageSize | None = None,
  zoom: Zoom = None,
) -> Int[Array, "{size[0]} {size[1]}"]:
  """Returns the answer of the part head alone: part channels, 0 for any background.

  Args:
    part_logits: raw, stride 4.
    spec: the taxonomy.
    size: height and width of the result; this and the rest as in `class_map`.
    covered: pixels outside have any part.
    zoom: pixels of the result per pixel of the network.
  """
  best = class_map(part_logits, size=size, covered=covered, zoom=zoom)
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
  fits = jnp.asarray(parts_of_ids(spec))[panoptic.semantic, parts]
  otherwise = jnp.asarray(unknown_parts(spec))[panoptic.semantic]
  return dataclasses.replace(panoptic, part=jnp.where(fits, parts, otherwise))
