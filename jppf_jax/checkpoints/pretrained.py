"""Starts a model from weights of which only a part may fit: an encoder, another taxonomy's network,
or all of it.

What may differ is little: a whole module (encoder, neck, head) may be absent from the file, and
layers whose width is the number of classes or parts may have another. Both start fresh. Anything
else is an error, so that no weight is lost to a misspelt name or a wrong width without anybody
noticing.
"""

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from flax import traverse_util

from jppf_jax.checkpoints.weights import WeightsError, differences, shapes_of

# the layers whose width is a number of classes, things or parts
_OUTPUTS = {
  "semantic_head/logits",
  "part_head/logits",
  "box_head/classes",
  "box_head/deltas",
  "mask_head/logits",
}


@dataclasses.dataclass(frozen=True)
class Report:
  """What became of every module of the model and of the file; numbers of tensors.

  Attributes:
    loaded: by module, taken from the file.
    fresh: by module, or output layer, as initialised.
    ignored: by module of the file, used by nothing.
  """

  loaded: dict[str, int]
  fresh: dict[str, int]
  ignored: dict[str, int]

  def __str__(self) -> str:
    rows = (("loaded", self.loaded), ("fresh", self.fresh), ("ignored", self.ignored))
    return "\n".join(f"  {kind:<8} {_listed(counts)}" for kind, counts in rows)


def _listed(counts: dict[str, int]) -> str:
  return ", ".join(f"{name} ({count})" for name, count in sorted(counts.items())) or "-"


def load_pretrained(
  found: dict[str, np.ndarray], template: Any, initialise: Callable[[], Any]
) -> tuple[Any, Report]:
  """Returns the model's variables, from the weights as far as they go, and a report.

  Args:
    found: tensors by name, `params/encoder/...`, as `weights.read_weights` returns them.
    template: the model's `{"params": ..., "batch_stats": ...}`, arrays or shapes.
    initialise: makes them afresh; only called if the weights lack something.

  Raises:
    WeightsError: a module of the file lacks tensors, or has some that the model does not have or
      has in another shape; or no module of the model is in the file at all.
  """
  wanted, held = shapes_of(traverse_util.flatten_dict(template, sep="/")), shapes_of(found)
  modules = {_module(name) for name in wanted}
  known = modules & {_module(name) for name in held}
  if not known:
    raise WeightsError(
      f"None of {', '.join(sorted(modules))} is in the weights; they hold {', '.join(sorted(found)[:3])}, ... "
      "Files of PyTorch go through `jppf import-weights` first."
    )
  widened = {
    _layer(name) for name in wanted.keys() & held.keys() if held[name] != wanted[name]
  } & _OUTPUTS

  def fits(name: str) -> bool:
    return _module(name) in known and _layer(name) not in widened

  def counts(names: Iterable[str]) -> dict[str, int]:
    return dict(
      Counter(_layer(name) if _layer(name) in widened else _module(name) for name in names)
    )

  usable = {name: shape for name, shape in held.items() if fits(name)}
  problems = differences(usable, {name: shape for name, shape in wanted.items() if fits(name)})
  if any(problems):
    raise WeightsError(f"{sum(map(len, problems))} tensors do not fit the model:{problems}")
  result = {name: found[name] for name in usable}
  fresh = wanted.keys() - usable.keys()
  if fresh:
    result = traverse_util.flatten_dict(initialise(), sep="/") | result
  report = Report(counts(usable), counts(fresh), counts(held.keys() - usable.keys()))
  return traverse_util.unflatten_dict(result, sep="/"), report


def _module(name: str) -> str:
  """Of "params/encoder/...", "encoder"; a name of another form stands for itself."""
  return name.split("/")[1] if "/" in name else name


def _layer(name: str) -> str:
  """Of "params/box_head/classes/...", "box_head/classes"."""
  return "/".join(name.split("/")[1:3])
