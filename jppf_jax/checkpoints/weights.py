"""Weights for exchange: one safetensors file with parameters and running statistics, strict on
names and shapes.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from flax import traverse_util
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from jppf_jax.saving import whole_file

Shapes = dict[str, tuple[int, ...]]  # of tensors, by name
_PYTORCH = (".pth", ".pt", ".bin", ".ckpt", ".tar")


class WeightsError(ValueError):
  """A weights file that cannot be read, or that does not fit the model; the message lists every
  difference.
  """


def save_weights(
  path: str | Path, variables: Any, metadata: dict[str, Any], *, dtype: str = "float32"
) -> None:
  """Writes `{"params": ..., "batch_stats": ...}` to `path`.

  Args:
    variables: nested dicts of arrays.
    metadata: JSON values that say what made the weights; stored under "about".
    dtype: storage type, "float32" or "float16"; reading always gives float32.
  """
  flat = traverse_util.flatten_dict(jax.tree.map(np.asarray, variables), sep="/")
  flat = {name: np.ascontiguousarray(value.astype(dtype)) for name, value in flat.items()}
  content = save(flat, metadata={"about": json.dumps(metadata)})
  with whole_file(path) as partial:
    partial.write_bytes(content)  # `save_file` hides the file from other users


def read_weights(path: str | Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
  """Returns `({"params/encoder/...": float32 array}, metadata)`; raises WeightsError for anything
  else.
  """
  path = Path(path)
  if not path.is_file():
    raise WeightsError(f"There is no weights file at {path}.")
  try:
    with safe_open(path, "np") as file:
      metadata = json.loads((file.metadata() or {}).get("about", "{}"))
      names = list(file.keys())
      return {name: file.get_tensor(name).astype(np.float32) for name in names}, metadata
  except (SafetensorError, json.JSONDecodeError) as error:
    hint = (
      " Files of PyTorch go through `jppf import-weights` first." if path.suffix in _PYTORCH else ""
    )
    raise WeightsError(f"{path} is not a readable safetensors file: {error}.{hint}") from error


class Differences(NamedTuple):
  """What keeps tensors from fitting, a line for each."""

  missing: list[str]
  left_over: list[str]
  other_shape: list[str]

  def __str__(self) -> str:
    return "".join(f"\n  {line}" for lines in self for line in lines)


def differences(found: Shapes, wanted: Shapes, *, whose: str = "the model") -> Differences:
  """Compares the shapes of named tensors with what is wanted; `whose` shape that is, is said of
  those that differ.
  """
  return Differences(
    [f"missing {name} {wanted[name]}" for name in sorted(wanted.keys() - found.keys())],
    [f"left over {name} {found[name]}" for name in sorted(found.keys() - wanted.keys())],
    [
      f"{name} has shape {found[name]}, {whose} {wanted[name]}"
      for name in sorted(wanted.keys() & found.keys())
      if found[name] != wanted[name]
    ],
  )


def shapes_of(tensors: Mapping[str, Any]) -> Shapes:
  """The shapes of named arrays, or of named descriptions of arrays."""
  return {name: tuple(tensor.shape) for name, tensor in tensors.items()}


def load_weights(path: str | Path, template: Any) -> Any:
  """Reads `path` into the structure of `template` (`{"params": ..., "batch_stats": ...}` of arrays
  or shapes).

  Raises:
    WeightsError: tensors are missing, left over or of another shape; all of them are listed and
      nothing is returned.
  """
  found, _ = read_weights(path)
  problems = differences(shapes_of(found), shapes_of(traverse_util.flatten_dict(template, sep="/")))
  if any(problems):
    raise WeightsError(f"{path} does not fit the model:{problems}")
  return traverse_util.unflatten_dict(found, sep="/")
