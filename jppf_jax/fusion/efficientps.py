"""Panoptic fusion of EfficientPS (Mohan & Valada 2021, Sec. 3.4; details from its public code),
which knows no parts.

The first half of the top-down baseline: `top_down.py` adds the parts.
"""

import dataclasses

import jax
import jax.numpy as jnp
from jaxtyping import Bool, Float, Int

from jppf_jax.fusion.canvas import assemble, one_at_a_time, things_of, unknown_parts, upsample
from jppf_jax.fusion.instances import PlacedMasks, keep_instances, place, visit
from jppf_jax.fusion.joint import fused_logits
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.structs import Array, Detections, PanopticParts


def efficientps_fusion(
  semantic_logits: Float[Array, "h w K"],
  detections: Detections,
  *,
  spec: LabelSpec,
  size: tuple[int, int],
  instance_logit_scale: float = 4.0,
  score_threshold: float = 0.5,
  overlap_threshold: float = 0.5,
  min_stuff_area: int = 2048,
  legacy: bool = True,
) -> PanopticParts:
  """Returns class and instance of every pixel of one image; parts of classes that have several are
  unknown (255).

  Mask logits and the raw semantic logits of the instance's class are fused by Eq. 1 with two terms,
  and compete with the raw semantic logits of stuff, which win ties. Runs in jit, and under
  `jax.vmap` image after image.

  Differs from the paper: mask logits are multiplied by 4, and an instance has the fused logit 0
  wherever it does not reach, so that pixels whose stuff logits are all negative go to the best
  instance, however far: both as in the public code. Unlike there, padding is cropped instead of
  squeezed.

  Args:
    semantic_logits: raw, stride 4; the image is their upper left part.
    detections: of this image (no batch axis), best first, raw mask logits.
    spec: the taxonomy.
    size: height and width of the image, without padding.
    instance_logit_scale: factor on the mask logits.
    score_threshold: detections that score no more are left out.
    overlap_threshold: see `keep_instances`.
    min_stuff_area: stuff classes with fewer pixels become void.
    legacy: as in `ops.masks.paste_weights`.

  Raises:
    ValueError: logits whose channels are not the classes, or which do not cover an image of this
      size.
  """
  if semantic_logits.shape[-1] != spec.num_classes:
    raise ValueError(
      f"Got {semantic_logits.shape[-1]} semantic channels; {spec.name} has {spec.num_classes} classes."
    )

  def fuse(semantic_logits, detections):
    logits = upsample(semantic_logits, size)
    placed = place(detections.mask_logits, detections.boxes, size, legacy=legacy)
    candidates = detections.valid & (detections.scores > score_threshold)
    kept = keep_instances(placed, candidates, overlap_threshold=overlap_threshold)
    placed = dataclasses.replace(placed, masks=placed.masks * instance_logit_scale)
    things, slot = _best_instances(
      placed, kept, jnp.moveaxis(logits, -1, 0), things_of(detections, spec)
    )
    stuff = jnp.max(logits[..., : spec.num_stuff], axis=-1, initial=-jnp.inf)
    slot = jnp.where(things > stuff, slot, -1)
    fill, none = jnp.argmax(logits, axis=-1), jnp.zeros(size, jnp.int32)
    result = assemble(slot, none, fill, none, detections, spec=spec, min_stuff_area=min_stuff_area)
    return dataclasses.replace(result, part=jnp.asarray(unknown_parts(spec))[result.semantic])

  return one_at_a_time(fuse)(semantic_logits, detections)


def _best_instances(
  placed: PlacedMasks,
  kept: Bool[Array, "D"],
  logits: Float[Array, "K H W"],
  things: Int[Array, "D"],
) -> tuple[Float[Array, "H W"], Int[Array, "H W"]]:
  """The largest fused logit of all kept instances at each pixel and the first instance that has it;
  -inf where none.
  """

  def step(state, window):
    best, slot = state
    n = window.instance
    evidence = jnp.where(window.within(placed.rectangles[n]), window.cut(logits, things[n]), 0)
    score = jnp.where(
      window.within(placed.spans[n]), fused_logits(window.paste(placed), evidence), -jnp.inf
    )
    winner = jnp.where(score > window.cut(best), n, window.cut(slot))
    return window.put(best, jnp.maximum(score, window.cut(best))), window.put(slot, winner)

  size = logits.shape[1:]
  start = jnp.full(size, -jnp.inf), jnp.full(size, -1, jnp.int32)
  best, slot = visit(placed.spans, jnp.arange(kept.size), kept, size, step, start)
  absent = _first_absent(placed.spans, kept, size)
  absent_wins = (absent < kept.size) & ((best < 0) | ((best == 0) & (absent < slot)))
  return jnp.where(absent_wins, 0, best), jnp.where(absent_wins, absent, slot)


def _first_absent(
  spans: Int[Array, "D 4"], kept: Bool[Array, "D"], size: tuple[int, int]
) -> Int[Array, "H W"]:
  """The first kept instance that does not reach the pixel, where its fused logit is 0; D if all do."""
  y, x = jnp.arange(size[0])[:, None], jnp.arange(size[1])

  def look(carry):
    n, absent = carry
    x0, y0, x1, y1 = spans[n]
    outside = (y < y0) | (y >= y1) | (x < x0) | (x >= x1)
    return n + 1, jnp.where((absent == kept.size) & outside & kept[n], n, absent)

  def unfinished(carry):  # a few steps: no pixel lies in many of the best instances
    return (carry[0] < kept.size) & (carry[1] == kept.size).any()

  return jax.lax.while_loop(
    unfinished, look, (jnp.zeros((), jnp.int32), jnp.full(size, kept.size, jnp.int32))
  )[1]
