"""Checkpoints of a run: Orbax, with a checksum of our own, behind three verbs.

A checkpoint holds the un-replicated training state, the position of the input pipeline and a record
of what was saved. The record carries a checksum of every array, because Orbax restores flipped
bytes without noticing. States are host arrays, so a checkpoint depends neither on the number of
devices nor on how the step is parallelised.
"""

import zlib
from pathlib import Path
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp
from absl import logging
from grain.checkpoint import CheckpointRestore, CheckpointSave


class CheckpointError(RuntimeError):
  """A checkpoint could not be written, or none of those present can be read."""


def checksums(tree: Any) -> dict[str, int]:
  """Returns a CRC-32 per leaf, keyed by its path: of dtype, shape and bytes."""
  result = {}
  for path, leaf in jax.tree_util.tree_leaves_with_path(tree):
    leaf = np.ascontiguousarray(leaf)
    header = zlib.crc32(f"{leaf.dtype.str} {leaf.shape}".encode())
    result[jax.tree_util.keystr(path)] = zlib.crc32(leaf.reshape(-1).view(np.uint8), header)
  return result


class Checkpoints:
  """The checkpoints under one folder.

  Args:
    path: the folder; created unless `read_only`.
    keep: how many of the newest to keep.
    read_only: neither creates nor cleans up anything.
  """

  def __init__(self, path: str | Path, *, keep: int = 3, read_only: bool = False):
    self._path = Path(path).resolve()
    self._manager = ocp.CheckpointManager(
      self._path,
      options=ocp.CheckpointManagerOptions(
        max_to_keep=keep,
        cleanup_tmp_directories=not read_only,
        create=not read_only,
        read_only=read_only,
      ),
    )

  def steps(self) -> list[int]:
    """Returns the steps that have a complete checkpoint, oldest first."""
    return sorted(self._manager.all_steps())

  def save(self, step: int, state: Any, record: dict[str, Any], data_iterator: Any = None) -> None:
    """Writes a checkpoint in the background.

    Args:
      step: its number.
      state: a tree of host arrays.
      record: JSON values kept beside it, e.g. what run it belongs to.
      data_iterator: a grain iterator, whose position is saved.

    Raises:
      CheckpointError: the one before could not be written (a full disk, say); what was saved
        earlier is untouched.
    """
    items = {
      "state": ocp.args.StandardSave(state),
      "record": ocp.args.JsonSave({**record, "checksums": checksums(state)}),
    }
    if data_iterator is not None:
      items["data"] = CheckpointSave(data_iterator)
    try:
      self._manager.save(step, args=ocp.args.Composite(**items))
    except (OSError, ValueError) as error:
      raise self._unwritable(error) from error

  def wait(self) -> None:
    """Waits until everything is on disk; raises CheckpointError where that failed."""
    try:
      self._manager.wait_until_finished()
    except Exception as error:
      raise self._unwritable(error) from error

  def close(self) -> None:
    self.wait()
    self._manager.close()

  def record(self, step: int) -> dict[str, Any]:
    """Returns what `save` was given as `record`."""
    return self._manager.restore(
      step, args=ocp.args.Composite(record=ocp.args.JsonRestore())
    ).record

  def restore(self, template: Any, data_iterator: Any = None) -> tuple[int, Any] | None:
    """Restores the newest checkpoint that is whole.

    Args:
      template: a tree of arrays or `ShapeDtypeStruct`s as the state should be.
      data_iterator: set to the saved position, where given.

    Returns:
      `(step, state)` with host arrays, or None where the folder holds no checkpoint.

    Raises:
      CheckpointError: there are checkpoints, but none is readable, whole and of this architecture.
    """
    template = jax.tree.map(lambda x: np.zeros(x.shape, x.dtype), template)
    problems = []
    for step in reversed(self.steps()):
      try:
        state = self._restore_step(step, template, data_iterator)
      except Exception as error:  # Orbax reports damage through whatever it trips over
        problems.append(
          f"step {step}: {str(error).splitlines()[0] if str(error) else type(error).__name__}"
        )
        logging.warning("Checkpoint of %s cannot be used; trying the one before.", problems[-1])
        continue
      return step, state
    if problems:
      listing = "\n  ".join(problems)
      raise CheckpointError(
        f"None of the checkpoints in {self._path} can be used:\n  {listing}\n"
        "They may be damaged or belong to another architecture. Use the config that made them, or another --workdir."
      )
    return None

  def _restore_step(self, step: int, template: Any, data_iterator: Any) -> Any:
    expected = self.record(step).get("checksums", {})
    wanted = {
      jax.tree_util.keystr(path) for path, _ in jax.tree_util.tree_leaves_with_path(template)
    }
    if missing := sorted(wanted ^ set(expected)):
      raise CheckpointError(
        f"another architecture: {len(missing)} arrays differ, the first is {missing[0]}"
      )
    restored = self._manager.restore(
      step, args=ocp.args.Composite(state=ocp.args.StandardRestore(template))
    )
    state = jax.tree.map(np.asarray, restored.state)
    found = checksums(state)
    if damaged := [name for name in found if found[name] != expected[name]]:
      raise CheckpointError(
        f"{len(damaged)} arrays do not match their checksum, the first is {damaged[0]}"
      )
    shapes = jax.tree.map(lambda x: x.shape, (state, template))
    if shapes[0] != shapes[1]:
      raise CheckpointError("another architecture: arrays have other shapes")
    if data_iterator is not None:
      self._manager.restore(step, args=ocp.args.Composite(data=CheckpointRestore(data_iterator)))
    return state

  def _unwritable(self, error: Exception) -> CheckpointError:
    return CheckpointError(
      f"Could not write a checkpoint to {self._path}: {error}. Earlier checkpoints are untouched; "
      "make room or fix the permissions, and run the same command to resume."
    )
