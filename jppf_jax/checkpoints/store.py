"""Checkpoints of a run: saved and restored by Orbax, checked by checksums of our own.

A checkpoint holds the training state without replication, the position of the input pipeline and a
record of what was saved. All three have checksums, because Orbax does not notice flipped bytes.
States are host arrays, so a checkpoint depends neither on the number of devices or processes nor on
how the step is parallelised.
"""

import itertools
import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grain
import jax
import numpy as np
import orbax.checkpoint as ocp
from absl import logging
from grain.checkpoint import CheckpointRestore, CheckpointSave
from jax.experimental import multihost_utils

Record = dict[str, Any]


class CheckpointError(RuntimeError):
  """A checkpoint could not be written, or none of those in the folder can be read."""


class _OtherArrays(CheckpointError):
  """A checkpoint is not damaged, but holds another state than the one that is wanted."""

  def __init__(self, path: Path, differing: str):
    super().__init__(
      f"The checkpoint {path} is of another network or optimizer: {differing}. Use the config that "
      "made it, or choose another --workdir."
    )


def checksums(tree: Any) -> dict[str, int]:
  """Returns the CRC-32 of each leaf (of its dtype, shape and bytes), keyed by the leaf's path."""
  result = {}
  for name, leaf in _named_leaves(tree).items():
    array = np.ascontiguousarray(leaf)
    header = f"{array.dtype.str} {array.shape}".encode()
    content = array.reshape(-1).view(np.uint8).data
    result[name] = zlib.crc32(content, zlib.crc32(header))
  return result


def _seal(values: Any) -> int:
  """Returns the CRC-32 of JSON values."""
  return zlib.crc32(json.dumps(values, sort_keys=True).encode())


