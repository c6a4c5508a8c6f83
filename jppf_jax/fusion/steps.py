"""The joint fusion step by step: each intermediate of the paper's Sec. 3.2, to see and to teach."""

import jax.numpy as jnp
from jaxtyping import Bool, Float, Int

from jppf_jax.fusion.config import PAPER, FusionConfig
from jppf_jax.fusion.eq1 import fused_instance, fused_stuff
from jppf_jax.fusion.evidence import Norms, gather_evidence, instance_terms, log_sum_exp
from jppf_jax.fusion.frame import upsample
from jppf_jax.fusion.joint import compete, finished
from jppf_jax.fusion.tiles import whole_image
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.structs import Array, Detections, PanopticParts, struct


@struct
class InstanceLogits:
  """Eq. 1 for one instance on the whole image.

  Attributes:
    mli: pasted mask logits.
    mls: probability of the class, inside the rectangle.
    mlp: probability of each of its parts, or of the background, inside the rectangle.
    fused: FL of the three for each part; -inf in padding and if the instance does not compete.
    labels: the part that each entry of `mlp` and `fused` stands for.
    valid: entries that the class has; the rest is padding.
  """

  mli: Float[Array, "H W"]
  mls: Float[Array, "H W"]
  mlp: tuple[Float[Array, "H W"], ...]
  fused: tuple[Float[Array, "H W"], ...]
  labels: Int[Array, "M"]
  valid: Bool[Array, "M"]


@struct
class FusionSteps:
  """Each intermediate of the joint fusion of one image, in the order of the paper's Sec. 3.2.

  Attributes:
    semantic: softmax of the semantic logits at image resolution.
    part: softmax of the part logits.
    kept: detections that passed the filter.
    instance: the chosen instance: MLI, MLS, MLP and their fusion.
    things: the largest fused logit of all instances, -inf if none competes.
    stuff: FLS of each stuff class.
    slot: the instance that wins each pixel, -1 = stuff.
    fill: train ids for the pixels that no instance won.
    result: the answer of `joint_fusion`.
  """

  semantic: Float[Array, "H W K"]
  part: Float[Array, "H W O"]
  kept: Bool[Array, "D"]
  instance: InstanceLogits
  things: Float[Array, "H W"]
  stuff: tuple[Float[Array, "H W"], ...]
  slot: Int[Array, "H W"]
  fill: Int[Array, "H W"]
  result: PanopticParts


def joint_fusion_steps(
  semantic_logits: Float[Array, "h w K"],
  part_logits: Float[Array, "h w O"],
  detections: Detections,
  chosen: int | Int[Array, ""],
  *,
  spec: LabelSpec,
  size: tuple[int, int],
  config: FusionConfig = PAPER,
  legacy: bool = True,
) -> FusionSteps:
  """Returns the intermediates of `joint_fusion`; those of one instance for detection `chosen`.

  The whole image is a single tile, so it stores maps that `joint_fusion` never stores. The other
  arguments are those of `joint_fusion`.

  Args:
    chosen: the detection whose terms are returned.
  """
  heads = semantic_logits, part_logits, detections
  evidence = gather_evidence(*heads, spec=spec, size=size, shape=size, config=config, legacy=legacy)
  competition = compete(evidence, size, spec, config)
  whole = whole_image(size)
  semantic = upsample(semantic_logits, whole, evidence.frame)
  part = upsample(part_logits, whole, evidence.frame)
  norms = Norms(log_sum_exp(semantic), log_sum_exp(part))
  semantic, part = jnp.exp(semantic - norms.semantic), jnp.exp(part - norms.part)
  instance = jnp.asarray(chosen, jnp.int32)
  terms = instance_terms(instance, whole, evidence, norms, spec, config)
  fused = fused_instance(terms, config)
  result = finished(competition.result, *heads, spec, config, legacy=legacy)
  return FusionSteps(
    semantic=jnp.moveaxis(semantic, 0, -1),
    part=jnp.moveaxis(part, 0, -1),
    kept=evidence.kept,
    instance=InstanceLogits(terms.mli, terms.mls, terms.mlp, fused, terms.labels, terms.valid),
    things=competition.things,
    stuff=fused_stuff(semantic, part, spec, config),
    slot=competition.slot,
    fill=competition.ground.fill.astype(jnp.int32),
    result=result,
  )
