"""Copies the next batch to the devices while a step runs on the current one."""

from collections.abc import Callable
from typing import Any

import grain


class DevicePrefetch(grain.DatasetIterator):
  """An iterator over batches on the devices; at most one batch waits there to be taken.

  Call `fetch` while a step runs, so that the copy of the next batch costs no time. The position
  (`get_state`, which a checkpoint saves) counts only batches that were taken. A resumed run thus
  neither skips nor repeats the batch that was waiting.

  Args:
    batches: pairs of a host batch and something that stays on the host (image ids), see
      `loader.train_iterator`. Closing this iterator does not close it.
    put: starts the copy of a batch, see `put_batch` in `parallel.py`.
  """

  def __init__(self, batches: grain.DatasetIterator, put: Callable[[Any], Any]):
    super().__init__()
    self._batches, self._put = batches, put
    self._waiting: tuple[Any, Any, Any, dict[str, Any]] | None = None
    self._state = batches.get_state()

  def fetch(self) -> None:
    """Starts the copy of the next batch, unless one is waiting already."""
    if self._waiting is None:
      self._waiting = self._next()

  def __next__(self) -> tuple[Any, Any, Any]:
    """Returns the next batch on the devices, the same on the host, and what belongs to it there."""
    on_devices, batch, ids, self._state = self._waiting or self._next()
    self._waiting = None
    return on_devices, batch, ids

  def _next(self) -> tuple[Any, Any, Any, dict[str, Any]]:
    batch, ids = next(self._batches)
    return self._put(batch), batch, ids, self._batches.get_state()

  def get_state(self) -> dict[str, Any]:
    """Returns the position after the batches that were taken."""
    return self._state

  def set_state(self, state: dict[str, Any]) -> None:
    """Continues from a position; a waiting batch is dropped."""
    self._batches.set_state(state)
    self._waiting, self._state = None, state
