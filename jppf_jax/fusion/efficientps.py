"""Panoptic fusion of EfficientPS (Mohan & Valada 2021, Sec. 3.4; details from its public code); it
has no parts.

The first half of the top-down baseline: `top_down.py` adds the parts.
"""

import dataclasses

import jax
import jax.numpy as jnp
from jaxtyping import Bool, Float, Int

from jppf_jax.fusion.canvas import assemble, one_at_a_time, things_of, upsample
from jppf_jax.fusion.channels import unknown_parts
from jppf_jax.fusion.instances import PlacedMasks, Window, filter_detections, maximum_over_instances
from jppf_jax.fusion.joint import fused_logits
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.ops.boxes import ImageSize
from jppf_jax.structs import Array, Detections, PanopticParts


def efficientps_fusion(
  semantic_logits: Float[Array, "h w K"],
  detections: Detections,
  *,
  spec: LabelSpec,
  size: tuple[int, int],
  covered: ImageSize | None = None,
  instance_logit_scale: float = 4.0,
  score_threshold: float = 0.5,
  overlap_threshold: float = 0.5,
  min_stuff_area: int | Int[Array, ""] = 2048,
  legacy: bool = True,
) -> PanopticParts:
  """Returns class and instance of each pixel of one image; parts of classes that have several are
  unknown (255).

  Eq. 1 with two terms fuses the mask logits with the raw semantic logits of the instance's class.
  These channels compete with the raw semantic logits of stuff, which win ties. Runs in jit; under
  `jax.vmap` it fuses one image after the other.

  Differs from the paper: mask logits are multiplied by 4, and an instance has the fused logit 0 at
  all pixels that it does not reach, as in the public code. So pixels whose stuff logits are all
  negative go to the best instance, however far. Differs from the code: padding is cropped, not
  squeezed.

  Args:
    semantic_logits: raw, stride 4; the image is their upper left part.
    detections: of this image (no batch axis), best first, raw mask logits.
    spec: the taxonomy.
    size: height and width of the result, at the top left of the padded image; static.
    covered: rows and columns of it that the image covers, see `joint.joint_fusion`.
    instance_logit_scale: factor on the mask logits.
    score_threshold: only detections with a larger score are fused.
    overlap_threshold: see `keep_instances`.
    min_stuff_area: stuff classes with fewer pixels become void.
    legacy: as in `ops.masks.paste_weights`.

  Raises:
    ValueError: the channels of the logits are not the classes of the taxonomy.
    ValueError: the logits do not cover an image of this size.
  """
  channels = semantic_logits.shape[-1]
  if channels != spec.num_classes:
    raise ValueError(
      f"Got {channels} semantic channels; {spec.name} has {spec.num_classes} classes."
    )

  def fuse(
    semantic_logits: Array,
    detections: Detections,
    covered: ImageSize | None,
    min_stuff_area: int | Array,
  ) -> PanopticParts:
    logits = upsample(semantic_logits, size, covered)
    placed, kept = filter_detections(
      detections,
      size,
      score_threshold=score_threshold,
      overlap_threshold=overlap_threshold,
      covered=covered,
      legacy=legacy,
    )
    scaled = dataclasses.replace(placed, masks=placed.masks * instance_logit_scale)
    things = things_of(detections, spec)
    best, slot = _best_instances(scaled, kept, jnp.moveaxis(logits, -1, 0), things)
    stuff = jnp.max(logits[..., : spec.num_stuff], axis=-1, initial=-jnp.inf)
    slot = jnp.where(best > stuff, slot, -1)
    fill = jnp.argmax(logits, axis=-1)
    no_part = jnp.zeros(size, jnp.int32)
    result = assemble(
      slot,
      no_part,
      fill,
      no_part,
      detections,
      spec=spec,
      min_stuff_area=min_stuff_area,
      covered=covered,
    )
    part = jnp.asarray(unknown_parts(spec))[result.semantic]
    return dataclasses.replace(result, part=part)

  return one_at_a_time(fuse)(semantic_logits, detections, covered, min_stuff_area)


def _best_instances(
  placed: PlacedMasks,
  kept: Bool[Array, "D"],
  logits: Float[Array, "K H W"],
  things: Int[Array, "D"],
) -> tuple[Float[Array, "H W"], Int[Array, "H W"]]:
  """The largest fused logit of all kept instances at each pixel, and the first instance that has
  it; -inf if no instance is kept.
  """

  def fuse(window: Window) -> tuple[Array, Array]:
    n = window.instance
    in_rectangle = window.within(placed.rectangles[n])
    semantic = jnp.where(in_rectangle, window.cut(logits, things[n]), 0)
    fused = fused_logits(window.paste(placed), semantic)
    reached = window.within(placed.spans[n])
    return jnp.where(reached, fused, -jnp.inf), n

  _, height, width = logits.shape
  size = height, width
  best, slot = maximum_over_instances(fuse, placed.spans, jnp.arange(kept.size), kept, size)
  absent = _first_absent(placed.spans, kept, size)
  is_absent = absent < kept.size
  absent_ties_first = (best == 0) & (absent < slot)
  absent_wins = is_absent & ((best < 0) | absent_ties_first)
  return jnp.where(absent_wins, 0, best), jnp.where(absent_wins, absent, slot)


def _first_absent(
  spans: Int[Array, "D 4"], kept: Bool[Array, "D"], size: tuple[int, int]
) -> Int[Array, "H W"]:
  """The first kept instance that does not reach the pixel (its fused logit is 0); D if none."""
  none = kept.size
  y = jnp.arange(size[0])[:, None]
  x = jnp.arange(size[1])

  def look(carry: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
    n, absent = carry
    x0, y0, x1, y1 = spans[n]
    outside = (y < y0) | (y >= y1) | (x < x0) | (x >= x1)
    is_first = (absent == none) & outside & kept[n]
    return n + 1, jnp.where(is_first, n, absent)

  def unfinished(carry: tuple[jax.Array, jax.Array]) -> jax.Array:
    n, absent = carry
    return (n < none) & (absent == none).any()

  start = jnp.zeros((), jnp.int32), jnp.full(size, none, jnp.int32)
  # Takes few steps: no pixel lies in many of the best instances.
  _, absent = jax.lax.while_loop(unfinished, look, start)
  return absent
