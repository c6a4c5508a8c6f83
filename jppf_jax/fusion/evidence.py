"""What the three heads say about one image: the input of the joint fusion."""

import dataclasses
from functools import partial, reduce
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int

from jppf_jax.fusion.canvas import UNROLLED, first_maximum, things_of
from jppf_jax.fusion.channels import PartChannels, part_channels
from jppf_jax.fusion.config import FusionConfig, Zoom
from jppf_jax.fusion.frame import Frame, make_frame, upsample
from jppf_jax.fusion.instances import PlacedMasks, filter_detections, paste_into
from jppf_jax.fusion.tiles import Shape, Tile
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.ops.boxes import ImageSize
from jppf_jax.structs import Array, Detections, LogitViews, struct

_TINY = 1e-30  # keeps a sum of probabilities that underflowed from dividing by 0


class Evidence(NamedTuple):
  """Logits and masks of one image. Nothing here has all channels at image resolution.

  Attributes:
    semantic_logits: at stride 4.
    part_logits: at stride 4.
    masks: mask logits (or probabilities) of the detections, ready to be pasted.
    things: train ids of the detections.
    kept: detections that enter the fusion.
    detections: as the network gave them.
    frame: of the result.
  """

  semantic_logits: Float[Array, "h w K"] | LogitViews
  part_logits: Float[Array, "h w O"] | LogitViews
  masks: PlacedMasks
  things: Int[Array, "D"]
  kept: Bool[Array, "D"]
  detections: Detections
  frame: Frame


class Norms(NamedTuple):
  """The logarithm of the sum of the exponentials of all logits, at each pixel of the image.

  A probability of the softmax is `exp(logit - norm)`, so one channel can be had alone.
  """

  semantic: Float[Array, "H W"]
  part: Float[Array, "H W"]


def gather_evidence(
  semantic_logits: Float[Array, "h w K"] | LogitViews,
  part_logits: Float[Array, "h w O"] | LogitViews,
  detections: Detections,
  *,
  spec: LabelSpec,
  size: tuple[int, int],
  shape: Shape,
  config: FusionConfig,
  legacy: bool,
  covered: ImageSize | None = None,
  zoom: Zoom = None,
) -> Evidence:
  """Places the masks and filters the detections.

  Args:
    semantic_logits: this and the others are as in `joint.joint_fusion`.
    part_logits: raw, stride 4.
    detections: of this image.
    spec: the taxonomy.
    size: of the result.
    shape: of the tiles that are visited.
    config: what the paper leaves open.
    legacy: of the model.
    covered: what the image covers of the result.
    zoom: of the result.

  Raises:
    ValueError: the logits do not have the channels of the taxonomy.
    ValueError: the logits do not cover an image of this size.
  """
  _check_channels(semantic_logits, part_logits, spec)
  frame = make_frame(size, covered, zoom, semantic_logits.shape[:2])
  placed, kept = filter_detections(
    detections,
    frame,
    shape,
    score_threshold=config.score_threshold,
    overlap_threshold=config.overlap_threshold,
    legacy=legacy,
    margin=config.box_margin,
  )
  masks = placed.masks
  if config.instance_logit_activation == "sigmoid":
    masks = jax.nn.sigmoid(masks)
  placed = dataclasses.replace(placed, masks=masks * config.instance_logit_scale)
  things = things_of(detections, spec)
  return Evidence(semantic_logits, part_logits, placed, things, kept, detections, frame)


@struct
class InstanceTerms:
  """What Eq. 1 fuses for one instance, in one tile of the image.

  Attributes:
    mli: pasted mask logits.
    mls: probability of the class, inside the rectangle.
    mlp: probability of each of its parts, or of the background, inside the rectangle.
    competes: for each of `mlp`, the pixels where the instance competes with it; nowhere in padding.
    labels: the part that each of `mlp` stands for.
    valid: which of `mlp` the class has; the rest is padding.
  """

  mli: Float[Array, "th tw"]
  mls: Float[Array, "th tw"]
  mlp: tuple[Float[Array, "th tw"], ...]
  competes: tuple[Bool[Array, "th tw"], ...]
  labels: Int[Array, "M"]
  valid: Bool[Array, "M"]


def instance_terms(
  n: Int[Array, ""],
  tile: Tile,
  evidence: Evidence,
  norms: Norms,
  spec: LabelSpec,
  config: FusionConfig,
) -> InstanceTerms:
  """Returns MLI, MLS and MLP of instance `n` in a tile (Sec. 3.2, "Fusion for Things")."""
  table = part_channels(spec, allow_void_part=config.allow_void_part)
  channels, labels, valid, partitionable = _row_of_class(table, evidence.things[n])
  inside, region = _places(n, tile, evidence, config)
  parts = _part_probabilities(channels, tile, evidence, norms, spec, config.allow_void_part)
  if config.renormalise_parts:
    own_parts = [jnp.where(ok, part, 0) for ok, part in zip(valid, parts)]
    total = jnp.maximum(reduce(jnp.add, own_parts), _TINY)
    parts = [jnp.where(partitionable, part / total, part) for part in parts]
  return InstanceTerms(
    mli=paste_into(tile, evidence.masks, n),
    mls=jnp.where(inside, _semantic_probability(n, tile, evidence, norms), config.outside_value),
    mlp=tuple(jnp.where(inside, part, config.outside_value) for part in parts),
    competes=tuple(region & ok for ok in valid),
    labels=labels,
    valid=valid,
  )


