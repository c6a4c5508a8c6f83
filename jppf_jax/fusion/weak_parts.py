"""Parts that the network is not sure of are taken off their segments.

A part head that hesitates between two parts, a dress or a coat, paints patches of both. So a
segment gets parts that it does not have; EfficientPS filters instances and stuff, but not parts.
Here a part stays on a segment only if the IoU that its probabilities promise is large enough:

    promised IoU = hits / (pixels + mass - hits)

`pixels` have the part, `hits` is the sum of its probability over them, and `mass` the sum over the
whole segment. If the probabilities are right, these are the expected sizes of the intersection and
of the true part. They are those among the parts of the class, so that a part is not weak because of
its background. Pixels of a part that goes get the most probable of the parts that stay; if none
would stay, the most promising one does.
"""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Bool, Float, Int

from jppf_jax.fusion.channels import parts_of_ids
from jppf_jax.fusion.config import Zoom, problem
from jppf_jax.fusion.frame import Frame, make_frame, upsample
from jppf_jax.fusion.tiles import Shape, Tile, by_platform, one_at_a_time, over_image
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.ops.boxes import ImageSize
from jppf_jax.structs import Array, LogitViews, PanopticParts

_TINY = 1e-30


def drop_weak_parts(
  found: PanopticParts,
  part_logits: Float[Array, "h w O"] | LogitViews,
  *,
  spec: LabelSpec,
  threshold: float,
  covered: ImageSize | None = None,
  zoom: Zoom = None,
) -> PanopticParts:
  """Returns an answer without parts that are weak on their segment; all else stays as it is.

  A segment is an instance, or the pixels of a stuff class with parts. Runs in jit; memory is that
  of a few maps at the size of the result.

  Args:
    found: of any fusion of these logits.
    part_logits: raw, stride 4: the part outputs.
    spec: the taxonomy.
    threshold: the least promised IoU of a part that stays, 0 to 1.
    covered: as in `joint.joint_fusion`, like the others.
    zoom: pixels of the result per pixel of the network.

  Raises:
    ValueError: the logits do not have the channels of the taxonomy.
    ValueError: `threshold` is no share from 0 to 1.
  """
  if (wrong := problem("part_threshold", threshold)) is not None:
    raise ValueError(f"drop_weak_parts: {wrong}")
  if part_logits.shape[-1] != spec.num_part_outputs:
    raise ValueError(
      f"Part logits have {part_logits.shape[-1]} channels, expected {spec.num_part_outputs}: the "
      "background and the parts of the taxonomy."
    )
  size = found.semantic.shape

  def drop(
    shape: Shape,
    found: PanopticParts,
    logits: Array | LogitViews,
    covered: ImageSize | None,
    zoom: Zoom,
  ) -> PanopticParts:
    frame = make_frame((size[0], size[1]), covered, zoom, logits.shape[:2])
    seen = _Seen(found, logits, frame, spec)
    stays = _sure_parts(seen, shape, threshold)

    def look(part: jax.Array, tile: Tile) -> jax.Array:
      segment, before, own = seen.segments(tile), seen.parts(tile), seen.own(tile)
      goes = _pick(own, before) & ~stays[segment, before]

      def choose() -> jax.Array:
        allowed = jnp.moveaxis(stays[segment], -1, 0)
        logits = jnp.where(allowed, seen.logits(tile), -jnp.inf)
        return jnp.where(goes, jnp.argmax(logits, axis=0), before)

      return tile.put(part, jax.lax.cond(goes.any(), choose, lambda: before))

    part = over_image(frame.image, frame.size, shape, look, jnp.asarray(found.part, jnp.int32))
    return dataclasses.replace(found, part=part)

  return one_at_a_time(by_platform(drop))(found, part_logits, covered, zoom)


