"""What the three heads say about one image, at image resolution: the input of the joint fusion."""

import dataclasses
from functools import reduce
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int

from jppf_jax.fusion.canvas import things_of, upsample
from jppf_jax.fusion.channels import part_channels
from jppf_jax.fusion.config import FusionConfig
from jppf_jax.fusion.instances import PlacedMasks, Window, filter_detections
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.ops.boxes import ImageSize
from jppf_jax.structs import Array, Detections, struct

_TINY = 1e-30  # keeps a sum of probabilities that underflowed from dividing by 0


class Evidence(NamedTuple):
  """Probabilities and masks of one image. Channels first, so a window of one channel is contiguous.

  Attributes:
    semantic_logits: at image resolution.
    semantic: their softmax.
    part: softmax of the part logits; with `allow_void_part` and several backgrounds, one more
      channel holds the sum of these.
    masks: mask logits (or probabilities) of the detections, ready to be pasted.
    things: train ids of the detections.
    kept: detections that enter the fusion.
    detections: as the network gave them.
    covered: rows and columns that the image covers, from the top left; the rest is padding.
  """

  semantic_logits: Float[Array, "H W K"]
  semantic: Float[Array, "K H W"]
  part: Float[Array, "O H W"]
  masks: PlacedMasks
  things: Int[Array, "D"]
  kept: Bool[Array, "D"]
  detections: Detections
  covered: ImageSize

  @property
  def size(self) -> tuple[int, int]:
    """Height and width of the frame that the image is in."""
    height, width, _ = self.semantic_logits.shape
    return height, width


def gather_evidence(
  semantic_logits: Float[Array, "h w K"],
  part_logits: Float[Array, "h w O"],
  detections: Detections,
  *,
  spec: LabelSpec,
  size: tuple[int, int],
  config: FusionConfig,
  legacy: bool,
  covered: ImageSize | None = None,
) -> Evidence:
  """Up-samples the logits and takes their softmax, places the masks and filters the detections.

  Arguments as in `joint.joint_fusion`.

  Raises:
    ValueError: the logits do not have the channels of the taxonomy.
    ValueError: the logits do not cover an image of this size.
  """
  _check_channels(semantic_logits, part_logits, spec)
  semantic_logits = upsample(semantic_logits, size, covered)
  semantic = _channel_probabilities(semantic_logits)
  part = _channel_probabilities(upsample(part_logits, size, covered))
  if config.allow_void_part and len(spec.background_outputs) > 1:
    backgrounds = part[np.array(spec.background_outputs)]
    part = jnp.concatenate([part, backgrounds.sum(0, keepdims=True)])

  placed, kept = filter_detections(
    detections,
    size,
    score_threshold=config.score_threshold,
    overlap_threshold=config.overlap_threshold,
    covered=covered,
    legacy=legacy,
  )
  masks = placed.masks
  if config.instance_logit_activation == "sigmoid":
    masks = jax.nn.sigmoid(masks)
  placed = dataclasses.replace(placed, masks=masks * config.instance_logit_scale)
  things = things_of(detections, spec)
  inside = size if covered is None else covered
  return Evidence(semantic_logits, semantic, part, placed, things, kept, detections, inside)


@struct
class InstanceTerms:
  """What Eq. 1 fuses for one instance, in one window of the image.

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
  window: Window, evidence: Evidence, spec: LabelSpec, config: FusionConfig
) -> InstanceTerms:
  """Returns MLI, MLS and MLP of the window's instance (Sec. 3.2, "Fusion for Things")."""
  n = window.instance
  thing = evidence.things[n]
  table = part_channels(spec, allow_void_part=config.allow_void_part)
  channels, labels, valid, partitionable = (jnp.asarray(column)[thing] for column in table)
  inside = window.within(evidence.masks.rectangles[n])
  reached = window.within(evidence.masks.spans[n])
  region = reached if config.outside_value == 0 else inside

  semantic = window.cut(evidence.semantic, thing)
  parts = [window.cut(evidence.part, channel) for channel in channels]
  if config.renormalise_parts:
    own_parts = [jnp.where(ok, part, 0) for ok, part in zip(valid, parts)]
    total = jnp.maximum(reduce(jnp.add, own_parts), _TINY)
    parts = [jnp.where(partitionable, part / total, part) for part in parts]
  return InstanceTerms(
    mli=window.paste(evidence.masks),
    mls=jnp.where(inside, semantic, config.outside_value),
    mlp=tuple(jnp.where(inside, part, config.outside_value) for part in parts),
    competes=tuple(region & ok for ok in valid),
    labels=labels,
    valid=valid,
  )


def _channel_probabilities(logits: Float[Array, "H W C"]) -> Float[Array, "C H W"]:
  return jnp.moveaxis(jax.nn.softmax(logits, axis=-1), -1, 0)


def _check_channels(semantic_logits: Array, part_logits: Array, spec: LabelSpec) -> None:
  found = semantic_logits.shape[-1], part_logits.shape[-1]
  expected = spec.num_classes, spec.num_part_outputs
  if found != expected:
    raise ValueError(
      f"Got {found[0]} semantic and {found[1]} part channels; {spec.name} has {expected[0]} and "
      f"{expected[1]}. Use the label spec that the model was trained with."
    )
