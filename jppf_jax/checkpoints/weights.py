"""Weights for exchange: parameters and running statistics in one safetensors file.

Reading is strict: names and shapes must all match.
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
  """A weights file cannot be read or does not fit the model; the message lists all differences."""


def save_weights(
  path: str | Path, variables: Any, metadata: dict[str, Any], *, dtype: str = "float32"
) -> None:
  """Writes `{"params": ..., "batch_stats": ...}` to `path`.

  Args:
    path: the file; its folder is created.
    variables: nested dicts of arrays.
    metadata: JSON values that say what made the weights; stored under "about".
    dtype: storage type, "float32" or "float16"; reading always gives float32.
  """
  flat = traverse_util.flatten_dict(jax.tree.map(np.asarray, variables), sep="/")
  stored = {name: np.ascontiguousarray(value, dtype) for name, value in flat.items()}
  content = save(stored, metadata={"about": json.dumps(metadata)})
  with whole_file(path) as partial:
    partial.write_bytes(content)  # safetensors' `save_file` would let only this user read the file


def read_weights(path: str | Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
  """Returns the tensors of a file, `{"params/encoder/...": float32 array}`, and its metadata.

  Raises:
    WeightsError: there is no such file.
    WeightsError: it is no readable safetensors file.
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
    message = f"{path} is not a readable safetensors file: {error}."
    if path.suffix in _PYTORCH:
      message += " Files of PyTorch go through `jppf import-weights` first."
    raise WeightsError(message) from error


class Differences(NamedTuple):
  """Why tensors do not fit: one line of text for each."""

  missing: list[str]
  left_over: list[str]
  other_shape: list[str]

  def __str__(self) -> str:
    return "".join(f"\n  {line}" for lines in self for line in lines)


def differences(found: Shapes, wanted: Shapes, *, whose: str = "the model") -> Differences:
  """Compares the shapes of named tensors with the wanted ones.

  Args:
    found: shapes by name.
    wanted: what they should be.
    whose: what has the wanted shapes, for the text: "(2, 3), {whose} (2, 4)".
  """
  missing = sorted(wanted.keys() - found.keys())
  left_over = sorted(found.keys() - wanted.keys())
  shared = sorted(wanted.keys() & found.keys())
  other_shape = [name for name in shared if found[name] != wanted[name]]
  return Differences(
    [f"missing {name} {wanted[name]}" for name in missing],
    [f"left over {name} {found[name]}" for name in left_over],
    [f"{name} has shape {found[name]}, {whose} {wanted[name]}" for name in other_shape],
  )


def shapes_of(tensors: Mapping[str, Any]) -> Shapes:
  """Returns the shapes of named arrays or `ShapeDtypeStruct`s."""
  return {name: tuple(tensor.shape) for name, tensor in tensors.items()}


def load_weights(path: str | Path, template: Any) -> Any:
  """Returns the variables in a weights file, with the structure of `template`.

  Args:
    path: the file.
    template: `{"params": ..., "batch_stats": ...}` of arrays or shapes.

  Raises:
    WeightsError: the file is missing or cannot be read.
    WeightsError: tensors are missing, left over or of another shape; all are listed.
  """
  found, _ = read_weights(path)
  wanted = traverse_util.flatten_dict(template, sep="/")
  problems = differences(shapes_of(found), shapes_of(wanted))
  if any(problems):
    raise WeightsError(f"{path} does not fit the model:{problems}")
  return traverse_util.unflatten_dict(found, sep="/")
