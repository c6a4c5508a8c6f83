"""A fully dense answer: void pixels are filled from what survived the fusion.

The paper leaves void what it filters (small stuff, things of the semantic head that no instance
won) and plans "to interpolate the remaining, filtered regions" as future work (Sec. 5). Here a void
pixel gets the class that the semantic head prefers among those that the answer has elsewhere. If
that is a thing, it joins an instance of the class that the answer has:

1. of those whose mask or box reaches the pixel, the one with the largest mask logit there;
2. if none does, the one whose box is nearest: the distance is that of the pixel's centre to the
   nearest point of the box, Euclidean, in pixels of the result.

The better detection wins a tie. No distance is too large: void at one end of the image joins a
thing at the other end if that is the only one of the class. Its part is the most probable one of
the class.
"""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from jppf_jax.fusion.canvas import count_labels
from jppf_jax.fusion.channels import parts_of_ids
from jppf_jax.fusion.config import Zoom
from jppf_jax.fusion.frame import Frame, make_frame, upsample
from jppf_jax.fusion.instances import PlacedMasks, maximum_over_instances, paste_into, place
from jppf_jax.fusion.tiles import Shape, Tile, by_platform, one_at_a_time, over_image
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.ops.boxes import ImageSize
from jppf_jax.structs import IGNORE, Array, Detections, LogitViews, PanopticParts


def fill_void(
  found: PanopticParts,
  semantic_logits: Float[Array, "h w K"] | LogitViews,
  part_logits: Float[Array, "h w O"] | LogitViews,
  detections: Detections,
  *,
  spec: LabelSpec,
  covered: ImageSize | None = None,
  zoom: Zoom = None,
  legacy: bool = True,
) -> PanopticParts:
  """Returns an answer without void: each pixel of the image has a class, and a part if the class
  has parts.

  What is not void stays as it is. If nothing survived, all stuff classes may be given; without
  stuff in the taxonomy the image then stays void. Runs in jit; memory is that of a few maps at the
  size of the result.

  Args:
    found: of any fusion of these logits and detections.
    semantic_logits: raw, stride 4.
    part_logits: raw, stride 4: the part outputs.
    detections: of this image (no batch axis).
    spec: the taxonomy.
    covered: as in `joint.joint_fusion`, like the others. Pixels outside stay void.
    zoom: pixels of the result per pixel of the network.
    legacy: of the model.
  """
  size = found.semantic.shape

  def fill(
    shape: Shape,
    found: PanopticParts,
    semantic: Array | LogitViews,
    part: Array | LogitViews,
    detections: Detections,
    covered: ImageSize | None,
    zoom: Zoom,
  ) -> PanopticParts:
    frame = make_frame((size[0], size[1]), covered, zoom, semantic.shape[:2])
    boxes = frame.scaled(detections.boxes)
    placed = place(detections.mask_logits, boxes, frame.size, covered=covered, legacy=legacy)
    classes = _classes(found, semantic, part, frame, shape, spec)
    slot = _slots(found, classes.semantic, placed, boxes, frame, shape)
    filled = (found.semantic == IGNORE) & (classes.semantic != IGNORE)
    instance = jnp.where(filled, slot + 1, found.instance)
    areas = count_labels(instance, 1 + len(boxes), covered)[1:]
    return PanopticParts(
      semantic=jnp.where(filled, classes.semantic, found.semantic).astype(jnp.int32),
      instance=instance.astype(jnp.int32),
      part=classes.part.astype(jnp.int32),
      segments=dataclasses.replace(found.segments, areas=areas.astype(jnp.int32)),
    )

  fill_image = one_at_a_time(by_platform(fill))
  return fill_image(found, semantic_logits, part_logits, detections, covered, zoom)


class _Classes(NamedTuple):
  """What a pass over the image finds.

  Attributes:
    semantic: train ids of the answer; void pixels of the image have the class to fill with.
    part: of the answer, without unknown parts.
  """

  semantic: UInt8[Array, "H W"]
  part: UInt8[Array, "H W"]


