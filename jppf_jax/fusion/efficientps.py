"""Panoptic fusion of EfficientPS (Mohan & Valada 2021, Sec. 3.4; details from its public code); it
has no parts.

The first half of the top-down baseline: `top_down.py` adds the parts.
"""

import dataclasses
from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Bool, Float, Int, UInt8

from jppf_jax.fusion.canvas import assemble, first_maximum, things_of
from jppf_jax.fusion.channels import unknown_parts
from jppf_jax.fusion.config import Area, Zoom, least_stuff
from jppf_jax.fusion.eq1 import fused_logits
from jppf_jax.fusion.frame import Frame, make_frame, upsample
from jppf_jax.fusion.instances import (
  PlacedMasks,
  filter_detections,
  maximum_over_instances,
  paste_into,
)
from jppf_jax.fusion.tiles import Shape, Tile, by_platform, one_at_a_time, over_image
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.ops.boxes import ImageSize
from jppf_jax.structs import IGNORE, Array, Detections, LogitViews, PanopticParts


def efficientps_fusion(
  semantic_logits: Float[Array, "h w K"] | LogitViews,
  detections: Detections,
  *,
  spec: LabelSpec,
  size: tuple[int, int],
  covered: ImageSize | None = None,
  zoom: Zoom = None,
  instance_logit_scale: float = 4.0,
  score_threshold: float = 0.5,
  overlap_threshold: float = 0.5,
  min_stuff_area: Area = 2048,
  min_stuff_relative: float | None = None,
  box_margin: float = 0.0,
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
    zoom: pixels of the result per pixel of the network, see `joint.joint_fusion`.
    instance_logit_scale: factor on the mask logits.
    score_threshold: only detections with a larger score are fused.
    overlap_threshold: see `keep_instances`.
    min_stuff_area: stuff classes with fewer pixels (of the network's frame) become void.
    min_stuff_relative: the same as a share of the image; replaces `min_stuff_area` if given.
    box_margin: see `FusionConfig`.
    legacy: as in `ops.masks.paste_weights`.

  Raises:
    ValueError: the channels of the logits are not the classes of the taxonomy.
    ValueError: the logits do not cover an image of this size.
  """
  _check_channels(semantic_logits, spec)
  filtered = partial(
    filter_detections,
    score_threshold=score_threshold,
    overlap_threshold=overlap_threshold,
    legacy=legacy,
    margin=box_margin,
  )
  fuse = partial(
    _fuse,
    spec=spec,
    size=size,
    filtered=filtered,
    instance_logit_scale=instance_logit_scale,
    min_stuff_relative=min_stuff_relative,
  )
  fuse_image = one_at_a_time(by_platform(fuse))
  return fuse_image(semantic_logits, detections, covered, zoom, min_stuff_area)


def _check_channels(semantic_logits: Float[Array, "h w K"] | LogitViews, spec: LabelSpec) -> None:
  channels = semantic_logits.shape[-1]
  if channels != spec.num_classes:
    raise ValueError(
      f"Got {channels} semantic channels; {spec.name} has {spec.num_classes} classes."
    )


def _fuse(
  shape: Shape,
  semantic_logits: Float[Array, "h w K"] | LogitViews,
  detections: Detections,
  covered: ImageSize | None,
  zoom: Zoom,
  min_stuff_area: Area,
  *,
  spec: LabelSpec,
  size: tuple[int, int],
  filtered: Callable[..., tuple[PlacedMasks, Bool[Array, "D"]]],
  instance_logit_scale: float,
  min_stuff_relative: float | None,
) -> PanopticParts:
  """The fusion with tiles of a given shape: stuff, instances, which of both wins, the answer.

  `filtered` returns the placed masks and which of them compete; the rest is as in
  `efficientps_fusion`.
  """
  frame = make_frame(size, covered, zoom, semantic_logits.shape[:2])
  stuff, fill = _stuff(semantic_logits, frame, shape, spec)
  placed, kept = filtered(detections, frame, shape)
  scaled = dataclasses.replace(placed, masks=placed.masks * instance_logit_scale)
  things = things_of(detections, spec)
  best, slot = _best_instances(scaled, kept, semantic_logits, things, frame, shape)
  slot = _slots(best, slot, stuff, placed.spans, kept, frame, shape)
  least = least_stuff(min_stuff_area, min_stuff_relative, frame.image, zoom)
  return _answer(slot, fill, detections, frame, spec, least)


def _stuff(
  semantic_logits: Float[Array, "h w K"] | LogitViews, frame: Frame, shape: Shape, spec: LabelSpec
) -> tuple[Float[Array, "H W"], UInt8[Array, "H W"]]:
  """The largest logit of stuff at each pixel (-inf if there is no stuff), and the best class."""

  def look(state: tuple[jax.Array, jax.Array], tile: Tile) -> tuple[jax.Array, jax.Array]:
    logits = tuple(upsample(semantic_logits, tile, frame))
    stuff = logits[: spec.num_stuff] or (jnp.full(tile.shape, -jnp.inf),)
    largest, _ = first_maximum(stuff)
    _, fill = first_maximum(logits)
    return tile.put(state[0], largest), tile.put(state[1], fill)

  start = jnp.zeros(frame.size), jnp.full(frame.size, IGNORE, jnp.uint8)
  return over_image(frame.image, frame.size, shape, look, start)


def _best_instances(
  placed: PlacedMasks,
  kept: Bool[Array, "D"],
  semantic_logits: Float[Array, "h w K"] | LogitViews,
  things: Int[Array, "D"],
  frame: Frame,
  shape: Shape,
) -> tuple[Float[Array, "H W"], Int[Array, "H W"]]:
  """The largest fused logit of the instances that reach each pixel, and the first that has it; -inf
  and -1 if there is none.
  """

  def fuse(n: Int[Array, ""], tile: Tile) -> tuple[Array, Array]:
    in_rectangle = tile.within(placed.rectangles[n])
    own_logits = upsample(semantic_logits, tile, frame, things[n, None])
    fused = fused_logits(paste_into(tile, placed, n), jnp.where(in_rectangle, own_logits[0], 0))
    reached = tile.within(placed.spans[n])
    return jnp.where(reached, fused, -jnp.inf), n

  order = jnp.arange(kept.size)
  return maximum_over_instances(fuse, placed.spans, order, kept, frame.size, shape)


def _slots(
  best: Float[Array, "H W"],
  slot: Int[Array, "H W"],
  stuff: Float[Array, "H W"],
  spans: Int[Array, "D 4"],
  kept: Bool[Array, "D"],
  frame: Frame,
  shape: Shape,
) -> Int[Array, "H W"]:
  """The instance that wins each pixel, -1 = stuff, which wins ties.

  Instances that do not reach a pixel compete there with the fused logit 0; the first of them
  counts.
  """
  none = kept.size

  def decide(slot: Array, tile: Tile) -> jax.Array:
    own_best, own_slot, own_stuff = tile.cut(best), tile.cut(slot), tile.cut(stuff)
    zero_can_win = (own_stuff < 0) & (own_best <= 0)
    absent = _first_absent(zero_can_win, spans, kept, tile)
    absent_ties_first = (own_best == 0) & (absent < own_slot)
    absent_wins = (absent < none) & ((own_best < 0) | absent_ties_first)
    reached_wins = jnp.where(own_best > own_stuff, own_slot, -1)
    return tile.put(slot, jnp.where(zero_can_win & absent_wins, absent, reached_wins))

  return over_image(frame.image, frame.size, shape, decide, slot)


def _answer(
  slot: Int[Array, "H W"],
  fill: UInt8[Array, "H W"],
  detections: Detections,
  frame: Frame,
  spec: LabelSpec,
  min_stuff_area: Area,
) -> PanopticParts:
  """Instances before stuff on an empty canvas; parts are unknown."""
  no_part = jnp.zeros(frame.size, jnp.int32)
  result = assemble(
    slot,
    no_part,
    fill.astype(jnp.int32),
    no_part,
    detections,
    spec=spec,
    min_stuff_area=min_stuff_area,
    covered=frame.covered,
  )
  part = jnp.asarray(unknown_parts(spec))[result.semantic]
  return dataclasses.replace(result, part=part)


def _first_absent(
  wanted: Bool[Array, "th tw"], spans: Int[Array, "D 4"], kept: Bool[Array, "D"], tile: Tile
) -> Int[Array, "th tw"]:
  """The first kept instance that does not reach a wanted pixel; D if none."""
  none = kept.size

  def look(carry: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
    n, absent = carry
    is_first = (absent == none) & ~tile.within(spans[n]) & kept[n]
    return n + 1, jnp.where(is_first, n, absent)

  def unfinished(carry: tuple[jax.Array, jax.Array]) -> jax.Array:
    n, absent = carry
    return (n < none) & (wanted & (absent == none)).any()

  start = jnp.zeros((), jnp.int32), jnp.full(tile.shape, none, jnp.int32)
  # Takes few steps: no pixel lies in many of the best instances.
  _, absent = jax.lax.while_loop(unfinished, look, start)
  return absent
