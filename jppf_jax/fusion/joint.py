"""Joint fusion, the paper's contribution (Sec. 3.2): the three heads decide together.

For an instance of class c, MLI are its pasted mask logits, MLS the probabilities of c, and MLP
those of a part of c, or of the part head's background if c has no parts. MLS and MLP are masked by
the box. Eq. 1 fuses them to three groups of channels:

  FLP   one channel per instance and part, for instances of classes with parts
  FLNP  one channel per instance of a class without parts
  FLS   one channel per stuff class, fused with the background of the part head

The argmax over FLP, FLNP and FLS, in this order, decides each pixel; the first wins a tie. The
instances that win go onto an empty canvas, and the stuff of the semantic head fills the rest.

All these channels would take gigabytes at image resolution, so they are never stored. The fusion
visits the image in tiles: first once for stuff, and then, instance by instance, those that the
instance reaches, where it keeps the best score so far and its label. In each tile the few logits
that are needed are up-sampled from stride 4.
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Float, Int, UInt8

from jppf_jax.fusion.canvas import assemble, fill_classes, first_maximum, stuff_parts
from jppf_jax.fusion.channels import part_channels
from jppf_jax.fusion.config import PAPER, FusionConfig, Zoom, in_result
from jppf_jax.fusion.eq1 import best_stuff, fused_instance, logit_fusion
from jppf_jax.fusion.evidence import (
  Evidence,
  Norms,
  gather_evidence,
  instance_terms,
  log_sum_exp,
  strongest_part,
)
from jppf_jax.fusion.fill import fill_void
from jppf_jax.fusion.frame import upsample
from jppf_jax.fusion.instances import maximum_over_instances
from jppf_jax.fusion.tiles import Shape, Tile, by_platform, one_at_a_time, over_image
from jppf_jax.fusion.weak_parts import drop_weak_parts
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.ops.boxes import ImageSize
from jppf_jax.structs import IGNORE, Array, Detections, LogitViews, PanopticParts

_LABELS = 256  # an instance and its part are stored as one integer: detection * 256 + part


class Ground(NamedTuple):
  """The image without instances. Norms and `stuff` are 0 in tiles that no instance reaches.

  Attributes:
    norms: of the softmax of both heads.
    stuff: the largest of FLS.
    fill: train ids for the pixels that no instance won.
    stuff_part: the part at these pixels; None if no stuff has parts.
  """

  norms: Norms
  stuff: Float[Array, "H W"]
  fill: UInt8[Array, "H W"]
  stuff_part: UInt8[Array, "H W"] | None


def ground(evidence: Evidence, shape: Shape, spec: LabelSpec, config: FusionConfig) -> Ground:
  """Visits the image once for all that does not depend on instances."""
  frame = evidence.frame
  has_parts = any(spec.class_parts[: spec.num_stuff])

  def see(tile: Tile) -> Ground:
    semantic = upsample(evidence.semantic_logits, tile, frame)
    part = upsample(evidence.part_logits, tile, frame)
    norms = Norms(log_sum_exp(semantic), log_sum_exp(part))
    stuff, best = best_stuff(semantic, part, norms, spec, config)
    fill = fill_classes(config.stuff_fill, tuple(semantic), best, spec.num_stuff)
    parts = stuff_parts(fill, tuple(part), spec) if has_parts else None
    return Ground(norms, stuff, fill, parts)

  def see_fill(tile: Tile) -> Ground:
    semantic = upsample(evidence.semantic_logits, tile, frame)
    fill = fill_classes(config.stuff_fill, tuple(semantic), None, spec.num_stuff)
    zero = jnp.zeros(tile.shape)
    return Ground(Norms(zero, zero), zero, fill, None)

  def look(state: Ground, tile: Tile) -> Ground:
    if has_parts or config.stuff_fill == "fused":
      seen = see(tile)
    else:
      is_reached = (tile.touches(evidence.masks.spans) & evidence.kept).any()
      seen = jax.lax.cond(is_reached, lambda: see(tile), lambda: see_fill(tile))
    return jax.tree.map(tile.put, state, seen)

  zero = jnp.zeros(frame.size)
  ids = jnp.full(frame.size, IGNORE, jnp.uint8)
  start = Ground(Norms(zero, zero), zero, ids, ids if has_parts else None)
  return over_image(frame.image, frame.size, shape, look, start)


class Competition(NamedTuple):
  """The decision at each pixel of one image.

  Attributes:
    ground: the image without instances.
    things: the largest of FLP and FLNP where it is not negative, -inf if no instance competes.
    slot: the detection that wins each pixel, -1 = stuff.
    result: the answer.
  """

  ground: Ground
  things: Float[Array, "H W"]
  slot: Int[Array, "H W"]
  result: PanopticParts


def compete(evidence: Evidence, shape: Shape, spec: LabelSpec, config: FusionConfig) -> Competition:
  """Overall fusion: the argmax over FLP, FLNP and FLS, then the canvas, things before stuff."""
  below = ground(evidence, shape, spec, config)  # FLS
  things, detection, part = _best_instances(evidence, below.norms, shape, spec, config)  # FLP, FLNP
  slot = jnp.where(things >= below.stuff, detection, -1)
  fill = below.fill.astype(jnp.int32)
  stuff_part = jnp.zeros_like(slot) if below.stuff_part is None else below.stuff_part
  frame = evidence.frame
  result = assemble(
    slot,
    part,
    fill,
    stuff_part.astype(jnp.int32),
    evidence.detections,
    spec=spec,
    min_stuff_area=config.min_stuff(frame.image, frame.zoom),
    min_thing_area=in_result(config.min_thing_area, frame.zoom),
    covered=frame.covered,
  )
  return Competition(below, things, slot, result)


def joint_fusion(
  semantic_logits: Float[Array, "h w K"] | LogitViews,
  part_logits: Float[Array, "h w O"] | LogitViews,
  detections: Detections,
  *,
  spec: LabelSpec,
  size: tuple[int, int],
  covered: ImageSize | None = None,
  zoom: Zoom = None,
  config: FusionConfig = PAPER,
  legacy: bool = True,
) -> PanopticParts:
  """Returns class, instance and part of each pixel of one image (the paper's Sec. 3.2, Eq. 1).

  Runs in jit; under `jax.vmap` it fuses one image after the other. Memory is that of a few maps at
  the size of the result, for any number of classes, parts and detections. Time grows with the area
  of the image and of the boxes.

  The result may have more pixels than the network saw: with `zoom`, logits and masks are
  interpolated between them.

  Differs from the paper: an instance competes only where its mask or its rectangle reaches.
  Elsewhere all its terms are 0, and it could at best equal stuff whose probabilities all underflow.
  `FusionConfig` has what the paper leaves open. As the paper suggests, stuff with parts is fused
  with its parts; the part of a pixel is then the most probable one.

  Args:
    semantic_logits: raw, stride 4; the image is their upper left part.
    part_logits: raw, stride 4: the part outputs.
    detections: of this image (no batch axis), best first, raw mask logits.
    spec: the taxonomy.
    size: height and width of the result, at the top left of the padded image; static.
    covered: rows and columns of it that the image covers; may be traced, so that one program serves
      images of many sizes. Nothing outside has any influence, and the pixels there are void; they
      cost almost nothing. None: all.
    zoom: pixels of the result per pixel of the network, rows and columns, each at least 1; may be
      traced. Boxes and logits stay in the frame of the network. None: 1.
    config: what the paper leaves open.
    legacy: of the model, see `ops.masks.paste_weights`.

  Raises:
    ValueError: the logits do not have the channels of the taxonomy.
    ValueError: the logits do not cover an image of this size.
  """

  gather = partial(gather_evidence, spec=spec, size=size, config=config, legacy=legacy)

  def fuse(
    shape: Shape,
    semantic: Array | LogitViews,
    part: Array | LogitViews,
    detections: Detections,
    covered: ImageSize | None,
    zoom: Zoom,
  ) -> PanopticParts:
    evidence = gather(semantic, part, detections, shape=shape, covered=covered, zoom=zoom)
    return compete(evidence, shape, spec, config).result

  fuse_image = one_at_a_time(by_platform(fuse))
  heads = semantic_logits, part_logits, detections
  found = fuse_image(*heads, covered, zoom)
  return finished(found, *heads, spec, config, covered=covered, zoom=zoom, legacy=legacy)


def finished(
  found: PanopticParts,
  semantic_logits: Float[Array, "h w K"] | LogitViews,
  part_logits: Float[Array, "h w O"] | LogitViews,
  detections: Detections,
  spec: LabelSpec,
  config: FusionConfig,
  *,
  covered: ImageSize | None = None,
  zoom: Zoom = None,
  legacy: bool = True,
) -> PanopticParts:
  """Returns an answer with what the config asks for after the fusion; arguments as there."""
  where: dict[str, Any] = {"spec": spec, "covered": covered, "zoom": zoom}
  if config.fill_void:
    found = fill_void(found, semantic_logits, part_logits, detections, **where, legacy=legacy)
  if config.part_threshold > 0:
    found = drop_weak_parts(found, part_logits, threshold=config.part_threshold, **where)
  return found


def _best_instances(
  evidence: Evidence, norms: Norms, shape: Shape, spec: LabelSpec, config: FusionConfig
) -> tuple[Float[Array, "H W"], Int[Array, "H W"], Int[Array, "H W"]]:
  """The largest of FLP and FLNP at each pixel, its detection and its part.

  If no instance competes: -inf, -1 and any part.
  """
  one_decides = spec.num_stuff > 0 and not (config.renormalise_parts or config.allow_void_part)
  best_part = _strongest_part_wins if one_decides else _best_of_all_parts

  def fuse(n: Int[Array, ""], tile: Tile) -> tuple[Float[Array, "th tw"], Int[Array, "th tw"]]:
    score, part = best_part(n, tile, evidence, norms, spec, config)
    return score, n * _LABELS + part

  has_parts = jnp.asarray(part_channels(spec).partitionable)[evidence.things]
  flp_first = jnp.argsort(~has_parts, stable=True)
  best, code = maximum_over_instances(
    fuse, evidence.masks.spans, flp_first, evidence.kept, evidence.frame.size, shape
  )
  return best, code // _LABELS, code % _LABELS


def _best_of_all_parts(
  n: Int[Array, ""],
  tile: Tile,
  evidence: Evidence,
  norms: Norms,
  spec: LabelSpec,
  config: FusionConfig,
) -> tuple[Float[Array, "th tw"], Int[Array, "th tw"]]:
  """The largest of FLP (or FLNP) of an instance, and its part."""
  terms = instance_terms(n, tile, evidence, norms, spec, config)
  return first_maximum(fused_instance(terms, config), terms.labels)


def _strongest_part_wins(
  n: Int[Array, ""],
  tile: Tile,
  evidence: Evidence,
  norms: Norms,
  spec: LabelSpec,
  config: FusionConfig,
) -> tuple[Float[Array, "th tw"], Int[Array, "th tw"]]:
  """The same wherever it is at least 0, with one fusion instead of one for each part.

  Eq. 1 grows with a probability while the sum of its terms is not negative, so the most probable
  part has the largest logit. If that sum is negative, so are the logits of all parts, and stuff
  wins, whose logits are not.
  """
  terms = strongest_part(n, tile, evidence, norms, spec, config)
  fused = logit_fusion(config)(terms.mli, terms.mls, terms.mlp)
  return jnp.where(terms.competes, fused, -jnp.inf), terms.part
