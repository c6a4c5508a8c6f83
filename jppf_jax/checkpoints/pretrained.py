"""Starts a model from weights that may fit in part: an encoder, or a network of another taxonomy.

Only two things may differ. A whole module (encoder, neck, head) may be missing in the file, and
layers whose width is the number of classes or parts may have another width. Both start fresh.
Anything else is an error: a misspelt name or a wrong width must not lose weights unnoticed. Output
layers of equal width but of other classes start fresh too; the caller says which.
"""

import dataclasses
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Set
from typing import Any

import numpy as np
from flax import traverse_util

from jppf_jax.checkpoints.weights import Shapes, WeightsError, differences, shapes_of

# layers whose width is a number of classes, things or parts
OUTPUTS = frozenset(
  {
    "semantic_head/logits",
    "part_head/logits",
    "box_head/classes",
    "box_head/deltas",
    "mask_head/logits",
  }
)


@dataclasses.dataclass(frozen=True)
class Report:
  """What became of the tensors of the model and of the file: their numbers, by module.

  An output layer that starts fresh counts as a module of its own.

  Attributes:
    loaded: taken from the file.
    fresh: initialised.
    ignored: in the file, but not used.
  """

  loaded: dict[str, int]
  fresh: dict[str, int]
  ignored: dict[str, int]

  def __str__(self) -> str:
    rows = (("loaded", self.loaded), ("fresh", self.fresh), ("ignored", self.ignored))
    return "\n".join(f"  {kind:<8} {_listed(counts)}" for kind, counts in rows)


def _listed(counts: dict[str, int]) -> str:
  entries = [f"{name} ({count})" for name, count in sorted(counts.items())]
  return ", ".join(entries) or "-"


def load_pretrained(
  found: dict[str, np.ndarray],
  template: Any,
  initialise: Callable[[], Any],
  *,
  chosen: Collection[str] | None = None,
  other_outputs: Set[str] = frozenset(),
) -> tuple[Any, Report]:
  """Returns the model's variables, from the weights where they fit, and a report.

  Args:
    found: tensors by name, `params/encoder/...`, as `weights.read_weights` returns them.
    template: the model's `{"params": ..., "batch_stats": ...}`, arrays or shapes.
    initialise: returns fresh variables; called only if some are needed.
    chosen: modules that are taken from the file, such as "encoder"; None: all that it has.
    other_outputs: output layers whose channels stand for other classes in the file, such as
      "semantic_head/logits"; they start fresh.

  Raises:
    WeightsError: the file has no module of the model, or none that is chosen.
    WeightsError: a module of the file has missing tensors, tensors that are not in the model, or
      tensors of another shape; all are listed.
  """
  wanted = shapes_of(traverse_util.flatten_dict(template, sep="/"))
  held = shapes_of(found)
  usable = modules(wanted) if chosen is None else modules(wanted) & set(chosen)
  known = usable & modules(held)
  if not known:
    names, examples = sorted(usable), sorted(found)[:3]
    raise WeightsError(
      f"None of {', '.join(names)} is in the weights; they hold {', '.join(examples)}, "
      "... Files of PyTorch go through `jppf import-weights` first."
    )
  shared = wanted.keys() & held.keys()
  other_shape = {name for name in shared if held[name] != wanted[name]}
  fresh_outputs = OUTPUTS & {_layer(name) for name in other_shape} | set(other_outputs)

  def loadable(shapes: Shapes) -> Shapes:
    in_known = {name: shape for name, shape in shapes.items() if _module(name) in known}
    return {name: shape for name, shape in in_known.items() if _layer(name) not in fresh_outputs}

  def owner(name: str) -> str:
    layer = _layer(name)
    return layer if layer in fresh_outputs else _module(name)

  def counts(names: Iterable[str]) -> dict[str, int]:
    return dict(Counter(map(owner, names)))

  loaded = loadable(held)
  problems = differences(loaded, loadable(wanted))
  if any(problems):
    count = sum(map(len, problems))
    raise WeightsError(f"{count} tensors do not fit the model:{problems}")
  fresh, ignored = wanted.keys() - loaded.keys(), held.keys() - loaded.keys()
  result = traverse_util.flatten_dict(initialise(), sep="/") if fresh else {}
  result |= {name: found[name] for name in loaded}
  report = Report(counts(loaded), counts(fresh), counts(ignored))
  return traverse_util.unflatten_dict(result, sep="/"), report


def modules(tensors: Iterable[str]) -> set[str]:
  """Returns the modules that named tensors belong to, such as "encoder"."""
  return set(map(_module, tensors))


def _module(name: str) -> str:
  """Returns "encoder" for "params/encoder/..."; a name without "/" is returned as it is."""
  return name.split("/")[1] if "/" in name else name


def _layer(name: str) -> str:
  """Returns "box_head/classes" for "params/box_head/classes/..."."""
  module_and_layer = name.split("/")[1:3]
  return "/".join(module_and_layer)