def _classes(
  found: PanopticParts,
  semantic_logits: Array | LogitViews,
  part_logits: Array | LogitViews,
  frame: Frame,
  shape: Shape,
  spec: LabelSpec,
) -> _Classes:
  """The class and the part of each pixel, filled."""
  survives = _survivors(found, frame, spec)
  num_parts = np.array([len(parts) for parts in spec.class_parts] + [0] * (256 - spec.num_classes))

  def look(state: _Classes, tile: Tile) -> _Classes:
    before, part = tile.cut(found.semantic), tile.cut(found.part)
    preferred = _best(upsample(semantic_logits, tile, frame), survives)
    semantic = jnp.where(before == IGNORE, preferred, before)
    has_none = (before == IGNORE) | (part == IGNORE)
    wanted = has_none & (jnp.asarray(num_parts)[semantic] > 0)
    part = jnp.where(has_none, 0, part)
    part = jax.lax.cond(
      wanted.any(),
      lambda: jnp.where(wanted, _best_parts(part_logits, semantic, tile, frame, spec), part),
      lambda: part,
    )
    return _Classes(tile.put(state.semantic, semantic), tile.put(state.part, part))

  start = _Classes(found.semantic.astype(jnp.uint8), found.part.astype(jnp.uint8))
  seen = over_image(frame.image, frame.size, shape, look, start)
  inside = frame.inside
  return _Classes(jnp.where(inside, seen.semantic, IGNORE), jnp.where(inside, seen.part, 0))


def _survivors(found: PanopticParts, frame: Frame, spec: LabelSpec) -> Bool[Array, "K"]:
  """The classes that the answer has; all stuff if it has none."""
  areas = count_labels(found.semantic, IGNORE + 1, frame.covered)
  survives = areas[: spec.num_classes] > 0
  is_stuff = np.arange(spec.num_classes) < spec.num_stuff
  return jnp.where(survives.any(), survives, is_stuff)


def _best(
  logits: Float[Array, "C th tw"], allowed: Bool[Array, "C"] | Bool[Array, "C th tw"]
) -> Int[Array, "th tw"]:
  """The first allowed channel with the largest logit; 255 if none is allowed."""
  allowed = jnp.broadcast_to(
    jnp.reshape(allowed, (*allowed.shape, *[1] * (3 - allowed.ndim))), logits.shape
  )
  best = jnp.argmax(jnp.where(allowed, logits, -jnp.inf), axis=0)
  return jnp.where(allowed.any(0), best, IGNORE).astype(jnp.int32)


def _best_parts(
  part_logits: Array | LogitViews,
  semantic: Int[Array, "th tw"],
  tile: Tile,
  frame: Frame,
  spec: LabelSpec,
) -> Int[Array, "th tw"]:
  """The most probable part of the class of each pixel; any for classes without parts."""
  logits = upsample(part_logits, tile, frame)[: spec.num_parts]
  allowed = jnp.moveaxis(jnp.asarray(parts_of_ids(spec))[semantic], -1, 0)
  return _best(logits, allowed)


def _slots(
  found: PanopticParts,
  classes: UInt8[Array, "H W"],
  placed: PlacedMasks,
  boxes: Float[Array, "D 4"],
  frame: Frame,
  shape: Shape,
) -> Int[Array, "H W"]:
  """The instance that each void pixel joins, -1 if it gets a stuff class or is not void."""
  labels, valid = jnp.asarray(found.segments.labels), jnp.asarray(found.segments.valid)

  def wanted(n: Int[Array, ""], tile: Tile) -> Bool[Array, "th tw"]:
    return (tile.cut(found.semantic) == IGNORE) & (tile.cut(classes) == labels[n]) & valid[n]

  def mask(n: Int[Array, ""], tile: Tile) -> tuple[Array, Array]:
    reached = wanted(n, tile) & tile.within(placed.spans[n])
    return jnp.where(reached, paste_into(tile, placed, n), -jnp.inf), n

  order = jnp.arange(len(boxes))
  _, slot = maximum_over_instances(mask, placed.spans, order, valid, frame.size, shape)

  def nearest(slot: Array, tile: Tile) -> jax.Array:
    def closer(
      n: Int[Array, ""], state: tuple[jax.Array, jax.Array]
    ) -> tuple[jax.Array, jax.Array]:
      distance, label = state
      own = jnp.where(wanted(n, tile), tile.squared_distance(boxes[n]), jnp.inf)
      return jnp.minimum(own, distance), jnp.where(own < distance, n, label)

    def search() -> jax.Array:
      start = jnp.full(tile.shape, jnp.inf), jnp.full(tile.shape, -1, jnp.int32)
      _, label = jax.lax.fori_loop(0, len(boxes), closer, start)
      return jnp.where(tile.cut(slot) < 0, label, tile.cut(slot))

    is_thing = jnp.zeros(256, bool).at[labels].max(valid)[tile.cut(classes)]
    missing = (tile.cut(found.semantic) == IGNORE) & is_thing & (tile.cut(slot) < 0)
    return tile.put(slot, jax.lax.cond(missing.any(), search, lambda: tile.cut(slot)))

  return over_image(frame.image, frame.size, shape, nearest, slot)
