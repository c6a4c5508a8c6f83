"""Networks that were trained apart, evaluated together as one: the paper's systems to compare with.

Baseline* (Table 2) is a panoptic network and a part network, "independent networks" (Table 3) are
one network for each head. Each sees the image for itself; what they predict is fused as always.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

import flax.linen as nn
from jaxtyping import Int, UInt8

from jppf_jax import build
from jppf_jax.checkpoints.weights import load_weights
from jppf_jax.config_rules import ConfigError
from jppf_jax.evaluation.kept import Kept
from jppf_jax.fusion.config import FusionConfig
from jppf_jax.model import JPPF
from jppf_jax.names import HEADS
from jppf_jax.structs import Array, AveragedOutputs, Outputs

Predicted = TypeVar("Predicted", Outputs, AveragedOutputs)


class Source(NamedTuple):
  """A trained network.

  Attributes:
    config: of the run that made the weights.
    weights: their file.
  """

  config: build.Config
  weights: Path


NO_OTHERS: Mapping[str, Source] = MappingProxyType({})


class Together(nn.Module):
  """Several networks in inference: each predicts the heads that it has, which no other has.

  Attributes:
    networks: for the same classes and the same size.
  """

  networks: tuple[JPPF, ...]

  @property
  def heads(self) -> tuple[str, ...]:
    """The heads of all networks, in the order of `names.HEADS`."""
    found = {head for network in self.networks for head in network.heads}
    return tuple(head for head in HEADS if head in found)

  @property
  def legacy(self) -> bool:
    """As `JPPF.legacy`; all networks have the same."""
    return self.networks[0].legacy

  @property
  def pixel_mean(self) -> tuple[float, float, float]:
    """As `JPPF.pixel_mean`; all networks have the same."""
    return self.networks[0].pixel_mean

  def __call__(
    self, image: UInt8[Array, "B H W 3"], *, train: bool, covered: Int[Array, "B 2"] | None = None
  ) -> Outputs:
    """Returns the predictions of all networks as those of one.

    Args:
      image: RGB, 0..255, sides multiples of 32.
      train: must be False.
      covered: rows and columns that each image covers.
    """
    assert not train, "networks are trained one by one"
    outputs = [network(image, train=False, covered=covered) for network in self.networks]
    return merged(self.networks, outputs)

  @nn.nowrap
  def split(self, variables: Any) -> list[Any]:
    """Returns the variables of each network."""
    places = range(len(self.networks))
    return [
      {kind: tree[f"networks_{place}"] for kind, tree in variables.items()} for place in places
    ]


_FIELDS = {"instance": ("detections", "rpn", "proposals")}  # of outputs, that a head fills


def merged(networks: Sequence[JPPF], outputs: Sequence[Predicted]) -> Predicted:
  """Returns the outputs of several networks as those of one: each head from the last that has it.

  Args:
    networks: with their heads.
    outputs: of each network, all in one form.
  """
  whole = outputs[0]
  for network, found in zip(networks, outputs):
    fields = [field for head in network.heads for field in _FIELDS.get(head, (head,))]
    known = {field: getattr(found, field) for field in fields if hasattr(found, field)}
    whole = dataclasses.replace(whole, **known)
  return whole


class Loaded(NamedTuple):
  """A network, or several together, with weights.

  Attributes:
    model: the network.
    variables: its parameters and running statistics.
    inference: of the first network, with the taxonomy of the one that has the part head.
  """

  model: JPPF | Together
  variables: Any
  inference: build.Inference


def load(
  config: build.Config,
  weights: str | Path,
  others: Mapping[str, Source] = NO_OTHERS,
  kept: Kept | None = None,
) -> Loaded:
  """Returns a network with weights, or several together.

  Args:
    config: of the run that made the weights.
    weights: the file.
    others: networks that give a head in place of the first one, by the name of that head: "part",
      "semantic", "instance". They are used for that head only.
    kept: what earlier starts have traced; used without other networks.

  Raises:
    WeightsError: there is no such file.
    WeightsError: weights do not fit their config's network, or were made for another taxonomy.
    ConfigError: a network does not have the head that it is to give.
    ConfigError: the networks differ in classes, working size or pixel statistics.
  """
  first = build.inference(config)
  found = {head: build.inference(other.config) for head, other in others.items()}
  for head, network in found.items():
    _check(first, network, head, others[head].weights)
  variables = _variables(first, weights, kept)
  if not found:
    _check_filling(first.fusion, first.model.heads)
    return Loaded(first.model, variables, first)
  networks, trees = [], []
  own = [head for head in first.model.heads if head not in found]
  if own:
    networks.append(first.model.with_heads(own))
    trees.append(_narrowed(variables, networks[-1]))
  for head, network in found.items():
    networks.append(network.model.with_heads([head]))
    trees.append(_narrowed(_variables(network, others[head].weights), networks[-1]))
  joined = {
    kind: {f"networks_{place}": tree[kind] for place, tree in enumerate(trees)} for kind in trees[0]
  }
  spec = found["part"].spec if "part" in found else first.spec
  whole = Together(tuple(networks))
  _check_filling(first.fusion, whole.heads)
  return Loaded(whole, joined, dataclasses.replace(first, spec=spec))


def _check_filling(config: FusionConfig, heads: tuple[str, ...]) -> None:
  if config.fill_void and "part" not in heads:
    raise ConfigError("config.fusion.fill_void needs a part head, which the network does not have.")


def _variables(network: build.Inference, weights: str | Path, kept: Kept | None = None) -> Any:
  shapes_of = partial(build.variable_shapes, network.model)
  shapes = shapes_of() if kept is None else kept.shapes(shapes_of, repr(network.model))
  return load_weights(weights, shapes, network.meaning)


def _narrowed(variables: Any, model: JPPF) -> Any:
  """Returns the variables of the modules that a network without some heads still has."""
  return {
    kind: {module: leaves for module, leaves in tree.items() if getattr(model, module) is not None}
    for kind, tree in variables.items()
  }


def _check(first: build.Inference, other: build.Inference, head: str, weights: Path) -> None:
  """Checks that a network can give a head beside the first one.

  Raises:
    ConfigError: it cannot; says why.
  """
  who = f"The {head} network ({weights})"
  if head not in other.model.heads:
    raise ConfigError(f"{who} has no {head} head; it has {', '.join(other.model.heads)}.")
  names = ("classes", "class_ids", "num_stuff")
  ours, theirs = first.meaning["taxonomy"], other.meaning["taxonomy"]
  if any(ours[name] != theirs[name] for name in names):
    raise ConfigError(
      f"{who} was trained for the classes of {other.spec.name}, the other network for those of "
      f"{first.spec.name}; networks that are evaluated together need the same classes."
    )
  if other.size != first.size:
    raise ConfigError(
      f"{who} works at {_text(other.size)}, the other network at {_text(first.size)}; give both "
      f"one size, e.g. --config.data.eval_size='{first.size}'."
    )
  for name in ("pixel_mean", "pixel_std", "legacy"):
    mine, its = getattr(first.model, name), getattr(other.model, name)
    if mine != its:
      raise ConfigError(
        f"{who} has the {name} {its}, the other network {mine}; networks that are evaluated "
        "together need the same."
      )


def _text(size: tuple[int, int]) -> str:
  return f"{size[0]} x {size[1]}"
