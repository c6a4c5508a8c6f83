"""Weights for exchange: parameters and running statistics in one safetensors file.

Reading is strict: names and shapes must all match.
"""

import contextlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from absl import logging
from flax import traverse_util
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from jppf_jax.checkpoints.meaning import HEADS, Meaning, compare, of_file
from jppf_jax.names import BUILDER
from jppf_jax.saving import whole_file

Shapes = dict[str, tuple[int, ...]]  # of tensors, by name
_PYTORCH = (".pth", ".pt", ".bin", ".ckpt", ".tar")
_DTYPES = {
  "F64",
  "F32",
  "F16",
  "BF16",
  "BOOL",
  "U8",
  "I8",
  "U16",
  "I16",
  "U32",
  "I32",
  "U64",
  "I64",
}


class WeightsError(ValueError):
  """A weights file cannot be read or does not fit the model; the message lists all differences."""


def save_weights(
  path: str | Path, variables: Any, metadata: dict[str, Any], *, dtype: str = "float32"
) -> None:
  """Writes `{"params": ..., "batch_stats": ...}` to `path`.

  Args:
    path: the file; its folder is created.
    variables: nested dicts of arrays.
    metadata: JSON values that say what made the weights; stored under "about", beside the "format"
      that the model hub asks for.
    dtype: storage type, "float32" or "float16"; reading always gives float32.

  Raises:
    WeightsError: values are NaN or infinite, or too large for float16.
  """
  flat = traverse_util.flatten_dict(jax.tree.map(np.asarray, variables), sep="/")
  with np.errstate(over="ignore"):  # reported below
    stored = {name: np.ascontiguousarray(value, dtype) for name, value in flat.items()}
  check_finite(stored, f"These weights cannot be written to {path} as {dtype}")
  notes = {"format": "flax", "about": json.dumps(metadata)}
  content = _with_sorted_notes(save(stored, metadata=notes), notes)
  with whole_file(path) as partial:
    partial.write_bytes(content)  # safetensors' `save_file` would let only this user read the file