class _Seen(NamedTuple):
  """What a tile shows of an answer and of the part head."""

  found: PanopticParts
  part_logits: Array | LogitViews
  frame: Frame
  spec: LabelSpec

  @property
  def num_segments(self) -> int:
    """One for no segment, the instances, the stuff classes."""
    return 1 + self.found.segments.valid.shape[-1] + self.spec.num_stuff

  def segments(self, tile: Tile) -> Int[Array, "th tw"]:
    """The segment of each pixel, 0 to `num_segments` - 1; 0 for void."""
    semantic, instance = tile.cut(self.found.semantic), tile.cut(self.found.instance)
    stuff = 1 + self.found.segments.valid.shape[-1] + semantic
    return jnp.where(
      instance > 0, instance, jnp.where(semantic < self.spec.num_stuff, stuff, 0)
    ).astype(jnp.int32)

  def parts(self, tile: Tile) -> Int[Array, "th tw"]:
    """The part channel of each pixel; 255 if it is not known."""
    return tile.cut(self.found.part).astype(jnp.int32)

  def own(self, tile: Tile) -> Bool[Array, "P th tw"]:
    """The parts of the class of each pixel; the background is none."""
    has_part = parts_of_ids(self.spec)
    has_part[:, 0] = False
    return jnp.moveaxis(jnp.asarray(has_part)[tile.cut(self.found.semantic)], -1, 0)

  def logits(self, tile: Tile) -> Float[Array, "P th tw"]:
    """The logits of all parts; that of the background is any of its outputs."""
    return upsample(self.part_logits, tile, self.frame)[: self.spec.num_parts]


def _sure_parts(seen: _Seen, shape: Shape, threshold: float) -> Bool[Array, "S P"]:
  """Which parts stay on each segment: of those that it has, those that are not weak."""
  promised, has_it = _promised_iou(seen, shape)
  stays = has_it & (promised >= threshold)
  best = jnp.arange(seen.spec.num_parts) == jnp.argmax(promised, axis=1)[:, None]
  return jnp.where(stays.any(1, keepdims=True), stays, best & has_it)


def _promised_iou(seen: _Seen, shape: Shape) -> tuple[Float[Array, "S P"], Bool[Array, "S P"]]:
  """The promised IoU of each part on each segment, and which parts it has."""
  zero = jnp.zeros((seen.num_segments, seen.spec.num_parts))

  def count(state: _Sums, tile: Tile) -> _Sums:
    segment, part, own = seen.segments(tile), seen.parts(tile), seen.own(tile)
    logits = jnp.where(own, seen.logits(tile), -jnp.inf)
    norm = jax.nn.logsumexp(jnp.where(own.any(0), logits, 0), axis=0)
    probability = jnp.where(own & tile.fresh(), jnp.exp(logits - norm), 0)
    is_it = (jnp.arange(len(own))[:, None, None] == part) & own & tile.fresh()
    is_hit = jnp.where(is_it, probability, 0)
    pixels, mass, hits = (
      jnp.asarray(total).at[segment].add(jnp.moveaxis(summed.astype(jnp.float32), 0, -1))
      for total, summed in zip(state, (is_it, probability, is_hit))
    )
    return _Sums(pixels, mass, hits)

  sums = over_image(seen.frame.image, seen.frame.size, shape, count, _Sums(zero, zero, zero))
  union = sums.pixels + sums.mass - sums.hits
  return sums.hits / jnp.maximum(union, _TINY), sums.pixels > 0


class _Sums(NamedTuple):
  """What a promised IoU is made of, for each part on each segment."""

  pixels: Float[Array, "S P"]
  mass: Float[Array, "S P"]
  hits: Float[Array, "S P"]


def _pick(maps: Array, part: Int[Array, "th tw"]) -> jax.Array:
  """Returns the map of its part at each pixel; any of them if the part is not known."""
  index = jnp.minimum(part, len(maps) - 1)[None]
  picked = jnp.take_along_axis(jnp.asarray(maps), index, axis=0)[0]
  if maps.dtype == bool:
    return picked & (part < len(maps))
  return picked
