"""All losses of the network, by name."""

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType

from jaxtyping import Float

from jppf_jax.losses.instance_regions import region_losses
from jppf_jax.losses.instance_rpn import rpn_losses
from jppf_jax.losses.semantic_part import hard_cross_entropy
from jppf_jax.losses.term import Term, reduce_term
from jppf_jax.names import LOSSES
from jppf_jax.structs import Array, Batch, Outputs, RPNOutputs, RPNTargets


def compute_losses(
  outputs: Outputs,
  rpn_targets: RPNTargets | None,
  batch: Batch,
  *,
  weights: Mapping[str, float] = MappingProxyType({}),
  axis_name: str | None = None,
) -> dict[str, Float[Array, ""]]:
  """Returns the weighted losses by name; training minimises their sum (EfficientPS, plus the part
  loss of JPPF).

  A head that the model does not have has no losses. Over `axis_name` each replica sees its share of
  the batch. The mean of the returned values over the axis is the loss of the whole batch on one
  device, and the same is true of their gradients.

  Args:
    outputs: of the network in training, with `regions` and `region_targets`.
    rpn_targets: from `targets.instance_rpn`, for the same images; None without an instance head.
    batch: the labels of the images.
    weights: factors by name; a name that is left out has factor 1.
    axis_name: axis of the replicas that together hold the global batch.

  Raises:
    ValueError: there is no loss of a name in `weights`.
    ValueError: the outputs of the instance head are those of inference, or it has no targets.
  """
  if unknown := sorted(set(weights) - set(LOSSES)):
    raise ValueError(
      f"There is no loss called {', '.join(unknown)}; weights may name {', '.join(LOSSES)}."
    )
  pixelwise = partial(hard_cross_entropy, covered=batch.covered, axis_name=axis_name)
  terms: dict[str, Term] = {}
  if outputs.semantic.shape[-1]:
    terms["semantic"] = pixelwise(outputs.semantic, batch.semantic)
  if outputs.part.shape[-1]:
    terms["part"] = pixelwise(outputs.part, batch.part)
  if outputs.rpn is not None:
    terms |= _instance_losses(outputs, outputs.rpn, rpn_targets)
  losses = {}
  for name in LOSSES:
    if name in terms:
      loss = reduce_term(terms[name], axis_name)
      losses[name] = weights.get(name, 1.0) * loss
  return losses


def _instance_losses(
  outputs: Outputs, rpn: RPNOutputs, targets: RPNTargets | None
) -> dict[str, Term]:
  if outputs.regions is None or outputs.region_targets is None:
    raise ValueError(
      "The outputs have no regions to score: run the model with train=True and sample_regions."
    )
  if targets is None:
    raise ValueError("The outputs of the RPN need rpn_targets, which are None.")
  return rpn_losses(rpn, targets) | region_losses(outputs.regions, outputs.region_targets)
