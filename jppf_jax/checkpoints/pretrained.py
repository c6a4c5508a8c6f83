"""Starts a model from weights of which only a part may fit: an encoder, another taxonomy's network, or all of it.

What may differ is little: a whole module (encoder, neck, head) may be absent from the file, and layers whose width is
the number of classes or parts may have another. Both start fresh. Anything else is an error, so that no weight is lost
to a misspelt name or a wrong width without anybody noticing.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
from flax import traverse_util

from jppf_jax.checkpoints.weights import WeightsError

Names = tuple[str, ...]
# the layers whose width is a number of classes, things or parts
_OUTPUTS = {
  ("semantic_head", "logits"),
  ("part_head", "logits"),
  ("box_head", "classes"),
  ("box_head", "deltas"),
  ("mask_head", "logits"),
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


def load_pretrained(found: dict[str, np.ndarray], template: Any, initialise: Callable[[], Any]) -> tuple[Any, Report]:
  """Returns the model's variables, from the weights as far as they go, and a report.

  Args:
    found: tensors by name, `params/encoder/...`, as `weights.read_weights` returns them.
    template: the model's `{"params": ..., "batch_stats": ...}`, arrays or shapes.
    initialise: makes them afresh; only called if the weights lack something.

  Raises:
    WeightsError: a module of the file lacks tensors, or has some that the model does not have or has in another shape;
      or no module of the model is in the file at all.
  """
  flat = {path: tuple(leaf.shape) for path, leaf in traverse_util.flatten_dict(template).items()}
  weights = {tuple(name.split("/")): value for name, value in found.items()}
  modules = {path[1] for path in flat}
  known = modules & {path[1] for path in weights if len(path) > 1}
  if not known:
    raise WeightsError(
      f"None of {', '.join(sorted(modules))} is in the weights; they hold {', '.join(sorted(found)[:3])}, ... "
      "Files of PyTorch go through `jppf import-weights` first."
    )
  other_width = {
    path[1:3] for path, value in weights.items() if path[1:3] in _OUTPUTS and path in flat and flat[path] != value.shape
  }
  loaded, fresh, ignored, problems, result = {}, {}, {}, [], {}
  for path, shape in flat.items():
    name = "/".join(path)
    if path[1] not in known or path[1:3] in other_width:
      _count(fresh, path[1] if path[1] not in known else "/".join(path[1:3]))
    elif path not in weights:
      problems.append(f"missing {name} {shape}")
    elif weights[path].shape != shape:
      problems.append(f"{name} has shape {weights[path].shape}, the model {shape}")
    else:
      result[path] = weights[path]
      _count(loaded, path[1])
  for path in weights:
    if len(path) < 2 or path[1] not in modules:
      _count(ignored, path[1] if len(path) > 1 else path[0])
    elif path[1:3] in other_width:
      _count(ignored, "/".join(path[1:3]))
    elif path not in flat:
      problems.append(f"left over {'/'.join(path)} {weights[path].shape}")
  if problems:
    raise WeightsError(f"{len(problems)} tensors do not fit the model:\n  " + "\n  ".join(sorted(problems)))
  if fresh:
    result = traverse_util.flatten_dict(initialise()) | result
  return traverse_util.unflatten_dict(result), Report(loaded, fresh, ignored)


def _count(counts: dict[str, int], name: str) -> None:
  counts[name] = counts.get(name, 0) + 1
