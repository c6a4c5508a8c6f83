"""Joint fusion, the paper's contribution (Sec. 3.2): the three heads decide together.

For an instance of class c, MLI are its pasted mask logits, MLS the probabilities of c, and MLP
those of a part of c, or of the part head's background if c has no parts. MLS and MLP are masked by
the box. Eq. 1 fuses them to three groups of channels:

  FLP   one channel per instance and part, for instances of classes with parts
  FLNP  one channel per instance of a class without parts
  FLS   one channel per stuff class, fused with the background of the part head

The argmax over FLP, FLNP and FLS, in this order, decides each pixel; the first wins a tie. The
instances that win go onto an empty canvas, and the stuff of the semantic head fills the rest.

FLP and FLNP of 100 instances would take gigabytes, so they are never stored: the fusion visits the
image in windows, instance by instance, and keeps the best score so far and its label.
"""

from functools import partial, reduce
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Float, Int

from jppf_jax.fusion.canvas import (
  assemble,
  fill_classes,
  first_maximum,
  one_at_a_time,
  stuff_parts,
)
from jppf_jax.fusion.channels import part_channels, stuff_channels
from jppf_jax.fusion.config import PAPER, FusionConfig
from jppf_jax.fusion.evidence import Evidence, InstanceTerms, gather_evidence, instance_terms
from jppf_jax.fusion.instances import Window, maximum_over_instances
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.ops.boxes import ImageSize
from jppf_jax.structs import Array, Detections, PanopticParts

_LABELS = 256  # an instance and its part are stored as one integer: detection * 256 + part


def fused_logits(*masked_logits: Float[Array, "*s"], mean: bool = False) -> Float[Array, "*s"]:
  """Returns FL of Eq. 1: the sum of the sigmoids of the masked logits, times their sum.

  Args:
    masked_logits: any number of terms of one shape.
    mean: means instead of sums.
  """
  share = 1 / len(masked_logits) if mean else 1
  confidence = reduce(jnp.add, [jax.nn.sigmoid(logits) for logits in masked_logits])
  total = reduce(jnp.add, masked_logits)
  return (confidence * share) * (total * share)


def fused_instance(terms: InstanceTerms, config: FusionConfig) -> tuple[Float[Array, "th tw"], ...]:
  """Fusion for things: returns the fused logits of one instance, one map per part (FLP) or a single
  map (FLNP); -inf at pixels for which the instance does not compete.
  """
  fuse = partial(fused_logits, mean=config.fuse_reduce == "mean")
  fused = []
  for mlp, competes in zip(terms.mlp, terms.competes):
    logits = fuse(terms.mli, terms.mls, mlp)
    fused.append(jnp.where(competes, logits, -jnp.inf))
  return tuple(fused)


def fused_stuff(
  evidence: Evidence, spec: LabelSpec, config: FusionConfig
) -> tuple[Float[Array, "H W"], ...]:
  """Fusion for stuff: returns FLS, each stuff class with its background or its best part."""
  fuse = partial(fused_logits, mean=config.fuse_reduce == "mean")
  fused = []
  for k, channels in enumerate(stuff_channels(spec)):
    choices = [fuse(evidence.semantic[k], evidence.part[p]) for p in channels]
    fused.append(reduce(jnp.maximum, choices))
  return tuple(fused)


class Competition(NamedTuple):
  """The decision at each pixel of one image.

  Attributes:
    things: the largest of FLP and FLNP, -inf if no instance competes.
    slot: the detection that wins each pixel, -1 = stuff.
    fill: train ids for the pixels that no instance won.
    result: the answer.
  """

  things: Float[Array, "H W"]
  slot: Int[Array, "H W"]
  fill: Int[Array, "H W"]
  result: PanopticParts


def compete(evidence: Evidence, spec: LabelSpec, config: FusionConfig) -> Competition:
  """Overall fusion: the argmax over FLP, FLNP and FLS, then the canvas, things before stuff."""
  things, detection, part = _best_instances(evidence, spec, config)  # FLP and FLNP
  no_stuff = jnp.full(evidence.size, -jnp.inf)
  stuff, best_stuff = first_maximum(fused_stuff(evidence, spec, config) or (no_stuff,))  # FLS
  slot = jnp.where(things >= stuff, detection, -1)
  fill = fill_classes(config.stuff_fill, evidence.semantic_logits, best_stuff, spec.num_stuff)
  result = assemble(
    slot,
    part,
    fill,
    stuff_parts(fill, evidence.part, spec),
    evidence.detections,
    spec=spec,
    min_stuff_area=config.min_stuff(evidence.covered),
    min_thing_area=config.min_thing_area,
    covered=evidence.covered,
  )
  return Competition(things, slot, fill, result)


def joint_fusion(
  semantic_logits: Float[Array, "h w K"],
  part_logits: Float[Array, "h w O"],
  detections: Detections,
  *,
  spec: LabelSpec,
  size: tuple[int, int],
  covered: ImageSize | None = None,
  config: FusionConfig = PAPER,
  legacy: bool = True,
) -> PanopticParts:
  """Returns class, instance and part of each pixel of one image (the paper's Sec. 3.2, Eq. 1).

  Runs in jit; under `jax.vmap` it fuses one image after the other. Memory is that of the
  probabilities at image resolution, for any number of detections. Time grows with the area of the
  boxes.

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
      images of many sizes. Nothing outside has any influence, and the pixels there are void. None:
      all.
    config: what the paper leaves open.
    legacy: of the model, see `ops.masks.paste_weights`.

  Raises:
    ValueError: the logits do not have the channels of the taxonomy.
    ValueError: the logits do not cover an image of this size.
  """

  gather = partial(gather_evidence, spec=spec, size=size, config=config, legacy=legacy)

  def fuse(
    semantic: Array, part: Array, detections: Detections, covered: ImageSize | None
  ) -> PanopticParts:
    evidence = gather(semantic, part, detections, covered=covered)
    return compete(evidence, spec, config).result

  return one_at_a_time(fuse)(semantic_logits, part_logits, detections, covered)


def _best_instances(
  evidence: Evidence, spec: LabelSpec, config: FusionConfig
) -> tuple[Float[Array, "H W"], Int[Array, "H W"], Int[Array, "H W"]]:
  """The largest of FLP and FLNP at each pixel, its detection and its part.

  If no instance competes: -inf, -1 and any part.
  """

  def best_part(window: Window) -> tuple[Float[Array, "th tw"], Int[Array, "th tw"]]:
    terms = instance_terms(window, evidence, spec, config)
    score, winner = first_maximum(fused_instance(terms, config))
    return score, window.instance * _LABELS + terms.labels[winner]

  has_parts = jnp.asarray(part_channels(spec).partitionable)[evidence.things]
  flp_first = jnp.argsort(~has_parts, stable=True)
  best, code = maximum_over_instances(
    best_part, evidence.masks.spans, flp_first, evidence.kept, evidence.size
  )
  return best, code // _LABELS, code % _LABELS
