"""Eq. 1 of the paper (Sec. 3.2): logits that agree become larger; and what it fuses to channels.

FLP and FLNP are those of an instance (`fused_instance`), FLS those of stuff (`fused_stuff`, or only
its largest: `best_stuff`).
"""

from collections.abc import Callable
from functools import partial, reduce

import jax
import jax.numpy as jnp
from jaxtyping import Float, Int

from jppf_jax.fusion.canvas import first_maximum
from jppf_jax.fusion.channels import stuff_channels
from jppf_jax.fusion.config import FusionConfig
from jppf_jax.fusion.evidence import InstanceTerms, Norms
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.structs import Array


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


def logit_fusion(config: FusionConfig) -> Callable[..., Array]:
  """Returns `fused_logits` as the config has it."""
  return partial(fused_logits, mean=config.fuse_reduce == "mean")


def fused_instance(terms: InstanceTerms, config: FusionConfig) -> tuple[Float[Array, "th tw"], ...]:
  """Fusion for things: returns the fused logits of one instance, one map per part (FLP) or a single
  map (FLNP); -inf at pixels for which the instance does not compete.
  """
  fuse = logit_fusion(config)
  fused = []
  for mlp, competes in zip(terms.mlp, terms.competes):
    logits = fuse(terms.mli, terms.mls, mlp)
    fused.append(jnp.where(competes, logits, -jnp.inf))
  return tuple(fused)


def fused_stuff(
  semantic: Float[Array, "K th tw"],
  part: Float[Array, "O th tw"],
  spec: LabelSpec,
  config: FusionConfig,
) -> tuple[Float[Array, "th tw"], ...]:
  """Fusion for stuff: returns FLS, each stuff class with its background or its best part.

  Args:
    semantic: probabilities.
    part: probabilities.
    spec: the taxonomy.
    config: what the paper leaves open.
  """
  fuse = logit_fusion(config)
  fused = []
  for k, channels in enumerate(stuff_channels(spec)):
    choices = [fuse(semantic[k], part[p]) for p in channels]
    fused.append(reduce(jnp.maximum, choices))
  return tuple(fused)


def best_stuff(
  semantic_logits: Float[Array, "K th tw"],
  part_logits: Float[Array, "O th tw"],
  norms: Norms,
  spec: LabelSpec,
  config: FusionConfig,
) -> tuple[Float[Array, "th tw"], Int[Array, "th tw"]]:
  """Returns the largest of FLS and its class in a tile; -inf and any class if there is no stuff.

  Eq. 1 of two probabilities grows with each of them. So among stuff classes that are fused with the
  same part outputs, the one with the largest logit has the largest FLS, and only this one is fused.
  """
  fuse = logit_fusion(config)
  groups: dict[tuple[int, ...], list[int]] = {}
  for k, channels in enumerate(stuff_channels(spec)):
    groups.setdefault(channels, []).append(k)

  best = jnp.full(norms.part.shape, -jnp.inf)
  label = jnp.full(norms.part.shape, spec.num_stuff, jnp.int32)
  for channels, classes in groups.items():
    logit, rival = first_maximum([semantic_logits[k] for k in classes], classes)
    probability = jnp.exp(logit - norms.semantic)
    choices = [fuse(probability, jnp.exp(part_logits[p] - norms.part)) for p in channels]
    score = reduce(jnp.maximum, choices)
    comes_first = (score == best) & (rival < label)
    label = jnp.where((score > best) | comes_first, rival, label)
    best = jnp.maximum(score, best)
  return best, label
