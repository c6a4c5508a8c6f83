"""The next batch on its way to the devices while the current one is worked on."""

from collections.abc import Callable
from typing import Any

import grain


class DevicePrefetch(grain.DatasetIterator):
  """Batches on the devices, and at most one that waits: call `fetch` once a step runs, and its copy
  costs no time.

  The position (`get_state`, what a checkpoint saves) is that after the batches that were taken, so
  a run that resumes neither skips nor repeats the one that waits.

  Args:
    batches: pairs of a host batch and something that stays on the host (image ids), see
      `loader.train_iterator`. It is not closed when this iterator is.
    put: starts the copy, see `put_batch` in `parallel.py`.
  """

  def __init__(self, batches: grain.DatasetIterator, put: Callable[[Any], Any]):
    super().__init__()
    self._batches, self._put = batches, put
    self._waiting: tuple[Any, Any, Any] | None = None
    self._state = batches.get_state()

  def fetch(self) -> None:
    """Takes the next batch from the host and starts to copy it, unless one waits already."""
    if self._waiting is None:
      batch, ids = next(self._batches)
      self._waiting = self._put(batch), ids, self._batches.get_state()

  def __next__(self) -> tuple[Any, Any]:
    self.fetch()
    batch, ids, self._state = self._waiting
    self._waiting = None
    return batch, ids

  def get_state(self) -> dict[str, Any]:
    return self._state

  def set_state(self, state: dict[str, Any]) -> None:
    self._batches.set_state(state)
    self._waiting, self._state = None, state
