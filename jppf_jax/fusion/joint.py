"""Joint fusion, the paper's contribution (Sec. 3.2): the three heads decide together.

For instance n of class c, MLI is its pasted mask logit, MLS the probability of c, and MLP that of
one part of c (of the part head's background, if c has no parts). MLS and MLP count inside the
rectangle of the box. Eq. 1 fuses them to three groups of channels:

  FLP   one channel per instance and part
  FLNP  one channel per instance of a class without parts
  FLS   one channel per stuff class, fused with the background of the part head

A pixel goes to its largest channel; the first of FLP, FLNP, FLS if several are equal. The channels
of the instances, up to 100 x 6 images, are never stored: the fusion visits windows of the image,
instance by instance, and keeps only the best score and its label.
"""

from functools import partial, reduce
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Float, Int

from jppf_jax.fusion.canvas import assemble, first_maximum, one_at_a_time, stuff_parts
from jppf_jax.fusion.channels import part_channels, stuff_channels
from jppf_jax.fusion.config import PAPER, FusionConfig
from jppf_jax.fusion.evidence import Evidence, InstanceTerms, gather_evidence, instance_terms
from jppf_jax.fusion.instances import visit
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.structs import Array, Detections, PanopticParts

_LABELS = 256  # a candidate is coded as slot * 256 + part label


def fused_logits(*masked_logits: Float[Array, "*s"], mean: bool = False) -> Float[Array, "*s"]:
  """Returns FL of Eq. 1: the sum of the sigmoids of the masked logits, times their sum.

  Args:
    masked_logits: any number of terms of one shape.
    mean: means instead of sums.
  """
  share = 1 / len(masked_logits) if mean else 1
  confidence = reduce(jnp.add, [jax.nn.sigmoid(term) for term in masked_logits])
  total = reduce(jnp.add, masked_logits)
  return (confidence * share) * (total * share)


def joint_fusion(
  semantic_logits: Float[Array, "h w K"],
  part_logits: Float[Array, "h w O"],
  detections: Detections,
  *,
  spec: LabelSpec,
  size: tuple[int, int],
  config: FusionConfig = PAPER,
  legacy: bool = True,
) -> PanopticParts:
  """Returns class, instance and part of each pixel of one image (the paper's Sec. 3.2, Eq. 1).

  Runs in jit, and under `jax.vmap` image after image. Memory is that of the probabilities at image
  resolution, for any number of detections; time grows with the area of the boxes.

  Differs from the paper: an instance competes only where its mask or its rectangle reaches.
  Elsewhere all its terms are 0, and it could at best equal stuff whose probabilities all underflow.
  What the paper does not say is in `FusionConfig`. As the paper suggests, stuff with parts is fused
  with them; its part is the most probable one.

  Args:
    semantic_logits: raw, stride 4; the image is their upper left part.
    part_logits: raw, stride 4: the part outputs.
    detections: of this image (no batch axis), best first, raw mask logits.
    spec: the taxonomy.
    size: height and width of the image, without padding.
    config: what the paper leaves open.
    legacy: of the model, see `ops.masks.paste_weights`.

  Raises:
    ValueError: the logits do not have the channels of the taxonomy.
    ValueError: the logits do not cover an image of this size.
  """

  def fuse(*heads) -> PanopticParts:
    evidence = gather_evidence(*heads, spec=spec, size=size, config=config, legacy=legacy)
    return compete(evidence, detections=heads[-1], spec=spec, size=size, config=config).result

  return one_at_a_time(fuse)(semantic_logits, part_logits, detections)


class Competition(NamedTuple):
  """How the pixels of one image were decided.

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


def compete(
  evidence: Evidence,
  detections: Detections,
  *,
  spec: LabelSpec,
  size: tuple[int, int],
  config: FusionConfig,
) -> Competition:
  """Lets the three groups of channels compete and paints the canvas (arguments: `joint_fusion`)."""
  things, slot, part = _best_instances(evidence, spec, config)  # FLP and FLNP
  stuff_logits = fused_stuff(evidence, spec, config)  # FLS
  stuff, best_stuff = first_maximum(stuff_logits or (jnp.full(size, -jnp.inf),))
  slot = jnp.where(things >= stuff, slot, -1)
  if config.stuff_fill == "fused":
    fill = best_stuff
  else:
    only_stuff = config.stuff_fill == "stuff_only"
    choices = max(spec.num_stuff, 1) if only_stuff else spec.num_classes
    fill = jnp.argmax(evidence.semantic_logits[..., :choices], axis=-1)
  result = assemble(
    slot,
    part,
    fill,
    stuff_parts(fill, evidence.part, spec),
    detections,
    spec=spec,
    min_stuff_area=config.min_stuff(size),
    min_thing_area=config.min_thing_area,
  )
  return Competition(things, slot, fill, result)


def fused_instance(terms: InstanceTerms, config: FusionConfig) -> tuple[Float[Array, "th tw"], ...]:
  """Returns FL of one instance for each of its parts; -inf where it does not compete."""
  mean = config.fuse_reduce == "mean"
  fused = []
  for part, competes in zip(terms.mlp, terms.competes):
    logits = fused_logits(terms.mli, terms.mls, part, mean=mean)
    fused.append(jnp.where(competes, logits, -jnp.inf))
  return tuple(fused)


def _best_instances(
  evidence: Evidence, spec: LabelSpec, config: FusionConfig
) -> tuple[Float[Array, "H W"], Int[Array, "H W"], Int[Array, "H W"]]:
  """The largest of all FLP and FLNP at each pixel, its detection and its part.

  If no instance competes: -inf, -1 and any part.
  """
  partitionable = jnp.asarray(part_channels(spec).partitionable)[evidence.things]
  order = jnp.argsort(~partitionable, stable=True)  # FLP before FLNP: the first maximum wins

  def step(state, window):
    best, code = state
    terms = instance_terms(window, evidence, spec, config)
    score, winner = first_maximum(fused_instance(terms, config))
    best_here = window.cut(best)
    own_code = window.instance * _LABELS + terms.labels[winner]
    code_here = jnp.where(score > best_here, own_code, window.cut(code))
    return window.put(best, jnp.maximum(score, best_here)), window.put(code, code_here)

  size = evidence.semantic.shape[1:]
  start = jnp.full(size, -jnp.inf), jnp.full(size, -1, jnp.int32)
  best, code = visit(evidence.masks.spans, order, evidence.kept, size, step, start)
  return best, code // _LABELS, code % _LABELS


def fused_stuff(
  evidence: Evidence, spec: LabelSpec, config: FusionConfig
) -> tuple[Float[Array, "H W"], ...]:
  """Returns FLS: each stuff class with its background, or with the best of its parts."""
  fuse = partial(fused_logits, mean=config.fuse_reduce == "mean")
  fused = []
  for k, channels in enumerate(stuff_channels(spec)):
    of_each = [fuse(evidence.semantic[k], evidence.part[p]) for p in channels]
    fused.append(reduce(jnp.maximum, of_each))
  return tuple(fused)