class StrongestPart(NamedTuple):
  """What Eq. 1 fuses for one instance and the most probable part of its class.

  Attributes:
    mli: as in `InstanceTerms`.
    mls: as in `InstanceTerms`.
    mlp: probability of the part, inside the rectangle.
    competes: the pixels where the instance competes.
    part: which part it is, the first if several are as probable.
  """

  mli: Float[Array, "th tw"]
  mls: Float[Array, "th tw"]
  mlp: Float[Array, "th tw"]
  competes: Bool[Array, "th tw"]
  part: Int[Array, "th tw"]


def strongest_part(
  n: Int[Array, ""],
  tile: Tile,
  evidence: Evidence,
  norms: Norms,
  spec: LabelSpec,
  config: FusionConfig,
) -> StrongestPart:
  """Returns the terms of instance `n` in a tile for its most probable part; without the options
  `renormalise_parts` and `allow_void_part`.
  """
  channels, labels, valid, _ = _row_of_class(part_channels(spec), evidence.things[n])
  inside, region = _places(n, tile, evidence, config)
  logits = upsample(evidence.part_logits, tile, evidence.frame, channels)
  own_logits = tuple(jnp.where(ok, part, -jnp.inf) for ok, part in zip(valid, logits))
  logit, part = first_maximum(own_logits, labels)
  outside = config.outside_value
  return StrongestPart(
    mli=paste_into(tile, evidence.masks, n),
    mls=jnp.where(inside, _semantic_probability(n, tile, evidence, norms), outside),
    mlp=jnp.where(inside, jnp.exp(logit - tile.cut(norms.part)), outside),
    competes=region,
    part=jnp.where(inside, part, labels[0]),  # outside all parts are equal
  )


def _row_of_class(
  table: PartChannels, thing: Int[Array, ""]
) -> tuple[Int[Array, "M"], Int[Array, "M"], Bool[Array, "M"], Bool[Array, ""]]:
  """The part outputs of one class, which may be traced; see `PartChannels`."""
  channels, labels, valid, partitionable = (jnp.asarray(column)[thing] for column in table)
  return channels, labels, valid, partitionable


def _places(
  n: Int[Array, ""], tile: Tile, evidence: Evidence, config: FusionConfig
) -> tuple[Bool[Array, "th tw"], Bool[Array, "th tw"]]:
  """The pixels inside the rectangle of an instance, and those where it competes."""
  inside = tile.within(evidence.masks.rectangles[n])
  if config.outside_value != 0:
    return inside, inside
  return inside, tile.within(evidence.masks.spans[n])


def _semantic_probability(
  n: Int[Array, ""], tile: Tile, evidence: Evidence, norms: Norms
) -> Float[Array, "th tw"]:
  """The probability of the class of an instance."""
  thing = evidence.things[n, None]
  own_logits = upsample(evidence.semantic_logits, tile, evidence.frame, thing)
  return jnp.exp(own_logits[0] - tile.cut(norms.semantic))


def _part_probabilities(
  channels: Int[Array, "M"],
  tile: Tile,
  evidence: Evidence,
  norms: Norms,
  spec: LabelSpec,
  allow_void_part: bool,
) -> list[Float[Array, "th tw"]]:
  """The probabilities of some part outputs; the one past the last is the sum of all backgrounds."""
  norm = tile.cut(norms.part)
  read = partial(upsample, evidence.part_logits, tile, evidence.frame)
  outputs = spec.num_part_outputs
  parts = list(jnp.exp(read(jnp.minimum(channels, outputs - 1)) - norm))
  if len(spec.background_outputs) == 1 or not allow_void_part:
    return parts
  backgrounds = jnp.exp(read(np.array(spec.background_outputs)) - norm).sum(0)
  return [jnp.where(channel < outputs, part, backgrounds) for channel, part in zip(channels, parts)]


def log_sum_exp(logits: Float[Array, "C th tw"]) -> Float[Array, "th tw"]:
  """Returns `Norms` of one tile."""
  if len(logits) > UNROLLED:
    largest = logits.max(0)
    return largest + jnp.log(jnp.exp(logits - largest).sum(0))
  largest = reduce(jnp.maximum, logits)
  total = reduce(jnp.add, [jnp.exp(channel - largest) for channel in logits])
  return largest + jnp.log(total)


def _check_channels(
  semantic_logits: Array | LogitViews, part_logits: Array | LogitViews, spec: LabelSpec
) -> None:
  found = semantic_logits.shape[-1], part_logits.shape[-1]
  expected = spec.num_classes, spec.num_part_outputs
  if found != expected:
    raise ValueError(
      f"Got {found[0]} semantic and {found[1]} part channels; {spec.name} has {expected[0]} and "
      f"{expected[1]}. Use the label spec that the model was trained with."
    )