def _with_sorted_notes(content: bytes, notes: dict[str, str]) -> bytes:
  """Returns a safetensors file whose metadata are in one order; safetensors' own is random.

  So the same weights give the same bytes.
  """
  length = int.from_bytes(content[:8], "little")
  header = json.loads(content[8 : 8 + length])
  header["__metadata__"] = notes
  text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
  padded = text.ljust(-(-len(text) // 8) * 8)
  return len(padded).to_bytes(8, "little") + padded + content[8 + length :]


def read_weights(path: str | Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
  """Returns the tensors of a file, `{"params/encoder/...": float32 array}`, and its metadata.

  Raises:
    WeightsError: there is no such file.
    WeightsError: it is no readable safetensors file.
    WeightsError: a number format is unknown, or values are NaN or infinite; names the tensors.
  """
  path = Path(path)
  with _opened(path) as file:
    about = _about(file, path)
    names = list(file.keys())
    kinds = {name: file.get_slice(name).get_dtype() for name in names}
    unreadable = [f"{name} ({kind})" for name, kind in kinds.items() if kind not in _DTYPES]
    if unreadable:
      raise WeightsError(
        f"{path} has tensors of a number format that cannot be read: {_some(unreadable)}. Convert "
        "them to float32 or float16."
      )
    with np.errstate(over="ignore"):  # reported below
      found = {name: file.get_tensor(name).astype(np.float32) for name in names}
  check_finite(found, f"{path} is refused")
  return found, about


def read_about(path: str | Path) -> dict[str, Any]:
  """Returns the metadata of a weights file.

  Raises:
    WeightsError: there is no such file, or it is no readable safetensors file.
  """
  path = Path(path)
  with _opened(path) as file:
    return _about(file, path)


def dataset_name(name_or_builder: str) -> str:
  """Returns the name of a dataset, which a config gives by name or as the file of its builder."""
  return Path(name_or_builder).stem.removesuffix(BUILDER)


def provenance(about: dict[str, Any]) -> str:
  """Returns where weights come from, such as "trained 40 steps on clothing_co_parsing"."""
  match about:
    case {"steps": steps, "config": {"data": {"name": str(dataset)}}}:
      return f"trained {steps} steps on {dataset_name(dataset)}"
    case {"from": source, "file": file}:
      return f"imported from {source}, {file}"
  return "the file does not say what they were trained on"


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Any]:
  """Opens a safetensors file.

  Raises:
    WeightsError: there is no such file, or it cannot be read, now or within the block.
  """
  if not path.is_file():
    raise WeightsError(f"There is no weights file at {path}.")
  try:
    with safe_open(path, "np") as file:
      yield file
  except (SafetensorError, OSError) as error:
    message = f"{path} is not a readable safetensors file: {error}."
    if path.suffix in _PYTORCH:
      message += " Files of PyTorch go through `jppf import-weights` first."
    raise WeightsError(message) from error


def _about(file: Any, path: Path) -> dict[str, Any]:
  """Returns what `save_weights` stored under "about"; empty for files of others."""
  text = (file.metadata() or {}).get("about", "{}")
  try:
    about = json.loads(text)
  except ValueError as error:
    raise WeightsError(f"The metadata of {path} are damaged: {error}.") from error
  if not isinstance(about, dict):
    raise WeightsError(f"The metadata of {path} are damaged: {text[:40]!r} is no JSON object.")
  return about


def check_finite(tensors: Mapping[str, np.ndarray], sentence: str) -> None:
  """Checks that no value is NaN or infinite.

  Args:
    tensors: by name.
    sentence: how the error begins.

  Raises:
    WeightsError: some are; names the tensors.
  """
  bad = [name for name, tensor in tensors.items() if not np.isfinite(tensor).all()]
  if bad:
    raise WeightsError(f"{sentence}: NaN or infinite values in {len(bad)} tensors: {_some(bad)}.")


def _some(names: list[str]) -> str:
  """Returns the first names of a list that may be long."""
  return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")


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


def load_weights(path: str | Path, template: Any, meaning: Meaning | None = None) -> Any:
  """Returns the variables in a weights file, with the structure of `template`.

  Args:
    path: the file.
    template: `{"params": ..., "batch_stats": ...}` of arrays or shapes.
    meaning: of the network, to be compared with that of the weights; None: only shapes are.

  Raises:
    WeightsError: the file is missing or cannot be read.
    WeightsError: the weights were made for other settings or another taxonomy; all are listed.
    WeightsError: tensors are missing, left over or of another shape; all are listed.
  """
  found, about = read_weights(path)
  if meaning is not None:
    advice = "use the config that the run stores: leave out --config"
    check_meaning(about, meaning, set(template["params"]), what=str(path), advice=advice)
  wanted = traverse_util.flatten_dict(template, sep="/")
  problems = differences(shapes_of(found), shapes_of(wanted))
  if any(problems):
    raise WeightsError(f"{path} does not fit the model:{problems}")
  return traverse_util.unflatten_dict(found, sep="/")


def check_meaning(
  about: dict[str, Any],
  meaning: Meaning,
  modules: set[str],
  *,
  what: str,
  advice: str,
  starts: bool = False,
) -> None:
  """Compares what stored weights mean with the network that they are loaded into.

  What the metadata do not say is logged as a warning.

  Args:
    about: the metadata of the weights.
    meaning: of the network.
    modules: those that are loaded.
    what: has the weights, for messages.
    advice: what else to do than to change the config.
    starts: a training starts from the weights, so that heads and taxonomy may be others.

  Raises:
    WeightsError: settings or the taxonomy differ; all are listed.
  """
  found = compare(of_file(about), meaning, modules)
  if starts:
    found.settings.pop(HEADS, None)
    found = found._replace(taxonomy="")
  if found.settings or found.taxonomy:
    todo = f"set {found.flags()}, or {advice}" if found.flags() else advice
    raise WeightsError(
      f"{what}: made for other settings than those of the config:{found.listed()}\n"
      f"{todo[0].upper()}{todo[1:]}."
    )
  if found.unknown:
    unknown = ", ".join(found.unknown)
    logging.warning("%s: not compared with the config, because it is not stored: %s", what, unknown)
