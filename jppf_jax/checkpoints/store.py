"""Checkpoints of a run: saved and restored by Orbax, checked by checksums of our own.

A checkpoint holds the training state without replication, the position of the input pipeline and a
record of what was saved. The record has a checksum of each array, because Orbax does not notice
flipped bytes. States are host arrays, so a checkpoint depends neither on the number of devices nor
on how the step is parallelised.
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
  """A checkpoint could not be written, or none of those in the folder can be read."""


def checksums(tree: Any) -> dict[str, int]:
  """Returns the CRC-32 of each leaf (of its dtype, shape and bytes), keyed by the leaf's path."""
  result = {}
  for name, leaf in _named_leaves(tree).items():
    array = np.ascontiguousarray(leaf)
    header = f"{array.dtype.str} {array.shape}".encode()
    content = array.reshape(-1).view(np.uint8).data
    result[name] = zlib.crc32(content, zlib.crc32(header))
  return result


def _named_leaves(tree: Any) -> dict[str, Any]:
  leaves = jax.tree_util.tree_leaves_with_path(tree)
  return {jax.tree_util.keystr(path): leaf for path, leaf in leaves}


class Checkpoints:
  """The checkpoints under one folder.

  Args:
    path: the folder; created unless `read_only`.
    keep: how many of the newest checkpoints to keep.
    read_only: if True, nothing is created or cleaned up.
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
      step: number of the checkpoint.
      state: a tree of host arrays.
      record: JSON values to keep beside it, e.g. the config of the run.
      data_iterator: a grain iterator, whose position is saved.

    Raises:
      CheckpointError: this checkpoint or the one before could not be written, e.g. because the disk
        is full. Earlier checkpoints are untouched.
    """
    record = {**record, "checksums": checksums(state)}
    items = {"state": ocp.args.StandardSave(state), "record": ocp.args.JsonSave(record)}
    if data_iterator is not None:
      items["data"] = CheckpointSave(data_iterator)
    try:
      self._manager.save(step, args=ocp.args.Composite(**items))
    except (OSError, ValueError) as error:
      raise self._unwritable(error) from error

  def wait(self) -> None:
    """Waits until everything is on disk.

    Raises:
      CheckpointError: a checkpoint could not be written.
    """
    try:
      self._manager.wait_until_finished()
    except Exception as error:
      raise self._unwritable(error) from error

  def close(self) -> None:
    """Waits as `wait` does, then releases the folder; call it last."""
    self.wait()
    self._manager.close()

  def record(self, step: int) -> dict[str, Any]:
    """Returns what `save` was given as `record`."""
    return self._restore_items(step, record=ocp.args.JsonRestore()).record

  def restore(self, template: Any, data_iterator: Any = None) -> tuple[int, Any] | None:
    """Restores the newest checkpoint that is complete and undamaged.

    Args:
      template: a tree of arrays or `ShapeDtypeStruct`s with the structure of the state.
      data_iterator: a grain iterator, which is set to the saved position.

    Returns:
      `(step, state)` with host arrays, or None if the folder has no checkpoint.

    Raises:
      CheckpointError: there are checkpoints, but all are damaged or of another architecture.
    """
    template = jax.tree.map(lambda x: np.zeros(x.shape, x.dtype), template)
    problems = []
    for step in reversed(self.steps()):
      try:
        state = self._restore_step(step, template, data_iterator)
      except Exception as error:  # a damaged file makes Orbax raise errors of many types
        problems.append(f"step {step}: {_first_line(error)}")
        logging.warning("Checkpoint of %s cannot be used; trying the one before.", problems[-1])
        continue
      return step, state
    if problems:
      listing = "\n  ".join(problems)
      raise CheckpointError(
        f"None of the checkpoints in {self._path} can be used:\n  {listing}\n"
        "They may be damaged or belong to another architecture. Use the config that made them, or "
        "another --workdir."
      )
    return None

  def _restore_step(self, step: int, template: Any, data_iterator: Any) -> Any:
    expected = self.record(step).get("checksums", {})
    differing = sorted(_named_leaves(template).keys() ^ expected.keys())
    if differing:
      raise CheckpointError(
        f"another architecture: {len(differing)} arrays differ, the first is {differing[0]}"
      )
    restored = self._restore_items(step, state=ocp.args.StandardRestore(template))
    state = jax.tree.map(np.asarray, restored.state)
    found = checksums(state)
    damaged = [name for name in found if found[name] != expected[name]]
    if damaged:
      raise CheckpointError(
        f"{len(damaged)} arrays do not match their checksum, the first is {damaged[0]}"
      )
    found_shapes, wanted_shapes = jax.tree.map(np.shape, (state, template))
    if found_shapes != wanted_shapes:
      raise CheckpointError("another architecture: arrays have other shapes")
    if data_iterator is not None:
      self._restore_items(step, data=CheckpointRestore(data_iterator))
    return state

  def _restore_items(self, step: int, **items: Any) -> Any:
    return self._manager.restore(step, args=ocp.args.Composite(**items))

  def _unwritable(self, error: Exception) -> CheckpointError:
    return CheckpointError(
      f"Could not write a checkpoint to {self._path}: {error}. Earlier checkpoints are untouched; "
      "make room or fix the permissions, and run the same command to resume."
    )


def _first_line(error: Exception) -> str:
  """The first line of an error's message, or its type if it has none."""
  message = str(error)
  return message.splitlines()[0] if message else type(error).__name__