class _SealedPosition(grain.DatasetIterator):
  """Saves and restores the position of an iterator together with its checksum.

  Args:
    iterator: whose position it is.
    step: of the checkpoint.
  """

  def __init__(self, iterator: grain.DatasetIterator, step: int):
    super().__init__()
    self._iterator, self._step = iterator, step

  def get_state(self) -> dict[str, Any]:
    content = {"step": self._step, "position": self._iterator.get_state()}
    return content | {"checksum": _seal(content)}

  def set_state(self, state: dict[str, Any]) -> None:
    content = {"step": self._step, "position": state.get("position")}
    if state.get("checksum") != _seal(content):
      raise CheckpointError("the position in the data does not match its checksum")
    self._iterator.set_state(content["position"])

  def start_prefetch(self) -> None:
    self._iterator.start_prefetch()

  def __next__(self) -> Any:
    return next(self._iterator)


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
    self._read_only = read_only
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

  def save(self, step: int, state: Any, record: Record, data_iterator: Any = None) -> None:
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
    record = {**record, "step": step, "checksums": checksums(state)}
    sealed = {**record, "checksum": _seal(record)}
    items = {"state": ocp.args.StandardSave(state), "record": ocp.args.JsonSave(sealed)}
    if data_iterator is not None:
      items["data"] = CheckpointSave(_SealedPosition(data_iterator, step))
    try:
      saved = self._manager.save(step, args=ocp.args.Composite(**items))
    except (OSError, ValueError) as error:
      raise unwritable(self._path, error) from error
    if not saved:  # Orbax skips a step that is not after all others
      newest = max(self.steps(), default=None)
      raise unwritable(
        self._path, f"step {step} is not after step {newest}, which is there already"
      )

  def wait(self) -> None:
    """Waits until everything is on disk.

    Raises:
      CheckpointError: a checkpoint could not be written.
    """
    try:
      self._manager.wait_until_finished()
    except Exception as error:
      raise unwritable(self._path, error) from error

  def close(self) -> None:
    """Waits as `wait` does, then releases the folder; call it last."""
    self.wait()
    self._manager.close()

  def record(self, step: int) -> Record:
    """Returns what `save` was given as `record`, with the step and the checksums."""
    record = dict(self._restore_items(step, record=ocp.args.JsonRestore()).record)
    if record.pop("checksum", None) != _seal(record) or record["step"] != step:
      raise CheckpointError("the record does not match its checksum")
    return record

  def restore(
    self,
    template: Any,
    data_iterator: Any = None,
    *,
    accept: Callable[[Record], object] | None = None,
  ) -> tuple[int, Any] | None:
    """Restores the newest checkpoint that is complete and undamaged.

    Damaged ones after it are set aside: renamed to `damaged_STEP`, so that the step can be saved
    again.

    Args:
      template: a tree of arrays or `ShapeDtypeStruct`s with the structure of the state.
      data_iterator: a grain iterator, which is set to the saved position.
      accept: called with the record of an undamaged checkpoint, before anything else is compared;
        what it raises ends the search.

    Returns:
      `(step, state)` with host arrays, or None if the folder has no checkpoint.

    Raises:
      CheckpointError: there are checkpoints, but all are damaged.
      CheckpointError: the newest one that is not has other arrays: of another architecture or
        optimizer.
    """
    template = jax.tree.map(lambda x: np.zeros(x.shape, x.dtype), template)
    damaged: list[int] = []
    problems = []
    for step in reversed(self.steps()):
      state, problem = self._attempt(step, template, data_iterator, accept)
      if _everywhere(state is not None):
        self._set_aside(damaged)
        return step, state
      damaged.append(step)
      problems.append(f"step {step}: {problem}")
      logging.warning("Checkpoint of %s cannot be used; trying the one before.", problems[-1])
    if problems:
      listing = "\n  ".join(problems)
      raise CheckpointError(
        f"None of the checkpoints in {self._path} can be used:\n  {listing}\n"
        "They may be damaged. They stay as they are; another --workdir starts anew."
      )
    return None

  def _attempt(
    self,
    step: int,
    template: Any,
    data_iterator: Any,
    accept: Callable[[Record], object] | None,
  ) -> tuple[Any, str]:
    """Returns the state of a checkpoint, or None and why it cannot be used."""
    try:
      record = self.record(step)
    except Exception as error:  # a damaged file makes Orbax raise errors of many types
      return None, _first_line(error)
    if accept is not None:
      accept(record)
    try:
      return self._restore_step(step, record, template, data_iterator), "in another process"
    except _OtherArrays:
      raise
    except Exception as error:
      return None, _first_line(error)

  def _restore_step(self, step: int, record: Record, template: Any, data_iterator: Any) -> Any:
    expected = record["checksums"]
    differing = sorted(_named_leaves(template).keys() ^ expected.keys())
    if differing:
      some = f"{len(differing)} arrays differ, the first is {differing[0]}"
      raise _OtherArrays(self._path / f"{step}", some)
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
      raise _OtherArrays(self._path / f"{step}", "arrays have other shapes")
    if data_iterator is not None:
      self._restore_position(step, _SealedPosition(data_iterator, step))
    return state

  def _restore_position(self, step: int, position: _SealedPosition) -> None:
    """Sets the position; all processes save the same, so their number may have changed."""
    folder = self._path / f"{step}" / "data"
    own = folder / f"process_{jax.process_index()}-of-{jax.process_count()}.json"
    others = sorted(folder.glob("process_*-of-*.json"))
    if own.exists() or not others:
      self._restore_items(step, data=CheckpointRestore(position))
    else:
      position.set_state(json.loads(others[0].read_text()))

  def _set_aside(self, steps: list[int]) -> None:
    """Renames checkpoints, so that Orbax neither counts them nor keeps them from being saved."""
    if not steps or self._read_only:
      return
    if jax.process_index() == 0:
      for step in steps:
        target = _unused(self._path / f"damaged_{step}")
        (self._path / f"{step}").rename(target)
        logging.warning("The damaged checkpoint of step %d is now %s.", step, target)
    _everywhere(True)  # no process goes on before they are renamed
    self._manager.reload()

  def _restore_items(self, step: int, **items: Any) -> Any:
    return self._manager.restore(step, args=ocp.args.Composite(**items))


def unwritable(path: Path, error: Exception | str) -> CheckpointError:
  """Returns what to raise if a file of a run could not be written to `path`: one sentence."""
  text = str(error)
  full = "No space left" in text or "RESOURCE_EXHAUSTED" in text or "StorageFull" in text
  reason = "No space left on device" if full else _first_line(text).rstrip(".")
  return CheckpointError(
    f"Could not write to {path}: {reason}. Earlier checkpoints are untouched; make room or fix the "
    "permissions, and run the same command to resume."
  )


def _everywhere(fine: bool) -> bool:
  """Returns whether a value is true in all processes; waits for them."""
  if jax.process_count() == 1:
    return fine
  return bool(multihost_utils.process_allgather(np.array(fine)).all())


def _unused(path: Path) -> Path:
  """Returns a path that does not exist: this one, or with a number after its name."""
  numbered = (path.with_name(f"{path.name}_{number}") for number in itertools.count(2))
  return next(found for found in itertools.chain([path], numbered) if not found.exists())


def _first_line(error: Exception | str) -> str:
  """The first line of an error's message, or its type if it has none."""
  message = str(error)
  return message.splitlines()[0] if message else type(error).__name__
