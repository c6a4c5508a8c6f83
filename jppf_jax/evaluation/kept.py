"""Traced programs in a folder, so that the next start need not trace them again.

Tracing the network takes longer than loading its compiled program, which JAX keeps itself. An entry
is found by all that it depends on: the code of this package, the versions of the libraries, JAX's
settings and what the caller names. Weights are arguments of a program, no part of it.
"""

import contextlib
import dataclasses
import hashlib
import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import flax
import jax
import jaxlib
import numpy as np
from flax import traverse_util
from jax import export

import jppf_jax
from jppf_jax.saving import whole_file

_LIBRARIES = (jppf_jax, jax, jaxlib, flax, np)
_DIGEST = 32  # bytes of SHA-256 before the content of an entry


class Kept:
  """Entries in a folder. Damaged ones are made again, and several processes may use the folder.

  Args:
    folder: is made if needed; if it cannot be written, nothing is kept.
    on_new: called before a program is traced and compiled, which may take a minute.
  """

  def __init__(self, folder: Path, on_new: Callable[[], None] = lambda: None):
    self._folder, self._on_new = folder, on_new
    self._environment = _environment()

  def program(
    self, compute: Callable[..., Any], arguments: tuple[Any, ...], about: str
  ) -> Callable[..., Any]:
    """Returns `jax.jit(compute)` for arguments like these, traced now or at an earlier start.

    Args:
      compute: a function of trees of arrays; the structs among them are made by `structs.struct`.
      arguments: what it will be called with; only structure, shapes and types matter.
      about: what the program depends on besides, as text.
    """
    leaves, structure = jax.tree.flatten(arguments)
    types = map(str, map(jax.typeof, leaves))
    path = self._path("program", [about, _device(), str(structure), *types])
    found = _program_in(_read(path))
    if found is None:
      self._on_new()
      try:
        found = export.export(jax.jit(compute))(*arguments)
      except ValueError:  # JAX does not export every library call of every platform
        return jax.jit(compute)
      _write(path, bytes(found.serialize()))
    return jax.jit(found.call)

  def shapes(self, compute: Callable[[], Any], about: str) -> Any:
    """Returns nested dicts with the shapes of `compute()`, found now or at an earlier start.

    Args:
      compute: returns nested dicts of arrays or shapes.
      about: what they depend on, as text.
    """
    path = self._path("shapes", [about])
    content = _read(path)
    if content is None:
      flat = traverse_util.flatten_dict(compute(), sep="/")
      rows = {name: [leaf.shape, leaf.dtype.name] for name, leaf in flat.items()}
      content = json.dumps(rows).encode()
      _write(path, content)
    found = {
      name: jax.ShapeDtypeStruct(tuple(shape), dtype)
      for name, (shape, dtype) in json.loads(content).items()
    }
    return traverse_util.unflatten_dict(found, sep="/")

  def _path(self, kind: str, parts: Iterable[str]) -> Path:
    """Returns the file of an entry."""
    text = "\0".join([kind, *self._environment, *parts])
    return self._folder / f"{hashlib.sha256(text.encode()).hexdigest()}.{kind}"


def _environment() -> list[str]:
  """Returns what every entry depends on: versions, our code, JAX's settings."""
  code = hashlib.sha256()
  root = Path(jppf_jax.__file__).parent
  for path in sorted(root.rglob("*.py")):
    code.update(str(path.relative_to(root)).encode())
    code.update(path.read_bytes())
  versions = [f"{library.__name__} {library.__version__}" for library in _LIBRARIES]
  return [*versions, code.hexdigest(), repr(sorted(jax.config.values.items()))]


def _device() -> str:
  """Returns the platform that programs are lowered for, with its version."""
  device = jax.devices()[0]
  return f"{device.platform} {device.device_kind} {device.client.platform_version}"


def as_text(value: Any) -> str:
  """Returns a dataclass, an array or a plain value as text that differs wherever they do."""
  if dataclasses.is_dataclass(value):
    names = [field.name for field in dataclasses.fields(value)]
    return "\n".join(f"{name} {as_text(getattr(value, name))}" for name in names)
  if not isinstance(value, np.ndarray):
    return repr(value)
  content = hashlib.sha256(np.ascontiguousarray(value).tobytes())
  return f"{value.dtype} {value.shape} {content.hexdigest()}"


def _program_in(content: bytes | None) -> export.Exported | None:
  """Returns the program of an entry; None if there is none, or this JAX cannot read it."""
  if content is None:
    return None
  try:
    return export.deserialize(bytearray(content))
  except Exception:  # of any kind, by the readers below JAX
    return None


def _read(path: Path) -> bytes | None:
  """Returns the content of an entry, and marks it as used; None if it is missing or damaged."""
  try:
    stored = path.read_bytes()
    os.utime(path)
  except OSError:
    return None
  content = stored[_DIGEST:]
  return content if hashlib.sha256(content).digest() == stored[:_DIGEST] else None


def _write(path: Path, content: bytes) -> None:
  """Writes an entry, if that is possible."""
  digest = hashlib.sha256(content).digest()
  with contextlib.suppress(OSError), whole_file(path) as partial:
    partial.write_bytes(digest + content)
